"""A record that cannot be read: set aside, asked for again with patience, named, told of once, and closed."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from daemon.decisions.unreadable import IN_OPEN_LIST, Patience, failed, is_due, judge, least_readable, sentence
from daemon.model.errors import BetterStackError, ForbiddenError, TokenRefusedError
from daemon.model.incident import Unreadable
from daemon.model.page import Shown
from daemon.storage import queries
from tests.support.clock import Clock
from tests.support.duty import Duty
from tests.support.fakes import Flows
from tests.support.kept_log import KeptLog
from tests.support.store import Store
from tests.support.values import NOW, ago

LATE = timedelta(minutes=5)
PATIENCE = Patience(timedelta(seconds=10), LATE)
ALARM = "betterstack-signl4-alarm-unreadable"


def unreadable(incident_id: str = "7", **changes: Any) -> Unreadable:
    return replace(Unreadable(incident_id, ago(minutes=9), 6, NOW, "HTTP 500"), **changes)


@pytest.fixture
def flows(engine: Engine, clock: Clock, log: KeptLog, store: Store) -> Flows:
    flows = Flows(engine, clock, log, store)
    flows.see("7", "8", started_at=ago(days=9))
    return flows


@pytest.fixture
def duty(flows: Flows) -> Duty:
    flows.drain_for(seconds=10)
    return Duty(flows)


class TestPatience:
    def test_the_first_repetition_is_in_the_next_round_and_the_rest_less_and_less_often(self) -> None:
        one, waits = None, []
        for _ in range(9):
            one = failed(one, "7", "HTTP 500", PATIENCE, NOW)
            waits.append((one.due_at - NOW).total_seconds())
        assert waits == [0, 10, 20, 40, 80, 160, 300, 300, 300]

    @given(st.integers(1, 10**9), st.integers(-(10**8), 10**8))
    def test_no_wait_is_longer_than_the_longest_whatever_the_clock_was(self, attempts: int, since: int) -> None:
        before = unreadable(attempts=attempts, since=NOW + timedelta(seconds=since))
        after = failed(before, "7", "HTTP 500", PATIENCE, NOW)
        assert NOW <= after.due_at <= NOW + LATE
        assert after.since <= NOW
        assert is_due(after, PATIENCE, NOW + LATE)

    @pytest.mark.parametrize(("seconds", "due"), [(-9, True), (0, True), (1, False), (300, False), (301, True)])
    def test_a_wait_of_a_clock_that_was_wrong_is_none(self, seconds: float, due: bool) -> None:
        assert is_due(unreadable(due_at=NOW + timedelta(seconds=seconds)), PATIENCE, NOW) is due

    def test_it_is_asked_for_no_more_often_than_that_also_across_restarts(self, flows: Flows) -> None:
        flows.betterstack.poisoned = {"7"}
        for _ in range(60):
            flows.configure()
            flows.round()
            flows.clock.pass_(seconds=10)
        assert len(flows.betterstack.asked_for("lookup 7")) == 7
        assert flows.betterstack.asked_for("lookup 8") == []


class TestWhoseFault:
    @pytest.mark.parametrize(
        "error",
        [
            BetterStackError("Better Stack answered HTTP 500"),
            BetterStackError("Better Stack was not reached: no complete answer within 15 s"),
            ForbiddenError("Better Stack refused the token: HTTP 403", "HTTP 403"),
        ],
    )
    @pytest.mark.parametrize("both", [False, True])
    def test_one_or_two_are_at_fault_themselves(self, flows: Flows, error: BetterStackError, both: bool) -> None:
        flows.see("9", started_at=ago(days=9))
        flows.betterstack.hidden = {"7", "8", "9"}
        poisoned = {"7", "8"} if both else {"7"}
        flows.betterstack.fails = lambda request: error if request.removeprefix("lookup ") in poisoned else None
        flows.betterstack.has("9", status="Resolved", resolved_at=NOW, started_at=ago(days=9))
        for _ in range(20):
            flows.round()
            flows.clock.pass_(seconds=30)
        assert flows.store.set_aside().keys() == poisoned
        assert "token" not in flows.store.set_aside()["7"].why
        assert flows.phases() == {"7": "open", "8": "open", "9": "resolved"}
        assert flows.store.progress().last_round_error is None

    def test_three_are_the_fault_of_the_service_and_asked_for_in_each_round(self, flows: Flows) -> None:
        flows.see("9", "10", started_at=ago(days=9))
        flows.betterstack.hidden = flows.betterstack.poisoned = {"7", "8", "9"}
        for _ in range(5):
            flows.betterstack.asked.clear()
            with pytest.raises(BetterStackError, match=r"several incidents \(7, 8, 9\)"):
                flows.round()
            assert len(flows.betterstack.asked_for("lookup")) == 3
            flows.clock.pass_(minutes=2)
        assert flows.store.set_aside() == {}
        flows.betterstack.poisoned = set()
        flows.round()

    def test_a_third_one_fails_the_round_though_it_was_too_early_for_the_others(self, flows: Flows) -> None:
        self._two_aside_and_a_third(flows)
        flows.betterstack.poisoned = {"7", "8", "9"}
        with pytest.raises(BetterStackError, match=r"\(7, 8, 9\)"):
            flows.round()
        assert flows.store.set_aside().keys() == {"7", "8"}

    def test_a_third_one_fails_no_round_where_the_others_are_well_again(self, flows: Flows) -> None:
        self._two_aside_and_a_third(flows)
        flows.betterstack.poisoned = {"9"}
        flows.betterstack.hidden = {"7", "8", "9"}
        flows.round()
        assert flows.store.set_aside().keys() == {"9"}

    @staticmethod
    def _two_aside_and_a_third(flows: Flows) -> None:
        flows.see("9", started_at=ago(days=9))
        flows.betterstack.poisoned = {"7", "8"}
        for _ in range(6):
            flows.round()
            flows.clock.pass_(seconds=30)

    def test_while_lists_fail_nobody_can_say(self, flows: Flows) -> None:
        flows.betterstack.refuses("since", "lookup 7")
        flows.betterstack.hidden = {"7"}
        for _ in range(5):
            with pytest.raises(BetterStackError, match="since"):
                flows.round(sweep=True)
            flows.clock.pass_(minutes=2)
        assert flows.store.set_aside() == {}
        assert len(flows.betterstack.asked_for("lookup 7")) == 5

    def test_a_refused_token_is_no_fault_of_the_record(self, flows: Flows) -> None:
        flows.betterstack.hidden = {"7"}
        error = TokenRefusedError("Better Stack refused the token: HTTP 401")
        flows.betterstack.fails = lambda request: error if request.startswith("lookup") else None
        with pytest.raises(TokenRefusedError):
            flows.round()
        assert flows.store.set_aside() == {}
        assert queries.snapshot(flows.engine).refused_rounds == 1

    def test_whoever_asks_for_silence_gets_it_and_the_record_waits(self, flows: Flows) -> None:
        flows.betterstack.hidden = {"7"}
        flows.betterstack.refuses("lookup 7", retry_after=timedelta(seconds=20))
        complete = 0
        for _ in range(20):
            with suppress(BetterStackError):
                flows.round()
                complete += 1
            flows.clock.pass_(seconds=20)
        assert complete == 13, "one record whose lookup asks for silence each time costs a round now and then"


def can_be_read(_: Flows) -> None:
    """It is as it was."""


def is_gone(flows: Flows) -> None:
    flows.betterstack.had("7")


def ended(flows: Flows) -> None:
    flows.betterstack.has("7", status="Resolved", resolved_at=flows.clock())


class TestWhoHears:
    @pytest.mark.parametrize("mend", [can_be_read, is_gone, ended])
    def test_one_alarm_after_a_while_and_its_end(self, duty: Duty, mend: Callable[[Flows], None]) -> None:
        duty.flows.betterstack.poisoned = {"7"}
        duty.minutes(4)
        assert duty.alarms() == []
        duty.minutes(60)
        assert duty.alarms() == [("unreadable", "new")]
        [said] = [sent["Title"] for sent in duty.flows.signl4.sent if sent["X-S4-ExternalID"] == ALARM]
        assert "incident 7" in said
        duty.flows.betterstack.poisoned = set()
        mend(duty.flows)
        duty.minutes(6)
        assert duty.alarms() == [("unreadable", "new"), ("unreadable", "resolved")]
        assert duty.flows.store.set_aside() == {}

    def test_status_names_it_and_the_heart_beats_on(self, duty: Duty) -> None:
        duty.flows.betterstack.poisoned = {"7"}
        duty.minutes(6)
        [said] = duty.self_check._notes.found
        assert "incident 7" in said
        assert "the record of 7 cannot be read" in said
        beats = duty.watchers.beats
        duty.minutes(10)
        assert duty.watchers.beats >= beats + 9
        duty.flows.betterstack.poisoned = {"7", "8"}
        duty.minutes(6)
        [said] = duty.self_check._notes.found
        assert "incident 7" in said
        assert "incident 8" in said
        assert duty.alarms() == [("unreadable", "new")], "one alarm, whatever comes to it"

    def test_with_something_else_wrong_the_heart_stops(self, duty: Duty) -> None:
        duty.flows.betterstack.poisoned = {"7"}
        duty.minutes(10)
        duty.flows.betterstack.refuses("open")
        duty.minutes(10)
        beats = duty.watchers.beats
        duty.minutes(10)
        assert duty.watchers.beats == beats

    def test_a_moment_in_which_it_cannot_be_read_is_not_told(self, duty: Duty) -> None:
        for _ in range(6):
            duty.flows.betterstack.poisoned = {"7"}
            duty.minutes(2)
            duty.flows.betterstack.poisoned = set()
            duty.minutes(5)
        assert duty.alarms() == []

    def test_a_step_of_the_clock_lets_nothing_seem_unreadable_for_long(self, duty: Duty) -> None:
        duty.flows.betterstack.poisoned = {"7"}
        duty.minutes(1)
        duty.flows.clock.pass_(days=3)
        duty.flows.store.forget_spans(duty.flows.clock())
        duty.minutes(3)
        assert duty.alarms() == []

    @pytest.mark.parametrize(
        ("one", "said"),
        [
            (unreadable(), True),
            (unreadable(since=ago(minutes=4, seconds=59)), False),
            (unreadable(attempts=1), False),
            (unreadable(IN_OPEN_LIST), True),
        ],
    )
    def test_it_takes_time_and_a_second_try(self, one: Unreadable, said: bool) -> None:
        assert bool(sentence([one], {}, ALARM, LATE, NOW)) is said
        assert sentence([one], {ALARM: "told"}, ALARM, LATE, NOW) is not None
        assert sentence([], {ALARM: "told"}, ALARM, LATE, NOW) is None

    def test_it_is_logged_once_and_when_it_ends(self, flows: Flows, log: KeptLog) -> None:
        flows.betterstack.poisoned = {"7"}
        for _ in range(9):
            flows.round()
            flows.clock.pass_(minutes=1)
        flows.betterstack.poisoned = set()
        flows.round()
        assert [fields["which"] for fields in log.named("record set aside")] == ["incident 7"]
        assert [fields["which"] for fields in log.named("record no longer set aside")] == ["incident 7"]


class TestTheOpenList:
    """What it shows and nobody can read may be an incident that nobody was told of."""

    @pytest.mark.parametrize(("spoilt", "kept"), [((), []), (("odd",), [IN_OPEN_LIST])])
    def test_more_than_is_known_is_set_aside_too(self, spoilt: tuple[str, ...], kept: list[str]) -> None:
        assert list(judge({}, {}, spoilt, PATIENCE, NOW).aside) == kept

    def test_what_is_known_is_not_counted_twice(self) -> None:
        assert list(judge({}, {"7": "HTTP 500"}, ("odd",), PATIENCE, NOW).aside) == ["7"]
        assert list(judge({"7": unreadable()}, {}, ("odd", "odd"), PATIENCE, NOW).aside) == ["7", IN_OPEN_LIST]

    def test_it_ends_with_the_list(self) -> None:
        before = {IN_OPEN_LIST: unreadable(IN_OPEN_LIST)}
        assert judge(before, {}, (), PATIENCE, NOW).aside == {}
        assert judge(before, {}, ("odd",), PATIENCE, NOW).aside[IN_OPEN_LIST].attempts == 7

    def test_the_worst_list_counts(self) -> None:
        lists = [Shown(9, ("odd",)), Shown(1, ("odd",)), Shown(90, ("odd",) * 9)]
        assert least_readable(lists) == lists[1]
        assert least_readable([]) == Shown(0)
