"""Decides whether a due delivery is sent, held, or superseded. Pure, and the only place that decides this.

A rule (a silence, a maintenance window, `min_age`, `flap`) holds nothing but a `new` that was never attempted. The
`resolved` of an alert that was sent is never superseded, and only the gap between two messages of one incident delays
it: SIGNL4 processes events in parallel, so a message sent right after another may overtake it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from daemon.decisions.reconcile import over_too_long
from daemon.model.delivery import OVER_WHILE_HELD, Delivery
from daemon.model.incident import Kind


@dataclass(frozen=True, slots=True)
class Send:
    """Send it now."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Keep it until then."""

    until: datetime
    why: str
    by_rule: bool = False
    """Whether a rule of the operator holds it, and not the gap."""


@dataclass(frozen=True, slots=True)
class Supersede:
    """Give up this generation of the incident: it is no longer worth an alert."""

    why: str


def admit(
    delivery: Delivery,
    gap: timedelta,
    stale_after: timedelta,
    now: datetime,
    theirs: datetime,
    rule: Hold | None = None,
    *,
    looks_up: bool = False,
) -> Send | Hold | Supersede:
    """Decides on a due delivery. `rule`: what the rules in force say of its incident.

    `gap`: least time between two accepted deliveries of one incident. `stale_after`: an incident that has been over for
    this long, by Better Stack's clock (`theirs`), and whose `new` was never attempted does not alert any more.
    `looks_up`: whether SIGNL4 is asked for a `new` that it may have taken. That has an answer once it was processed.
    """
    if delivery.is_untold and over_too_long(delivery.over_since, stale_after, theirs):
        return Supersede("the incident was over too long before this could first be sent")
    if delivery.is_untold and rule is not None:
        return rule if delivery.over_since is None else Supersede(f"{OVER_WHILE_HELD}{rule.why}")
    # A time in the future was stamped by a wrong clock, and is ignored.
    if delivery.previous_at is not None and delivery.previous_at <= now < delivery.previous_at + gap:
        return Hold(delivery.previous_at + gap, "the gap behind the previous message of this incident")
    attempted_at = delivery.maybe_taken_at if looks_up and delivery.kind is Kind.NEW else None
    if attempted_at is not None and attempted_at <= now < attempted_at + gap:
        return Hold(attempted_at + gap, "SIGNL4 may have it already, and is asked a moment later")
    return Send()
