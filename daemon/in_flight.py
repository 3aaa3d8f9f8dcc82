"""The requests to SIGNL4 that are under way, each in a thread of its own that talks to SIGNL4 and does nothing else."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Protocol

from daemon.decisions.payload import minimal
from daemon.model.delivery import Answer, Delivery, Scope, TryLater


class Receiver(Protocol):
    """SIGNL4, as a delivery needs it."""

    def send(self, payload: Mapping[str, Any]) -> Answer:
        """Sends one event. Does not raise for what the world does."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request for a delivery, from the moment it was claimed."""

    delivery: Delivery
    sent_at: datetime
    taken_before: int
    """How many deliveries this process had seen taken by then."""


class InFlight:
    """Called by the thread of `deliver`; `wake` by any."""

    def __init__(self, signl4: Receiver) -> None:
        self._signl4 = signl4
        self._attempts: dict[str, Attempt] = {}
        self._finished: SimpleQueue[tuple[Attempt, Answer] | None] = SimpleQueue()

    def __len__(self) -> int:
        return len(self._attempts)

    @property
    def incidents(self) -> Collection[str]:
        """Those of which a delivery is on its way."""
        return self._attempts.keys()

    @property
    def own_fault(self) -> bool:
        """Whether one is on its way that fails on its own."""
        return any(attempt.delivery.own_fault for attempt in self._attempts.values())

    def start(self, delivery: Delivery, claim: Callable[[], Attempt | None]) -> None:
        """Sends what `claim` gives, if it is claimed. Raises `RuntimeError` where there is no thread for it.

        The thread is started first, and waits for the claim: without a thread there is no attempt.
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
        """The next answer, within so many seconds; it is still in flight until it is `settled`."""
        try:
            return self._finished.get(timeout=timeout)
        except Empty:
            return None

    def settled(self, attempt: Attempt) -> None:
        """What came of it is recorded."""
        del self._attempts[attempt.delivery.incident_id]

    def wake(self) -> None:
        """Ends the wait for an answer."""
        self._finished.put(None)

    def _send(self, claimed: "SimpleQueue[Attempt | None]") -> None:
        """In a thread of its own. Whatever happens, an answer comes of what was claimed."""
        attempt = claimed.get()
        if attempt is None:
            return
        delivery = attempt.delivery
        try:
            full = None if delivery.own_fault else delivery.payload
            answer = self._signl4.send(full or minimal(delivery.kind, delivery.incident_id, delivery.external_id))
        except Exception as error:  # noqa: BLE001 - a fault of ours must not take the delivery with it
            answer = Answer(TryLater(f"the request could not be made: {type(error).__name__}", Scope.ROW))
        self._finished.put((attempt, answer))
