"""Signs of life: what a scheduler does not notice by itself is a job that hangs."""

import math
import time


class Liveness:
    """The sign of life of one job. A request that ends, well or not, is one; time that passes is not."""

    def __init__(self) -> None:
        self._last = time.monotonic()
        self._may_idle = math.inf

    def beat(self) -> None:
        """The job is under way and got on."""
        self._last = time.monotonic()
        self._may_idle = 0.0

    def idle(self, seconds: float = math.inf) -> None:
        """The job ended, and is due again after so many seconds, or when there is something to do."""
        self._last = time.monotonic()
        self._may_idle = seconds

    def reset(self) -> None:
        """The whole process stood still, as when its machine sleeps: that was no silence of this job."""
        self._last = time.monotonic()

    def silent_for(self) -> float:
        """Seconds of silence beyond the rest."""
        return time.monotonic() - self._last - self._may_idle
