"""A log that a test can look into."""

from dataclasses import dataclass, field
from typing import Any

from daemon.model.event import Event


@dataclass
class KeptLog:
    """Keeps events as `(level, event, fields)`."""

    events: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)

    def __call__(self, event: Event) -> None:
        self.events.append((str(event.severity()), event.text(), event.shown()))

    def named(self, event: str) -> list[dict[str, Any]]:
        """The fields of each event of that name."""
        return [fields for _, name, fields in self.events if name == event]
