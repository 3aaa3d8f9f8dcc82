"""What the sender asks of the outbox, as SQL statements and how their rows are read. `store` executes them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Row, Select, and_, exists, func, or_, select, true

from daemon.delivery import Delivery, DeliveryState, Failing, Opening, Waiting
from daemon.incident import Kind
from daemon.tables import DELIVERIES, TARGETS

PENDING = DELIVERIES.c.state == DeliveryState.PENDING
TAKEN = select(TARGETS.c.taken).scalar_subquery()
"""How many deliveries SIGNL4 took, ever."""


def due(opening: Opening, busy: Iterable[str], limit: int, now: datetime) -> "Select[*tuple[Any, ...]]":
    """The deliveries that may go now: the first of each incident, save the `busy` ones, the most urgent first."""
    admitted = [refused for refused, at in ((False, opening.clean_from), (True, opening.refused_from)) if at <= now]
    end = DELIVERIES.alias()
    # Alerts for incidents that are still open go first; a probe of the secret takes what was tried longest ago. What
    # fails on its own goes last: it holds nobody up.
    alerts_first = and_(DELIVERIES.c.kind == Kind.NEW, end.c.id.is_(None)).desc()
    order = DELIVERIES.c.attempted_at.asc().nulls_first() if opening.probe else alerts_first
    return (
        select(DELIVERIES, end.c.occurred_at.label("over_since"), TAKEN.label("taken"), _failing().label("failing"))
        .outerjoin(end, _ends(end))
        .where(PENDING, _first(), DELIVERIES.c.due_at <= now, _refused().in_(admitted))
        .where(DELIVERIES.c.incident_id.not_in(list(busy)), true() if opening.own_faults else ~DELIVERIES.c.own_fault)
        .order_by(DELIVERIES.c.own_fault, order, DELIVERIES.c.occurred_at, DELIVERIES.c.id)
        .limit(limit)
    )


def waiting(busy: Iterable[str]) -> "Select[*tuple[Any, ...]]":
    """When the next deliveries are due, leaving out the `busy` incidents."""
    alike = [_refused().label("refused"), (DELIVERIES.c.attempts > 0).label("attempted"), DELIVERIES.c.own_fault]
    return (
        select(func.min(DELIVERIES.c.due_at).label("due_at"), *alike)
        .where(PENDING, _first(), DELIVERIES.c.incident_id.not_in(list(busy)))
        .group_by(*alike)
    )


def delivery_of(row: Row[Any]) -> Delivery:
    """A row of `due`."""
    failing = None
    if row.failing_since is not None:
        others_failing = row.failing - (not row.own_fault)
        failing = Failing(row.failing_since, row.failures, row.taken - row.failing_from, others_failing)
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
        taken_before=row.taken,
        failing=failing,
        own_fault=row.own_fault,
    )


def waiting_of(row: Row[Any]) -> Waiting:
    """A row of `waiting`."""
    return Waiting(row.due_at, bool(row.refused), bool(row.attempted), row.own_fault)


def waited_in_vain() -> list[ColumnElement[bool]]:
    """What waits because its attempts failed, and nothing else was taken since the first of them: SIGNL4 was down."""
    return [PENDING, ~DELIVERIES.c.own_fault, DELIVERIES.c.failing_from == TAKEN]


def _refused() -> ColumnElement[bool]:
    """The next attempt may well be a faulty request, so it waits where those wait."""
    return or_(DELIVERIES.c.refused_payload.is_not(None), DELIVERIES.c.own_fault)


def _failing() -> ColumnElement[int]:
    """How many deliveries wait because they failed, save those that fail on their own."""
    other = DELIVERIES.alias()
    fails = [other.c.state == DeliveryState.PENDING, other.c.failing_since.is_not(None), ~other.c.own_fault]
    return select(func.count()).select_from(other).where(*fails).scalar_subquery()


def _first() -> ColumnElement[bool]:
    """The pending row has no earlier pending one of the same incident: this is what keeps the order."""
    earlier = DELIVERIES.alias()
    same = earlier.c.incident_id == DELIVERIES.c.incident_id
    return ~exists().where(same, earlier.c.state == DeliveryState.PENDING, earlier.c.id < DELIVERIES.c.id)


def _ends(end: FromClause) -> ColumnElement[bool]:
    """`end` is the `resolved` of the same generation."""
    same = [end.c.incident_id == DELIVERIES.c.incident_id, end.c.generation == DELIVERIES.c.generation]
    return and_(*same, end.c.kind == Kind.RESOLVED, DELIVERIES.c.kind != Kind.RESOLVED)
