"""Liveness of the jobs: detects a hung job, which the scheduler itself does not notice."""

import math
import time


class Liveness:
    """The liveness of one job. A finished request, successful or not, is a sign of life; elapsed time is not."""

    def __init__(self) -> None:
        self._last = time.monotonic()
        self._may_idle = math.inf

    def beat(self) -> None:
        """The job is running and made progress."""
        self._last = time.monotonic()
        self._may_idle = 0.0

    def idle(self, seconds: float = math.inf) -> None:
        """The job ended, and is due again after `seconds`; by default only when there is work."""
        self._last = time.monotonic()
        self._may_idle = seconds

    def reset(self) -> None:
        """The whole process was suspended, for example with its machine: that time does not count as silence."""
        self._last = time.monotonic()

    def silent_for(self) -> float:
        """Seconds without a sign of life beyond the planned idle time."""
        return time.monotonic() - self._last - self._may_idle
