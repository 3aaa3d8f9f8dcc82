"""Two things that a scheduler does not notice by itself: a clock that was set, and a job that hangs."""

import math
import time
from threading import Lock

STEP = 1.0
"""Seconds that the clocks may drift apart between two looks before that counts as a step."""


class Clocks:
    """Compares the wall clock, which may be set, with the monotonic one, which is not."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._apart = time.time() - time.monotonic()

    def step(self) -> float | None:
        """By how many seconds the wall clock was set since the last look, if it was."""
        with self._lock:
            apart = time.time() - time.monotonic()
            step, self._apart = apart - self._apart, apart
        return step if abs(step) > STEP else None


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
