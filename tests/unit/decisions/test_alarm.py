"""When somebody must hear of the program itself: once for each cause, with a reason, and closed when it is gone."""

from dataclasses import replace
from datetime import timedelta

import pytest

from daemon.decisions.alarm import causes, change
from daemon.model.alarm import Cause
from daemon.model.incident import Kind, Phase
from daemon.model.snapshot import OwnFault, Snapshot
from tests.support.values import NOW, ago

LATE = timedelta(minutes=5)
FAILING = Snapshot(last_complete_round_at=ago(minutes=6), last_round_error="HTTP 503", failing_since=ago(minutes=5))
POLL = Cause.POLL.external_id
APART = OwnFault(12, "7", "new", "HTTP 403", failing_since=ago(minutes=5), created_at=ago(minutes=6))


@pytest.mark.parametrize(
    ("snapshot", "expected"),
    [
        (Snapshot(), set()),
        (Snapshot(last_complete_round_at=ago(days=3)), set()),
        (FAILING, {Cause.POLL}),
        (replace(FAILING, failing_since=ago(minutes=4, seconds=59)), set()),
        (replace(FAILING, failing_since=NOW, refused_rounds=1), set()),
        (replace(FAILING, failing_since=NOW, refused_rounds=2), {Cause.POLL}),
        (replace(FAILING, failing_since=NOW, token_suspect_since=NOW), {Cause.POLL}),
        (replace(FAILING, failing_since=NOW, open_alarms={POLL: "told"}), {Cause.POLL}),
        (Snapshot(open_alarms={POLL: "told"}), set()),
        (Snapshot(dead_deliveries=1), set()),
        (Snapshot(dead_deliveries=2, dead_alerts=1), {Cause.DEAD}),
        (Snapshot(own_faults=(APART,)), {Cause.DELIVERY}),
        (Snapshot(own_faults=(replace(APART, failing_since=ago(minutes=4, seconds=59)),)), set()),
        (Snapshot(own_faults=(replace(APART, is_alarm=True),)), set()),
    ],
)
def test_a_cause_is_there_or_not(snapshot: Snapshot, expected: set[Cause]) -> None:
    assert set(causes(snapshot, LATE, NOW)) == expected


def test_the_sentence_says_why_and_since_when_incidents_are_unknown() -> None:
    assert causes(FAILING, LATE, NOW)[Cause.POLL] == (
        "Better Stack cannot be polled: HTTP 503; incidents since 2026-11-23 09:24:00 UTC are unknown"
    )
    never = replace(FAILING, last_complete_round_at=None)
    assert causes(never, LATE, NOW)[Cause.POLL].endswith("incidents since the first start are unknown")


def test_the_sentence_names_the_delivery_that_fails_on_its_own_and_counts_the_others() -> None:
    one = causes(Snapshot(own_faults=(APART,)), LATE, NOW)[Cause.DELIVERY]
    assert one == "SIGNL4 takes others, but not delivery 12 (new of incident 7): HTTP 403; look at: status"
    three = causes(Snapshot(own_faults=(APART, APART, APART)), LATE, NOW)[Cause.DELIVERY]
    assert "(new of incident 7), and 2 more: HTTP 403" in three


def test_the_sentence_names_the_incident_of_the_latest_dead_delivery() -> None:
    told = [causes(Snapshot(dead_alerts=n, dead_incident="7"), LATE, NOW)[Cause.DEAD] for n in (1, 3)]
    assert told[0].startswith("A delivery of incident 7 is dead: ")
    assert told[1].startswith("3 deliveries are dead, the latest of incident 7: ")


def test_each_time_a_cause_comes_back_is_a_generation_of_its_own() -> None:
    known = None
    for generation in (1, 2):
        raised = change(known, Cause.POLL, "why", NOW)
        assert raised is not None
        known, transition = raised
        assert (transition.kind, transition.generation) == (Kind.NEW, generation)
        assert change(known, Cause.POLL, "another why", NOW) is None
        closed = change(known, Cause.POLL, None, NOW)
        assert closed is not None
        known, transition = closed
        assert (transition.kind, transition.generation, known.phase) == (Kind.RESOLVED, generation, Phase.RESOLVED)
        assert change(known, Cause.POLL, None, NOW) is None
