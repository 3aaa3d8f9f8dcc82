"""In a storm deliveries are claimed before a thread is free to send them, and given back where that was too early."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from threading import Event
from typing import Any

import pytest
from sqlalchemy import Engine

from daemon import due_list
from daemon.model.delivery import Delivery, RateLimit
from daemon.storage.outbox import Recorded
from tests.support.clock import Clock
from tests.support.fakes import ACCEPTED, LONG, OUTAGE, Flows
from tests.support.kept_log import KeptLog
from tests.support.outbox import NEW, change
from tests.support.refused import accept, refuse
from tests.support.store import Store
from tests.support.values import NOW

IDS = [str(number) for number in range(100, 130)]
GENEROUS = replace(ACCEPTED, rate_limit=RateLimit(10**6, 10**6, None))


@pytest.fixture
def flows(engine: Engine, clock: Clock, log: KeptLog, store: Store, monkeypatch: pytest.MonkeyPatch) -> Flows:
    """Many wait, two are sent at a time, and SIGNL4 holds what it gets. It allows ten until it has said more."""
    monkeypatch.setattr(due_list, "MANY", 10)
    flows = Flows(engine, clock, log, store, delivery={"concurrency": 2, "gap": "0s"})
    store.record([change(incident_id, NEW) for incident_id in IDS], NOW)
    flows.signl4.answer = lambda _: GENEROUS
    flows.signl4.hold(*IDS)
    return flows


def claimed(flows: Flows) -> int:
    return sum(attempts for (attempts,) in flows.outbox("attempts"))


def until_claimed(flows: Flows, count: int) -> None:
    flows.signl4.wait_for(lambda: len(flows.signl4.sent) == 2 and claimed(flows) == count)


@dataclass
class Noted:
    """What the outbox was told. Which of several requests under way SIGNL4 gets first is not the program's to say."""

    claimed: list[str] = field(default_factory=list)
    given_back: Event = field(default_factory=Event)


@pytest.fixture
def noted(flows: Flows, monkeypatch: pytest.MonkeyPatch) -> Noted:
    noted, record = Noted(), flows.store.settle_and_claim

    def settle_and_claim(results: object, claims: Sequence[Delivery], *others: Any, **named: Any) -> Recorded:
        recorded = record(results, claims, *others, **named)  # type: ignore[arg-type]
        noted.claimed += [delivery.incident_id for delivery in claims]
        if named["unsent"]:
            noted.given_back.set()
        return recorded

    monkeypatch.setattr(flows.store, "settle_and_claim", settle_and_claim)
    return noted


def test_what_comes_next_is_claimed_while_others_are_sent_and_never_more_than_may_go(
    flows: Flows, noted: Noted
) -> None:
    with flows.draining():
        until_claimed(flows, 4)
    assert noted.claimed == IDS
    assert set(flows.outbox("state", "attempts")) == {("delivered", 1)}


STOPS: dict[str, Callable[[Flows], object]] = {
    "a stop": lambda flows: setattr(flows, "stopped", True),
    "a pause": lambda flows: flows.deliver.pause(),
}


@pytest.mark.parametrize("how", STOPS)
def test_what_was_not_sent_does_not_count_as_attempted_after(flows: Flows, how: str) -> None:
    with flows.draining():
        until_claimed(flows, 4)
        STOPS[how](flows)
    # Those that hang end, and the threads take no more.
    assert len(flows.signl4.sent) == 2
    rows = flows.outbox("state", "attempts", "attempted_at")
    assert rows == [("delivered", 1, NOW)] * 2 + [("pending", 0, None)] * 28


def test_what_is_more_urgent_is_claimed_before_what_was_claimed_and_not_sent(flows: Flows, noted: Noted) -> None:
    with flows.draining():
        until_claimed(flows, 4)
        flows.store.record([change("1", NEW, occurred_at=NOW.replace(year=2025))], NOW)
        flows.deliver.wake()
        assert noted.given_back.wait(LONG)
        assert claimed(flows) == 2
    assert noted.claimed == [*IDS[:4], "1", *IDS[2:]]
    assert set(flows.outbox("state", "attempts")) == {("delivered", 1)}


def test_while_signl4_fails_what_was_not_sent_does_not_count_as_attempted(flows: Flows) -> None:
    flows.signl4.answer = lambda _: OUTAGE
    with flows.draining():
        until_claimed(flows, 4)
    told = [incident_id for incident_id, _ in flows.signl4.told]
    assert len(told) == len(set(told))
    assert [one for one, attempts in flows.outbox("incident_id", "attempts") if attempts] == sorted(told)


def test_while_a_result_cannot_be_recorded_what_was_claimed_is_not_sent(flows: Flows, engine: Engine) -> None:
    sent: list[int] = []

    def wait_in_vain() -> None:
        sent.append(len(flows.signl4.sent))
        if len(sent) == 5:
            accept(engine)

    flows.while_waiting = wait_in_vain
    with flows.draining():
        until_claimed(flows, 4)
        refuse(engine, "UPDATE OF state", "deliveries")
    # Until the first commit failed the threads went on with what was claimed; after that they did not.
    assert sent == [sent[0]] * 5
    assert sent[0] <= 4
    assert set(flows.outbox("state", "attempts")) == {("delivered", 1)}


def test_an_attempt_that_is_given_back_leaves_the_earlier_ones(flows: Flows, store: Store) -> None:
    [first] = store.due(flows.deliver._admissions.now(), (), 1, NOW)
    assert store.claim(first, NOW)
    again = replace(first, attempts=1)
    assert store.claim(again, NOW)
    store.give_back(again)
    assert flows.outbox("attempts", "attempted_at")[0] == (1, NOW)
    store.give_back(first)
    assert flows.outbox("attempts", "attempted_at")[0] == (0, None)
    store.give_back(first)
    assert flows.outbox("attempts", "attempted_at")[0] == (0, None), "what was not claimed is not given back"
