"""Decides what follows an attempt, for the delivery and for SIGNL4 as a whole. Pure.

An outage of SIGNL4 never loses an alert: the number of attempts is unlimited. Only a payload that SIGNL4 refused twice,
the second time in its minimal form, is dead. A delivery that fails while others succeed has a fault of its own: it is
set apart, and is no evidence about SIGNL4 from then on.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

from daemon.model.admission import Admission
from daemon.model.delivery import (
    LONGEST_HOLD,
    Answer,
    Delivered,
    Delivery,
    DeliveryState,
    DestinationState,
    Disposition,
    Failing,
    Rejected,
    Scope,
    TryLater,
)

LONGEST_ROUND_BACKOFF = timedelta(minutes=2)
PROBE_GAP = timedelta(seconds=60)
"""Between two tests of a refused secret."""

# SIGNL4 allows ten faulty requests a minute. The program stops at six, to leave room for other senders.
FAULT_WINDOW = timedelta(minutes=1)
FAULT_BUDGET = 6
PACE = timedelta(seconds=6)

PROOF = 2
"""Successes of others since the first failure that make a failure the delivery's own."""
PATIENCE = 6
"""Failures of the delivery that suffice, however many others fail as well."""


def backoff(attempts: int, rng: Random, least: timedelta, most: timedelta) -> timedelta:
    """Exponential back-off after this many attempts, with jitter in the upper half, between `least` and `most`."""
    ceiling: timedelta = min(most, least * 2 ** min(attempts - 1, 30))
    jittered: timedelta = ceiling * rng.uniform(0.5, 1.0)
    return max(least, jittered)


def next_round(interval: timedelta, failures: int, retry_after: timedelta | None) -> timedelta:
    """The wait after a round: the current interval, doubled up to two minutes while rounds fail."""
    most = max(interval, LONGEST_ROUND_BACKOFF)
    backed_off: timedelta = min(interval * 2 ** min(max(failures - 1, 0), 10), most)
    return max(backed_off, retry_after or timedelta(0))


def judge(
    delivery: Delivery,
    answer: Answer,
    destination: DestinationState,
    meanwhile: int,
    *,
    delay: timedelta,
    rarely: timedelta,
    now: datetime,
) -> tuple[Disposition, DestinationState]:
    """The new state of the delivery, and of SIGNL4.

    `meanwhile`: number of other deliveries accepted since the attempt began. `delay`: wait before the next attempt,
    unless SIGNL4 asks for another; `rarely`: the same for a delivery with a fault of its own.
    """
    if is_own_fault(delivery, answer, now, meanwhile):
        return set_apart(delivery, answer, rarely, now), destination_after_own_fault(destination, answer, delay, now)
    answer = in_company(answer, meanwhile)
    return disposition(answer, delivery.refused, delay, now), destination_after(destination, answer, delay, now)


def disposition(answer: Answer, refused: bool, delay: timedelta, now: datetime) -> Disposition:
    """The new state of the delivery. `delay`: its back-off; `refused`: whether SIGNL4 refused it before."""
    match answer.outcome:
        case Delivered():
            return Disposition(DeliveryState.DELIVERED, now)
        case Rejected() if refused:
            return Disposition(DeliveryState.DEAD, now)
        case Rejected():
            return Disposition(DeliveryState.PENDING, now, minimal=True)
        case TryLater(scope=Scope.SECRET | Scope.UNCLEAR):
            return Disposition(DeliveryState.PENDING, now + PROBE_GAP)
        case TryLater():
            # With a `Retry-After` of 0 the back-off still applies; otherwise the delivery would loop without a pause.
            return Disposition(DeliveryState.PENDING, now + (answer.hold or delay))


def is_replaced(delivery: Delivery, answer: Answer, disposition: Disposition) -> bool:
    """Whether the minimal payload replaces the full one: it is sent next, or was accepted in place of the full one."""
    match answer.outcome:
        case Delivered(found=False):
            return delivery.own_fault and not delivery.refused
        case _:
            return disposition.minimal


def in_company(answer: Answer, meanwhile: int) -> Answer:
    """The answer, reinterpreted if other deliveries succeeded meanwhile: then the secret was not at fault."""
    outcome = answer.outcome
    if meanwhile and isinstance(outcome, TryLater) and outcome.scope is Scope.UNCLEAR:
        return replace(answer, outcome=replace(outcome, scope=Scope.ROW))
    return answer


def is_own_fault(delivery: Delivery, answer: Answer, now: datetime, meanwhile: int = 0) -> bool:
    """Whether a failed attempt is the delivery's own fault, not SIGNL4's or the secret's.

    In a partial outage many deliveries fail once or twice while others succeed. So the more others fail, the more
    failures of its own are required. `meanwhile`: number of others accepted during the attempt.
    """
    outcome, failing = answer.outcome, delivery.failing
    if not isinstance(outcome, TryLater):
        return False
    if delivery.own_fault or outcome.scope is Scope.ITEM:
        return True
    if failing is None or failing.others_taken + meanwhile < (1 if outcome.scope is Scope.UNCLEAR else PROOF):
        return False
    return _lasts(failing, outcome.scope, now, asked_to_wait=bool(answer.hold))


def _lasts(failing: Failing, scope: Scope, now: datetime, *, asked_to_wait: bool) -> bool:
    if scope in {Scope.SECRET, Scope.UNCLEAR}:
        return True
    if scope is Scope.DESTINATION or asked_to_wait:
        # A request to wait concerns all deliveries, so it proves no own fault until the longest hold has passed.
        return now - failing.since >= LONGEST_HOLD
    return failing.times + 1 >= min(2 + 2 * failing.others_failing, PATIENCE)


def set_apart(delivery: Delivery, answer: Answer, rarely: timedelta, now: datetime) -> Disposition:
    """The new state of a delivery with a fault of its own: the minimal form at once, later attempts `rarely`."""
    may_be_taken = isinstance(answer.outcome, TryLater) and answer.outcome.scope is Scope.ITEM
    wait = rarely if delivery.own_fault or may_be_taken else timedelta(0)
    return Disposition(DeliveryState.PENDING, now + max(wait, answer.hold or timedelta(0)), own_fault=True)


def destination_after_own_fault(
    destination: DestinationState, answer: Answer, delay: timedelta, now: datetime
) -> DestinationState:
    """The state of SIGNL4 after an own fault: it counts like a refused payload, and does not hold other deliveries."""
    why = "" if isinstance(answer.outcome, Delivered) else answer.outcome.why
    return destination_after(destination, replace(answer, outcome=Rejected(why), hold=None), delay, now)


def destination_after(
    destination: DestinationState, answer: Answer, delay: timedelta, now: datetime
) -> DestinationState:
    """The state of SIGNL4 as a whole after an answer. `delay`: the delivery's back-off."""
    outcome = answer.outcome
    match outcome:
        case Delivered(found=False) if destination.secret_refused_since is not None:
            destination = replace(destination, secret_refused_since=None, probe_at=None)
        case TryLater(scope=Scope.SECRET | Scope.UNCLEAR):
            since = destination.secret_refused_since or now
            destination = replace(destination, secret_refused_since=since, probe_at=now + PROBE_GAP, why=outcome.why)
        case TryLater(scope=Scope.DESTINATION) if answer.hold is None:
            destination = _held(destination, min(delay, LONGEST_HOLD), outcome.why, now)
        case _:
            pass
    if destination.secret_refused_since is not None:
        destination = replace(destination, probe_at=now + PROBE_GAP)
    if answer.hold is not None:
        why = outcome.why if not isinstance(outcome, Delivered) else "SIGNL4's rate limit is used up"
        destination = _held(destination, answer.hold, why, now)
    return _count_fault(destination, answer, now) if answer.faulty else destination


def sent_at(destination: DestinationState, now: datetime) -> DestinationState:
    """The destination after a delivery was sent; while payload faults slow down the sending, the next one waits."""
    return replace(destination, paced_at=now) if _rest_until(destination.payload_faults, now) else destination


def admission(destination: DestinationState, concurrency: int, now: datetime) -> Admission:
    """The admission of the destination. Times too far in the future come from a wrong clock and do not count."""
    hold = _plausible(destination.hold_until, now, LONGEST_HOLD)
    if destination.secret_refused_since is not None:
        probe_at = max(hold, _plausible(destination.probe_at, now, PROBE_GAP))
        return Admission(1, probe_at, probe_at, probe=True)
    faults = _recent((*destination.other_faults, *destination.payload_faults), now)
    rest = _rest_until(faults, now)
    max_in_flight = max(1, min(concurrency, FAULT_BUDGET - len(faults))) if faults else concurrency
    if rest is None:
        return Admission(max_in_flight, hold, hold)
    if _recent(destination.other_faults, now):
        return Admission(1, max(hold, rest), max(hold, rest))
    paced_from = (
        destination.paced_at + PACE if destination.paced_at is not None and destination.paced_at <= now else now
    )
    return Admission(1, max(hold, paced_from), max(hold, rest))


def _held(destination: DestinationState, hold: timedelta, why: str, now: datetime) -> DestinationState:
    """The destination on hold. A later answer never shortens a hold that an earlier one asked for."""
    until = max(_plausible(destination.hold_until, now, LONGEST_HOLD), now + hold)
    return replace(destination, hold_until=until, why=why)


def _count_fault(destination: DestinationState, answer: Answer, now: datetime) -> DestinationState:
    if isinstance(answer.outcome, Rejected):
        return replace(destination, payload_faults=(*_recent(destination.payload_faults, now), now))
    return replace(destination, other_faults=(*_recent(destination.other_faults, now), now))


def _recent(faults: tuple[datetime, ...], now: datetime) -> tuple[datetime, ...]:
    return tuple(sorted(fault for fault in faults if now - FAULT_WINDOW < fault <= now))


def _rest_until(faults: tuple[datetime, ...], now: datetime) -> datetime | None:
    recent = _recent(faults, now)
    return recent[-FAULT_BUDGET] + FAULT_WINDOW if len(recent) >= FAULT_BUDGET else None


def _plausible(moment: datetime | None, now: datetime, most: timedelta) -> datetime:
    return moment if moment is not None and moment <= now + most else now
