"""What is recorded + what was seen = what to record, and what to tell. Pure.

This page is the whole meaning of an incident's life. Only positive evidence ends one: a record that says resolved, or
two answers "no such record" far enough apart. Each decision carries its reason, which the outbox keeps.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from daemon.incident import Incident, Kind, Phase, Recorded, Transition

DELETED_NOTE = "The incident was deleted in Better Stack."
SUSPECT_FROM = 3
"""With fewer incidents tracked, all of them deleted at once is nothing unusual."""
SUSPICION_LASTS = timedelta(hours=1)


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

    after: Recorded
    transitions: tuple[Transition, ...] = ()


def reconcile(before: Recorded | None, seen: Incident, external_id: str, policy: Policy, now: datetime) -> Decision:
    """What follows from having seen `seen`. `external_id` is for an incident that was never seen before."""
    if before is None:
        return _begin(_record(seen, external_id, 1), seen, policy, now)
    after = _record(seen, before.external_id, before.generation)
    after = replace(after, told=before.told, reopened_at=_latest(before.reopened_at, seen.reopened_at))
    if not _reopened(before, seen):
        return _continue(before, after, seen, policy, now)
    ended = _end(before, _ended_at(seen, now), "resolved and reopened between two rounds")
    # A reopened incident is news, on a first start too.
    policy = replace(policy, first_start=False)
    begun = _begin(replace(after, generation=before.generation + 1, told=False), seen, policy, now)
    return Decision(begun.after, (*ended, *begun.transitions))


def reconcile_gone(before: Recorded, gone_after: timedelta, now: datetime) -> Decision:
    """What follows from a lookup that answered "no such record"."""
    if before.gone_since is None or before.gone_since > now:
        return Decision(replace(before, gone_since=now))
    if now - before.gone_since < gone_after:
        return Decision(before)
    over = replace(before, phase=Phase.RESOLVED, resolved_at=now, gone_since=None)
    return Decision(over, _end(before, now, "deleted: two lookups found no such record", DELETED_NOTE))


def suspect_since(
    tracked: Mapping[str, Recorded],
    seen: Collection[str],
    gone: Collection[str],
    before: datetime | None,
    now: datetime,
) -> datetime | None:
    """Since when the token is suspected to be another team's; `None` if deletions may be believed.

    It is suspected when none of three or more tracked incidents was seen and lookups found no record of them. That ends
    when one of those it began with is seen again, or after an hour. `before` is what this said in the round before.
    """
    vanished = {incident_id for incident_id, incident in tracked.items() if incident.gone_since is not None}
    goes_on = before is not None and bool(vanished) and vanished.isdisjoint(seen)
    begins = len(tracked) >= SUSPECT_FROM and bool(gone) and not any(incident_id in tracked for incident_id in seen)
    if not (goes_on or begins):
        return None
    since = min(before or now, now)
    return since if now - since < SUSPICION_LASTS else None


def over_too_long(over_since: datetime | None, stale_after: timedelta, now: datetime) -> bool:
    """Whether an incident that nobody was told of is over for so long that nobody should be woken for it."""
    return over_since is not None and max(now - over_since, timedelta(0)) >= stale_after


def _begin(after: Recorded, seen: Incident, policy: Policy, now: datetime) -> Decision:
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
            return Decision(replace(after, told=True), (new, end))
        case _:
            return _alert(after, seen, policy, "first seen open", now)


def _continue(before: Recorded, after: Recorded, seen: Incident, policy: Policy, now: datetime) -> Decision:
    """Another look at a generation that is known."""
    match before.phase, seen.phase:
        case Phase.RESOLVED, _:
            return Decision(after)
        case Phase.UNCONFIRMED, Phase.OPEN | Phase.ACKNOWLEDGED:
            return _alert(after, seen, policy, "confirmed", now)
        case Phase.OPEN | Phase.ACKNOWLEDGED, Phase.RESOLVED if before.told:
            return Decision(after, _end(before, _over_since(seen, now)))
        case Phase.OPEN, Phase.ACKNOWLEDGED if before.told and policy.acknowledged:
            return Decision(after, (_acknowledged(after, seen, now),))
        case Phase.OPEN | Phase.ACKNOWLEDGED, Phase.OPEN | Phase.UNCONFIRMED:
            # Nothing takes an acknowledgement or a confirmation back; `Validating`, for one, comes after both.
            return Decision(replace(after, phase=before.phase))
        case _:
            return Decision(after)


def _alert(after: Recorded, seen: Incident, policy: Policy, reason: str, now: datetime) -> Decision:
    transitions = [_new(after, seen, reason, now)]
    if seen.phase is Phase.ACKNOWLEDGED and policy.acknowledged:
        transitions.append(_acknowledged(after, seen, now))
    return Decision(replace(after, told=True), tuple(transitions))


def _new(after: Recorded, seen: Incident, reason: str, now: datetime) -> Transition:
    if after.generation > 1:
        return Transition(Kind.NEW, after.generation, min(seen.reopened_at or now, now), "reopened")
    return Transition(Kind.NEW, after.generation, min(seen.started_at or now, now), reason)


def _acknowledged(after: Recorded, seen: Incident, now: datetime) -> Transition:
    return Transition(Kind.ACKNOWLEDGED, after.generation, min(seen.acknowledged_at or now, now), "acknowledged")


def _end(before: Recorded, over_since: datetime, reason: str = "resolved", note: str = "") -> tuple[Transition, ...]:
    """The end of a generation, told only to those who were told of its beginning."""
    if not before.told or before.phase is Phase.RESOLVED:
        return ()
    return (Transition(Kind.RESOLVED, before.generation, over_since, reason, note),)


def _reopened(before: Recorded, seen: Incident) -> bool:
    """Whether `seen` is of a later generation than `before`.

    Two answers of Better Stack exist: one clears the old times, the other keeps them and adds `reopened_at`. A later
    generation that was first seen without `reopened_at` takes the first one it meets for its own.
    """
    if before.phase is Phase.RESOLVED and seen.phase is not Phase.RESOLVED:
        return True
    if seen.reopened_at is None or seen.reopened_at == before.reopened_at:
        return False
    return before.generation == 1 if before.reopened_at is None else seen.reopened_at > before.reopened_at


def _ended_at(seen: Incident, now: datetime) -> datetime:
    """When the generation before the reopening ended, as far as the record still says it."""
    times = [moment for moment in (seen.resolved_at, seen.reopened_at, now) if moment is not None]
    return min(times)


def _latest(*moments: datetime | None) -> datetime | None:
    return max((moment for moment in moments if moment is not None), default=None)


def _over_since(seen: Incident, now: datetime) -> datetime:
    return min(seen.resolved_at or now, now)


def _record(seen: Incident, external_id: str, generation: int) -> Recorded:
    return Recorded(
        id=seen.id,
        external_id=external_id,
        generation=generation,
        phase=seen.phase,
        told=False,
        status=seen.status,
        name=seen.text("name"),
        cause=seen.text("cause"),
        url=seen.text("url"),
        started_at=seen.started_at,
        acknowledged_at=seen.acknowledged_at,
        resolved_at=seen.resolved_at,
        reopened_at=seen.reopened_at,
    )
