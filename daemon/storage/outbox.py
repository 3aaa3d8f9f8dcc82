"""What the sender asks of the outbox, as SQL statements and how their rows are read; and which rows nobody wants.

`store` executes them, and `audit` for the operator.
"""

from collections.abc import Iterable
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Row,
    Select,
    Update,
    and_,
    case,
    exists,
    func,
    or_,
    select,
    true,
    update,
)

from daemon.model.delivery import (
    Admission,
    Answer,
    Delivered,
    Delivery,
    DeliveryState,
    DestinationState,
    Disposition,
    Failing,
    NextDue,
)
from daemon.model.incident import Kind
from daemon.storage.schema import DELIVERIES, INCIDENTS, TARGETS, UNTROUBLED

_FAULTS = ("other_faults", "payload_faults")
PENDING = DELIVERIES.c.state == DeliveryState.PENDING
ALARM_OVER = "the alarm is over"
TAKEN = select(TARGETS.c.taken).scalar_subquery()
"""How many deliveries SIGNL4 took, ever."""


def due(admission: Admission, busy: Iterable[str], limit: int, now: datetime) -> "Select[*tuple[Any, ...]]":
    """The deliveries that may go now: the first of each incident, save the `busy` ones, the most urgent first."""
    admitted = [refused for refused, at in ((False, admission.clean_from), (True, admission.refused_from)) if at <= now]
    end = DELIVERIES.alias()
    # Alerts for incidents that are still open go first, and what fails on its own goes last: it holds nobody up. A
    # probe of the secret takes what was tried longest ago, whatever it is: any that is taken shows it to be right.
    alerts_first = and_(DELIVERIES.c.kind == Kind.NEW, end.c.id.is_(None)).desc()
    # A time to come is that of a clock that was wrong: what was tried then would never have its turn.
    tried_at = case((DELIVERIES.c.attempted_at <= now, DELIVERIES.c.attempted_at))
    order = [tried_at.asc().nulls_first()] if admission.probe else [DELIVERIES.c.own_fault, alerts_first]
    return (
        select(DELIVERIES, end.c.occurred_at.label("over_since"), TAKEN.label("taken"), _failing().label("failing"))
        .outerjoin(end, _ends(end))
        .where(PENDING, _first(), DELIVERIES.c.due_at <= now, _refused().in_(admitted))
        .where(DELIVERIES.c.incident_id.not_in(list(busy)), true() if admission.own_faults else ~DELIVERIES.c.own_fault)
        .order_by(*order, DELIVERIES.c.occurred_at, DELIVERIES.c.id)
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


def waiting_of(row: Row[Any]) -> NextDue:
    """A row of `waiting`."""
    return NextDue(row.due_at, bool(row.refused), bool(row.attempted), row.own_fault)


def waited_in_vain() -> list[ColumnElement[bool]]:
    """What waits because its attempts failed, and nothing else was taken since: SIGNL4 was down.

    One failure alone says that only of a delivery that had not failed before; else it would be tried with each success.
    """
    in_a_row = or_(DELIVERIES.c.failing_from == TAKEN, DELIVERIES.c.latest_failures > 1)
    return [PENDING, ~DELIVERIES.c.own_fault, DELIVERIES.c.latest_from == TAKEN, in_a_row]


def _refused() -> ColumnElement[bool]:
    """The next attempt may well be a faulty request, so it waits where those wait."""
    return or_(DELIVERIES.c.refused_payload.is_not(None), DELIVERIES.c.own_fault)


def _failing() -> ColumnElement[int]:
    """How many deliveries wait because they failed, save those that fail on their own."""
    other = DELIVERIES.alias()
    fails = [other.c.state == DeliveryState.PENDING, other.c.failing_since.is_not(None), ~other.c.own_fault]
    return select(func.count()).select_from(other).where(*fails).scalar_subquery()


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


def target() -> "Select[*tuple[Any, ...]]":
    """What is known of SIGNL4's willingness."""
    return select(*(TARGETS.c[field.name] for field in fields(DestinationState)))


def target_of(row: Row[Any]) -> DestinationState:
    """The row of `target`."""
    faults = {name: tuple(map(datetime.fromisoformat, getattr(row, name))) for name in _FAULTS}
    return DestinationState(**{**row._mapping, **faults})


def target_values(target: DestinationState) -> dict[str, Any]:
    """The columns that keep it."""
    return asdict(target) | {name: [fault.isoformat() for fault in getattr(target, name)] for name in _FAULTS}


def fared(delivery: Delivery, answer: Answer, disposition: Disposition, now: datetime) -> dict[str, Any]:
    """How a delivery fared, in the columns that say so."""
    return {"state": disposition.state, "due_at": disposition.due_at, **_outcome(delivery, answer, disposition, now)}


def _outcome(delivery: Delivery, answer: Answer, disposition: Disposition, now: datetime) -> dict[str, Any]:
    if isinstance(answer.outcome, Delivered):
        return {"delivered_at": now, "event_id": answer.outcome.event_id, **UNTROUBLED}
    fared = {
        "last_error": answer.outcome.why,
        "failing_since": func.coalesce(DELIVERIES.c.failing_since, now),
        "failing_from": func.coalesce(DELIVERIES.c.failing_from, delivery.taken_before),
        "failures": DELIVERIES.c.failures + 1,
        "latest_from": delivery.taken_before,
        "latest_failures": case(
            (DELIVERIES.c.latest_from == delivery.taken_before, DELIVERIES.c.latest_failures), else_=0
        )
        + 1,
    }
    return {**fared, "own_fault": True} if disposition.own_fault else fared


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
