"""What may be sent now: by the state of the destination, the limit of its account, and the threads of this machine."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from daemon.decisions import retry
from daemon.in_flight import InFlight
from daemon.limiter import Limiter
from daemon.model.delivery import Admission, DestinationState

THREAD_AGAIN = timedelta(seconds=1)
"""Between two attempts to start a thread on a machine that has none left."""


class Admissions:
    """Called by the thread of `deliver`."""

    def __init__(
        self,
        concurrency: int,
        limiter: Limiter,
        in_flight: InFlight,
        is_storm: Callable[[], bool],
        clock: Callable[[], datetime],
    ) -> None:
        """`concurrency`: most requests at a time. `is_storm`: whether to claim ahead."""
        self._concurrency = concurrency
        self._limiter = limiter
        self._in_flight = in_flight
        self._is_storm = is_storm
        self._clock = clock
        self.destination = DestinationState()
        self._short_until: datetime | None = None
        """When to try again to start a thread, after that failed."""

    def willing(self) -> Admission:
        """What the destination admits, apart from the rate limit.

        In a storm as many again are claimed as are sent at a time, so that no thread waits for a commit. A kill then
        finds at most that many, twice over, sent and not recorded.
        """
        willing = retry.admission(self.destination, self._concurrency, self._clock())
        in_full = willing.max_in_flight == self._concurrency and not willing.probe
        ahead = self._concurrency if in_full and self._is_storm() else 0
        return replace(willing, max_in_flight=willing.max_in_flight + ahead)

    def now(self) -> Admission:
        """What may be sent now."""
        admission = self._limiter.admit(self.willing(), len(self._in_flight), self._clock())
        if self._short_until is not None:
            clean, refused = (max(at, self._short_until) for at in (admission.clean_from, admission.refused_from))
            admission = replace(admission, clean_from=clean, refused_from=refused)
        return replace(admission, own_faults=not self._in_flight.own_fault)

    def no_thread(self) -> bool:
        """No thread could be started. Whether that is news."""
        news = self._short_until is None
        self._short_until = self._clock() + THREAD_AGAIN
        return news

    def enough_threads(self) -> None:
        """Threads could be started."""
        self._short_until = None
