"""The operator's view of the database: listings, the figures of `status`, and the commands `retry` and `drop`.

Each command is one transaction, so the running daemon sees all of it or nothing.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Row, and_, exists, func, select, update

from daemon.model.delivery import DeliveryState
from daemon.model.destination import DEFAULT
from daemon.model.incident import Kind, Phase
from daemon.model.snapshot import OwnFault, RunMode, Snapshot
from daemon.storage import delivery_rows as rows
from daemon.storage import unreadable_rows
from daemon.storage.engine import transaction
from daemon.storage.schema import ACCOUNTS, DELIVERIES, DESTINATIONS, INCIDENTS, NO_FAILURES, OPEN, PROGRESS

DROPPED = "dropped by hand"
GIVEN_UP_FROM = (DeliveryState.PENDING, DeliveryState.DEAD)


@dataclass(frozen=True, slots=True)
class Revival:
    """The result of `retry` for one delivery."""

    id: int
    refusal: str | None
    """Why it was refused, a sentence; `None` if it was not."""
    became: str = "pending again"


@dataclass(frozen=True, slots=True)
class Dropping:
    """The result of `drop` for one delivery."""

    id: int
    refusal: str | None
    """Why it was refused, a sentence; `None` if it was dropped."""
    with_it: tuple[int, ...] = ()
    """Ids of the deliveries dropped with it."""


_OWN_FAULT = DELIVERIES.alias("own_fault")


def snapshot(engine: Engine) -> Snapshot:
    """The figures behind `status`. Raises `DatabaseBusyError`."""
    pending, dead = (DELIVERIES.c.state == state for state in (DeliveryState.PENDING, DeliveryState.DEAD))
    alarms = select(INCIDENTS.c.id, INCIDENTS.c.name).where(INCIDENTS.c.is_alarm, INCIDENTS.c.phase != Phase.RESOLVED)
    late = select(DELIVERIES.c.id).where(dead, ~rows.of_alarm(), rows.too_late()).order_by(DELIVERIES.c.id)
    with transaction(engine, writes=False) as connection:
        progress = connection.execute(select(PROGRESS)).one()
        destination = connection.execute(select(DESTINATIONS).where(DESTINATIONS.c.name == DEFAULT)).one()
        limit = select(ACCOUNTS.c.event_limit).where(ACCOUNTS.c.name == destination.account)
        waiting = connection.execute(
            select(func.min(DELIVERIES.c.created_at), func.min(DELIVERIES.c.due_at)).where(pending, ~_is_held_up())
        ).one()
        return Snapshot(
            run_mode=None if progress.duty is None else RunMode(progress.duty),
            last_complete_round_at=progress.last_complete_round_at,
            last_round_error=progress.last_round_error,
            token_suspect_since=progress.token_suspect_since,
            failing_since=progress.failing_since,
            refused_rounds=progress.refused_rounds,
            secret_refused_since=destination.secret_refused_since,
            refused_because=destination.why,
            open_incidents=_count(connection, OPEN),
            pending_deliveries=_count(connection, pending),
            dead_deliveries=_count(connection, dead),
            dead_alerts=_count(connection, and_(dead, ~rows.of_alarm())),
            too_late=tuple(connection.execute(late).scalars()),
            open_alarms={row.id: row.name for row in connection.execute(alarms)},
            event_limit=connection.execute(limit).scalar(),
            ahead=None if progress.ahead_seconds is None else timedelta(seconds=progress.ahead_seconds),
            unreadable=tuple(unreadable_rows.read(connection)),
            listed_records=progress.listed_records,
            unreadable_records=progress.unreadable_records,
            oldest_pending_at=waiting[0],
            oldest_due_at=waiting[1],
            own_faults=_own_faults(connection),
        )


def _own_faults(connection: Connection) -> tuple[OwnFault, ...]:
    names = ("id", "incident_id", "kind", "last_error", "failing_since", "created_at")
    query = (
        select(*(DELIVERIES.c[name] for name in names), INCIDENTS.c.is_alarm)
        .join(INCIDENTS, INCIDENTS.c.id == DELIVERIES.c.incident_id)
        .where(DELIVERIES.c.state == DeliveryState.PENDING, DELIVERIES.c.own_fault)
        .order_by(DELIVERIES.c.failing_since, DELIVERIES.c.id)
    )
    return tuple(OwnFault(**row._mapping) for row in connection.execute(query))


def _is_held_up() -> ColumnElement[bool]:
    """Whether a delivery of the same incident, or this one, has a fault of its own."""
    return exists().where(rows.related(_OWN_FAULT), _OWN_FAULT.c.state == DeliveryState.PENDING, _OWN_FAULT.c.own_fault)


def _count(connection: Connection, which: Any) -> int:
    return connection.execute(select(func.count()).where(which)).scalar_one()


def incidents(engine: Engine, *, open_only: bool) -> list[dict[str, Any]]:
    """The recorded incidents, latest change first. `open_only`: the open ones; else all but own alarms."""
    which = OPEN if open_only else ~INCIDENTS.c.is_alarm
    query = select(INCIDENTS).where(which).order_by(INCIDENTS.c.changed_at.desc(), INCIDENTS.c.id.desc())
    return _rows(engine, query)


def deliveries(engine: Engine, state: DeliveryState | None) -> list[dict[str, Any]]:
    """The deliveries in that state, or all; newest first."""
    query = select(DELIVERIES).order_by(DELIVERIES.c.id.desc())
    if state is not None:
        query = query.where(DELIVERIES.c.state == state)
    return _rows(engine, query)


def _rows(engine: Engine, query: Any) -> list[dict[str, Any]]:
    with transaction(engine, writes=False) as connection:
        return [dict(row._mapping) for row in connection.execute(query)]


def dead_ids(engine: Engine) -> list[int]:
    """Ids of the dead deliveries, oldest first."""
    with transaction(engine, writes=False) as connection:
        query = select(DELIVERIES.c.id).where(DELIVERIES.c.state == DeliveryState.DEAD).order_by(DELIVERIES.c.id)
        return list(connection.execute(query).scalars())


def revive(engine: Engine, ids: Collection[int], *, force: bool) -> list[Revival]:
    """Makes dead deliveries pending again, with the full payload, and pending ones due now.

    Raises `DatabaseBusyError`.
    """
    with transaction(engine, writes=True) as connection:
        return [_revive(connection, delivery_id, datetime.now(UTC), force=force) for delivery_id in ids]


def _revive(connection: Connection, delivery_id: int, now: datetime, *, force: bool) -> Revival:
    row = _row(connection, delivery_id)
    if row is None:
        return Revival(delivery_id, _unknown(delivery_id))
    if row.state == DeliveryState.PENDING:
        # The payload stays: a request with it may be in flight.
        _update(connection, delivery_id, due_at=min(row.due_at, now))
        return Revival(delivery_id, None, "due now")
    if row.state != DeliveryState.DEAD:
        return Revival(delivery_id, f"delivery {delivery_id} is {row.state}, not dead")
    if row.obsolete and not force:
        _update(connection, delivery_id, state=DeliveryState.SUPERSEDED, reason=rows.ALARM_OVER)
        return Revival(delivery_id, None, f"superseded: {rows.ALARM_OVER}")
    if row.too_late and not force:
        return Revival(delivery_id, _too_late(row))
    afresh = {"payload": row.refused_payload or row.payload, "refused_payload": None, **NO_FAILURES}
    _update(connection, delivery_id, state=DeliveryState.PENDING, due_at=now, **afresh)
    return Revival(delivery_id, None)


def _too_late(row: Row[Any]) -> str:
    reopened = row.kind == Kind.RESOLVED
    why = (
        "was opened again, and that alert would be closed" if reopened else "is over, and nothing would close the alert"
    )
    what = f"delivery {row.id} tells `{row.kind}` of incident {row.incident_id}"
    return f"{what}, which {why}; --force sends it all the same"


def drop(engine: Engine, ids: Collection[int]) -> list[Dropping]:
    """Drops pending and dead deliveries, in one transaction. Raises `DatabaseBusyError`.

    A `new` that was never attempted alerted nobody: the later deliveries of its generation are dropped with it.
    """
    dropped: dict[int, Dropping] = {}
    with transaction(engine, writes=True) as connection:
        for delivery_id in ids:
            if delivery_id not in dropped:
                done = _drop(connection, delivery_id)
                dropped |= {other: Dropping(other, None) for other in done.with_it} | {delivery_id: done}
        # Without a pending delivery no probe can show that the secret works again, so its fault is cleared.
        willing = {"secret_refused_since": None, "probe_at": None}
        waiting = exists().where(rows.PENDING, DELIVERIES.c.destination == DESTINATIONS.c.name)
        connection.execute(update(DESTINATIONS).where(~waiting).values(willing))
    return [dropped[delivery_id] for delivery_id in ids]


def _drop(connection: Connection, delivery_id: int) -> Dropping:
    row = _row(connection, delivery_id)
    if row is None:
        return Dropping(delivery_id, _unknown(delivery_id))
    if row.state not in GIVEN_UP_FROM:
        return Dropping(delivery_id, f"delivery {delivery_id} is {row.state}, neither waiting nor dead")
    _update(connection, delivery_id, state=DeliveryState.SUPERSEDED, reason=DROPPED)
    if row.kind != Kind.NEW or row.attempts:
        return Dropping(delivery_id, None)
    same = [
        DELIVERIES.c.incident_id == row.incident_id,
        DELIVERIES.c.generation == row.generation,
        DELIVERIES.c.destination == row.destination,
    ]
    followers = select(DELIVERIES.c.id).where(*same, DELIVERIES.c.state.in_(GIVEN_UP_FROM)).order_by(DELIVERIES.c.id)
    with_it = tuple(connection.execute(followers).scalars())
    for other in with_it:
        _update(connection, other, state=DeliveryState.SUPERSEDED, reason=f"{DROPPED} with its `new`")
    return Dropping(delivery_id, None, with_it)


def droppable(engine: Engine, ids: Collection[int]) -> list[dict[str, Any]]:
    """Those of these deliveries that `drop` would drop, oldest first. Raises `DatabaseBusyError`."""
    possible = [delivery_id for delivery_id in ids if _is_possible(delivery_id)]
    query = select(DELIVERIES).where(DELIVERIES.c.id.in_(possible), DELIVERIES.c.state.in_(GIVEN_UP_FROM))
    return _rows(engine, query.order_by(DELIVERIES.c.id))


def _row(connection: Connection, delivery_id: int) -> Row[Any] | None:
    """The delivery, and whether it is too late or pointless; `None` if there is none."""
    if not _is_possible(delivery_id):
        return None
    judged = [rows.too_late().label("too_late"), rows.obsolete().label("obsolete")]
    query = select(DELIVERIES, *judged)
    return connection.execute(query.where(DELIVERIES.c.id == delivery_id)).one_or_none()


def _is_possible(delivery_id: int) -> bool:
    return 0 < delivery_id < 2**63


def _unknown(delivery_id: int) -> str:
    return f"there is no delivery {delivery_id}; `deliveries` lists them"


def _update(connection: Connection, delivery_id: int, **values: Any) -> None:
    connection.execute(update(DELIVERIES).where(DELIVERIES.c.id == delivery_id).values(values))
