"""SIGNL4 as a whole: when nothing is sent, when one at a time, and what goes on meanwhile."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from daemon.model.delivery import Answer, Delivered, Scope, TryLater
from tests.support.clock import Clock
from tests.support.fakes import ACCEPTED, OUTAGE, REFUSED, WRONG_SECRET, Flows, too_many
from tests.support.kept_log import KeptLog
from tests.support.store import Store
from tests.support.values import NOW

IDS = [str(number) for number in range(100, 112)]


@pytest.fixture
def flows(engine: Engine, clock: Clock, log: KeptLog, store: Store) -> Flows:
    """One request at a time, so that each answer is known before the next request."""
    flows = Flows(engine, clock, log, store, delivery={"concurrency": 1})
    flows.round(sweep=True)
    return flows


def test_a_refused_secret_rests_the_target_and_drops_nothing(flows: Flows) -> None:
    """Promise 2: an outage of SIGNL4, and a wrong secret is one, never turns a delivery dead."""
    flows.see(*IDS)
    flows.signl4.answer = lambda _: WRONG_SECRET
    flows.drain_for(minutes=9, seconds=59)
    assert flows.signl4.times == [60 * minute for minute in range(10)]
    assert {state for (state,) in flows.outbox("state")} == {"pending"}


def test_each_probe_of_the_secret_takes_the_delivery_tried_longest_ago(flows: Flows) -> None:
    flows.see("1", "2", "3")
    flows.signl4.answer = lambda _: WRONG_SECRET
    flows.drain_for(minutes=5, seconds=59)
    probed = [incident_id for incident_id, _ in flows.signl4.told]
    assert sorted(probed[:3]) == ["1", "2", "3"]
    assert probed[3:] == probed[:3]


def test_the_first_success_ends_the_rest_and_everything_goes(flows: Flows) -> None:
    flows.see(*IDS)
    flows.signl4.answer = lambda _: WRONG_SECRET
    flows.drain()
    flows.signl4.answer = lambda _: ACCEPTED
    flows.clock.pass_(seconds=60)
    flows.drain_for(seconds=15)
    assert {state for (state,) in flows.outbox("state")} == {"delivered"}
    assert flows.store.destination_state().secret_refused_since is None


@pytest.mark.parametrize("answer", [OUTAGE, REFUSED])
def test_a_probe_that_fails_in_another_way_keeps_the_rest(flows: Flows, answer: Answer) -> None:
    flows.see("1", "2", "3")
    answers = [WRONG_SECRET, answer, WRONG_SECRET]
    flows.signl4.answer = lambda _: answers.pop(0)
    flows.drain_for(minutes=2, seconds=59)
    assert flows.signl4.times == [0, 60, 120]


def test_after_a_start_a_refused_secret_is_tried_at_once(flows: Flows) -> None:
    flows.see(*IDS)
    flows.signl4.answer = lambda _: WRONG_SECRET
    flows.drain()
    flows.configure(delivery={"concurrency": 1})
    flows.signl4.answer = lambda _: ACCEPTED
    flows.store.try_secrets_again(flows.clock())
    flows.drain_for(seconds=15)
    assert {state for (state,) in flows.outbox("state")} == {"delivered"}


def test_the_rest_outlives_a_restart(flows: Flows) -> None:
    flows.see("1", "2")
    flows.signl4.answer = lambda _: WRONG_SECRET
    flows.drain()
    flows.configure()
    flows.clock.pass_(seconds=59)
    flows.drain()
    assert len(flows.signl4.sent) == 1


@pytest.mark.parametrize(
    "answer",
    [
        too_many(timedelta(seconds=40)),
        Answer(TryLater("HTTP 503", Scope.ROW), timedelta(seconds=40)),
        Answer(Delivered("event"), timedelta(seconds=40)),
    ],
    ids=["429", "503", "the last one allowed"],
)
def test_what_asks_for_silence_holds_back_the_whole_target(flows: Flows, answer: Answer) -> None:
    flows.see("1", "2", "3")
    answers = [answer]
    flows.signl4.answer = lambda _: answers.pop() if answers else ACCEPTED
    flows.drain_for(seconds=39)
    assert len(flows.signl4.sent) == 1
    flows.drain_for(seconds=1)
    assert {state for (state,) in flows.outbox("state")} == {"delivered"}


def test_a_429_without_a_time_holds_back_the_whole_target_for_a_back_off(flows: Flows) -> None:
    flows.see("1", "2")
    flows.signl4.answer = lambda _: too_many()
    flows.drain()
    assert len(flows.signl4.sent) == 1
    assert flows.deliver.next_at() == NOW + timedelta(seconds=2)


def test_a_hold_that_is_further_away_than_any_we_make_does_not_count(flows: Flows) -> None:
    """The clock was wrong when it was noted."""
    flows.see("1", "2")
    flows.signl4.answer = lambda _: too_many(timedelta(minutes=15))
    flows.drain()
    flows.clock.pass_(hours=-3)
    flows.store.cut_waits(timedelta(minutes=15), flows.clock())
    flows.signl4.answer = lambda _: ACCEPTED
    flows.drain()
    assert {state for (state,) in flows.outbox("state")} == {"delivered"}


@pytest.mark.parametrize("concurrency", [1, 4])
def test_after_six_faulty_requests_in_a_minute_the_target_rests_until_it_is_over(
    flows: Flows, concurrency: int
) -> None:
    flows.configure(delivery={"concurrency": concurrency})
    flows.see(*IDS)
    fault = Answer(TryLater("HTTP 404, but not for long", Scope.ROW), faulty=True)
    flows.signl4.answer = lambda _: fault
    flows.drain_for(minutes=10)
    times = flows.signl4.times
    assert max(sum(start <= time < start + 60 for time in times) for start in times) == 6
    assert len(times) > 15


def test_a_rest_for_faulty_payloads_concerns_their_retries_and_paces_the_others(flows: Flows) -> None:
    flows.see(*IDS)
    flows.signl4.answer = lambda payload: REFUSED if int(payload["X-S4-ExternalID"]) > 105 else ACCEPTED
    flows.drain_for(minutes=3)
    first: dict[str, float] = {}
    again: dict[str, float] = {}
    for (incident_id, _), time in zip(flows.signl4.told, flows.signl4.times, strict=True):
        (again if incident_id in first else first)[incident_id] = time
    assert [time for time in first.values() if 0 < time < 60] == [6, 12, 18, 24, 30, 36, 42, 48]
    assert all(time == 0 or time >= 60 for time in again.values())
    states = {int(incident_id): state for incident_id, state in flows.outbox("incident_id", "state")}
    assert states == {number: "dead" if number > 105 else "delivered" for number in range(100, 112)}
