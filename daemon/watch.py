"""What a scheduler does not notice by itself: a clock that was set, or is not theirs, and a job that hangs."""

import math
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

STEP = 1.0
"""Seconds that the wall clock may be off before that counts as a step, and not as a clock that is kept right."""
STANDSTILL = 3.0
"""Seconds that a look at the jobs may be late; beyond that the whole process stood still, and no job hangs."""
ALIKE = 60.0
"""Seconds by which two answers may differ that say what the time is: one may have been long on its way."""


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


class Pulse:
    """The sign of life of one job. A request that ends, well or not, is one; time that passes is not."""

    def __init__(self) -> None:
        self._last = time.monotonic()
        self._may_rest = math.inf

    def beat(self) -> None:
        """The job is under way and got on."""
        self._last = time.monotonic()
        self._may_rest = 0.0

    def rest(self, seconds: float = math.inf) -> None:
        """The job ended, and is due again after so many seconds, or when there is something to do."""
        self._last = time.monotonic()
        self._may_rest = seconds

    def pardon(self) -> None:
        """The whole process stood still, as when its machine sleeps: that was no silence of this job."""
        self._last = time.monotonic()

    def silent_for(self) -> float:
        """Seconds of silence beyond the rest."""
        return time.monotonic() - self._last - self._may_rest


class Vigil:
    """Looks at all jobs, again and again."""

    def __init__(self, pulses: Mapping[str, Pulse], tick: float) -> None:
        """`tick`: seconds between two looks."""
        self._pulses = pulses
        self._tick = tick
        self._looked = time.monotonic()

    def hanging(self, limit: float) -> str | None:
        """A job that has been silent for more seconds than that."""
        stood_still = time.monotonic() - self._looked > self._tick + STANDSTILL
        self._looked = time.monotonic()
        if stood_still:
            for pulse in self._pulses.values():
                pulse.pardon()
        return next((name for name, pulse in self._pulses.items() if pulse.silent_for() > limit), None)
