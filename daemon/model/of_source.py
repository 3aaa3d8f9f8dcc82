"""What the events of one account have in common."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from daemon.model.event import Event, Listener
from daemon.model.polling import UNNAMED


@dataclass(frozen=True, slots=True)
class OfSource(Event):
    """Concerns what is polled from one account."""

    source: str | None = field(default=None, kw_only=True)
    """The name of the `[source.NAME]`; `None` for `[betterstack]`."""


def naming_source(polled_from: str, log: Listener) -> Callable[[Event], None]:
    """A log whose events name the account, if it has a name."""

    def heard(event: Event) -> None:
        log(replace(event, source=polled_from) if isinstance(event, OfSource) else event)

    return log if polled_from == UNNAMED else heard
