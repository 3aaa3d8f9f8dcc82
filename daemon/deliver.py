"""The due deliveries: claim, send, record.

1. Within one incident a delivery is sent only once the one before it is settled. Incidents do not wait for each other.
2. An attempt is claimed in the database before it is sent, and settled after. A crash in between repeats the message
   under the same external id; it loses none.
3. One commit records the results that have come together, and claims what is sent next. While a result cannot be
   recorded, nothing more is sent.
4. A delivery that fails while others are accepted is retried rarely and alone: it delays no other.

The job's thread decides and writes. Requests run in threads of their own, which only talk to the destination.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from random import Random

from daemon.admissions import Admissions
from daemon.config.settings import DeliverySection
from daemon.decisions import retry
from daemon.due_list import DueList
from daemon.in_flight import Attempt, Finished, InFlight, Target
from daemon.limiter import Limiter
from daemon.model.admission import NextDue
from daemon.model.delivery import Answer, Delivery, Result
from daemon.model.destination import DEFAULT
from daemon.model.errors import DatabaseBusyError
from daemon.model.event import Listener
from daemon.model.events import deliveries as events
from daemon.outcome_log import OutcomeLog
from daemon.storage.outbox import Outbox, Recorded

RECORD_AGAIN = 1.0
"""Seconds between two attempts to record a result."""


class Deliver:
    """Sends what is due and records the result. Called by one thread, except where noted."""

    def __init__(
        self,
        target: Target,
        outbox: Outbox,
        due: DueList,
        settings: DeliverySection,
        *,
        clock: Callable[[], datetime],
        rng: Random,
        wait: Callable[[float], bool],
        log: Listener,
        trusted: Callable[[], bool] = lambda: True,
        limiter: Limiter | None = None,
        team: str = DEFAULT,
    ) -> None:
        """`clock` gives aware UTC times. `limiter`: that of the account. `due`: what of the outbox may be sent.

        `wait(seconds)` returns true when the program stops. `trusted`: whether no other host may send now.
        """
        self._target, self._in_flight = target, InFlight(target, self._stopped)
        self._due, self._outbox = due, outbox
        self._settings = settings
        self._clock, self._rng = clock, rng
        self._wait, self.trusted = wait, trusted
        self._log = log
        self._taken = 0
        """How many deliveries SIGNL4 accepted from this instance."""
        limits = limiter or Limiter(), self._in_flight, due, clock, team
        self._admissions = Admissions(settings.concurrency, *limits)
        self._outcomes = OutcomeLog(log)
        self._paused = False
        self.idle = False
        """Whether nothing was waiting when it last looked."""

    def drain(self) -> datetime | None:
        """Delivers until nothing is due or the program stops. Results in flight are still recorded.

        Returns when something may be sent next, `None` if nothing waits. Raises `DatabaseBusyError`.
        """
        self._admissions.destination, limit, waiting = self._outbox.look()
        self.idle = not waiting
        if self.idle:
            return None
        self._admissions.begin(limit, self._outbox)
        self._due.outdate()
        try:
            self._advance()
            while self._in_flight:
                self._advance(self._in_flight.next(self._patience(), self._admissions.together()))
        finally:
            self._end()
        self._admissions.say_urgent(self._outbox)
        return self.next_at()

    def _end(self) -> None:
        """Records what is still in flight, and sends nothing more."""
        unsent = self._in_flight.take_back()
        try:
            while self._in_flight or unsent:
                results, more = self._sorted(self._in_flight.next(None) if self._in_flight else [])
                self._commit(results, unsent=unsent + more)
                unsent = []
        finally:
            self._in_flight.close()

    @property
    def deaths(self) -> int:
        """How many deliveries died in this instance."""
        return self._outcomes.deaths

    def wake(self) -> None:
        """Something new may be due. Called by any thread."""
        self._due.outdate()
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
        return self._due.next_at(self._admissions.now(), self._in_flight.incidents)

    def waiting(self) -> list[NextDue]:
        """When the next deliveries are due that no rule holds."""
        return [wait for wait in self._outbox.waiting(self._in_flight.incidents) if not wait.held]

    def gap_ends_at(self) -> datetime | None:
        """When a first attempt or a look-up may be, if only the gap or the rate limit delays it; else `None`."""
        fresh = [one.due_at for one in self.waiting() if not one.attempted or one.due_at <= self._due.look_ups_until]
        willing = self._admissions.willing().clean_from <= self._clock()
        return max(min(fresh), self._admissions.now().clean_from) if fresh and willing else None

    def _advance(self, finished: Iterable[Finished] = ()) -> None:
        """Records what has ended, and sends what may be sent."""
        results, unsent = self._sorted(finished)
        # What is claimed and not sent makes room for what is more urgent, and waits while SIGNL4 does not accept.
        if not self._due.is_calm or self._stopped():
            unsent += self._in_flight.take_back()
        # A success may make more urgent ones due, among those that failed while SIGNL4 was down.
        alone = self._due.some_fail and any(result.accepted for result in results)
        self._commit(results, [] if alone or unsent else self._next(), unsent)
        while self._room():
            chosen = self._next()
            if not chosen and not self._due.read(self._admissions.now(), self._in_flight.incidents):
                return
            self._commit([], chosen or self._next())

    def _sorted(self, finished: Iterable[Finished]) -> tuple[list[Result], list[Attempt]]:
        """The results of the attempts that were answered, and those that were not made."""
        results, unsent = list[Result](), list[Attempt]()
        for attempt, answer, seconds in finished:
            self._in_flight.ended(attempt)
            if answer is None:
                unsent.append(attempt)
            else:
                results.append(self._judge(attempt, answer, seconds))
        return results, unsent

    def _stopped(self) -> bool:
        """Whether nothing more may be sent. Called by the threads that send, too."""
        return self._paused or self._wait(0) or not self.trusted()

    def _room(self) -> int:
        """How many more requests may be in flight."""
        if self._stopped():
            return 0
        return max(self._admissions.now().max_in_flight - len(self._in_flight), 0)

    def _next(self) -> list[Delivery]:
        """What is sent next, as far as it was read already. A thread waits for each."""
        room = self._room()
        chosen = self._admissions.reserve(self._due.take(self._admissions.now(), room)) if room else []
        try:
            self._in_flight.need(min(len(self._in_flight) + len(chosen), self._settings.concurrency))
        except RuntimeError as error:
            if self._admissions.no_thread():
                self._log(events.NoThread(str(error)))
            self._due.outdate()
        else:
            if chosen:
                self._admissions.enough_threads()
        short = self._in_flight.threads < self._settings.concurrency
        return chosen[: max(self._in_flight.threads - len(self._in_flight), 0)] if short else chosen

    def _patience(self) -> float | None:
        """Seconds until something else may be sent; `None` if nothing can be before the next answer."""
        next_at = self.next_at() if self._room() else None
        return None if next_at is None else max((next_at - self._clock()).total_seconds(), 0.01)

    def _judge(self, attempt: Attempt, answer: Answer, seconds: float) -> Result:
        """What follows from an answer. A crash before that is recorded repeats the attempt."""
        delivery, now = attempt.delivery, self._clock()
        meanwhile = self._taken - attempt.taken_before
        # SIGNL4 accepted others since this attempt began: its outage is over, so the back-off starts again.
        attempts, settings = 1 if meanwhile else delivery.attempts + 1, self._settings
        delay = retry.backoff(attempts, self._rng, settings.retry_min, settings.retry_max)
        disposition, self._admissions.destination = retry.judge(
            delivery, answer, self._admissions.destination, meanwhile, delay=delay, rarely=settings.retry_max, now=now
        )
        self._admissions.answered(answer, attempt, now)
        minimal = self._target.minimal(delivery) if retry.is_replaced(delivery, answer, disposition) else None
        result = Result(delivery, answer, disposition, now, minimal, seconds)
        self._taken += result.accepted
        self._due.noticed(result)
        return result

    def _commit(
        self, results: Sequence[Result], chosen: Sequence[Delivery] = (), unsent: Sequence[Attempt] = ()
    ) -> None:
        """Records results, claims the chosen in the same commit, and sends these. `unsent`: claimed, but not made."""
        if not results and not chosen and not unsent:
            return
        now = self._clock()
        recorded = self._record(results, chosen, [attempt.delivery for attempt in unsent], now)
        for delivery in chosen:
            if delivery.id in recorded.claimed:
                self._admissions.sent(now)
                self._in_flight.send(Attempt(delivery, now, self._taken))
        if recorded.others_due or unsent:
            self._due.outdate()
        for result in results:
            self._outcomes.note(result, still_wanted=result.delivery.id not in recorded.unwanted)

    def _record(
        self, results: Sequence[Result], chosen: Sequence[Delivery], unsent: Sequence[Delivery], now: datetime
    ) -> Recorded:
        """Retries until the results are recorded or the program stops; what cannot be claimed at once is not sent."""
        last_error: str | None = None
        while True:
            try:
                state, limit = self._admissions.destination, self._admissions.limit
                return self._outbox.settle_and_claim(
                    results, chosen, state, limit, now, some_fail=self._due.some_fail, unsent=unsent
                )
            except DatabaseBusyError as error:
                self._due.outdate()
                if not results:
                    raise
                chosen = ()
                unsent = [*unsent, *(attempt.delivery for attempt in self._in_flight.take_back())]
                if str(error) != last_error:
                    last_error = str(error)
                    for result in results:
                        self._log(events.ResultNotRecorded(result.delivery.id, last_error))
                if self._wait(RECORD_AGAIN):
                    return Recorded()
