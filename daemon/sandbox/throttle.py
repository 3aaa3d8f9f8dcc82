"""SIGNL4's kind of rate limit: a number of requests per window; exceeding it blocks for a whole window."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class RateLimit:
    """The result of the limit for one request."""

    granted: bool
    limit: int
    remaining: int
    reset: datetime

    @property
    def headers(self) -> dict[str, str]:
        """The three rate-limit headers of every answer."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(int(self.reset.timestamp()) + 1),
        }


class Throttle:
    """Counts requests against the limit. Used under the service's lock."""

    def __init__(self, limit: int, window: timedelta) -> None:
        """At most `limit` requests in `window`."""
        self._limit = limit
        self._window = window
        self._used = 0
        self._ends: datetime | None = None

    def look(self, now: datetime) -> RateLimit:
        """The current state, without counting a request."""
        ends = self._current(now)
        return RateLimit(self._used < self._limit, self._limit, max(0, self._limit - self._used), ends)

    def spend(self, now: datetime) -> RateLimit:
        """Counts one request. The first above the limit starts the blocked window."""
        ends = self._current(now)
        self._used += 1
        if self._used == self._limit + 1:
            self._ends = ends = now + self._window
        return RateLimit(self._used <= self._limit, self._limit, max(0, self._limit - self._used), ends)

    def _current(self, now: datetime) -> datetime:
        """The end of the window that contains `now`."""
        if self._ends is None or now >= self._ends:
            self._used, self._ends = 0, now + self._window
        return self._ends
