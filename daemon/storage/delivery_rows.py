"""SQL conditions on rows of the outbox, shared by the sender, the listings and the operator's commands."""

from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    Update,
    and_,
    bindparam,
    exists,
    or_,
    select,
    update,
)

from daemon.model.delivery import OVER_WHILE_HELD, DeliveryState
from daemon.model.incident import Kind
from daemon.storage.columns import Moment, constant
from daemon.storage.schema import DELIVERIES, DESTINATIONS, INCIDENTS, OF_THE_PROGRAM

PENDING = DELIVERIES.c.state == constant(DeliveryState.PENDING)
DEAD = DELIVERIES.c.state == constant(DeliveryState.DEAD)


def held(row: FromClause = DELIVERIES) -> ColumnElement[bool]:
    """A rule of the operator holds the row, which was never sent."""
    unsent = and_(row.c.state == constant(DeliveryState.PENDING), row.c.attempts == 0)
    return and_(unsent, row.c.held_because.is_not(None))


HELD = held()
GENERATION = [
    DELIVERIES.c.incident_id == bindparam("incident"),
    DELIVERIES.c.generation == bindparam("of_generation"),
]
"""Of one generation of an incident."""
NO_FAILURES = {
    "failing_since": None,
    "failing_from": None,
    "failures": 0,
    "latest_from": None,
    "latest_failures": 0,
    "own_fault": False,
}
"""Column values of a delivery whose failures are cleared."""
ALARM_OVER = "the alarm is over"
TAKEN = select(DESTINATIONS.c.taken).where(DESTINATIONS.c.name == DELIVERIES.c.destination).scalar_subquery()
"""How many deliveries the destination of this one has ever accepted."""
# Aliases are made once: each makes a copy of every column, which costs more than the rest of a query.
_EARLIER, _END, _LATER, _BEGUN = (DELIVERIES.alias(name) for name in ("earlier", "ended", "later", "begun"))


def refused() -> ColumnElement[bool]:
    """The next attempt may be a faulty request, so it counts against the limit on those."""
    return or_(DELIVERIES.c.refused_payload.is_not(None), DELIVERIES.c.own_fault)


def related(other: FromClause) -> ColumnElement[bool]:
    """`other` has the same incident and the same destination."""
    same_incident = other.c.incident_id == DELIVERIES.c.incident_id
    return and_(same_incident, other.c.destination == DELIVERIES.c.destination)


def oldest_pending() -> ColumnElement[bool]:
    """There is no earlier pending row that is `related`. This keeps the order within an incident."""
    is_earlier = and_(_EARLIER.c.state == constant(DeliveryState.PENDING), _EARLIER.c.id < DELIVERIES.c.id)
    return ~exists().where(related(_EARLIER), is_earlier)


def ends(end: FromClause) -> ColumnElement[bool]:
    """`end` is the `resolved` of the same generation."""
    same = end.c.generation == DELIVERIES.c.generation
    return and_(related(end), same, end.c.kind == constant(Kind.RESOLVED), DELIVERIES.c.kind != constant(Kind.RESOLVED))


def of_alarm(row: FromClause = DELIVERIES) -> ColumnElement[bool]:
    """The row belongs to one of the program's own alarms."""
    return exists().where(INCIDENTS.c.id == row.c.incident_id, INCIDENTS.c.is_alarm)


def of_the_program(row: FromClause = DELIVERIES) -> ColumnElement[bool]:
    """The row belongs to an alarm about the program itself."""
    return exists().where(INCIDENTS.c.id == row.c.incident_id, OF_THE_PROGRAM)


def too_late() -> ColumnElement[bool]:
    """Sending the row would contradict the present: it would open what is over, or close what is open again."""
    again = _LATER.c.generation > DELIVERIES.c.generation
    reopened = exists().where(
        related(_LATER), again, _LATER.c.kind == constant(Kind.NEW), DELIVERIES.c.kind == constant(Kind.RESOLVED)
    )
    return or_(exists().where(ends(_END)), reopened)


def obsolete() -> ColumnElement[bool]:
    """A dead row of an own alarm that is obsolete. For incidents a person decides that."""
    same = [related(_BEGUN), _BEGUN.c.generation == DELIVERIES.c.generation]
    given_up = [_BEGUN.c.kind == constant(Kind.NEW), _BEGUN.c.state == constant(DeliveryState.SUPERSEDED)]
    unheard_end = exists().where(*same, *given_up, DELIVERIES.c.kind == constant(Kind.RESOLVED))
    return and_(DEAD, of_alarm(), or_(too_late(), unheard_end))


@cache
def new_never_sent() -> "Select[*tuple[Any, ...]]":
    """Whether the `new` of this generation was superseded before any attempt to send it to this destination."""
    ours = DELIVERIES.c.destination == bindparam("ours")
    unsent = [DELIVERIES.c.kind == constant(Kind.NEW), DELIVERIES.c.attempts == 0]
    return select(exists().where(*GENERATION, ours, *unsent, DELIVERIES.c.state == constant(DeliveryState.SUPERSEDED)))


@cache
def supersede_held() -> Update:
    """Supersedes what a rule holds of a generation that is over: nobody was told that it began.

    Not what it held once, and waits for SIGNL4 by now: nobody was told because of that.
    """
    superseded = {"state": DeliveryState.SUPERSEDED, "reason": OVER_WHILE_HELD + DELIVERIES.c.held_because}
    return (
        update(DELIVERIES)
        .where(*GENERATION, HELD, DELIVERIES.c.due_at > bindparam("now", type_=Moment))
        .values(superseded)
    )


@cache
def supersede_acknowledged() -> Update:
    """Supersedes the `acknowledged` of a resolved incident if it was never attempted."""
    unsent = [PENDING, DELIVERIES.c.kind == constant(Kind.ACKNOWLEDGED), DELIVERIES.c.attempts == 0]
    superseded = {"state": DeliveryState.SUPERSEDED, "reason": "the incident was resolved before this was sent"}
    return update(DELIVERIES).where(*GENERATION, *unsent).values(superseded)


def release_held(connection: Connection, now: datetime) -> None:
    """Makes due now what a rule held, since rules have changed: each is looked at again, and held again if need be."""
    connection.execute(_release_held(), {"now": now})


@cache
def _release_held() -> Update:
    now = bindparam("now", type_=Moment)
    return update(DELIVERIES).where(HELD, DELIVERIES.c.due_at > now).values(due_at=now)
