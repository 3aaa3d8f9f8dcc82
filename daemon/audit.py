"""What the database tells people: listings, the figures of `status`, and the revival of dead deliveries."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, and_, exists, func, select, update

from daemon.database import transaction
from daemon.delivery import DeliveryState
from daemon.figures import Figures, OwnFault
from daemon.incident import Kind, Phase
from daemon.tables import DELIVERIES, INCIDENTS, OPEN, PROGRESS, TARGETS, UNTROUBLED


@dataclass(frozen=True, slots=True)
class Revival:
    """What became of the wish to revive one delivery."""

    id: int
    refusal: str | None
    """Why it was refused, a sentence; `None` where the delivery is pending again."""


def figures(engine: Engine) -> Figures:
    """The figures behind `status`. Raises `DatabaseBusyError`."""
    pending, dead = (DELIVERIES.c.state == state for state in (DeliveryState.PENDING, DeliveryState.DEAD))
    alarms = select(INCIDENTS.c.id, INCIDENTS.c.name).where(INCIDENTS.c.is_alarm, INCIDENTS.c.phase != Phase.RESOLVED)
    with transaction(engine, writes=False) as connection:
        progress = connection.execute(select(PROGRESS)).one()
        target = connection.execute(select(TARGETS)).one()
        waiting = connection.execute(
            select(func.min(DELIVERIES.c.created_at), func.min(DELIVERIES.c.due_at)).where(pending, ~_is_held_up())
        ).one()
        return Figures(
            last_complete_round_at=progress.last_complete_round_at,
            last_round_error=progress.last_round_error,
            token_suspect_since=progress.token_suspect_since,
            failing_since=progress.failing_since,
            refused_rounds=progress.refused_rounds,
            secret_refused_since=target.secret_refused_since,
            refused_because=target.why,
            open_incidents=_count(connection, OPEN),
            pending_deliveries=_count(connection, pending),
            dead_deliveries=_count(connection, dead),
            dead_alerts=_count(connection, and_(dead, ~_is_of_alarm())),
            open_alarms={row.id: row.name for row in connection.execute(alarms)},
            event_limit=target.event_limit,
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
    """By a delivery of the same incident that fails on its own, be it this one."""
    own = DELIVERIES.alias()
    same = [own.c.incident_id == DELIVERIES.c.incident_id, own.c.state == DeliveryState.PENDING, own.c.own_fault]
    return exists().where(*same)


def _is_of_alarm() -> ColumnElement[bool]:
    return exists().where(INCIDENTS.c.id == DELIVERIES.c.incident_id, INCIDENTS.c.is_alarm)


def _count(connection: Connection, which: Any) -> int:
    return connection.execute(select(func.count()).where(which)).scalar_one()


def incidents(engine: Engine, *, open_only: bool) -> list[dict[str, Any]]:
    """What is known of each incident, the latest to change first."""
    which = OPEN if open_only else ~INCIDENTS.c.is_alarm
    query = select(INCIDENTS).where(which).order_by(INCIDENTS.c.changed_at.desc(), INCIDENTS.c.id.desc())
    return _rows(engine, query)


def deliveries(engine: Engine, state: DeliveryState | None) -> list[dict[str, Any]]:
    """The outbox, newest first."""
    query = select(DELIVERIES).order_by(DELIVERIES.c.id.desc())
    if state is not None:
        query = query.where(DELIVERIES.c.state == state)
    return _rows(engine, query)


def _rows(engine: Engine, query: Any) -> list[dict[str, Any]]:
    with transaction(engine, writes=False) as connection:
        return [dict(row._mapping) for row in connection.execute(query)]


def dead_ids(engine: Engine) -> list[int]:
    """The dead deliveries, oldest first."""
    with transaction(engine, writes=False) as connection:
        query = select(DELIVERIES.c.id).where(DELIVERIES.c.state == DeliveryState.DEAD).order_by(DELIVERIES.c.id)
        return list(connection.execute(query).scalars())


def revive(engine: Engine, ids: Collection[int], *, force: bool) -> list[Revival]:
    """Makes dead deliveries pending again, with the full payload, due now. Raises `DatabaseBusyError`."""
    with transaction(engine, writes=True) as connection:
        return [_revive(connection, delivery_id, datetime.now(UTC), force=force) for delivery_id in ids]


def _revive(connection: Connection, delivery_id: int, now: datetime, *, force: bool) -> Revival:
    possible = 0 < delivery_id < 2**63
    query = select(DELIVERIES).where(DELIVERIES.c.id == delivery_id)
    row = connection.execute(query).one_or_none() if possible else None
    if row is None:
        return Revival(delivery_id, f"there is no delivery {delivery_id}; `deliveries` lists them")
    if row.state != DeliveryState.DEAD:
        return Revival(delivery_id, f"delivery {delivery_id} is {row.state}, not dead")
    if row.kind != Kind.RESOLVED and not force and _is_over(connection, row.incident_id, row.generation):
        return Revival(
            delivery_id,
            f"delivery {delivery_id} tells `{row.kind}` of incident {row.incident_id}, which is over, "
            "and nothing would close the alert; --force sends it all the same",
        )
    values = {
        "state": DeliveryState.PENDING,
        "due_at": now,
        "payload": row.refused_payload or row.payload,
        "refused_payload": None,
        **UNTROUBLED,
    }
    connection.execute(update(DELIVERIES).where(DELIVERIES.c.id == delivery_id).values(values))
    return Revival(delivery_id, None)


def _is_over(connection: Connection, incident_id: str, generation: int) -> bool:
    end = DELIVERIES.alias()
    same = [end.c.incident_id == incident_id, end.c.generation == generation, end.c.kind == Kind.RESOLVED]
    return connection.execute(select(end.c.id).where(*same)).first() is not None
