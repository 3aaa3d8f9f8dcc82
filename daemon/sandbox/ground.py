"""What the parts of a sandbox share: one clock, and one lock that is also the bell rung at each change."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Condition

Clock = Callable[[], datetime]


def wall_clock() -> datetime:
    """The time of day, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Ground:
    """Shared by the world and both services of one sandbox."""

    now: Clock = wall_clock
    latency: float = 0.0
    """Seconds before each answer of a service."""
    bell: Condition = field(default_factory=Condition)

    def ring(self) -> None:
        """Makes whoever waits look again."""
        with self.bell:
            self.bell.notify_all()
