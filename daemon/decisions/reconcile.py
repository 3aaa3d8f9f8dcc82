"""Reconciles the recorded state of an incident with a record: the next state, and the transitions to send. Pure.

This module defines the life cycle of an incident. Only positive evidence ends one: a record that says resolved, or two
answers "no such record" far enough apart. Each transition has a reason, which the outbox keeps.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from daemon.decisions.evidence import Order, Read, after_that, ended_until, latest, of_this_generation, order
from daemon.model.incident import Incident, IncidentState, Kind, Phase, Transition, Untold

GIVEN_UP_NOTE = "Given up by the operator: the account of Better Stack that showed it is not polled any more."
DELETED_NOTE = "The incident was deleted in Better Stack."


@dataclass(frozen=True, slots=True)
class Policy:
    """Settings of the operator, and the history of this database."""

    first_start: bool
    """Whether no round was ever complete: then incidents that are already over never alert."""
    baseline: bool
    """Whether a first start only records open incidents."""
    stale_after: timedelta
    acknowledged: bool
    """Whether acknowledgements are sent."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The next state of one incident, and the transitions to send, oldest first."""

    after: IncidentState
    transitions: tuple[Transition, ...] = ()
    in_doubt: bool = False
    """Whether the incident's own record must be read first."""


def reconcile(
    before: IncidentState | None,
    seen: Incident,
    external_id: str,
    policy: Policy,
    now: datetime,
    read: Read = Read.LISTED,
) -> Decision:
    """Decides on a record that was read. `external_id`: for an incident seen for the first time.

    `now`: the time of Better Stack's clock, which decides how long an incident has been over.
    """
    seen = of_this_generation(before, seen)
    if before is None:
        return _begin(IncidentState.first_seen(seen, external_id, 1), seen, policy, now)
    # The record exists, so it is not gone.
    before, found = replace(before, gone_since=None), order(before, seen)
    if found is Order.DOUBTFUL:
        if read is not Read.OWN_LATER:
            return Decision(before if read is Read.LISTED else replace(before, doubted_at=now), in_doubt=True)
        found = Order.SAME_GENERATION if seen.phase is Phase.RESOLVED else Order.NEXT_GENERATION
    match found:
        case Order.OLD_NEWS:
            return Decision(_settled(before, read))
        case Order.SAME_GENERATION:
            return _continue(before, _settled(_carried_on(before, seen), read), seen, policy, now)
        case _:
            return _begin_next(before, seen, policy, now)


def reconcile_gone(
    before: IncidentState, gone_after: timedelta, now: datetime, theirs: datetime | None = None
) -> Decision:
    """Decides on a lookup that answered "no such record". `theirs`: the time of Better Stack's clock."""
    if before.phase is Phase.RESOLVED:
        return Decision(replace(before, doubted_at=None))
    if before.gone_since is None or before.gone_since > now:
        return Decision(replace(before, gone_since=now))
    if now - before.gone_since < gone_after:
        return Decision(before)
    ended_at = theirs or now
    over = replace(before, phase=Phase.RESOLVED, resolved_at=ended_at, gone_since=None, deleted=True)
    over = replace(over, silent_because=_still_silent(before, over.phase))
    return Decision(over, _end(before, ended_at, "deleted: two lookups found no such record", DELETED_NOTE))


def reconcile_given_up(before: IncidentState, now: datetime) -> Decision:
    """Decides on an incident that the operator gave up, since no account that is polled shows it."""
    over = replace(before, phase=Phase.RESOLVED, resolved_at=now, gone_since=None, doubted_at=None, deleted=True)
    over = replace(over, silent_because=_still_silent(before, over.phase))
    return Decision(over, _end(before, now, "given up by hand: no account that is polled shows it", GIVEN_UP_NOTE))


def over_too_long(over_since: datetime | None, stale_after: timedelta, now: datetime) -> bool:
    """Whether an incident that has not alerted yet has been over for too long to alert."""
    return over_since is not None and max(now - over_since, timedelta(0)) >= stale_after


def _begin(after: IncidentState, seen: Incident, policy: Policy, now: datetime) -> Decision:
    """Decides on a generation seen for the first time."""
    if (why := _untold(seen, policy, now)) is not None:
        return Decision(replace(after, silent_because=why))
    if seen.phase is not Phase.RESOLVED:
        return _alert(after, seen, policy, "first seen open", now)
    new = _new(after, seen, "first seen when it was over", now)
    end = Transition(Kind.RESOLVED, after.generation, _over_since(seen, now), "resolved")
    return Decision(replace(after, alerted=True), (new, end))


def _untold(seen: Incident, policy: Policy, now: datetime) -> Untold | None:
    """Why a generation seen for the first time does not alert; `None` if it does."""
    match seen.phase:
        case Phase.UNCONFIRMED:
            return Untold.UNCONFIRMED
        case Phase.RESOLVED if policy.first_start:
            return Untold.OVER_AT_FIRST_START
        case Phase.RESOLVED if over_too_long(_over_since(seen, now), policy.stale_after, now):
            return Untold.STALE
        case Phase.OPEN | Phase.ACKNOWLEDGED if policy.first_start and policy.baseline:
            return Untold.BASELINE
    return None


def _still_silent(before: IncidentState, phase: Phase) -> str | None:
    """Why a known generation has not alerted, now that it is seen in that phase."""
    if before.phase is not Phase.UNCONFIRMED:
        return before.silent_because
    return Untold.ENDED_UNCONFIRMED if phase is Phase.RESOLVED else Untold.UNCONFIRMED


def _continue(before: IncidentState, after: IncidentState, seen: Incident, policy: Policy, now: datetime) -> Decision:
    """Decides on a further record of a known generation."""
    match before.phase, seen.phase:
        case Phase.RESOLVED, _:
            return Decision(after)
        case Phase.UNCONFIRMED, Phase.OPEN | Phase.ACKNOWLEDGED:
            return _alert(after, seen, policy, "confirmed", now)
        case Phase.OPEN | Phase.ACKNOWLEDGED, Phase.RESOLVED if before.alerted:
            return Decision(after, _end(before, _over_since(seen, now)))
        case Phase.OPEN, Phase.ACKNOWLEDGED if before.alerted and policy.acknowledged:
            return Decision(after, (_acknowledged(after, seen, now),))
        case Phase.OPEN | Phase.ACKNOWLEDGED, Phase.OPEN | Phase.UNCONFIRMED:
            # An acknowledgement or a confirmation is never revoked; `Validating`, for example, follows both.
            return Decision(replace(after, phase=before.phase))
        case _:
            return Decision(after)


def _alert(after: IncidentState, seen: Incident, policy: Policy, reason: str, now: datetime) -> Decision:
    transitions = [_new(after, seen, reason, now)]
    if seen.phase is Phase.ACKNOWLEDGED and policy.acknowledged:
        transitions.append(_acknowledged(after, seen, now))
    return Decision(replace(after, alerted=True, silent_because=None), tuple(transitions))


def _new(after: IncidentState, seen: Incident, reason: str, now: datetime) -> Transition:
    if after.generation > 1:
        return Transition(Kind.NEW, after.generation, min(seen.reopened_at or now, now), "reopened")
    return Transition(Kind.NEW, after.generation, min(seen.started_at or now, now), reason)


def _acknowledged(after: IncidentState, seen: Incident, now: datetime) -> Transition:
    return Transition(Kind.ACKNOWLEDGED, after.generation, min(seen.acknowledged_at or now, now), "acknowledged")


def _end(
    before: IncidentState, over_since: datetime, reason: str = "resolved", note: str = ""
) -> tuple[Transition, ...]:
    """The end of a generation; only if the generation has alerted."""
    if not before.alerted or before.phase is Phase.RESOLVED:
        return ()
    return (Transition(Kind.RESOLVED, before.generation, over_since, reason, note),)


def _settled(after: IncidentState, read: Read) -> IncidentState:
    """Clears a doubt, but not by a list that agrees with us: lists lag more than the incident's own record."""
    return after if read is Read.LISTED else replace(after, doubted_at=None)


def _carried_on(before: IncidentState, seen: Incident) -> IncidentState:
    """The same generation, updated by the record. Times that the record leaves out are kept.

    A doubt whether an acknowledged incident was reopened ends with the incident: what was read before its end was old.
    """
    ends = seen.phase is Phase.RESOLVED and before.phase is not Phase.RESOLVED
    return replace(
        IncidentState.first_seen(seen, before.external_id, before.generation),
        alerted=before.alerted,
        silent_because=_still_silent(before, seen.phase),
        acknowledged_at=seen.acknowledged_at or before.acknowledged_at,
        resolved_at=seen.resolved_at or (before.resolved_at if before.phase is Phase.RESOLVED else None),
        reopened_at=latest(before.reopened_at, seen.reopened_at),
        ended_until=before.ended_until,
        old_until=before.old_until,
        doubted_at=None if ends else before.doubted_at,
        monitor=seen.monitor or before.monitor,
    )


def _begin_next(before: IncidentState, seen: Incident, policy: Policy, now: datetime) -> Decision:
    """Decides on a reopened incident: the end of the previous generation, if not sent yet, and the next generation."""
    ended = latest(ended_until(before), seen.reopened_at)
    past = latest(before.old_until, before.acknowledged_at, ended)
    seen = after_that(past, seen)
    after = replace(
        IncidentState.first_seen(seen, before.external_id, before.generation + 1),
        reopened_at=latest(before.reopened_at, seen.reopened_at),
        ended_until=ended,
        old_until=past,
        monitor=seen.monitor or before.monitor,
    )
    end = _end(before, _ended_at(seen, now), "resolved and reopened between two rounds")
    # A reopened incident alerts also on a first start.
    begun = _begin(after, seen, replace(policy, first_start=False), now)
    return Decision(begun.after, (*end, *begun.transitions))


def _ended_at(seen: Incident, now: datetime) -> datetime:
    """When the previous generation ended, as far as the record still shows it."""
    times = [moment for moment in (seen.resolved_at, seen.reopened_at, now) if moment is not None]
    return min(times)


def _over_since(seen: Incident, now: datetime) -> datetime:
    return min(seen.resolved_at or now, now)
