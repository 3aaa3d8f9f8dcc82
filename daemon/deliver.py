"""The due deliveries: claim, send, record.

1. Within one incident a delivery is sent only once the one before it is settled. Incidents do not wait for each other.
2. An attempt is claimed in the database before it is sent, and settled after. A crash in between repeats the message
   under the same external id; it loses none.
3. While a result cannot be recorded, nothing more is sent.
4. A delivery that fails while others are accepted is retried rarely and alone: it delays no other.

The job's thread decides and writes. Each request runs in a thread of its own, which only talks to SIGNL4.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

from daemon.config.settings import DeliverySection
from daemon.decisions import retry
from daemon.decisions.admit import Hold, Send, Supersede, admit
from daemon.decisions.outcome import what_came_of
from daemon.decisions.payload import minimal
from daemon.in_flight import Attempt, InFlight, Receiver
from daemon.limiter import Limiter
from daemon.model.delivery import Admission, Answer, Delivery, DeliveryState, DestinationState, Disposition
from daemon.model.errors import DatabaseBusyError
from daemon.model.event import Listener
from daemon.model.events import deliveries as events
from daemon.storage.outbox import Outbox

RECORD_AGAIN = 1.0
"""Seconds between two attempts to record a result."""
THREAD_AGAIN = timedelta(seconds=1)
"""Between two attempts to start a thread on a machine that has none left."""


class Deliver:
    """Sends what is due and records the result. Called by one thread, except where noted."""

    def __init__(
        self,
        signl4: Receiver,
        outbox: Outbox,
        settings: DeliverySection,
        *,
        clock: Callable[[], datetime],
        rng: Random,
        wait: Callable[[float], bool],
        log: Listener,
        their_clock: Callable[[], datetime] | None = None,
        limiter: Limiter | None = None,
    ) -> None:
        """`clock` gives aware UTC times, `their_clock` those of Better Stack's clock.

        `wait(seconds)` returns true when the program stops. `limiter`: that of the account.
        """
        self._in_flight = InFlight(signl4)
        self._outbox = outbox
        self._settings = settings
        self._clock = clock
        self._their_clock = their_clock or clock
        self._rng = rng
        self._wait = wait
        self._log = log
        self._taken = 0
        """How many deliveries SIGNL4 accepted from this instance."""
        self._destination = DestinationState()
        self._limiter = limiter or Limiter()
        self._last_error: str | None = None
        self._paused = False
        self._short_until: datetime | None = None
        """When to try again to start a thread, after that failed."""
        self.deaths = 0
        """How many deliveries died in this instance."""

    def drain(self) -> None:
        """Delivers until nothing is due or the program stops. Results in flight are still recorded.

        Raises `DatabaseBusyError` if the outbox cannot be read or claimed from; nothing was sent without a claim.
        """
        self._destination = self._outbox.destination_state()
        day_ago = self._clock() - timedelta(days=1)
        self._limiter.begin(self._outbox.event_limit(), lambda: self._outbox.attempts_since(day_ago))
        try:
            while True:
                if not self._paused:
                    self._fill()
                if not self._in_flight:
                    return
                self._settle_next(self._patience())
        finally:
            while self._in_flight:
                self._settle_next(None)

    def wake(self) -> None:
        """Something new may be due. Called by any thread."""
        self._in_flight.wake()

    def pause(self) -> None:
        """Sends nothing more; results in flight are still recorded. Called by the main thread."""
        self._paused = True
        self.wake()

    def resume(self) -> None:
        """Sends again. Called by the main thread."""
        self._paused = False

    def next_at(self) -> datetime | None:
        """When something may be sent next; `None` if nothing waits. Raises `DatabaseBusyError`."""
        admission = self._admission()
        waits = [
            wait
            for wait in self._outbox.waiting(self._in_flight.incidents)
            if admission.own_faults or not wait.own_fault
        ]
        return min((max(wait.due_at, admission.start(refused=wait.refused)) for wait in waits), default=None)

    def gap_ends_at(self) -> datetime | None:
        """The time of the next first attempt, if only the gap or the rate limit delays it; else `None`."""
        fresh = [wait.due_at for wait in self._outbox.waiting(self._in_flight.incidents) if not wait.attempted]
        willing = self._willing().clean_from <= self._clock()
        return max(min(fresh), self._admission().clean_from) if fresh and willing else None

    def _willing(self) -> Admission:
        """What SIGNL4 admits, apart from the rate limit."""
        return retry.admission(self._destination, self._settings.concurrency, self._clock())

    def _admission(self) -> Admission:
        admission = self._limiter.admit(self._willing(), len(self._in_flight), self._clock())
        if self._short_until is not None:
            clean, refused = (max(at, self._short_until) for at in (admission.clean_from, admission.refused_from))
            admission = replace(admission, clean_from=clean, refused_from=refused)
        return replace(admission, own_faults=not self._in_flight.own_fault)

    def _fill(self) -> None:
        """Starts a request for each due delivery, as many as the destination admits."""
        admission = self._admission()
        while not self._wait(0) and (room := admission.max_in_flight - len(self._in_flight)) > 0:
            now = self._clock()
            due = self._outbox.due(admission, self._in_flight.incidents, room, now)
            admitted = [self._admitted(delivery, now) for delivery in due]
            if not all(admitted):
                continue
            for delivery in due:
                if not self._start(delivery) or delivery.own_fault:
                    break
            return

    def _admitted(self, delivery: Delivery, now: datetime) -> bool:
        """Whether it may be sent now. If not, records why: then it is no longer due."""
        settings = self._settings
        match admit(delivery, settings.gap, settings.stale_after, now, self._their_clock()):
            case Send():
                return True
            case Hold(until, why):
                self._outbox.hold(delivery, until)
                self._log(events.DeliveryHeld(delivery.incident_id, delivery.kind, until.isoformat(), why))
            case Supersede(why):
                self._outbox.supersede(delivery, why)
                self._log(events.Superseded(delivery.incident_id, delivery.generation))
        return False

    def _start(self, delivery: Delivery) -> bool:
        """Sends it in a thread of its own. `False` if none can be started."""
        try:
            self._in_flight.start(delivery, lambda: self._claim(delivery))
        except RuntimeError as error:
            if self._short_until is None:
                self._log(events.NoThread(str(error)))
            self._short_until = self._clock() + THREAD_AGAIN
            return False
        self._short_until = None
        return True

    def _claim(self, delivery: Delivery) -> Attempt | None:
        now = self._clock()
        if not self._outbox.claim(delivery, now):
            return None
        self._destination = retry.sent_at(self._destination, now)
        self._limiter.sent(now)
        return Attempt(delivery, now, self._taken)

    def _patience(self) -> float | None:
        """Seconds until something else may be sent; `None` if nothing can be before the next answer."""
        full = self._admission().max_in_flight <= len(self._in_flight)
        next_at = None if full or self._paused or self._wait(0) else self.next_at()
        return None if next_at is None else max((next_at - self._clock()).total_seconds(), 0.01)

    def _settle_next(self, patience: float | None) -> None:
        finished = self._in_flight.next(patience)
        if finished is not None:
            self._settle(*finished)

    def _settle(self, attempt: Attempt, answer: Answer) -> None:
        """Records the result of an attempt. A crash before that repeats the attempt."""
        delivery, now = attempt.delivery, self._clock()
        meanwhile = self._taken - attempt.taken_before
        # SIGNL4 accepted others since this attempt began: its outage is over, so the back-off starts again.
        attempts, settings = 1 if meanwhile else delivery.attempts + 1, self._settings
        delay = retry.backoff(attempts, self._rng, settings.retry_min, settings.retry_max)
        disposition, destination = retry.judge(
            delivery, answer, self._destination, meanwhile, delay=delay, rarely=settings.retry_max, now=now
        )
        self._taken += disposition.state is DeliveryState.DELIVERED
        others = len(self._in_flight) - 1
        self._limiter.answered(answer, others, now, sent_at=attempt.sent_at)
        still_wanted = self._record(delivery, disposition, answer, destination, now)
        self._in_flight.settled(attempt)
        self._log_outcome(
            delivery, answer, disposition if still_wanted else replace(disposition, state=DeliveryState.SUPERSEDED)
        )

    def _record(
        self, delivery: Delivery, disposition: Disposition, answer: Answer, destination: DestinationState, now: datetime
    ) -> bool:
        """Retries until it is recorded or the program stops. Returns whether the delivery was still wanted by then."""
        last_error: str | None = None
        smallest = minimal(delivery.kind, delivery.incident_id, delivery.external_id)
        while True:
            try:
                still_wanted = self._outbox.settle(
                    delivery, disposition, answer, smallest, destination, self._limiter.limit, now
                )
            except DatabaseBusyError as error:
                if str(error) != last_error:
                    last_error = str(error)
                    self._log(events.ResultNotRecorded(delivery.id, last_error))
                if self._wait(RECORD_AGAIN):
                    return True
            else:
                self._destination = destination
                return still_wanted

    def _log_outcome(self, delivery: Delivery, answer: Answer, disposition: Disposition) -> None:
        event = what_came_of(delivery, answer, disposition, self._last_error)
        match event:
            case events.Delivered():
                if self._last_error is not None:
                    self._log(events.Signl4TakesAgain(self._last_error))
                self._last_error = None
            case events.NotDelivered():
                self._last_error = event.error
            case events.DeliveryDead():
                self.deaths += 1
        self._log(event)
