"""The time of day, ours and Better Stack's: neither jumps because somebody set a clock."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

STEP = 1.0
"""Seconds that the wall clock may be off before that counts as a step, and not as a clock that is kept right."""
ALIKE = 60.0
"""Seconds by which two answers may differ that say what the time is: one may have been long on its way."""


def utc_now() -> datetime:
    """The time of this machine's wall clock."""
    return datetime.now(UTC)


class SteadyClock:
    """The time of day as the jobs see it: it goes on as the monotonic clock does, until it is set right.

    So no time that did not pass can prove anything, at whatever moment the wall clock is set.
    """

    def __init__(self) -> None:
        self._apart = _apart()

    def __call__(self) -> datetime:
        """The time, aware and in UTC."""
        return datetime.fromtimestamp(time.monotonic() + self._apart, UTC)

    def step(self) -> timedelta | None:
        """By how much the wall clock was set since this one was last right, if it was."""
        off = _apart() - self._apart
        if abs(off) > STEP:
            return timedelta(seconds=off)
        self.set_right()
        return None

    def set_right(self) -> None:
        """From here on it is the wall clock's time again."""
        self._apart = _apart()


def _apart() -> float:
    return time.time() - time.monotonic()


class TheirClock:
    """The time of day at Better Stack, by the `Date` of its answers; ours until one is known.

    It goes on as the monotonic clock does, so that it stays right while ours is set.
    """

    def __init__(self, ours: Callable[[], datetime], ahead: timedelta | None = None) -> None:
        """`ahead`: how far it was last ahead of ours, where that is known."""
        self._ours = ours
        self._apart = None if ahead is None else (ours() + ahead).timestamp() - time.monotonic()
        self._heard = self._apart

    def __call__(self) -> datetime:
        """The time, aware and in UTC."""
        return self._ours() if self._apart is None else datetime.fromtimestamp(time.monotonic() + self._apart, UTC)

    def is_ahead(self, ahead: timedelta) -> None:
        """It was just said to be so far ahead of the wall clock.

        Where that is another time than was known, two answers in a row must say it: one may be a portal's or a proxy's.
        """
        said = _apart() + ahead.total_seconds()
        known = [moment for moment in (self._apart, self._heard) if moment is not None]
        if not known or any(abs(said - moment) <= ALIKE for moment in known):
            self._apart = said
        self._heard = said
