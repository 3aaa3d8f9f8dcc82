"""Whether a due delivery is sent, held for a while, or superseded. Pure, and the one place where that is decided.

The gap between two messages of one incident is the only thing that holds a `resolved` of what was told: SIGNL4 takes
events in parallel, and one that comes right behind another may overtake it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from daemon.decisions.reconcile import over_too_long
from daemon.model.delivery import Delivery
from daemon.model.incident import Kind


@dataclass(frozen=True, slots=True)
class Send:
    """It goes out now."""


@dataclass(frozen=True, slots=True)
class Hold:
    """It waits."""

    until: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Supersede:
    """Nobody needs to hear of this generation of the incident any more."""

    why: str


def admit(
    delivery: Delivery, gap: timedelta, stale_after: timedelta, now: datetime, theirs: datetime
) -> Send | Hold | Supersede:
    """What becomes of a delivery that is due.

    `gap`: the least time between two accepted deliveries of one incident. `stale_after`: for how long an incident may
    have been over, by Better Stack's clock (`theirs`), before nobody is woken for it who cannot have heard of it yet.
    """
    untold = delivery.kind is Kind.NEW and delivery.attempts == 0
    if untold and over_too_long(delivery.over_since, stale_after, theirs):
        return Supersede("the incident was over too long before this could first be sent")
    # A time to come is that of a clock that was wrong: it holds nothing.
    if delivery.previous_at is not None and delivery.previous_at <= now < delivery.previous_at + gap:
        return Hold(delivery.previous_at + gap, "the gap behind the previous message of this incident")
    return Send()
