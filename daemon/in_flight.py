"""The requests to SIGNL4 in flight, each in its own thread, which does nothing but send it."""

from collections.abc import Callable, Collection, Mapping
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


class InFlight:
    """Called by the thread of `deliver`; `wake` by any thread."""

    def __init__(self, signl4: Receiver) -> None:
        self._signl4 = signl4
        self._attempts: dict[str, Attempt] = {}
        self._finished: SimpleQueue[tuple[Attempt, Answer] | None] = SimpleQueue()

    def __len__(self) -> int:
        return len(self._attempts)

    @property
    def incidents(self) -> Collection[str]:
        """Ids of the incidents with a delivery in flight."""
        return self._attempts.keys()

    @property
    def own_fault(self) -> bool:
        """Whether a delivery with a fault of its own is in flight."""
        return any(attempt.delivery.own_fault for attempt in self._attempts.values())

    def start(self, delivery: Delivery, claim: Callable[[], Attempt | None]) -> None:
        """Sends the delivery if `claim` returns an attempt. Raises `RuntimeError` if no thread can be started.

        The thread starts first and waits for the claim: without a thread no attempt is recorded.
        """
        claimed: SimpleQueue[Attempt | None] = SimpleQueue()
        Thread(target=self._send, args=(claimed,), name=f"signl4-{delivery.id}").start()
        attempt = None
        try:
            attempt = claim()
            if attempt is not None:
                self._attempts[delivery.incident_id] = attempt
        finally:
            claimed.put(attempt)

    def next(self, timeout: float | None) -> tuple[Attempt, Answer] | None:
        """The next answer within `timeout` seconds, or `None`. Its attempt stays in flight until `settled`."""
        try:
            return self._finished.get(timeout=timeout)
        except Empty:
            return None

    def settled(self, attempt: Attempt) -> None:
        """Ends an attempt whose result is recorded."""
        del self._attempts[attempt.delivery.incident_id]

    def wake(self) -> None:
        """Ends the wait of `next`."""
        self._finished.put(None)

    def _send(self, claimed: "SimpleQueue[Attempt | None]") -> None:
        """Runs in its own thread. Every claimed attempt gets an answer, whatever happens."""
        attempt = claimed.get()
        if attempt is None:
            return
        delivery = attempt.delivery
        try:
            full = None if delivery.own_fault else delivery.payload
            answer = self._signl4.send(full or minimal(delivery.kind, delivery.incident_id, delivery.external_id))
        except Exception as error:  # noqa: BLE001 - a fault of this program must not lose the delivery
            answer = Answer(TryLater(f"the request could not be made: {type(error).__name__}", Scope.ROW))
        self._finished.put((attempt, answer))
