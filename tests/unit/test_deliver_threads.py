"""A machine that has no thread left for some time: nothing is noted that was not done, and then everything flows on."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine

from daemon.clients.heartbeat import Heartbeat
from tests.support.clock import Clock
from tests.support.fakes import Flows
from tests.support.kept_log import KeptLog
from tests.support.listener import LONGEST, Connection, client_to, listening, ok
from tests.support.refused import refused
from tests.support.store import Store


@pytest.fixture
def flows(engine: Engine, clock: Clock, log: KeptLog, store: Store) -> Flows:
    flows = Flows(engine, clock, log, store)
    flows.round(sweep=True)
    return flows


class Shortage:
    """So many more threads can be started, and then none; a negative number stands for any."""

    def __init__(self, left: int) -> None:
        self.left = left
        self.refused = 0
        self.was_refused = threading.Event()


@pytest.fixture
def shortage(monkeypatch: pytest.MonkeyPatch) -> Shortage:
    """Of the threads that the program starts; those of a test are called as it likes."""
    shortage, start = Shortage(-1), threading.Thread.start

    def starts(thread: threading.Thread) -> None:
        ours = thread.name.startswith(("signl4", "heartbeat", "look-up"))
        if ours and shortage.left == 0:
            shortage.refused += 1
            shortage.was_refused.set()
            raise RuntimeError("can't start new thread")
        shortage.left -= ours and shortage.left > 0
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", starts)
    return shortage


@pytest.mark.parametrize("left", [0, 1, 3])
def test_what_gets_no_thread_is_not_noted_as_attempted_and_goes_out_later(
    flows: Flows, shortage: Shortage, left: int
) -> None:
    shortage.left = left
    flows.see("1", "2", "3", "4", "5")
    flows.drain()
    assert len(flows.signl4.sent) == left
    assert sorted(flows.outbox("state", "attempts")) == [("delivered", 1)] * left + [("pending", 0)] * (5 - left)
    shortage.left = -1
    flows.drain_for(seconds=1)
    assert flows.outbox("state", "attempts") == [("delivered", 1)] * 5


def test_during_the_shortage_it_asks_once_a_second_and_says_so_once(
    flows: Flows, shortage: Shortage, log: KeptLog
) -> None:
    shortage.left = 0
    flows.see("1", "2")
    flows.drain_for(minutes=1)
    assert 55 <= shortage.refused <= 62
    assert flows.signl4.sent == []
    assert log.named("deliveries postponed") == [{"error": "can't start new thread"}]
    shortage.left = -1
    flows.drain_for(seconds=1)
    assert {state for (state,) in flows.outbox("state")} == {"delivered"}
    assert log.named("delivery dead") == []


def test_what_is_under_way_then_is_waited_for_and_recorded(flows: Flows, shortage: Shortage) -> None:
    shortage.left = 1
    flows.see("1", "2")
    flows.signl4.hold("1", "2")
    with flows.draining():
        flows.signl4.wait_for(lambda: len(flows.signl4.sent) == 1)
    assert sorted(flows.outbox("state", "attempts")) == [("delivered", 1), ("pending", 0)]


def test_a_shortage_that_comes_and_goes_loses_and_doubles_nothing(flows: Flows, shortage: Shortage) -> None:
    flows.see(*map(str, range(100, 120)))
    for number in range(40):
        shortage.left = number % 3
        flows.drain_for(seconds=5)
    assert set(flows.outbox("state", "attempts")) == {("delivered", 1)}
    assert len(flows.signl4.told) == len(set(flows.signl4.told)) == 20


def test_a_claim_that_fails_leaves_no_thread_behind(flows: Flows, engine: Engine) -> None:
    flows.see("1")
    before = threading.active_count()
    with refused(engine, "UPDATE OF attempts", "deliveries"):
        for _ in range(5):
            with pytest.raises(Exception, match="disk full"):
                flows.drain()
    for thread in threading.enumerate():
        if thread.name.startswith("signl4"):
            thread.join(5)
    assert threading.active_count() == before
    assert flows.signl4.sent == []


@contextmanager
def watched(*urls: str) -> Iterator[Any]:
    with client_to(urls[0]) as one, client_to(urls[0]) as other:
        yield Heartbeat([one, other])


@pytest.mark.parametrize("left", [0, 1])
def test_a_heartbeat_without_a_thread_is_said_and_called_the_next_time(shortage: Shortage, left: int) -> None:
    def answers_then(connection: Connection) -> None:
        """A thread that had its answer before would call the other watcher, too."""
        while connection.request():
            shortage.was_refused.wait(LONGEST)
            connection.say(ok())

    with listening(answers_then) as server, watched(server.url) as heartbeat:
        shortage.left = left
        assert heartbeat.send() == ["heartbeat.urls: not called, can't start new thread"]
        shortage.left = -1
        assert heartbeat.send() == []
