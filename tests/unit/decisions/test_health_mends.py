"""Nothing stays unhealthy that no command can mend; each sentence of `status` that does not pass names its mend."""

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event

from daemon.decisions import health
from daemon.model.alarm import Cause
from daemon.model.delivery import Answer, DeliveryState
from daemon.storage import listings, operate, queries
from tests.support.clock import Clock
from tests.support.duty import Duty
from tests.support.engines import engine_on
from tests.support.fakes import ACCEPTED, OUTAGE, REFUSED, WRONG_SECRET, Flows
from tests.support.kept_log import KeptLog
from tests.support.outbox import DEAD, rows
from tests.support.store import Store

POLL, DEAD_ALARM = Cause.POLL.external_id, Cause.DEAD.external_id


def duty_on(engine: Engine) -> Duty:
    return Duty(Flows(engine, Clock(), KeptLog(), Store(engine)))


@pytest.fixture
def duty(engine: Engine) -> Duty:
    return duty_on(engine)


class Answers:
    """What SIGNL4 makes of incidents, and of alarms of ours."""

    def __init__(self, duty: Duty) -> None:
        self.of = {"incidents": ACCEPTED, "alarms": ACCEPTED}
        duty.flows.signl4.answer = self

    def __call__(self, sent: Mapping[str, Any]) -> Answer:
        return self.of["alarms" if "alarm" in sent["X-S4-ExternalID"] else "incidents"]

    def all(self, answer: Answer) -> None:
        self.of = dict.fromkeys(self.of, answer)


def sentences(duty: Duty) -> list[str]:
    settings = duty.flows.settings
    snapshot = queries.snapshot(duty.flows.engine)
    return list(
        health.problems(
            snapshot, settings.poll.interval, settings.alarm.poll_after, duty.flows.clock(), warn_after=None
        )
    )


@contextmanager
def at_its_time(duty: Duty) -> Iterator[Engine]:
    """The commands take the time from the machine."""
    with time_machine.travel(duty.flows.clock(), tick=False):
        yield duty.flows.engine


def do_as_told(duty: Duty, sentence: str) -> None:
    """The command that the sentence names."""
    gives_up = re.search(r"with: drop ((?:\d+ ?)+)", sentence)
    with at_its_time(duty) as engine:
        if gives_up:
            operate.drop(engine, [int(delivery_id) for delivery_id in gives_up[1].split()])
        elif sentence.endswith("with: retry --dead"):
            operate.revive(engine, operate.dead_ids(engine), force=False)
        else:
            raise AssertionError(f"this sentence names no command that mends it: {sentence}")


def mend(duty: Duty) -> None:
    """Everything is well from now on, time passes, and the operator does what `status` says until that is nothing."""
    Answers(duty)
    duty.flows.betterstack.refuses()
    duty.minutes(75, every=15)
    for _ in range(4):
        for sentence in sentences(duty):
            do_as_told(duty, sentence)
        duty.minutes(3, every=1)
        if not sentences(duty):
            break
    assert sentences(duty) == []
    assert duty.self_check.run() is True


INCIDENTS = st.sampled_from(["1", "2"])
WORDS = st.sampled_from(["incidents", "alarms"])
ANSWERS = st.sampled_from([ACCEPTED, REFUSED, OUTAGE, WRONG_SECRET])
STEPS = st.one_of(
    st.tuples(st.just("answer"), WORDS, ANSWERS),
    st.tuples(st.just("see"), INCIDENTS, st.sampled_from(["Started", "Acknowledged", "Resolved"])),
    st.tuples(st.just("polls"), st.booleans(), st.none()),
    st.tuples(st.just("pass"), st.sampled_from([0.5, 3, 12]), st.none()),
    st.tuples(st.just("drop"), st.integers(0, 9), st.none()),
    st.tuples(st.just("retry"), st.booleans(), st.none()),
)


def do(duty: Duty, answers: Answers, step: tuple[str, Any, Any]) -> None:
    now = duty.flows.clock()
    with at_its_time(duty) as engine:
        match step:
            case "answer", word, answer:
                answers.of[word] = answer
            case "see", incident_id, status:
                times = {"Acknowledged": {"acknowledged_at": now}, "Resolved": {"resolved_at": now}}
                duty.flows.betterstack.has(incident_id, status=status, started_at=now, **times.get(status, {}))
            case "polls", works, _:
                duty.flows.betterstack.refuses(*([] if works else ["open"]))
            case "drop", which, _:
                unsettled = operate.droppable(engine, range(1, 200))
                operate.drop(engine, [row["id"] for row in unsettled[which : which + 1]])
            case "retry", force, _:
                operate.revive(engine, operate.dead_ids(engine), force=force)
    if step[0] == "pass":
        duty.minutes(step[1], every=max(0.5, step[1] / 4))


EMPTY: dict[str, bytes] = {}


@pytest.fixture(scope="module", autouse=True)
def _remember_an_empty_database(empty_database: bytes) -> None:
    EMPTY["bytes"] = empty_database


@settings(max_examples=30)
@given(steps=st.lists(STEPS, max_size=16))
def test_whatever_happened_the_commands_that_status_names_bring_health_back(steps: list[tuple[str, Any, Any]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        database = Path(directory) / "state.db"
        database.write_bytes(EMPTY["bytes"])
        engine = engine_on(database)
        event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF"))
        try:
            duty = duty_on(engine)
            answers = Answers(duty)
            for step in steps:
                do(duty, answers, step)
            mend(duty)
        finally:
            engine.dispose()


# -- alarms that nobody can want any more -----------------------------------------------------------------------------


def test_a_dead_alarm_does_not_outlive_its_cause(duty: Duty) -> None:
    """SIGNL4 refuses everything, is well again, and the one delivery that mattered is brought back."""
    answers = Answers(duty)
    answers.all(REFUSED)
    duty.flows.see("7")
    duty.minutes(10)
    assert set(rows(duty.flows.engine)) == {("7", 1, "new"), (DEAD_ALARM, 1, "new")}
    assert {row.state for row in rows(duty.flows.engine).values()} == {"dead"}
    answers.all(ACCEPTED)
    with at_its_time(duty) as engine:
        assert operate.revive(engine, [1], force=False) == [operate.Revival(1, None)]
    duty.minutes(2)
    alarm = rows(duty.flows.engine)[DEAD_ALARM, 1, "new"]
    assert (alarm.state, alarm.reason) == ("superseded", "the alarm is over")
    assert sentences(duty) == []
    assert duty.self_check.run() is True


def test_a_dead_alarm_is_dead_as_long_as_its_cause_lasts(duty: Duty) -> None:
    answers = Answers(duty)
    answers.of["alarms"] = REFUSED
    duty.flows.betterstack.refuses("open")
    duty.minutes(30)
    assert rows(duty.flows.engine)[POLL, 1, "new"].state == "dead"
    answers.all(ACCEPTED)
    sentence = sentences(duty)[-1]
    assert sentence.startswith("1 dead; ")
    do_as_told(duty, sentence)
    duty.minutes(1)
    assert rows(duty.flows.engine)[POLL, 1, "new"].state == "delivered"


@pytest.mark.parametrize("again", [False, True])
def test_the_dead_end_of_an_alarm_is_wanted_until_the_next_one(duty: Duty, again: bool) -> None:
    """Its alert is still open at SIGNL4, and the end of the next one closes that too."""
    answers = Answers(duty)
    duty.flows.betterstack.refuses("open")
    duty.minutes(10)
    answers.of["alarms"] = REFUSED
    duty.flows.betterstack.refuses()
    duty.minutes(10)
    assert rows(duty.flows.engine)[POLL, 1, "resolved"].state == "dead"
    answers.all(ACCEPTED)
    if again:
        duty.flows.betterstack.refuses("open")
        duty.minutes(10)
        assert rows(duty.flows.engine)[POLL, 1, "resolved"].state == "superseded"
        duty.flows.betterstack.refuses()
    else:
        [sentence] = sentences(duty)
        do_as_told(duty, sentence)
    duty.minutes(3)
    assert sentences(duty) == []
    assert duty.alarms()[-1] == ("poll", "resolved")


def test_an_end_that_dies_behind_a_beginning_that_died_is_told_to_nobody(duty: Duty) -> None:
    answers = Answers(duty)
    answers.all(REFUSED)
    duty.flows.betterstack.refuses("open")
    duty.minutes(10)
    duty.flows.betterstack.refuses()
    duty.minutes(10)
    assert {row.state for row in rows(duty.flows.engine).values()} == {"superseded"}
    assert sentences(duty) == []


def test_without_the_daemon_retry_gives_up_what_is_pointless(duty: Duty) -> None:
    answers = Answers(duty)
    answers.all(REFUSED)
    duty.flows.betterstack.refuses("open")
    duty.minutes(10)
    duty.flows.betterstack.refuses()
    with at_its_time(duty) as engine:
        assert operate.revive(engine, [1], force=False) == [operate.Revival(1, None)], "the cause lasts"
        duty.flows.drain()
        duty.flows.drain()
        engine_rows = rows(engine)
        assert engine_rows[POLL, 1, "new"].state == "dead"
        duty.flows.round()
        duty.self_check._record({}, (), duty.flows.clock())  # it ends right behind this
        said = operate.revive(engine, operate.dead_ids(engine), force=False)
    assert said == [operate.Revival(1, None, "superseded: the alarm is over")]
    assert rows(duty.flows.engine)[POLL, 1, "new"].reason == "the alarm is over"


def test_what_was_given_up_of_an_alarm_is_pruned_in_time(duty: Duty) -> None:
    answers = Answers(duty)
    answers.all(REFUSED)
    duty.flows.betterstack.refuses("open")
    duty.minutes(10)
    answers.all(ACCEPTED)
    duty.flows.betterstack.refuses()
    duty.minutes(3)
    assert {row.state for row in rows(duty.flows.engine).values()} == {"superseded", "delivered"}
    duty.flows.store.prune(duty.flows.clock() + timedelta(seconds=1))
    assert rows(duty.flows.engine) == {}


# -- what SIGNL4 never takes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [OUTAGE, WRONG_SECRET], ids=["HTTP 503", "HTTP 404"])
def test_what_waits_for_ever_can_be_given_up(duty: Duty, answer: Answer) -> None:
    answers = Answers(duty)
    answers.of["incidents"] = answer
    duty.flows.see("7")
    duty.minutes(20)
    assert sentences(duty)
    with at_its_time(duty) as engine:
        operate.drop(
            engine, [row["id"] for row in listings.deliveries(engine, state=DeliveryState.PENDING).newest_first()]
        )
    duty.minutes(3)
    assert sentences(duty) == []


WAKES: list[tuple[str, Callable[[Engine], object]]] = [
    ("drop", lambda engine: operate.drop(engine, [1])),
    ("retry and drop", lambda engine: (operate.revive(engine, [1], force=False), operate.drop(engine, [1]))),
]


@pytest.mark.parametrize(("case", "deed"), WAKES, ids=[case for case, _ in WAKES])
def test_a_dead_beginning_whose_incident_is_over_is_given_up_without_waking_anybody(
    duty: Duty, case: str, deed: Callable[[Engine], object]
) -> None:
    answers = Answers(duty)
    answers.of["incidents"] = REFUSED
    duty.flows.see("7")
    duty.minutes(1)
    answers.all(ACCEPTED)
    duty.flows.see("7", status="Resolved", resolved_at=duty.flows.clock())
    duty.minutes(2)
    assert sentences(duty) == ["1 dead, and too late to be told; give up with: drop 1"]
    sent = len(duty.flows.signl4.sent)
    with at_its_time(duty) as engine:
        deed(engine)
    duty.minutes(3)
    assert sentences(duty) == []
    assert [kind for _, kind in duty.flows.signl4.told[sent:]] == ["resolved"], f"{case}: the end of the alarm alone"
    assert DEAD not in {row.state for row in rows(duty.flows.engine).values()}


def test_of_many_that_are_too_late_the_sentence_names_some_and_then_the_next(duty: Duty) -> None:
    answers = Answers(duty)
    answers.of["incidents"] = REFUSED
    ids = [str(n) for n in range(30)]
    duty.flows.see(*ids)
    duty.minutes(60, every=2)
    duty.flows.see(*ids, status="Resolved", resolved_at=duty.flows.clock())
    duty.minutes(5)
    mend(duty)
