"""What is recorded + what was seen = what to record, and what to tell. Pure.

This page is the whole meaning of an incident's life. Only positive evidence ends one: a record that says resolved, or
two answers "no such record" far enough apart. Each decision carries its reason, which the outbox keeps.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, auto

from daemon.decisions.evidence import Order, Read, after_that, ended_until, latest, of_this_generation, order
from daemon.model.incident import Incident, IncidentState, Kind, Phase, Transition

DELETED_NOTE = "The incident was deleted in Better Stack."
SUSPECT_FROM = 3
"""With fewer incidents tracked, all of them deleted at once is nothing unusual."""
SUSPICION_LASTS = timedelta(hours=1)


class Token(Enum):
    """What is known of the token by which Better Stack is read."""

    KNOWN = auto()
    """Known records were read with it before."""
    NEW = auto()
    """It is another one than before, and no record that was known before was read with it yet."""
    RECOGNISED = auto()
    """It is another one than before, and a record that was known before was just read with it."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What the operator and the history of this database decide."""

    first_start: bool
    """Whether no round was ever complete: what is over by now never alerts."""
    baseline: bool
    """Whether a first start only records what is open."""
    stale_after: timedelta
    acknowledged: bool
    """Whether acknowledgements are told."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What to record of one incident, and what to tell of it, oldest first."""

    after: IncidentState
    transitions: tuple[Transition, ...] = ()
    in_doubt: bool = False
    """Whether the incident's own record must be read before anything is concluded."""


def reconcile(
    before: IncidentState | None,
    seen: Incident,
    external_id: str,
    policy: Policy,
    now: datetime,
    read: Read = Read.LISTED,
) -> Decision:
    """What follows from having seen `seen`. `external_id` is for an incident that was never seen before.

    `now` is the time of Better Stack's clock, by which it is judged for how long something has been over.
    """
    seen = of_this_generation(before, seen)
    if before is None:
        return _begin(IncidentState.first_seen(seen, external_id, 1), seen, policy, now)
    # Whatever it says, there is a record.
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
    """What follows from a lookup that answered "no such record". `theirs`: the time of Better Stack's clock."""
    if before.phase is Phase.RESOLVED:
        return Decision(replace(before, doubted_at=None))
    if before.gone_since is None or before.gone_since > now:
        return Decision(replace(before, gone_since=now))
    if now - before.gone_since < gone_after:
        return Decision(before)
    ended_at = theirs or now
    over = replace(before, phase=Phase.RESOLVED, resolved_at=ended_at, gone_since=None, deleted=True)
    return Decision(over, _end(before, ended_at, "deleted: two lookups found no such record", DELETED_NOTE))


def suspect_since(
    tracked: Mapping[str, IncidentState],
    seen: Collection[str],
    gone: Collection[str],
    before: datetime | None,
    now: datetime,
    token: Token = Token.KNOWN,
) -> datetime | None:
    """Since when the token is suspected to be another team's; `None` if deletions may be believed.

    It is suspected when none of three or more tracked incidents was seen and lookups found no record of them, and a new
    one as soon as a lookup found no record of one. That ends when one of those it began with is seen again, when a new
    one is recognised, or after an hour. `before` is what this said in the round before.
    """
    vanished = {incident_id for incident_id, incident in tracked.items() if incident.gone_since is not None}
    goes_on = before is not None and bool(vanished) and vanished.isdisjoint(seen)
    all_gone = len(tracked) >= SUSPECT_FROM and bool(gone) and tracked.keys().isdisjoint(seen)
    begins = not tracked.keys().isdisjoint(gone) if token is Token.NEW else all_gone
    if token is Token.RECOGNISED or not (goes_on or begins):
        return None
    since = min(before or now, now)
    return since if now - since < SUSPICION_LASTS else None


def over_too_long(over_since: datetime | None, stale_after: timedelta, now: datetime) -> bool:
    """Whether an incident that nobody was told of is over for so long that nobody should be woken for it."""
    return over_since is not None and max(now - over_since, timedelta(0)) >= stale_after


def _begin(after: IncidentState, seen: Incident, policy: Policy, now: datetime) -> Decision:
    """The first sight of a generation."""
    match seen.phase:
        case Phase.UNCONFIRMED:
            return Decision(after)
        case Phase.RESOLVED if policy.first_start or over_too_long(_over_since(seen, now), policy.stale_after, now):
            return Decision(after)
        case Phase.OPEN | Phase.ACKNOWLEDGED if policy.first_start and policy.baseline:
            return Decision(after)
        case Phase.RESOLVED:
            new = _new(after, seen, "first seen when it was over", now)
            end = Transition(Kind.RESOLVED, after.generation, _over_since(seen, now), "resolved")
            return Decision(replace(after, alerted=True), (new, end))
        case _:
            return _alert(after, seen, policy, "first seen open", now)


def _continue(before: IncidentState, after: IncidentState, seen: Incident, policy: Policy, now: datetime) -> Decision:
    """Another look at a generation that is known."""
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
            # Nothing takes an acknowledgement or a confirmation back; `Validating`, for one, comes after both.
            return Decision(replace(after, phase=before.phase))
        case _:
            return Decision(after)


def _alert(after: IncidentState, seen: Incident, policy: Policy, reason: str, now: datetime) -> Decision:
    transitions = [_new(after, seen, reason, now)]
    if seen.phase is Phase.ACKNOWLEDGED and policy.acknowledged:
        transitions.append(_acknowledged(after, seen, now))
    return Decision(replace(after, alerted=True), tuple(transitions))


def _new(after: IncidentState, seen: Incident, reason: str, now: datetime) -> Transition:
    if after.generation > 1:
        return Transition(Kind.NEW, after.generation, min(seen.reopened_at or now, now), "reopened")
    return Transition(Kind.NEW, after.generation, min(seen.started_at or now, now), reason)


def _acknowledged(after: IncidentState, seen: Incident, now: datetime) -> Transition:
    return Transition(Kind.ACKNOWLEDGED, after.generation, min(seen.acknowledged_at or now, now), "acknowledged")


def _end(
    before: IncidentState, over_since: datetime, reason: str = "resolved", note: str = ""
) -> tuple[Transition, ...]:
    """The end of a generation, told only to those who were told of its beginning."""
    if not before.alerted or before.phase is Phase.RESOLVED:
        return ()
    return (Transition(Kind.RESOLVED, before.generation, over_since, reason, note),)


def _settled(after: IncidentState, read: Read) -> IncidentState:
    """What is in doubt is settled by the incident's own record alone, since lists lag more."""
    return after if read is Read.LISTED else replace(after, doubted_at=None)


def _carried_on(before: IncidentState, seen: Incident) -> IncidentState:
    """The same generation as it was seen now. What was once said is not forgotten for being left out."""
    return replace(
        IncidentState.first_seen(seen, before.external_id, before.generation),
        alerted=before.alerted,
        acknowledged_at=seen.acknowledged_at or before.acknowledged_at,
        resolved_at=seen.resolved_at or (before.resolved_at if before.phase is Phase.RESOLVED else None),
        reopened_at=latest(before.reopened_at, seen.reopened_at),
        ended_until=before.ended_until,
        old_until=before.old_until,
        doubted_at=before.doubted_at,
    )


def _begin_next(before: IncidentState, seen: Incident, policy: Policy, now: datetime) -> Decision:
    """The incident was reopened: the end of the generation before, if that was not told, and the next one."""
    ended = latest(ended_until(before), seen.reopened_at)
    past = latest(before.old_until, before.acknowledged_at, ended)
    seen = after_that(past, seen)
    after = replace(
        IncidentState.first_seen(seen, before.external_id, before.generation + 1),
        reopened_at=latest(before.reopened_at, seen.reopened_at),
        ended_until=ended,
        old_until=past,
    )
    end = _end(before, _ended_at(seen, now), "resolved and reopened between two rounds")
    # A reopened incident is news, on a first start too.
    begun = _begin(after, seen, replace(policy, first_start=False), now)
    return Decision(begun.after, (*end, *begun.transitions))


def _ended_at(seen: Incident, now: datetime) -> datetime:
    """When the generation before the reopening ended, as far as the record still says it."""
    times = [moment for moment in (seen.resolved_at, seen.reopened_at, now) if moment is not None]
    return min(times)


def _over_since(seen: Incident, now: datetime) -> datetime:
    return min(seen.resolved_at or now, now)
