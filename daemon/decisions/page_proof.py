"""Whether somebody was paged, by what SIGNL4 says became of the event. Pure."""

from collections.abc import Collection
from datetime import datetime, timedelta

from daemon.model.page_proof import AwaitedProof, Finding, PageVerdict
from daemon.model.signl4 import AlertPhase, EventOutcome, EventStatus, SeenAlert

FIRST = timedelta(seconds=3)
"""After its acceptance an event is first asked about; the wait doubles from then on."""
LONGEST = timedelta(minutes=2)
PATIENCE = timedelta(minutes=15)
"""What SIGNL4 still processes then has paged nobody."""
GIVEN_UP_AFTER = timedelta(hours=1)
"""A `new` whose acceptance is longer ago is not asked about any more."""
MARGIN = timedelta(seconds=2)
"""Between the times that two machines give to one thing."""
_NOT_PAGED: dict[int, str] = {
    EventStatus.FILTERED: "SIGNL4 filtered it; look at the keyword filter of the team, and at X-S4-Filtering in the "
    "payload",
    EventStatus.DISCARDED: "SIGNL4 discarded it; look at the distribution rules of the integration, and at X-S4-Status "
    "in the payload",
    EventStatus.SUPPRESSED: "SIGNL4 suppressed it; look at the distribution rules of the integration",
    EventStatus.NO_RULE: "no distribution rule of SIGNL4 applies to it; add one that does",
    EventStatus.NOT_ENOUGH: "SIGNL4 waits for more of its kind; look at the distribution rule that counts them",
    EventStatus.DUPLICATE_SUPPRESSED: "SIGNL4 took it for a duplicate, but has no alert of it; look at the "
    "distribution rules of the integration",
    EventStatus.NO_TARGET: "SIGNL4 found nobody to tell; look at the targets of the distribution rules, and at who is "
    "on duty",
    EventStatus.ERROR: "SIGNL4 failed to process it; look at the event in SIGNL4",
}
"""What SIGNL4 did with an event of which nobody was paged, with the mend."""
_UNSETTLED: set[int] = {EventStatus.NONE, EventStatus.PROCESSING}
_PLAIN: set[int] = {EventStatus.RAISED, *_NOT_PAGED, *_UNSETTLED} - {EventStatus.DUPLICATE_SUPPRESSED}
"""What needs no look at the alerts."""


def ask_again_at(asked: int, now: datetime) -> datetime:
    """When SIGNL4 is asked again after so many answers that settled nothing."""
    doublings = min(asked, 10)
    return now + min(FIRST * (1 << doublings), LONGEST)


def is_given_up(proof: AwaitedProof, now: datetime) -> bool:
    """Whether its acceptance is so long ago that SIGNL4 is not asked any more."""
    return now - proof.delivered_at >= GIVEN_UP_AFTER


def given_up() -> Finding:
    """What is known then."""
    why = "SIGNL4 was out of reach for 1 h, or there were too many to ask about; look at the alerts in SIGNL4"
    return Finding(PageVerdict.UNKNOWN, f"it is not known whether somebody was paged: {why}")


def needs_alerts(outcome: EventOutcome | None) -> bool:
    """Whether the status alone does not tell, but the alerts with the external id do."""
    return outcome is not None and outcome.status not in _PLAIN


def judge(
    proof: AwaitedProof,
    outcome: EventOutcome | None,
    alerts: Collection[SeenAlert],
    ahead: timedelta,
    now: datetime,
) -> Finding:
    """What an answer means. `outcome`: `None` where SIGNL4 knows no such event.

    `alerts`: those with the external id, where they are needed. `ahead`: SIGNL4's clock minus ours.
    """
    is_late = now - proof.delivered_at >= PATIENCE
    if outcome is None:
        why = "SIGNL4 does not know the event; is signl4.api_key that of the account of this team?"
        return Finding(PageVerdict.UNKNOWN, why) if is_late else Finding(None)
    if outcome.status == EventStatus.RAISED or any(_is_of(alert, proof, outcome, ahead) for alert in alerts):
        return Finding(PageVerdict.PAGED, "an alert was raised")
    reason = _NOT_PAGED.get(outcome.status)
    if reason is None and is_late:
        lasting = "still processes it" if outcome.status in _UNSETTLED else "has no alert of it"
        reason = f"SIGNL4 {lasting} after 15 min (status {outcome.status}); look at the event in SIGNL4"
    return Finding(None) if reason is None else Finding(PageVerdict.NOT_PAGED, reason)


def _is_of(alert: SeenAlert, proof: AwaitedProof, outcome: EventOutcome, ahead: timedelta) -> bool:
    """Whether an alert tells people of this generation: one that is not closed, or that was raised since it began."""
    sources = alert.event_source, outcome.event_source or proof.event_source
    if alert.external_id != proof.external_id or (None not in sources and sources[0] != sources[1]):
        return False
    if alert.phase is not AlertPhase.CLOSED:
        return True
    return alert.created_at is not None and alert.created_at - ahead >= proof.created_at - MARGIN
