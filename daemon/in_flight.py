"""The requests in flight to one destination: threads that do nothing but send, one delivery at a time."""

import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Protocol

from daemon.model.delivery import Answer, Delivery, Scope, TryLater
from daemon.model.errors import StoppedError

GATHER = 0.005
"""Seconds that a result may wait for others."""


class Receiver(Protocol):
    """SIGNL4's webhook."""

    def send(self, payload: Mapping[str, Any]) -> Answer:
        """Sends one event. Network and server errors raise nothing."""


class Target(Protocol):
    """What deliveries are sent to."""

    def send(self, delivery: Delivery) -> Answer:
        """Sends one delivery, in its full or in its minimal form. Called by several threads at a time.

        Network and server errors raise nothing. Raises `StoppedError` if it was not sent, as the program stops.
        """

    def minimal(self, delivery: Delivery) -> Mapping[str, Any]:
        """Its minimal payload."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request for a delivery, from its claim on."""

    delivery: Delivery
    sent_at: datetime
    taken_before: int
    """How many deliveries of this process SIGNL4 had accepted by then."""


Finished = tuple[Attempt, Answer | None, float]
"""An attempt, its answer (`None` if it was not sent any more), and the seconds from its request to that."""


class InFlight:
    """Called by the thread of `deliver`; `wake` by any thread."""

    def __init__(self, target: Target, stopped: Callable[[], bool]) -> None:
        """`stopped`, called by any thread: whether nothing more may be sent."""
        self._target = target
        self._stopped = stopped
        self._attempts: dict[str, Attempt] = {}
        self._to_send: SimpleQueue[Attempt | None] = SimpleQueue()
        self._finished: SimpleQueue[Finished | None] = SimpleQueue()
        self.threads = 0
        """How many send, or wait for an attempt."""

    def __len__(self) -> int:
        return len(self._attempts)

    @property
    def incidents(self) -> Collection[str]:
        """The incidents of all claimed attempts."""
        return self._attempts.keys()

    @property
    def own_fault(self) -> bool:
        """Whether a delivery with a fault of its own is in flight."""
        return any(attempt.delivery.own_fault for attempt in self._attempts.values())

    def need(self, threads: int) -> None:
        """Sees to it that there are so many threads: without a thread no attempt is claimed.

        Raises `RuntimeError` if no more can be started.
        """
        while self.threads < threads:
            Thread(target=self._send, args=(self._to_send,), name=f"signl4-{self.threads}").start()
            self.threads += 1

    def send(self, attempt: Attempt) -> None:
        """Sends a claimed delivery as soon as a thread is free."""
        self._attempts[attempt.delivery.incident_id] = attempt
        self._to_send.put(attempt)

    def take_back(self) -> list[Attempt]:
        """The attempts that no thread has begun with; they are not sent any more."""
        unsent = list[Attempt]()
        with suppress(Empty):
            while True:
                if (attempt := self._to_send.get_nowait()) is not None:
                    self.ended(attempt)
                    unsent.append(attempt)
        return unsent

    def next(self, timeout: float | None, together: int = 1) -> list[Finished]:
        """The attempts that have ended; waits for the first of them up to `timeout` seconds, or until `wake`.

        `together`: for so many it waits a moment longer, so that one commit records them.
        """
        finished = list[Finished]()
        with suppress(Empty):
            one = self._finished.get(timeout=timeout)
            ends = time.monotonic() + GATHER
            while True:
                if one is not None:
                    finished.append(one)
                gather = one is not None and len(finished) < together
                one = self._finished.get(gather, max(ends - time.monotonic(), 0))
        return finished

    def ended(self, attempt: Attempt) -> None:
        """The attempt is over."""
        del self._attempts[attempt.delivery.incident_id]

    def wake(self) -> None:
        """Ends the wait of `next`."""
        self._finished.put(None)

    def close(self) -> None:
        """Ends the threads, once nothing is in flight."""
        for _ in range(self.threads):
            self._to_send.put(None)
        # No thread of a later pass must take what tells these to end.
        self._to_send, self.threads = SimpleQueue(), 0

    def _send(self, to_send: "SimpleQueue[Attempt | None]") -> None:
        """Runs in a thread of its own. Every attempt gets an answer, whatever happens."""
        while (attempt := to_send.get()) is not None:
            began = time.monotonic()
            answer = None if self._stopped() else self._answer(attempt.delivery)
            self._finished.put((attempt, answer, time.monotonic() - began))

    def _answer(self, delivery: Delivery) -> Answer | None:
        try:
            return self._target.send(delivery)
        except StoppedError:
            return None
        except Exception as error:  # noqa: BLE001 - a fault of this program must not lose the delivery
            return Answer(TryLater(f"the request could not be made: {type(error).__name__}", Scope.ROW))
