"""Once SIGNL4 takes something again, what waited for it is due; what waits for another reason goes on waiting."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from daemon.model.delivery import Answer, Scope, TryLater
from tests.support.clock import Clock
from tests.support.fakes import ACCEPTED, OUTAGE, REFUSED, WRONG_SECRET, Flows, too_many
from tests.support.kept_log import KeptLog
from tests.support.outbox import NEW, after, deliver, kill, postpone, refuse, rows, tell
from tests.support.store import Store
from tests.support.values import NOW, ago

MAYBE_TAKEN = Answer(TryLater("HTTP 200 that cannot be read", Scope.ITEM))
HOUR = timedelta(hours=1)


@pytest.fixture
def flows(engine: Engine, clock: Clock, log: KeptLog, store: Store) -> Flows:
    flows = Flows(engine, clock, log, store)
    flows.round(sweep=True)
    return flows


def down_then_up(flows: Flows, answer: Answer, *waiting: str) -> float:
    """These wait after twenty minutes of such answers; then another one is opened, and is taken. When that was."""
    flows.signl4.answer = lambda _: answer
    flows.see(*waiting)
    flows.drain_for(minutes=20)
    flows.signl4.answer = lambda _: ACCEPTED
    flows.signl4.sent.clear()
    flows.signl4.times.clear()
    flows.see("900")
    flows.drain()
    return flows.clock.now.timestamp()


@pytest.mark.parametrize("answer", [OUTAGE, Answer(TryLater("HTTP 302", Scope.ROW))])
def test_after_an_outage_everything_goes_as_soon_as_a_fresh_alert_went_through(flows: Flows, answer: Answer) -> None:
    flows.configure(delivery={"retry_max": "60s"})
    began = down_then_up(flows, answer, "1", "2", "3", "4")
    assert {told for told, _ in flows.signl4.told} == {"900", "1", "2", "3", "4"}
    assert flows.clock.now.timestamp() == began, "time had to pass"
    assert {state for (state,) in flows.outbox("state")} == {"delivered"}


def test_after_a_second_outage_too(flows: Flows) -> None:
    """Between the two, one request alone got through."""
    flows.signl4.answer = lambda _: OUTAGE
    flows.see("1", "2", "3")
    flows.drain_for(minutes=20)
    answers = [ACCEPTED]
    flows.signl4.answer = lambda _: answers.pop() if answers else OUTAGE
    flows.see("800")
    flows.drain()
    flows.drain_for(minutes=30)
    flows.signl4.answer = lambda _: ACCEPTED
    flows.see("900")
    began = flows.clock.now
    flows.drain()
    assert {state for (state,) in flows.outbox("state")} == {"delivered"}
    assert flows.clock.now == began, "time had to pass"


def test_after_a_refused_secret_too(flows: Flows) -> None:
    down_then_up(flows, WRONG_SECRET, "1", "2", "3")
    flows.drain_for(seconds=60)
    assert {state for (state,) in flows.outbox("state")} == {"delivered"}
    assert max(flows.signl4.times) - min(flows.signl4.times) < 1


def test_open_incidents_go_first_and_the_pace_is_kept(flows: Flows) -> None:
    flows.signl4.answer = lambda _: OUTAGE
    over, still_open = [str(n) for n in range(100, 108)], [str(n) for n in range(200, 208)]
    flows.see(*over, started_at=ago(minutes=2))
    flows.see(*still_open, started_at=ago(minutes=1))
    flows.drain_for(minutes=20)
    flows.see(*over, status="Resolved", resolved_at=flows.clock.now)
    flows.signl4.answer = lambda _: ACCEPTED
    flows.signl4.sent.clear()
    flows.clock.pass_(seconds=20)
    flows.see("900")
    flows.configure(delivery={"concurrency": 1})
    flows.drain()
    told = [incident_id for incident_id, _ in flows.signl4.told]
    assert len(told) == 10, "the pace of the free plan, until SIGNL4 says what it allows"
    assert set(told[:9]) == {"900", *still_open}
    flows.drain_for(minutes=2)
    assert {state for (state,) in flows.outbox("state")} == {"delivered"}


def test_what_was_on_its_way_when_signl4_came_back_is_tried_again_soon(flows: Flows) -> None:
    """A request that hung since the outage fails once others are taken."""
    flows.signl4.answer = lambda _: OUTAGE
    flows.see("1")
    flows.drain_for(hours=1)
    flows.clock.pass_(minutes=6)
    flows.signl4.hold("1")

    def answer(payload: Mapping[str, Any]) -> Answer:
        return OUTAGE if payload["X-S4-ExternalID"] == "1" else ACCEPTED

    flows.signl4.answer = answer
    with flows.draining():
        flows.signl4.wait_for(lambda: flows.signl4.told[-1][0] == "1")
        flows.see("900")
        flows.deliver.wake()
        flows.signl4.wait_for(lambda: ("900", "new") in flows.signl4.told)
        for _ in range(1000):
            if ("900", "delivered") in flows.outbox("incident_id", "state"):
                break
            flows.deliver.wake()
    next_at = flows.deliver.next_at()
    assert next_at is not None
    assert next_at - flows.clock.now <= timedelta(seconds=4)


def test_what_fails_again_though_others_are_taken_backs_off_again(flows: Flows) -> None:
    """Else a delivery that always fails would be tried again with each success."""
    flows.configure(delivery={"concurrency": 1})
    flows.see("1")
    flows.signl4.answer = lambda _: OUTAGE
    flows.drain_for(hours=1)
    tried = len(flows.signl4.sent)
    flows.signl4.answer = lambda payload: OUTAGE if payload["X-S4-ExternalID"] == "1" else ACCEPTED
    flows.see(*map(str, range(900, 909)))
    flows.drain()
    assert [told for told, _ in flows.signl4.told[tried:]].count("1") == 1
    flows.drain_for(minutes=4, seconds=59)
    assert [told for told, _ in flows.signl4.told[tried:]].count("1") == 3, "once more, and in its minimal form"


# -- in the outbox ----------------------------------------------------------------------------------------------------


def waits(engine: Engine, incident_id: str) -> Any:
    return rows(engine)[incident_id, 1, "new"].due_at


def test_in_the_transaction_of_the_success_what_waited_is_due(store: Store, engine: Engine) -> None:
    for incident_id in ("1", "2", "3"):
        tell(store, incident_id, NEW)
    postpone(store, "1", until=NOW + HOUR)
    postpone(store, "2", until=ago(minutes=1))
    deliver(store, "3", at=after(minutes=1))
    assert waits(engine, "1") == after(minutes=1)
    assert waits(engine, "2") == ago(minutes=1)


def test_what_failed_before_something_else_was_taken_goes_on_waiting(store: Store, engine: Engine) -> None:
    for incident_id in ("1", "2", "3"):
        tell(store, incident_id, NEW)
    postpone(store, "1", until=NOW)
    deliver(store, "2")
    postpone(store, "1", until=NOW + HOUR)
    deliver(store, "3")
    assert waits(engine, "1") == NOW + HOUR


def test_what_is_set_apart_or_settled_goes_on_as_it_was(flows: Flows, store: Store, engine: Engine) -> None:
    flows.signl4.answer = lambda _: MAYBE_TAKEN
    flows.see("1")
    flows.drain()
    flows.signl4.answer = lambda _: ACCEPTED
    flows.see("2")
    flows.drain()
    assert waits(engine, "1") == after(minutes=5)
    tell(store, "3", NEW)
    kill(store, "3")
    before = rows(engine)["3", 1, "new"]
    tell(store, "4", NEW)
    deliver(store, "4", at=ago(minutes=1))
    assert rows(engine)["3", 1, "new"] == before


def test_a_wait_that_signl4_asked_for_is_kept(flows: Flows) -> None:
    flows.configure(delivery={"concurrency": 2})
    answers = {"1": too_many(timedelta(minutes=3)), "2": ACCEPTED}
    flows.signl4.answer = lambda payload: answers.get(payload["X-S4-ExternalID"], ACCEPTED)
    flows.see("1", "2")
    flows.signl4.hold("2")
    with flows.draining():
        flows.signl4.wait_for(lambda: len(flows.signl4.sent) == 2)
        for _ in range(1000):
            if ("1", "SIGNL4 answered HTTP 429") in flows.outbox("incident_id", "last_error"):
                break
            flows.deliver.wake()
    assert flows.deliver.next_at() == after(minutes=3)


def test_a_refused_payload_waits_where_refused_ones_wait(store: Store, engine: Engine) -> None:
    tell(store, "1", NEW)
    tell(store, "2", NEW)
    refuse(store, "1", at=NOW)
    deliver(store, "2")
    row = rows(engine)["1", 1, "new"]
    assert (row.due_at, row.refused_payload is not None) == (NOW, True)


@pytest.mark.parametrize("answer", [OUTAGE, REFUSED, WRONG_SECRET])
def test_a_success_ends_the_count_of_failures(flows: Flows, answer: Answer) -> None:
    answers = [answer]
    flows.signl4.answer = lambda _: answers.pop() if answers else ACCEPTED
    flows.see("1")
    flows.drain_for(minutes=2)
    assert flows.outbox("state", "failing_since", "failing_from", "failures", "own_fault") == [
        ("delivered", None, None, 0, False)
    ]
