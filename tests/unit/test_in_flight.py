"""Results that come in together are handed on together, and none is kept for others that do not come."""

import time
from collections.abc import Iterator
from threading import Timer
from typing import Any

import pytest

from daemon.in_flight import GATHER, Attempt, InFlight
from daemon.model.delivery import Answer, Delivery
from daemon.model.errors import StoppedError
from daemon.pager import Pager
from tests.support.clock import Clock
from tests.support.fakes import LONG, FakeSignl4
from tests.support.outbox import NEW, head, tell
from tests.support.store import Store
from tests.support.values import NOW


class Sending:
    """Requests under way to a SIGNL4 that can let them hang."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.signl4 = FakeSignl4(clock)
        self.in_flight = InFlight(Pager(self.signl4), lambda: False)
        self._store = store

    def send(self, *incident_ids: str) -> None:
        self.in_flight.need(len(incident_ids))
        for incident_id in incident_ids:
            tell(self._store, incident_id, NEW)
            self.in_flight.send(Attempt(head(self._store, incident_id), NOW, 0))

    def next(self, together: int) -> list[str]:
        """The incidents of the results that are handed on."""
        return sorted(attempt.delivery.incident_id for attempt, *_ in self.in_flight.next(LONG, together))


@pytest.fixture
def sending(store: Store, clock: Clock) -> Iterator[Any]:
    sending = Sending(store, clock)
    yield sending
    sending.signl4.let_go()
    sending.in_flight.close()


def test_results_that_come_in_together_are_handed_on_together(sending: Sending) -> None:
    sending.send("1", "2", "3")
    got = sending.next(3)
    while len(got) < 3:
        # A slow machine: the others came later than anybody waits.
        got += sending.next(3 - len(got))
    assert sorted(got) == ["1", "2", "3"]


def test_a_result_waits_a_moment_for_others(sending: Sending, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("daemon.in_flight.GATHER", LONG)
    sending.signl4.hold("2")
    sending.send("1", "2")
    later = Timer(0.05, sending.signl4.let_go)
    later.start()
    assert sending.next(2) == ["1", "2"]
    later.join()


def test_none_is_kept_for_others_that_do_not_come(sending: Sending) -> None:
    sending.signl4.hold("2")
    sending.send("1", "2")
    began = time.monotonic()
    assert sending.next(2) == ["1"]
    assert time.monotonic() - began < LONG


def test_who_wakes_it_ends_the_wait_for_others(sending: Sending) -> None:
    sending.signl4.hold("2")
    sending.send("1", "2")
    sending.signl4.wait_for(lambda: len(sending.signl4.sent) == 2)
    sending.in_flight.wake()
    assert sending.next(2) in ([], ["1"])


def test_what_a_stop_keeps_from_being_sent_is_handed_back(store: Store) -> None:
    class Stopping(Pager):
        def send(self, _: Delivery) -> Answer:
            raise StoppedError("the program stops")

    in_flight = InFlight(Stopping(FakeSignl4(Clock())), lambda: False)
    in_flight.need(1)
    tell(store, "1", NEW)
    in_flight.send(Attempt(head(store, "1"), NOW, 0))
    [(attempt, answer, _)] = in_flight.next(LONG)
    in_flight.close()
    assert (attempt.delivery.incident_id, answer) == ("1", None)


def test_a_result_never_waits_for_fifty_milliseconds() -> None:
    """The promise; what a commit takes comes on top."""
    assert GATHER <= 0.01
