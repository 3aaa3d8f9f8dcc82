"""The statements of the outbox. Each is built once, with parameters: building one costs more than running it."""

from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Update,
    and_,
    bindparam,
    case,
    exists,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from daemon.model.delivery import DeliveryState
from daemon.model.incident import Kind
from daemon.storage import delivery_rows as rows
from daemon.storage.columns import Moment, constant
from daemon.storage.delivery_rows import PENDING, TAKEN
from daemon.storage.schema import DELIVERIES, DESTINATIONS

_END, _PREVIOUS, _BEFORE, _FAILING = (DELIVERIES.alias(name) for name in ("over", "previous", "before", "failing"))
_OURS = DELIVERIES.c.destination == bindparam("ours")
_THIS = DELIVERIES.c.id == bindparam("this")
_NOW = bindparam("now", type_=Moment)
# Not correlated, so that SQLite asks once and then looks up the few rows with this count in an index.
_TAKEN_BY_OURS = select(DESTINATIONS.c.taken).where(DESTINATIONS.c.name == bindparam("ours")).scalar_subquery()
_IN_TURN = [_OURS, PENDING, rows.oldest_pending(), DELIVERIES.c.incident_id.not_in(bindparam("busy", expanding=True))]
"""In its turn, and no request of its incident is in flight."""


_UNSURE = DELIVERIES.c.attempts > DELIVERIES.c.not_taken
"""An attempt may have been taken without a word of it."""

# Reading a row takes longer than finding it, so only what the sender needs is read.
_NEEDED = (
    "id",
    "incident_id",
    "generation",
    "kind",
    "external_id",
    "payload",
    "attempts",
    "occurred_at",
    "created_at",
    "subject",
    "held_because",
    "failing_since",
    "failing_from",
    "failures",
    "own_fault",
)


@cache
def due(*, probe: bool, own_faults: bool) -> "Select[*tuple[Any, ...]]":
    """The due deliveries, most urgent first. `own_faults`: with those that have a fault of their own."""
    previous_at = select(func.max(_PREVIOUS.c.delivered_at)).where(rows.related(_PREVIOUS))
    starts = case(
        (rows.refused(), bindparam("refused_from", type_=Moment)), else_=bindparam("clean_from", type_=Moment)
    )
    query = (
        select(
            *(DELIVERIES.c[name] for name in _NEEDED),
            DELIVERIES.c.refused_payload.is_not(None).label("refused"),
            _END.c.occurred_at.label("over_since"),
            previous_at.scalar_subquery().label("previous_at"),
            case((_UNSURE, DELIVERIES.c.attempted_at)).label("maybe_taken_at"),
            case((_UNSURE, _event_before())).label("event_before"),
            TAKEN.label("taken"),
            _failing().label("failing"),
        )
        .select_from(DELIVERIES)
        .outerjoin(_END, rows.ends(_END))
        .where(*_IN_TURN, DELIVERIES.c.due_at <= _NOW, starts <= _NOW)
        .order_by(*_most_urgent_first(probe=probe), DELIVERIES.c.occurred_at, DELIVERIES.c.id)
        .limit(bindparam("limit"))
    )
    return query if own_faults else query.where(~DELIVERIES.c.own_fault)


def _most_urgent_first(*, probe: bool) -> list[ColumnElement[Any]]:
    if probe:
        # A probe of the secret sends the delivery whose attempt is oldest: any success proves the secret right.
        # An attempt in the future was stamped by a wrong clock; it counts as never attempted, or would never be chosen.
        return [case((DELIVERIES.c.attempted_at <= _NOW, DELIVERIES.c.attempted_at)).asc().nulls_first()]
    # Alerts of open incidents go first. Deliveries with a fault of their own go last, so they delay no other.
    return [DELIVERIES.c.own_fault, and_(DELIVERIES.c.kind == constant(Kind.NEW), _END.c.id.is_(None)).desc()]


def _event_before() -> ColumnElement[str]:
    """The event of the latest `new` of an earlier generation. Only what may have been taken is compared with it."""
    earlier = [_BEFORE.c.generation < DELIVERIES.c.generation, _BEFORE.c.kind == constant(Kind.NEW)]
    found = select(_BEFORE.c.event_id).where(rows.related(_BEFORE), *earlier, _BEFORE.c.event_id.is_not(None))
    return found.order_by(_BEFORE.c.generation.desc()).limit(1).scalar_subquery()


def _failing() -> ColumnElement[int]:
    """Number of failing pending deliveries at the destination, without own faults. One uncorrelated count per query."""
    fails = [
        _FAILING.c.destination == bindparam("ours"),
        _FAILING.c.state == constant(DeliveryState.PENDING),
        _FAILING.c.failing_since.is_not(None),
        ~_FAILING.c.own_fault,
    ]
    return select(func.count()).select_from(_FAILING).where(*fails).scalar_subquery()


@cache
def any_waits() -> "Select[*tuple[Any, ...]]":
    """Whether any delivery is pending."""
    return select(exists().where(_OURS, PENDING))


@cache
def urgent() -> "Select[*tuple[Any, ...]]":
    """How many alerts of open incidents are due; those with a fault of their own do not count."""
    fresh = [
        _OURS,
        PENDING,
        ~DELIVERIES.c.own_fault,
        DELIVERIES.c.kind == constant(Kind.NEW),
        DELIVERIES.c.due_at <= _NOW,
    ]
    return select(func.count()).select_from(DELIVERIES).where(*fresh, ~exists().where(rows.ends(_END)))


@cache
def waiting() -> "Select[*tuple[Any, ...]]":
    """When the first deliveries are due, for each combination of flags."""
    alike = [
        rows.refused().label("refused"),
        (DELIVERIES.c.attempts > 0).label("attempted"),
        DELIVERIES.c.own_fault,
        rows.HELD.label("held"),
    ]
    return select(func.min(DELIVERIES.c.due_at).label("due_at"), *alike).where(*_IN_TURN).group_by(*alike)


@cache
def claim() -> Update:
    """Records the start of an attempt, if the row is as it was read."""
    # An operator may have changed this row or an earlier one.
    as_read = [
        PENDING,
        rows.oldest_pending(),
        _THIS,
        DELIVERIES.c.attempts == bindparam("attempts_before"),
        DELIVERIES.c.refused_payload.is_not(None) == bindparam("was_refused"),
    ]
    return update(DELIVERIES).where(*as_read).values(attempts=DELIVERIES.c.attempts + 1, attempted_at=_NOW)


@cache
def give_back() -> Update:
    """Takes back the record of an attempt that was not made. When an earlier one was made is not known any more."""
    before: ColumnElement[int] = bindparam("attempts_before")
    claimed = [PENDING, _THIS, DELIVERIES.c.attempts == before + 1]
    at = case((before > 0, DELIVERIES.c.attempted_at))
    return update(DELIVERIES).where(*claimed).values(attempts=before, attempted_at=at)


@cache
def attempted() -> "Select[*tuple[Any, ...]]":
    """Which of `these` were last attempted now, and how often they have been."""
    of_these = DELIVERIES.c.id.in_(bindparam("these", expanding=True))
    return select(DELIVERIES.c.id, DELIVERIES.c.attempts).where(of_these, DELIVERIES.c.attempted_at == _NOW)


@cache
def settle(*, delivered: bool, replaced: bool) -> Update:
    """Records the result of an attempt; takes its column values. `replaced`: `payload` is new, the full one is kept."""
    unsettled = or_(PENDING, DELIVERIES.c.state == constant(DeliveryState.SUPERSEDED)) if delivered else PENDING
    query = update(DELIVERIES).where(unsettled, _THIS)
    if replaced:
        query = query.values(refused_payload=DELIVERIES.c.payload)
    if delivered:
        return query
    in_a_row = case((DELIVERIES.c.latest_from == bindparam("taken_before"), DELIVERIES.c.latest_failures), else_=0)
    return query.values(
        failing_since=func.coalesce(DELIVERIES.c.failing_since, _NOW),
        failing_from=func.coalesce(DELIVERIES.c.failing_from, bindparam("taken_before")),
        failures=DELIVERIES.c.failures + 1,
        not_taken=DELIVERIES.c.not_taken + bindparam("refusals"),
        latest_failures=in_a_row + 1,
    )


@cache
def end_outage() -> Update:
    """The deliveries that failed because SIGNL4 was down become due: no other was accepted since they failed.

    A single failure counts only for a delivery without an earlier one; otherwise each success would trigger a retry.
    """
    failed_since = [DELIVERIES.c.failing_since.is_not(None), DELIVERIES.c.latest_from == _TAKEN_BY_OURS]
    in_a_row = or_(DELIVERIES.c.failing_from == _TAKEN_BY_OURS, DELIVERIES.c.latest_failures > 1)
    at_once = {"due_at": case((DELIVERIES.c.due_at < _NOW, DELIVERIES.c.due_at), else_=_NOW), "failures": 0}
    return update(DELIVERIES).where(_OURS, PENDING, ~DELIVERIES.c.own_fault, *failed_since, in_a_row).values(at_once)


@cache
def hold(*, by_rule: bool) -> Update:
    """Takes `due_at`, and `held_because` if a rule holds it."""
    held = update(DELIVERIES).where(PENDING, _THIS)
    # What ended since it was read stays due, and is superseded at the next look: later no rule might say why.
    return held.where(~exists().where(rows.ends(_END))) if by_rule else held


@cache
def supersede() -> Update:
    """Of one generation of an incident. Takes `state` and `reason`."""
    return update(DELIVERIES).where(PENDING, _OURS, *rows.GENERATION)


@cache
def supersede_obsolete() -> "ReturningUpdate[*tuple[Any, ...]]":
    """Takes `state` and `reason`. Returns which were superseded."""
    this = [DELIVERIES.c.id, DELIVERIES.c.incident_id, DELIVERIES.c.generation]
    return update(DELIVERIES).where(rows.obsolete()).returning(*this)


@cache
def attempts_since() -> "Select[*tuple[Any, ...]]":
    """The latest attempt of each delivery to the account."""
    of_account = select(DESTINATIONS.c.name).where(DESTINATIONS.c.account == bindparam("account"))
    to_account = or_(_OURS, DELIVERIES.c.destination.in_(of_account))
    lately = DELIVERIES.c.attempted_at > bindparam("since")
    return select(DELIVERIES.c.attempted_at).where(to_account, lately).order_by(DELIVERIES.c.attempted_at)
