"""Events of the program's own health: alarms and heartbeats."""

from dataclasses import dataclass

from daemon.model.event import Event, Level
from daemon.model.incident import Kind


@dataclass(frozen=True, slots=True)
class NotHealthy(Event):
    """The program does not work in full; `status` shows at any time what is wrong."""

    event = "not healthy"
    level = Level.WARNING
    todo = "what the problems say"
    problems: str


@dataclass(frozen=True, slots=True)
class Healthy(Event):
    """The program is healthy again."""

    event = "healthy again"


@dataclass(frozen=True, slots=True)
class AlarmRaised(Event):
    """The program sends an alarm of its own to SIGNL4; `taken` and `error` if it is sent without the outbox."""

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
    """The cause of an alarm is gone, so it is closed."""

    event = "alarm"
    incident: str
    kind: Kind
    what: str
    taken: bool | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class HeartbeatFailed(Event):
    """The call of a heartbeat URL failed. Logged again when the error changes."""

    event = "heartbeat failed"
    level = Level.WARNING
    todo = "check the URL and the way to it"
    error: str


@dataclass(frozen=True, slots=True)
class HeartbeatsSucceed(Event):
    """The calls of all heartbeat URLs succeed again."""

    event = "heartbeats succeed again"
