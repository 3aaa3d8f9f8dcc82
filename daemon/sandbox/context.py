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
class Context:
    """Shared by the world and both services of one sandbox."""

    now: Clock = wall_clock
    latency: float = 0.0
    """Seconds before each answer of a service."""
    changed: Condition = field(default_factory=Condition)

    def notify(self) -> None:
        """Wakes all waiting threads."""
        with self.changed:
            self.changed.notify_all()
