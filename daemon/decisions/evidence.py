"""Which of two things that were said of an incident is the later one. Pure.

Any answer may come from a replica that lags behind, so evidence is ordered by the times of the record itself and not by
when it was read. What is older than what is known is old news. What contradicts it, without a time that says which is
the later one, is in doubt: it counts once the incident's own record said so in two rounds.
"""

from dataclasses import replace
from datetime import datetime
from enum import Enum, auto

from daemon.model.incident import Incident, IncidentState, Phase


class Read(Enum):
    """Where an incident was seen."""

    LISTED = auto()
    OWN = auto()
    """By its own record."""
    OWN_LATER = auto()
    """By its own record, which was in doubt in an earlier round already, and in this one at the look before."""


class Order(Enum):
    """How what was seen stands to what is recorded."""

    OLD_NEWS = auto()
    DOUBTFUL = auto()
    SAME_GENERATION = auto()
    NEXT_GENERATION = auto()


def order(before: IncidentState, seen: Incident) -> Order:
    """How what was seen stands to what is recorded, by the times of the record itself.

    Two answers of Better Stack to a reopening exist: one keeps the old times and adds `reopened_at`, the other clears
    them and says nothing of when that was.
    """
    if _reopened_at(before, seen):
        return Order.NEXT_GENERATION
    if seen.phase is Phase.RESOLVED:
        return _order_of_end(before, seen)
    restarted = seen.status.lower() in {"started", ""} and seen.acknowledged_at is None
    acknowledged = before.phase is Phase.ACKNOWLEDGED and before.acknowledged_at is not None
    reopened = before.phase is Phase.RESOLVED or (acknowledged and restarted and seen.phase is Phase.OPEN)
    return Order.DOUBTFUL if reopened else Order.SAME_GENERATION


def _order_of_end(before: IncidentState, seen: Incident) -> Order:
    ended_at, known_until = seen.resolved_at, ended_until(before)
    if before.phase is Phase.RESOLVED:
        older = ended_at is not None and known_until is not None and ended_at < known_until
        return Order.OLD_NEWS if older else Order.SAME_GENERATION
    if before.generation > 1 and (ended_at is None or _began_without_a_time(before)):
        # Nobody can say whether this end is not that of the generation before.
        return Order.DOUBTFUL
    if ended_at is not None and before.acknowledged_at is not None and ended_at < before.acknowledged_at:
        # Somebody looked after it later than that: it may have begun again between two rounds.
        return Order.DOUBTFUL
    if ended_at is None or known_until is None or ended_at > known_until:
        return Order.SAME_GENERATION
    knows_of_reopening = seen.reopened_at is not None and seen.reopened_at == before.reopened_at
    return Order.DOUBTFUL if knows_of_reopening else Order.OLD_NEWS


def _reopened_at(before: IncidentState, seen: Incident) -> bool:
    """Whether the record itself says when it was reopened, later than all that is known of this incident.

    A generation that began behind an end without such a time takes the first one it meets for its own, unless the
    record shows an end that is not known yet.
    """
    at, known_until = seen.reopened_at, ended_until(before)
    reopened_until = latest(before.reopened_at, before.ended_until)
    if at is None or (known_until is not None and at < known_until) or at == reopened_until:
        return False
    if before.reopened_at is not None or (before.phase is Phase.RESOLVED and known_until is not None):
        return True
    ended_since = seen.resolved_at is not None and known_until is not None and known_until < seen.resolved_at < at
    return ended_since or not _began_behind_an_end(before)


def _began_behind_an_end(before: IncidentState) -> bool:
    """Whether this generation is known to be a reopened one. While the recovery is validated, an end may be shown."""
    shows_end = before.resolved_at is not None and before.phase is not Phase.RESOLVED
    return before.generation > 1 or (shows_end and before.status.lower() != "validating")


def ended_until(before: IncidentState) -> datetime | None:
    """The latest end or reopening that Better Stack gave a time for. An end that is not later is old news."""
    own_end = before.resolved_at if before.phase is Phase.RESOLVED and not before.deleted else None
    return latest(before.ended_until, before.reopened_at, own_end)


def _began_without_a_time(before: IncidentState) -> bool:
    """Whether the generation before was never seen to end, nor this one said to begin."""
    known_until = ended_until(before)
    return known_until is None or (before.old_until is not None and known_until < before.old_until)


def of_this_generation(before: IncidentState | None, seen: Incident) -> Incident:
    """What was seen, without an acknowledgement that belongs to an earlier generation."""
    is_open = before is not None and before.phase is not Phase.RESOLVED
    known_until = latest(before.old_until, ended_until(before) if is_open else None) if before else None
    return after_that(latest(seen.reopened_at, known_until), seen)


def after_that(moment: datetime | None, seen: Incident) -> Incident:
    """What was seen, without an acknowledgement that is not later."""
    at = seen.acknowledged_at
    if seen.phase is not Phase.ACKNOWLEDGED or at is None or moment is None or at > moment:
        return seen
    return replace(seen, phase=Phase.OPEN)


def latest(*moments: datetime | None) -> datetime | None:
    """The latest of those there are."""
    return max((moment for moment in moments if moment is not None), default=None)
