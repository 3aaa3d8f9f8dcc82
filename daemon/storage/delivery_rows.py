"""Which rows of the outbox are meant: the conditions that its verbs, listings and decisions of people share."""

from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, Update, and_, exists, or_, select, update

from daemon.model.delivery import DeliveryState
from daemon.model.incident import Kind
from daemon.storage.schema import DELIVERIES, DESTINATIONS, INCIDENTS

PENDING = DELIVERIES.c.state == DeliveryState.PENDING
ALARM_OVER = "the alarm is over"
TAKEN = select(DESTINATIONS.c.taken).where(DESTINATIONS.c.name == DELIVERIES.c.destination).scalar_subquery()
"""How many deliveries the destination of this one took, ever."""


def refused() -> ColumnElement[bool]:
    """The next attempt may well be a faulty request, so it waits where those wait."""
    return or_(DELIVERIES.c.refused_payload.is_not(None), DELIVERIES.c.own_fault)


def alike(other: FromClause) -> ColumnElement[bool]:
    """`other` is of the same incident, and for the same destination."""
    same_incident = other.c.incident_id == DELIVERIES.c.incident_id
    return and_(same_incident, other.c.destination == DELIVERIES.c.destination)


def first() -> ColumnElement[bool]:
    """The pending row has no earlier pending one that is `alike`: this is what keeps the order."""
    earlier = DELIVERIES.alias()
    return ~exists().where(alike(earlier), earlier.c.state == DeliveryState.PENDING, earlier.c.id < DELIVERIES.c.id)


def ends(end: FromClause) -> ColumnElement[bool]:
    """`end` is the `resolved` of the same generation."""
    same = end.c.generation == DELIVERIES.c.generation
    return and_(alike(end), same, end.c.kind == Kind.RESOLVED, DELIVERIES.c.kind != Kind.RESOLVED)


def of_alarm() -> ColumnElement[bool]:
    """The row tells of an alarm of our own."""
    return exists().where(INCIDENTS.c.id == DELIVERIES.c.incident_id, INCIDENTS.c.is_alarm)


def too_late() -> ColumnElement[bool]:
    """The opposite of what the row tells became true since: it would open what is over, or close what is open."""
    end, later = DELIVERIES.alias(), DELIVERIES.alias()
    again = later.c.generation > DELIVERIES.c.generation
    reopened = exists().where(alike(later), again, later.c.kind == Kind.NEW, DELIVERIES.c.kind == Kind.RESOLVED)
    return or_(exists().where(ends(end)), reopened)


def pointless() -> ColumnElement[bool]:
    """A dead row of an alarm that nobody can want any more. Of incidents, a person decides that."""
    begun = DELIVERIES.alias()
    same = [alike(begun), begun.c.generation == DELIVERIES.c.generation]
    given_up = [begun.c.kind == Kind.NEW, begun.c.state == DeliveryState.SUPERSEDED]
    unheard_end = exists().where(*same, *given_up, DELIVERIES.c.kind == Kind.RESOLVED)
    return and_(DELIVERIES.c.state == DeliveryState.DEAD, of_alarm(), or_(too_late(), unheard_end))


def never_told(incident_id: str, generation: int, destination: str) -> "Select[*tuple[Any, ...]]":
    """Whether the beginning of this generation was given up before anybody could hear of it there."""
    same = [
        DELIVERIES.c.incident_id == incident_id,
        DELIVERIES.c.generation == generation,
        DELIVERIES.c.destination == destination,
    ]
    unheard = [DELIVERIES.c.kind == Kind.NEW, DELIVERIES.c.attempts == 0]
    return select(exists().where(*same, *unheard, DELIVERIES.c.state == DeliveryState.SUPERSEDED))


def waited_in_vain() -> list[ColumnElement[bool]]:
    """What waits because its attempts failed, and nothing else was taken since: SIGNL4 was down.

    One failure alone says that only of a delivery that had not failed before; else it would be tried with each success.
    """
    in_a_row = or_(DELIVERIES.c.failing_from == TAKEN, DELIVERIES.c.latest_failures > 1)
    return [PENDING, ~DELIVERIES.c.own_fault, DELIVERIES.c.latest_from == TAKEN, in_a_row]


def supersede_acknowledged(incident_id: str, generation: int) -> Update:
    """An acknowledgement that nobody tried to tell is pointless once the incident is over."""
    which = [
        PENDING,
        DELIVERIES.c.incident_id == incident_id,
        DELIVERIES.c.generation == generation,
        DELIVERIES.c.kind == Kind.ACKNOWLEDGED,
        DELIVERIES.c.attempts == 0,
    ]
    superseded = {"state": DeliveryState.SUPERSEDED, "reason": "the incident was resolved before this was sent"}
    return update(DELIVERIES).where(*which).values(superseded)
