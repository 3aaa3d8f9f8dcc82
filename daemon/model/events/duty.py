"""Events of the program's own duty: health, alarms and heartbeats."""

from dataclasses import dataclass

from daemon.model.event import Event, Level
from daemon.model.incident import Kind


@dataclass(frozen=True, slots=True)
class NotHealthy(Event):
    """The program cannot do its duty in full; `status` says at any time what is wrong."""

    event = "not healthy"
    level = Level.WARNING
    todo = "what the problems say"
    problems: str


@dataclass(frozen=True, slots=True)
class Healthy(Event):
    """All is well again."""

    event = "healthy again"


@dataclass(frozen=True, slots=True)
class AlarmRaised(Event):
    """An alarm of the program's own goes to SIGNL4; `taken` and `error` where it went past the outbox."""

    event = "alarm"
    level = Level.ERROR
    todo = "what the alarm says"
    incident: str
    kind: Kind
    what: str
    taken: bool | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class AlarmClosed(Event):
    """Its cause is gone, so the alarm is closed."""

    event = "alarm"
    incident: str
    kind: Kind
    what: str
    taken: bool | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class HeartbeatFailed(Event):
    """A heartbeat URL did not take a call. Said again when that changes."""

    event = "heartbeat failed"
    level = Level.WARNING
    todo = "check the URL and the way to it"
    error: str


@dataclass(frozen=True, slots=True)
class HeartbeatsSucceed(Event):
    """All heartbeat URLs take calls again."""

    event = "heartbeats succeed again"
