"""Whether somebody was paged: what each answer of SIGNL4 means, and when it is asked again."""

from dataclasses import replace
from datetime import timedelta

import pytest

from daemon.decisions.page_proof import ask_again_at, given_up, is_given_up, judge, needs_alerts
from daemon.model.page_proof import AwaitedProof, Finding, PageVerdict
from daemon.model.signl4 import AlertPhase, EventOutcome, EventStatus, SeenAlert
from tests.support.rest import seen_alert
from tests.support.values import NOW, ago

PAGED, NOT_PAGED, UNKNOWN = PageVerdict
PROOF = AwaitedProof(
    1, "7", 1, "default", "7", "event 7", created_at=ago(seconds=10), delivered_at=ago(seconds=9), asked=2
)
LATE = replace(PROOF, created_at=ago(minutes=15, seconds=1), delivered_at=ago(minutes=15))
OURS, OLD = seen_alert("7"), seen_alert("7", AlertPhase.CLOSED, created_at=ago(hours=1))
NONE = timedelta(0)


def found(
    status: int | None,
    *alerts: SeenAlert,
    proof: AwaitedProof = PROOF,
    ahead: timedelta = NONE,
    source: str | None = None,
) -> Finding:
    outcome = None if status is None else EventOutcome(status, event_source=source)
    return judge(proof, outcome, alerts, ahead, NOW)


CASES: dict[int, tuple[PageVerdict | None, str]] = {
    EventStatus.NONE: (None, ""),
    EventStatus.PROCESSING: (None, ""),
    EventStatus.RAISED: (PAGED, "an alert was raised"),
    EventStatus.FILTERED: (NOT_PAGED, "SIGNL4 filtered it; look at the keyword filter"),
    EventStatus.RESOLVED: (None, ""),
    EventStatus.DISCARDED: (NOT_PAGED, "SIGNL4 discarded it; look at the distribution rules"),
    EventStatus.ACKNOWLEDGED: (None, ""),
    EventStatus.SUPPRESSED: (NOT_PAGED, "SIGNL4 suppressed it; look at"),
    EventStatus.NO_RULE: (NOT_PAGED, "no distribution rule of SIGNL4 applies to it; add one"),
    EventStatus.SEVERAL_TARGETS: (None, ""),
    EventStatus.WAITING_FOR_AUTO_CLOSE: (None, ""),
    EventStatus.NOT_ENOUGH: (NOT_PAGED, "SIGNL4 waits for more of its kind; look at"),
    EventStatus.DUPLICATE_SUPPRESSED: (NOT_PAGED, "SIGNL4 took it for a duplicate, but has no alert of it; look at"),
    EventStatus.NO_TARGET: (NOT_PAGED, "SIGNL4 found nobody to tell; look at"),
    EventStatus.ERROR: (NOT_PAGED, "SIGNL4 failed to process it; look at"),
    77: (None, ""),
}


def test_each_status_is_a_case() -> None:
    assert CASES.keys() >= set(EventStatus)


@pytest.mark.parametrize("status", CASES)
def test_each_status_has_its_verdict_and_its_mend(status: int) -> None:
    verdict, why = CASES[status]
    finding = found(status)
    assert (finding.verdict, finding.why[: len(why)]) == (verdict, why)


ALERTS_TELL = {
    EventStatus.RESOLVED,
    EventStatus.ACKNOWLEDGED,
    EventStatus.SEVERAL_TARGETS,
    EventStatus.WAITING_FOR_AUTO_CLOSE,
    EventStatus.DUPLICATE_SUPPRESSED,
    77,
}


@pytest.mark.parametrize("status", CASES)
def test_where_the_status_does_not_tell_the_alerts_do(status: int) -> None:
    assert needs_alerts(EventOutcome(status)) is (status in ALERTS_TELL)
    if status in ALERTS_TELL:
        assert found(status, OURS).verdict is PAGED
    assert not needs_alerts(None)


def test_an_alert_of_an_earlier_time_another_incident_or_another_team_proves_nothing() -> None:
    duplicate = EventStatus.DUPLICATE_SUPPRESSED
    assert found(duplicate, OLD, seen_alert("8")).verdict is NOT_PAGED
    assert found(duplicate, replace(OURS, event_source="night"), source="day").verdict is NOT_PAGED
    assert (
        found(duplicate, replace(OURS, event_source="day"), proof=replace(PROOF, event_source="day")).verdict is PAGED
    )
    assert found(duplicate, replace(OURS, event_source=None), source="day").verdict is PAGED
    assert found(duplicate, replace(OLD, created_at=None)).verdict is NOT_PAGED


@pytest.mark.parametrize(("seconds", "verdict"), [(-2, PAGED), (-3, NOT_PAGED)])
def test_a_closed_alert_counts_if_it_was_raised_since_by_the_clocks_of_both(
    seconds: float, verdict: PageVerdict
) -> None:
    ahead = timedelta(minutes=5)
    closed = replace(OLD, created_at=PROOF.created_at + ahead + timedelta(seconds=seconds))
    assert found(EventStatus.DUPLICATE_SUPPRESSED, closed, ahead=ahead).verdict is verdict


@pytest.mark.parametrize("status", [status for status, (verdict, _) in CASES.items() if verdict is None])
def test_what_is_not_settled_after_a_quarter_of_an_hour_has_paged_nobody(status: int) -> None:
    just_before = replace(LATE, delivered_at=LATE.delivered_at + timedelta(seconds=1))
    assert found(status, proof=just_before).verdict is None
    finding = found(status, proof=LATE)
    lasting = "still processes it" if status in (0, 1) else "has no alert of it"
    assert finding == Finding(
        NOT_PAGED, f"SIGNL4 {lasting} after 15 min (status {int(status)}); look at the event in SIGNL4"
    )


def test_an_event_that_signl4_does_not_know_wakes_nobody_else() -> None:
    assert found(None).verdict is None
    finding = found(None, proof=LATE)
    assert (finding.verdict, "signl4.api_key" in finding.why) == (UNKNOWN, True)


def test_after_an_hour_without_an_answer_it_is_given_up() -> None:
    assert not is_given_up(replace(PROOF, delivered_at=ago(minutes=59)), NOW)
    assert is_given_up(replace(PROOF, delivered_at=ago(hours=1)), NOW)
    assert given_up().verdict is UNKNOWN


def test_the_wait_doubles_up_to_two_minutes() -> None:
    waits = [(ask_again_at(asked, NOW) - NOW).total_seconds() for asked in range(9)]
    assert waits == [3, 6, 12, 24, 48, 96, 120, 120, 120]
    assert ask_again_at(10**9, NOW) == NOW + timedelta(minutes=2)
