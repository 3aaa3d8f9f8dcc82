"""Events of the looks at SIGNL4, and of what people do there."""

from dataclasses import dataclass

from daemon.model.event import Event, Level
from daemon.model.incident import Kind


@dataclass(frozen=True, slots=True)
class WritingBack(Event):
    """A person acknowledged or closed an alert in SIGNL4; that Better Stack is told so is in the outbox."""

    event = "writing back"
    incident: str
    kind: Kind
    generation: int


@dataclass(frozen=True, slots=True)
class PersonActed(Event):
    """Who acknowledged or closed an alert in SIGNL4."""

    event = "a person acted in SIGNL4"
    level = Level.DEBUG
    incident: str
    did: str
    user: str


@dataclass(frozen=True, slots=True)
class LooksFail(Event):
    """SIGNL4's alerts cannot be read, or what they say cannot be recorded. Paging goes on. Logged once per reason."""

    event = "looks at SIGNL4 fail"
    level = Level.WARNING
    todo = "what the error says; an outage of SIGNL4 ends by itself"
    error: str


@dataclass(frozen=True, slots=True)
class KeyRefused(Event):
    """SIGNL4 refuses the API key. Paging goes on; it is tried again once a minute."""

    event = "API key refused"
    level = Level.ERROR
    todo = "give `signl4.api_key` a key that is valid"
    error: str


@dataclass(frozen=True, slots=True)
class LooksSucceed(Event):
    """The first looks at SIGNL4 that succeed after failed ones."""

    event = "looks at SIGNL4 succeed again"
    after: str


@dataclass(frozen=True, slots=True)
class LooksHang(Event):
    """The looks at SIGNL4 make no progress. Polling and paging do, so the program goes on."""

    event = "looks at SIGNL4 hang"
    level = Level.ERROR
    todo = "restart the program, and please report it"
    silent_for: str
