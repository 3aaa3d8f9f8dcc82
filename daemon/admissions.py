"""What may be sent now: by the state of the destination, the limit of its account, and the threads of this machine."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from daemon.decisions import retry
from daemon.due_list import DueList
from daemon.in_flight import Attempt, InFlight
from daemon.limiter import Limiter
from daemon.model.admission import Admission
from daemon.model.delivery import Answer, Delivery, DestinationState
from daemon.storage.outbox import Outbox

THREAD_AGAIN = timedelta(seconds=1)
"""Between two attempts to start a thread on a machine that has none left."""


class Admissions:
    """Called by the thread of `deliver`."""

    def __init__(
        self,
        concurrency: int,
        limiter: Limiter,
        in_flight: InFlight,
        due: DueList,
        clock: Callable[[], datetime],
        team: str,
    ) -> None:
        """`concurrency`: most requests at a time."""
        self._concurrency = concurrency
        self._limiter = limiter
        self._in_flight = in_flight
        self._due = due
        self._clock = clock
        self._team = team
        self.destination = DestinationState()
        self._short_until: datetime | None = None
        """When to try again to start a thread, after that failed."""

    @property
    def limit(self) -> int | None:
        """Events that the account allows in 15 s, if known."""
        return self._limiter.limit

    def begin(self, limit: int | None, outbox: Outbox) -> None:
        """What an earlier process learned of the limit, and sent, counts."""
        day_ago = self._clock() - timedelta(days=1)
        self._limiter.begin(limit, lambda: outbox.attempts_since(day_ago), self._team)
        self.say_urgent(outbox)

    def say_urgent(self, outbox: Outbox) -> None:
        """Other teams of the account give way to alerts of open incidents."""
        if self._limiter.is_shared:
            now = self._clock()
            is_willing = self.willing().clean_from <= now
            urgent = outbox.urgent(now) if is_willing else 0
            self._limiter.wants(urgent, len(self._in_flight), now, self._team)

    def willing(self) -> Admission:
        """What the destination admits, apart from the rate limit.

        In a storm as many again are claimed as are sent at a time, so that no thread waits for a commit. A kill then
        finds at most that many, twice over, sent and not recorded.
        """
        willing = retry.admission(self.destination, self._concurrency, self._clock())
        in_full = willing.max_in_flight == self._concurrency and not willing.probe
        ahead = self._concurrency if in_full and self._due.is_storm else 0
        return replace(willing, max_in_flight=willing.max_in_flight + ahead)

    def together(self) -> int:
        """How many results should be recorded together. In a storm threads have something to send meanwhile."""
        return self._concurrency if self._due.is_storm else 1

    def now(self) -> Admission:
        """What may be sent now."""
        admission = self._limiter.admit(self.willing(), len(self._in_flight), self._clock(), self._team)
        if self._short_until is not None:
            clean, refused = (max(at, self._short_until) for at in (admission.clean_from, admission.refused_from))
            admission = replace(admission, clean_from=clean, refused_from=refused)
        return replace(admission, own_faults=False) if self._in_flight.own_fault else admission

    def sent(self, now: datetime) -> None:
        """An event is sent."""
        self.destination = retry.sent_at(self.destination, now)
        self._limiter.sent(now)

    def answered(self, answer: Answer, attempt: Attempt, now: datetime) -> None:
        """What an answer says about the limit."""
        in_flight, sent_at = len(self._in_flight), attempt.sent_at
        self._limiter.answered(answer, in_flight, now, sent_at=sent_at, team=self._team)

    def reserve(self, chosen: list[Delivery]) -> list[Delivery]:
        """Those of the chosen deliveries that may be sent: other teams share the limit."""
        willing, in_flight = self.willing(), len(self._in_flight)
        granted = self._limiter.reserve(len(chosen), willing, in_flight, self._clock(), self._team)
        if granted < len(chosen):
            self._due.outdate()
        return chosen[:granted]

    def no_thread(self) -> bool:
        """No thread could be started. Whether that is news."""
        news = self._short_until is None
        self._short_until = self._clock() + THREAD_AGAIN
        return news

    def enough_threads(self) -> None:
        """Threads could be started."""
        self._short_until = None
