"""What the operator does by hand to deliveries: `retry` and `drop`.

Each command is one transaction, so the running daemon sees all of it or nothing.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, exists, select, update

from daemon.model.delivery import DeliveryState
from daemon.model.history import Happening
from daemon.model.incident import Kind
from daemon.storage import delivery_rows as rows
from daemon.storage import history_rows
from daemon.storage.engine import transaction
from daemon.storage.parts import in_parts
from daemon.storage.schema import DELIVERIES, DESTINATIONS

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


def dead_ids(engine: Engine) -> list[int]:
    """Ids of the dead deliveries, oldest first."""
    with transaction(engine, writes=False) as connection:
        query = select(DELIVERIES.c.id).where(rows.DEAD).order_by(DELIVERIES.c.id)
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
        _note(connection, row, Happening.RETRIED, "due now, by hand", now)
        holds = row.held_because is not None and row.attempts == 0
        lasting = f", but is sent only once this holds it no longer: {row.held_because}" if holds else ""
        return Revival(delivery_id, None, f"due now{lasting}")
    if row.state != DeliveryState.DEAD:
        return Revival(delivery_id, f"delivery {delivery_id} is {row.state}, not dead")
    if row.obsolete and not force:
        _update(connection, delivery_id, state=DeliveryState.SUPERSEDED, reason=rows.ALARM_OVER)
        _note(connection, row, Happening.SUPERSEDED, rows.ALARM_OVER, now)
        return Revival(delivery_id, None, f"superseded: {rows.ALARM_OVER}")
    if row.too_late and not force:
        return Revival(delivery_id, _too_late(row))
    afresh = {"payload": row.refused_payload or row.payload, "refused_payload": None, **rows.NO_FAILURES}
    _update(connection, delivery_id, state=DeliveryState.PENDING, due_at=now, **afresh)
    _note(connection, row, Happening.RETRIED, "pending again, by hand", now)
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
                done = _drop(connection, delivery_id, datetime.now(UTC))
                dropped |= {other: Dropping(other, None) for other in done.with_it} | {delivery_id: done}
        # Without a pending delivery no probe can show that the secret works again, so its fault is cleared.
        willing = {"secret_refused_since": None, "probe_at": None}
        waiting = exists().where(rows.PENDING, DELIVERIES.c.destination == DESTINATIONS.c.name)
        connection.execute(update(DESTINATIONS).where(~waiting).values(willing))
    return [dropped[delivery_id] for delivery_id in ids]


def _drop(connection: Connection, delivery_id: int, now: datetime) -> Dropping:
    row = _row(connection, delivery_id)
    if row is None:
        return Dropping(delivery_id, _unknown(delivery_id))
    if row.state not in GIVEN_UP_FROM:
        return Dropping(delivery_id, f"delivery {delivery_id} is {row.state}, neither waiting nor dead")
    _give_up(connection, row, DROPPED, now)
    if row.kind != Kind.NEW or row.attempts:
        return Dropping(delivery_id, None)
    same = [
        DELIVERIES.c.incident_id == row.incident_id,
        DELIVERIES.c.generation == row.generation,
        DELIVERIES.c.destination == row.destination,
    ]
    followers = select(DELIVERIES).where(*same, DELIVERIES.c.state.in_(GIVEN_UP_FROM)).order_by(DELIVERIES.c.id)
    with_it = connection.execute(followers).all()
    for other in with_it:
        _give_up(connection, other, f"{DROPPED} with its `new`", now)
    return Dropping(delivery_id, None, tuple(other.id for other in with_it))


def droppable(engine: Engine, ids: Collection[int]) -> list[dict[str, Any]]:
    """Those of these deliveries that `drop` would drop, oldest first. Raises `DatabaseBusyError`."""
    possible = [delivery_id for delivery_id in ids if _is_possible(delivery_id)]
    query = select(DELIVERIES).where(DELIVERIES.c.state.in_(GIVEN_UP_FROM)).order_by(DELIVERIES.c.id)
    with transaction(engine, writes=False) as connection:
        parts = (query.where(DELIVERIES.c.id.in_(part)) for part in in_parts(sorted(set(possible))))
        return [dict(row._mapping) for one in parts for row in connection.execute(one)]


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


def _give_up(connection: Connection, row: Row[Any], why: str, now: datetime) -> None:
    _update(connection, row.id, state=DeliveryState.SUPERSEDED, reason=why)
    _note(connection, row, Happening.DROPPED, why, now)


def _note(connection: Connection, row: Row[Any], what: Happening, why: str, now: datetime) -> None:
    history_rows.add(connection, [history_rows.of(row, what, why, now)])


def _update(connection: Connection, delivery_id: int, **values: Any) -> None:
    connection.execute(update(DELIVERIES).where(DELIVERIES.c.id == delivery_id).values(values))
