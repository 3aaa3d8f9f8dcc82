"""The requests to SIGNL4 in flight, each in a thread of its own, which does nothing but send."""

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Protocol

from daemon.decisions.payload import minimal
from daemon.model.delivery import Answer, Delivery, Scope, TryLater


class Receiver(Protocol):
    """SIGNL4, as a delivery uses it."""

    def send(self, payload: Mapping[str, Any]) -> Answer:
        """Sends one event. Network and server errors raise nothing."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request for a delivery, from its claim on."""

    delivery: Delivery
    sent_at: datetime
    taken_before: int
    """How many deliveries of this process SIGNL4 had accepted by then."""


Inbox = SimpleQueue[Attempt | None]


class InFlight:
    """Called by the thread of `deliver`; `wake` by any thread."""

    def __init__(self, signl4: Receiver) -> None:
        self._signl4 = signl4
        self._attempts: dict[str, Attempt] = {}
        self._finished: SimpleQueue[tuple[Attempt, Answer, Inbox] | None] = SimpleQueue()
        self._idle: list[Inbox] = []

    def __len__(self) -> int:
        return len(self._attempts)

    @property
    def incidents(self) -> Collection[str]:
        """The incidents with a request in flight."""
        return self._attempts.keys()

    @property
    def own_fault(self) -> bool:
        """Whether a delivery with a fault of its own is in flight."""
        return any(attempt.delivery.own_fault for attempt in self._attempts.values())

    def need(self, threads: int) -> None:
        """Sees to it that so many threads wait for an attempt: without a thread no attempt is claimed.

        Raises `RuntimeError` if no more can be started.
        """
        while len(self._idle) < threads:
            inbox = Inbox()
            Thread(target=self._work, args=(inbox,), name=f"signl4-{len(self._attempts) + len(self._idle)}").start()
            self._idle.append(inbox)

    @property
    def idle(self) -> int:
        """How many threads wait for an attempt."""
        return len(self._idle)

    def send(self, attempt: Attempt) -> None:
        """Sends a claimed delivery, in one of the threads that wait."""
        self._attempts[attempt.delivery.incident_id] = attempt
        self._idle.pop().put(attempt)

    def next(self, timeout: float | None) -> list[tuple[Attempt, Answer]]:
        """The answers that have come; waits for the first of them up to `timeout` seconds, or until `wake`."""
        finished = list[tuple[Attempt, Answer]]()
        with suppress(Empty):
            one = self._finished.get(timeout=timeout)
            while True:
                if one is not None:
                    attempt, answer, inbox = one
                    self._idle.append(inbox)
                    finished.append((attempt, answer))
                one = self._finished.get_nowait()
        return finished

    def ended(self, attempt: Attempt) -> None:
        """The attempt is over."""
        del self._attempts[attempt.delivery.incident_id]

    def wake(self) -> None:
        """Ends the wait of `next`."""
        self._finished.put(None)

    def close(self) -> None:
        """Ends the threads that wait."""
        while self._idle:
            self._idle.pop().put(None)

    def _work(self, inbox: Inbox) -> None:
        """Runs in a thread of its own. Every attempt gets an answer, whatever happens."""
        while (attempt := inbox.get()) is not None:
            self._finished.put((attempt, self._answer(attempt.delivery), inbox))

    def _answer(self, delivery: Delivery) -> Answer:
        try:
            full = None if delivery.own_fault else delivery.payload
            return self._signl4.send(full or minimal(delivery.kind, delivery.incident_id, delivery.external_id))
        except Exception as error:  # noqa: BLE001 - a fault of this program must not lose the delivery
            return Answer(TryLater(f"the request could not be made: {type(error).__name__}", Scope.ROW))
