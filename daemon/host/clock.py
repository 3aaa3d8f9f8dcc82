"""Local time and Better Stack's time, both steady: setting a clock does not make them jump."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

STEP = 1.0
"""Deviation of the wall clock (s) that counts as a step; less is normal clock discipline."""
TOLERANCE = 60.0
"""Seconds by which two `Date` headers may differ and still agree: a response may be slow to arrive."""


def utc_now() -> datetime:
    """The local wall-clock time, aware and in UTC."""
    return datetime.now(UTC)


def boottime() -> float:
    """Seconds since the machine started, those in which it slept or this process was frozen included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class SteadyClock:
    """The time of day for the jobs: it follows the monotonic clock until `set_right` is called.

    So a step of the wall clock never looks like elapsed time.
    """

    def __init__(self) -> None:
        self._offset = _offset()

    def __call__(self) -> datetime:
        """The time, aware and in UTC."""
        return datetime.fromtimestamp(time.monotonic() + self._offset, UTC)

    def step(self) -> timedelta | None:
        """By how much the wall clock was stepped since the last adjustment; `None` if not. Follows small drift."""
        off = _offset() - self._offset
        if abs(off) > STEP:
            return timedelta(seconds=off)
        self.set_right()
        return None

    def set_right(self) -> None:
        """Adopts the time of the wall clock."""
        self._offset = _offset()


def _offset() -> float:
    return time.time() - time.monotonic()


class TheirClock:
    """Better Stack's time, from the `Date` header of its responses; the local time until one is known.

    It follows the monotonic clock, so a step of the local clock does not affect it.
    """

    def __init__(self, ours: Callable[[], datetime], ahead: timedelta | None = None) -> None:
        """`ahead`: how far it was last ahead of the local clock, if known."""
        self._ours = ours
        self._offset = None if ahead is None else (ours() + ahead).timestamp() - time.monotonic()
        self._last_reported = self._offset

    def __call__(self) -> datetime:
        """The time, aware and in UTC."""
        return self._ours() if self._offset is None else datetime.fromtimestamp(time.monotonic() + self._offset, UTC)

    def is_ahead(self, ahead: timedelta) -> None:
        """Reports that a response showed Better Stack's clock this far ahead of the wall clock.

        A time that contradicts the known one needs two responses in a row: one may come from a portal or a proxy.
        """
        reported = _offset() + ahead.total_seconds()
        known = [moment for moment in (self._offset, self._last_reported) if moment is not None]
        if not known or any(abs(reported - moment) <= TOLERANCE for moment in known):
            self._offset = reported
        self._last_reported = reported
