"""When somebody must hear of the program itself: once for each cause, with a reason, and closed when it is gone."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from daemon.decisions.alarm import Cause, causes, step
from daemon.model.delivery import Answer
from daemon.model.errors import BetterStackError, DatabaseBusyError, TokenRefusedError
from daemon.model.incident import Kind, Phase
from daemon.model.snapshot import OwnFault, Snapshot
from daemon.self_check import Notes, SelfCheck
from daemon.storage import queries
from tests.conftest import Clock, KeptLog
from tests.fakes import ACCEPTED, FORBIDDEN, OUTAGE, REFUSED, Flows
from tests.given import NOW, ago
from tests.whole import Store

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


def test_each_time_a_cause_comes_back_is_a_generation_of_its_own() -> None:
    known = None
    for generation in (1, 2):
        raised = step(known, Cause.POLL, "why", NOW)
        assert raised is not None
        known, transition = raised
        assert (transition.kind, transition.generation) == (Kind.NEW, generation)
        assert step(known, Cause.POLL, "another why", NOW) is None
        closed = step(known, Cause.POLL, None, NOW)
        assert closed is not None
        known, transition = closed
        assert (transition.kind, transition.generation, known.phase) == (Kind.RESOLVED, generation, Phase.RESOLVED)
        assert step(known, Cause.POLL, None, NOW) is None


# -- with everything around it ----------------------------------------------------------------------------------------


class Watchers:
    """Counts the signs of life."""

    def __init__(self) -> None:
        self.beats = 0
        self.missed: list[str] = []

    def beat(self) -> list[str]:
        self.beats += 1
        return self.missed


class Duty:
    """Both flows and the look over them, on one database, with a clock by hand."""

    def __init__(self, flows: Flows, **sections: Any) -> None:
        self.flows = flows
        self.watchers = Watchers()
        self.full = False
        """Whether the disk is."""
        flows.configure(**sections)
        self.self_check = SelfCheck(
            self._figures,
            flows.store,
            flows.store,
            flows.signl4,
            self.watchers,
            flows.settings,
            Notes(),
            clock=flows.clock,
            monotonic=lambda: flows.clock().timestamp(),
            log=flows.log,
            on_told=lambda: None,
        )

    def _figures(self) -> Snapshot:
        if self.full:
            raise DatabaseBusyError("the database cannot be written now: disk full")
        return queries.snapshot(self.flows.engine)

    def minutes(self, count: float, *, every: float = 0.5) -> None:
        """So many minutes pass with a round, a pass and a look each half of one."""
        for _ in range(int(count / every)):
            self.flows.clock.pass_(minutes=every)
            self.round()

    def round(self) -> None:
        if self.full:
            self.self_check.state_failed("the database cannot be written now: disk full")
        else:
            with suppress(BetterStackError):
                self.flows.round()
            self.self_check.state_works()
        if self.self_check.run():
            self.self_check.beat()
        if not self.full:
            self.flows.drain_for(seconds=5)

    def alarms(self) -> list[tuple[str, str]]:
        """What SIGNL4 was told of the program itself: the cause and the kind."""
        return [(told.rpartition("-")[2], kind) for told, kind in self.flows.signl4.told if "alarm" in told]


@pytest.fixture
def duty(flows: Flows) -> Duty:
    return Duty(flows)


@pytest.fixture
def flows(engine: Engine, clock: Clock, log: KeptLog, store: Store) -> Flows:
    return Flows(engine, clock, log, store)


def test_an_outage_of_better_stack_is_told_once_and_closed_by_the_first_complete_round(duty: Duty) -> None:
    duty.flows.see("7")
    duty.flows.betterstack.refuses("open")
    duty.minutes(4.5)
    assert duty.alarms() == []
    duty.minutes(120)
    assert duty.alarms() == [("poll", "new")]
    duty.flows.betterstack.refuses()
    duty.minutes(1)
    assert duty.alarms() == [("poll", "new"), ("poll", "resolved")]
    assert [kind for told, kind in duty.flows.signl4.told if told == "7"] == ["new"]


def test_a_second_outage_is_told_again(duty: Duty) -> None:
    for _ in range(2):
        duty.flows.betterstack.refuses("open")
        duty.minutes(6)
        duty.flows.betterstack.refuses()
        duty.minutes(1)
    assert duty.alarms() == [("poll", "new"), ("poll", "resolved")] * 2


def test_a_refused_token_is_told_after_two_tries(duty: Duty) -> None:
    duty.minutes(1)
    duty.flows.betterstack.fails = lambda _: TokenRefusedError("Better Stack refused the token: HTTP 401")
    duty.minutes(0.5)
    assert duty.alarms() == []
    duty.minutes(0.5)
    assert duty.alarms() == [("poll", "new")]
    [alarm] = [sent for sent in duty.flows.signl4.sent if "alarm" in sent["X-S4-ExternalID"]]
    assert alarm["Title"].startswith("Better Stack cannot be polled: Better Stack refused the token: HTTP 401; ")
    duty.flows.betterstack.refuses("open")
    duty.minutes(1)
    assert duty.alarms() == [("poll", "new")], "another failure is the same cause"


def test_a_token_of_another_team_is_told_at_once(duty: Duty) -> None:
    duty.flows.see("1", "2", "3")
    for incident_id in ("1", "2", "3"):
        duty.flows.betterstack.had(incident_id)
    duty.minutes(0.5)
    assert duty.alarms() == [("poll", "new")]


def test_a_restart_tells_nothing_again(duty: Duty) -> None:
    duty.flows.betterstack.refuses("open")
    duty.minutes(6)
    again = Duty(duty.flows)
    again.minutes(6)
    again.flows.betterstack.refuses()
    again.minutes(1)
    assert again.alarms() == [("poll", "new"), ("poll", "resolved")]


@pytest.mark.parametrize("fault", [OUTAGE, FORBIDDEN])
def test_a_delivery_that_fails_on_its_own_is_told_once_and_closed_when_it_went_out(duty: Duty, fault: Answer) -> None:
    duty.flows.signl4.answer = lambda sent: fault if sent["X-S4-ExternalID"] == "7" else ACCEPTED
    duty.flows.see("7", "8", "9")
    duty.minutes(4)
    assert duty.alarms() == []
    duty.flows.see("10", "11")
    duty.minutes(60)
    assert duty.alarms() == [("delivery", "new")]
    assert duty.watchers.beats < 20, "heartbeats go on though somebody must look"
    duty.flows.signl4.answer = lambda _: ACCEPTED
    duty.minutes(7)
    assert duty.alarms() == [("delivery", "new"), ("delivery", "resolved")]


def test_a_dead_delivery_is_told_until_it_is_revived(duty: Duty) -> None:
    duty.flows.signl4.answer = lambda sent: ACCEPTED if "alarm" in sent["X-S4-ExternalID"] else REFUSED
    duty.flows.see("7")
    duty.minutes(2)
    assert duty.alarms() == [("dead", "new")]
    duty.flows.signl4.answer = lambda _: ACCEPTED
    queries.revive(duty.flows.engine, queries.dead_ids(duty.flows.engine), force=False)
    duty.minutes(1)
    assert duty.alarms() == [("dead", "new"), ("dead", "resolved")]


def test_an_alarm_that_is_refused_raises_no_alarm(duty: Duty) -> None:
    duty.flows.signl4.answer = lambda _: REFUSED
    duty.flows.betterstack.refuses("open")
    duty.minutes(30)
    assert [kind for _, kind in duty.alarms()] == ["new", "new"], "in full, then in its smallest form"
    assert duty.self_check.run() is False


def test_where_nothing_can_be_written_one_alarm_goes_out_all_the_same(duty: Duty) -> None:
    duty.minutes(1)
    duty.full = True
    duty.minutes(4.5)
    assert duty.alarms() == []
    answers: list[Answer] = [OUTAGE, OUTAGE]
    duty.flows.signl4.answer = lambda _: answers.pop() if answers else ACCEPTED
    duty.minutes(60)
    assert duty.alarms() == [("state", "new")] * 3, "twice in vain, then taken, then never again"
    assert duty.flows.signl4.sent[-1]["Title"].startswith("The state cannot be written: the database cannot be written")
    duty.full = False
    duty.minutes(2)
    assert duty.alarms()[3:] == [("state", "resolved")]


def test_a_moment_in_which_nothing_can_be_written_is_not_told(duty: Duty) -> None:
    for _ in range(3):
        duty.full = True
        duty.minutes(3)
        duty.full = False
        duty.minutes(1)
    assert duty.alarms() == []


def test_alarms_are_no_incidents_of_better_stack(duty: Duty) -> None:
    duty.flows.betterstack.refuses("open")
    duty.minutes(6)
    duty.flows.betterstack.refuses("lookup")
    duty.minutes(6)
    assert duty.flows.betterstack.asked_for("lookup") == []
    assert queries.snapshot(duty.flows.engine).open_incidents == 0
    assert queries.incidents(duty.flows.engine, open_only=False) == []


# -- heartbeats -------------------------------------------------------------------------------------------------------


def test_while_all_is_well_the_watchers_are_called_once_in_an_interval(duty: Duty) -> None:
    began = duty.flows.clock()
    duty.minutes(10, every=0.25)
    minutes = (duty.flows.clock() - began) / timedelta(minutes=1)
    assert minutes - 1 <= duty.watchers.beats <= minutes + 1


def no_round(duty: Duty) -> None:
    duty.flows.betterstack.refuses("open")


def no_disk(duty: Duty) -> None:
    duty.full = True


def a_dead_delivery(duty: Duty) -> None:
    duty.flows.signl4.answer = lambda _: REFUSED
    duty.flows.see("7")


def a_blocked_outbox(duty: Duty) -> None:
    duty.flows.signl4.answer = lambda _: OUTAGE
    duty.flows.see("7")


@pytest.mark.parametrize("happens", [no_round, no_disk, a_dead_delivery, a_blocked_outbox])
def test_no_heartbeat_while_something_is_wrong(duty: Duty, happens: Any) -> None:
    duty.minutes(2)
    happens(duty)
    duty.minutes(7)
    before = duty.watchers.beats
    duty.minutes(20)
    assert duty.watchers.beats == before


def test_a_watcher_that_is_gone_is_told_of_once_and_does_no_harm(duty: Duty) -> None:
    duty.watchers.missed = ["heartbeat.urls, number 1: HTTP 404"]
    duty.minutes(5)
    assert duty.flows.log.named("heartbeat failed") == [{"error": "heartbeat.urls, number 1: HTTP 404"}]
    duty.watchers.missed = []
    duty.minutes(2)
    assert len(duty.flows.log.named("heartbeats succeed again")) == 1
