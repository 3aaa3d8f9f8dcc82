"""What is open and what waits, read in one transaction for a view that does so every few seconds.

Every statement uses an index of what is open, pending or dead, and reads a bounded number of rows: what is over costs
nothing, however much of it there is.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, Select, func, or_, select

from daemon.model.delivery import WINDOW, DeliveryState
from daemon.model.destination import DEFAULT
from daemon.model.incident import Kind, Phase
from daemon.model.polling import beside
from daemon.model.standing import Message, OpenIncident, Standing
from daemon.storage import delivery_rows as rows
from daemon.storage import queries, silences
from daemon.storage.columns import constant
from daemon.storage.engine import transaction
from daemon.storage.schema import DELIVERIES, DESTINATIONS, INCIDENTS, OF_THE_PROGRAM, OPEN

_BEGAN = func.coalesce(INCIDENTS.c.reopened_at, INCIDENTS.c.started_at, INCIDENTS.c.first_seen_at)


def read(engine: Engine, now: datetime, limit: int) -> Standing:
    """`limit`: at most so many incidents, and so many messages. Raises `DatabaseBusyError`."""
    with transaction(engine, writes=False) as connection:
        return Standing(
            snapshot=queries.figures(connection),
            silences=len(silences.in_force(connection, now)),
            sent_lately=connection.execute(_sent_since(now - WINDOW)).scalar_one(),
            holds=_holds(connection, now),
            incidents=_incidents(connection, limit),
            outbox=_outbox(connection, limit),
        )


def _incidents(connection: Connection, limit: int) -> tuple[OpenIncident, ...]:
    query = select(INCIDENTS, _BEGAN.label("began")).where(OPEN).order_by(_BEGAN.desc(), INCIDENTS.c.id.desc())
    found = connection.execute(query.limit(limit)).all()
    told = _messages_of(connection, [row.id for row in found])
    return tuple(_incident(row, told) for row in found)


def _incident(row: Row[Any], told: dict[tuple[str, int], list[Message]]) -> OpenIncident:
    silent = None if row.alerted else row.silent_because
    since = row.reopened_at or row.started_at or row.first_seen_at
    messages = tuple(told.get((row.id, row.generation), ()))
    return OpenIncident(row.id, beside(row.name, row.polled_from), row.cause, Phase(row.phase), since, silent, messages)


def _messages_of(connection: Connection, ids: Sequence[str]) -> dict[tuple[str, int], list[Message]]:
    """By incident and generation, oldest first."""
    found: dict[tuple[str, int], list[Message]] = {}
    for row in connection.execute(_rows().where(DELIVERIES.c.incident_id.in_(ids)).order_by(DELIVERIES.c.id)):
        found.setdefault((row.incident_id, row.generation), []).append(_message(row))
    return found


def _outbox(connection: Connection, limit: int) -> tuple[Message, ...]:
    """Two statements: each state has its index."""
    found = list[Message]()
    # In the order of the id alone SQLite would read the whole table, and not use the index of dead ones.
    number = DELIVERIES.c.id + 0
    for state, order in ((rows.DEAD, [number]), (rows.PENDING, [DELIVERIES.c.due_at, number])):
        query = _rows().where(state).order_by(*order).limit(limit - len(found))
        found += map(_message, connection.execute(query))
    return tuple(found)


def _rows() -> "Select[*tuple[Any, ...]]":
    names = ["id", "incident_id", "generation", "kind", "destination", "state", "reason", "attempts"]
    names += ["due_at", "delivered_at", "last_error", "held_because"]
    of_incident = (INCIDENTS.c.name.label("incident_name"), OF_THE_PROGRAM.label("is_alarm"))
    return select(*(DELIVERIES.c[name] for name in names), *of_incident).join(
        INCIDENTS, INCIDENTS.c.id == DELIVERIES.c.incident_id
    )


def _message(row: Row[Any]) -> Message:
    return Message(
        id=row.id,
        incident_id=row.incident_id,
        incident_name=row.incident_name,
        is_alarm=row.is_alarm,
        kind=Kind(row.kind),
        team=row.destination,
        state=DeliveryState(row.state),
        reason=row.reason,
        attempts=row.attempts,
        due_at=row.due_at,
        delivered_at=row.delivered_at,
        last_error=row.last_error,
        held_because=row.held_because,
    )


def _holds(connection: Connection, now: datetime) -> dict[str, datetime]:
    query = select(DESTINATIONS.c.name, DESTINATIONS.c.hold_until)
    return dict(connection.execute(query.where(DESTINATIONS.c.hold_until > now).order_by(DESTINATIONS.c.name)).all())


def _sent_since(moment: datetime) -> "Select[*tuple[Any, ...]]":
    """How many messages of the account of the team `default` were sent since then."""
    account = select(DESTINATIONS.c.account).where(DESTINATIONS.c.name == DEFAULT).scalar_subquery()
    teams = select(DESTINATIONS.c.name).where(or_(DESTINATIONS.c.account == account, DESTINATIONS.c.name == DEFAULT))
    return select(func.count()).where(
        DELIVERIES.c.attempted_at >= moment,
        DELIVERIES.c.destination.in_(teams),
        DELIVERIES.c.state != constant(DeliveryState.SUPERSEDED),
    )
