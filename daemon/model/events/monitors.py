"""Events of the looks at what Better Stack watches."""

from dataclasses import dataclass

from daemon.model.event import Event, Level


@dataclass(frozen=True, slots=True)
class MonitorChanged(Event):
    """Somebody created, changed, paused, unpaused or deleted a monitor or a heartbeat."""

    event = "monitor changed"
    monitor: str
    name: str
    did: str
    attributes: str | None = None


@dataclass(frozen=True, slots=True)
class MonitorLooksFail(Event):
    """The lists of monitors or heartbeats cannot be read, or cannot be recorded. Logged once per reason."""

    event = "looks at monitors fail"
    level = Level.WARNING
    todo = "what the error says; an outage of Better Stack ends by itself"
    error: str


@dataclass(frozen=True, slots=True)
class MonitorLooksSucceed(Event):
    """The first looks at monitors that succeed after failed ones."""

    event = "looks at monitors succeed again"
    after: str


@dataclass(frozen=True, slots=True)
class MonitorLooksHang(Event):
    """The looks at monitors make no progress. Polling and paging do, so the program goes on."""

    event = "looks at monitors hang"
    level = Level.ERROR
    todo = "restart the program, and please report it"
    silent_for: str
