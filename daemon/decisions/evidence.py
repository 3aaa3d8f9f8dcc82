"""Orders evidence about an incident: whether a record is older or newer than the recorded state. Pure.

Any response may come from a lagging replica, so the times in the record decide, not the time of reading. A record older
than the recorded state is old news. A record that contradicts it without a time to order the two is in doubt: it counts
once the incident's own record has said the same in two rounds.
"""

from dataclasses import replace
from datetime import datetime
from enum import Enum, auto

from daemon.model.incident import Incident, IncidentState, Phase


class Read(Enum):
    """How an incident was read."""

    LISTED = auto()
    OWN = auto()
    """From its own record."""
    OWN_LATER = auto()
    """From its own record, which was in doubt in an earlier round and at the previous lookup of this round."""


class Order(Enum):
    """How a record relates to the recorded state."""

    OLD_NEWS = auto()
    DOUBTFUL = auto()
    SAME_GENERATION = auto()
    NEXT_GENERATION = auto()


def order(before: IncidentState, seen: Incident) -> Order:
    """How a record relates to the recorded state, by the times in the record.

    Better Stack shows a reopening in two ways: it keeps the old times and adds `reopened_at`, or it clears them and
    gives no time of the reopening.
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
        # This end may be that of the previous generation.
        return Order.DOUBTFUL
    if ended_at is not None and before.acknowledged_at is not None and ended_at < before.acknowledged_at:
        # It was acknowledged after that end, so it may have been reopened between two rounds.
        return Order.DOUBTFUL
    if ended_at is None or known_until is None or ended_at > known_until:
        return Order.SAME_GENERATION
    knows_of_reopening = seen.reopened_at is not None and seen.reopened_at == before.reopened_at
    return Order.DOUBTFUL if knows_of_reopening else Order.OLD_NEWS


def _reopened_at(before: IncidentState, seen: Incident) -> bool:
    """Whether the record gives a time of reopening that is later than everything recorded.

    A generation that followed an end without a time of reopening takes the first such time as its own, unless the
    record shows an end that is not recorded yet.
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
    """Whether this generation is known to be a reopened one. During validation the record may already show an end."""
    shows_end = before.resolved_at is not None and before.phase is not Phase.RESOLVED
    return before.generation > 1 or (shows_end and before.status.lower() != "validating")


def ended_until(before: IncidentState) -> datetime | None:
    """The latest end or reopening with a time from Better Stack. An end that is not later is old news."""
    own_end = before.resolved_at if before.phase is Phase.RESOLVED and not before.deleted else None
    return latest(before.ended_until, before.reopened_at, own_end)


def _began_without_a_time(before: IncidentState) -> bool:
    """Whether neither the end of the previous generation nor the begin of this one has a known time."""
    known_until = ended_until(before)
    return known_until is None or (before.old_until is not None and known_until < before.old_until)


def of_this_generation(before: IncidentState | None, seen: Incident) -> Incident:
    """The record, as open if its acknowledgement belongs to an earlier generation."""
    is_open = before is not None and before.phase is not Phase.RESOLVED
    known_until = latest(before.old_until, ended_until(before) if is_open else None) if before else None
    return after_that(latest(seen.reopened_at, known_until), seen)


def after_that(moment: datetime | None, seen: Incident) -> Incident:
    """The record, as open if its acknowledgement is not later than `moment`."""
    at = seen.acknowledged_at
    if seen.phase is not Phase.ACKNOWLEDGED or at is None or moment is None or at > moment:
        return seen
    return replace(seen, phase=Phase.OPEN)


def latest(*moments: datetime | None) -> datetime | None:
    """The latest of the known times, or `None`."""
    return max((moment for moment in moments if moment is not None), default=None)
