"""Shared by the parts of a sandbox: the clock, and a condition variable that locks them and signals each change."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Condition

Clock = Callable[[], datetime]


def wall_clock() -> datetime:
    """The time, aware and in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Ground:
    """Shared by the world and both services of one sandbox."""

    now: Clock = wall_clock
    latency: float = 0.0
    """Seconds before each answer of a service."""
    bell: Condition = field(default_factory=Condition)

    def ring(self) -> None:
        """Wakes all waiting threads."""
        with self.bell:
            self.bell.notify_all()
