"""What the sender asks of the outbox, as SQL statements and how their rows are read; and which rows nobody wants.

`store` executes them, and `audit` for the operator.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Row, Select, and_, exists, func, or_, select

from daemon.delivery import Delivery, DeliveryState, Opening, Waiting
from daemon.incident import Kind
from daemon.tables import DELIVERIES, INCIDENTS

PENDING = DELIVERIES.c.state == DeliveryState.PENDING
ALARM_OVER = "the alarm is over"


def due(opening: Opening, busy: Iterable[str], limit: int, now: datetime) -> "Select[*tuple[Any, ...]]":
    """The deliveries that may go now: the first of each incident, save the `busy` ones, the most urgent first."""
    admitted = [refused for refused, at in ((False, opening.clean_from), (True, opening.refused_from)) if at <= now]
    end = DELIVERIES.alias()
    is_refused = DELIVERIES.c.refused_payload.is_not(None)
    # Alerts for incidents that are still open go first; a probe of the secret takes what was tried longest ago.
    alerts_first = and_(DELIVERIES.c.kind == Kind.NEW, end.c.id.is_(None)).desc()
    order = DELIVERIES.c.attempted_at.asc().nulls_first() if opening.probe else alerts_first
    return (
        select(DELIVERIES, end.c.occurred_at.label("over_since"))
        .outerjoin(end, _ends(end))
        .where(PENDING, _first(), DELIVERIES.c.due_at <= now, is_refused.in_(admitted))
        .where(DELIVERIES.c.incident_id.not_in(list(busy)))
        .order_by(order, DELIVERIES.c.occurred_at, DELIVERIES.c.id)
        .limit(limit)
    )


def waiting(busy: Iterable[str]) -> "Select[*tuple[Any, ...]]":
    """When the next deliveries are due, leaving out the `busy` incidents."""
    refused, attempted = DELIVERIES.c.refused_payload.is_not(None), DELIVERIES.c.attempts > 0
    return (
        select(func.min(DELIVERIES.c.due_at).label("due_at"), refused.label("refused"), attempted.label("attempted"))
        .where(PENDING, _first(), DELIVERIES.c.incident_id.not_in(list(busy)))
        .group_by(refused, attempted)
    )


def delivery_of(row: Row[Any]) -> Delivery:
    """A row of `due`."""
    return Delivery(
        id=row.id,
        incident_id=row.incident_id,
        generation=row.generation,
        kind=Kind(row.kind),
        external_id=row.external_id,
        payload=row.payload,
        attempts=row.attempts,
        refused=row.refused_payload is not None,
        over_since=row.over_since,
    )


def waiting_of(row: Row[Any]) -> Waiting:
    """A row of `waiting`."""
    return Waiting(row.due_at, bool(row.refused), bool(row.attempted))


def unchanged(delivery: Delivery) -> ColumnElement[bool]:
    """The row is as it was read, and still the one that may go: an operator may have been at it, or at one before."""
    as_read = [
        DELIVERIES.c.id == delivery.id,
        DELIVERIES.c.attempts == delivery.attempts,
        DELIVERIES.c.refused_payload.is_not(None) == delivery.refused,
    ]
    return and_(PENDING, _first(), *as_read)


def of_alarm() -> ColumnElement[bool]:
    """The row tells of an alarm of our own."""
    return exists().where(INCIDENTS.c.id == DELIVERIES.c.incident_id, INCIDENTS.c.is_alarm)


def too_late() -> ColumnElement[bool]:
    """The opposite of what the row tells became true since: it would open what is over, or close what is open."""
    end, later = DELIVERIES.alias(), DELIVERIES.alias()
    again = [later.c.incident_id == DELIVERIES.c.incident_id, later.c.generation > DELIVERIES.c.generation]
    reopened = exists().where(*again, later.c.kind == Kind.NEW, DELIVERIES.c.kind == Kind.RESOLVED)
    return or_(exists().where(_ends(end)), reopened)


def pointless() -> ColumnElement[bool]:
    """A dead row of an alarm that nobody can want any more. Of incidents, a person decides that."""
    begun = DELIVERIES.alias()
    same = [begun.c.incident_id == DELIVERIES.c.incident_id, begun.c.generation == DELIVERIES.c.generation]
    given_up = [begun.c.kind == Kind.NEW, begun.c.state == DeliveryState.SUPERSEDED]
    unheard_end = exists().where(*same, *given_up, DELIVERIES.c.kind == Kind.RESOLVED)
    return and_(DELIVERIES.c.state == DeliveryState.DEAD, of_alarm(), or_(too_late(), unheard_end))


def never_told(incident_id: str, generation: int) -> "Select[*tuple[Any, ...]]":
    """Whether the beginning of this generation was given up before anybody could hear of it."""
    same = [DELIVERIES.c.incident_id == incident_id, DELIVERIES.c.generation == generation]
    unheard = [DELIVERIES.c.kind == Kind.NEW, DELIVERIES.c.attempts == 0]
    return select(exists().where(*same, *unheard, DELIVERIES.c.state == DeliveryState.SUPERSEDED))


def _first() -> ColumnElement[bool]:
    """The pending row has no earlier pending one of the same incident: this is what keeps the order."""
    earlier = DELIVERIES.alias()
    same = earlier.c.incident_id == DELIVERIES.c.incident_id
    return ~exists().where(same, earlier.c.state == DeliveryState.PENDING, earlier.c.id < DELIVERIES.c.id)


def _ends(end: FromClause) -> ColumnElement[bool]:
    """`end` is the `resolved` of the same generation."""
    same = [end.c.incident_id == DELIVERIES.c.incident_id, end.c.generation == DELIVERIES.c.generation]
    return and_(*same, end.c.kind == Kind.RESOLVED, DELIVERIES.c.kind != Kind.RESOLVED)
