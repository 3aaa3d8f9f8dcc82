"""A monitor or a heartbeat of Better Stack: what is watched, as its own record shows it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class MonitorKind(StrEnum):
    """What it is. The values are those of `type` in Better Stack's records, and of `source` in rules."""

    MONITOR = "monitor"
    HEARTBEAT = "heartbeat"


class MonitorStatus(StrEnum):
    """The statuses that alerts depend on. Better Stack has others, and may get more."""

    PAUSED = "paused"
    MAINTENANCE = "maintenance"
    PENDING = "pending"


@dataclass(frozen=True, slots=True)
class Monitor:
    """One record. What it does not say is empty, or `None`."""

    kind: MonitorKind
    id: str
    name: str
    url: str
    team_name: str
    status: str
    """In small letters."""
    paused_at: datetime | None
    created_at: datetime | None
    updated_at: datetime | None
    configuration: Mapping[str, str]
    """A digest of each attribute that people set, by its name: what an attribute holds may be a secret."""


@dataclass(frozen=True, slots=True)
class MonitorList:
    """All that one list shows."""

    monitors: tuple[Monitor, ...]
    unreadable: int = 0
    """So many records could not be read, and prove nothing."""


class MonitorEvent(StrEnum):
    """What happened to its configuration: the events of Better Stack's monitor webhooks."""

    CREATED = "created"
    UPDATED = "updated"
    PAUSED = "paused"
    UNPAUSED = "unpaused"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class MonitorChange:
    """One of these events, as far as two looks show it."""

    kind: MonitorKind
    id: str
    what: MonitorEvent
    at: datetime
    """When it happened if Better Stack says so, else when it was seen."""
    detail: str = ""
    """Of an update: the names of the attributes that changed."""


@dataclass(frozen=True, slots=True)
class MonitorState:
    """The recorded state of one monitor or heartbeat."""

    kind: MonitorKind
    id: str
    name: str
    url: str
    team_name: str
    status: str
    status_since: datetime
    """When the status began if Better Stack says so, else when it was first seen."""
    created_at: datetime | None
    updated_at: datetime | None
    configuration: Mapping[str, str]
    gone_since: datetime | None = None
    """When a lookup first answered "no such record", until that is confirmed or refuted."""
    deleted_at: datetime | None = None
    """The same moment, once that was confirmed."""
    first_seen_at: datetime | None = None
    """When a look first showed it."""

    @property
    def key(self) -> str:
        """What incidents call it."""
        return monitor_key(self.kind, self.id)


@dataclass(frozen=True, slots=True)
class MonitorListed:
    """One monitor or heartbeat with all that is recorded of it."""

    state: MonitorState
    changes: tuple[MonitorChange, ...]
    """Oldest first."""
    alerts: tuple[str, ...]
    """The ids of the alerts about it that are open."""


@dataclass(frozen=True, slots=True)
class MonitorLooks:
    """How far the looks at the lists have come."""

    monitor_read_at: datetime | None = None
    """When the list of monitors was last read to its end."""
    heartbeat_read_at: datetime | None = None
    last_error: str | None = None
    failing_since: datetime | None = None

    def read_at(self, kind: MonitorKind) -> datetime | None:
        """When that list was last read to its end."""
        return self.monitor_read_at if kind is MonitorKind.MONITOR else self.heartbeat_read_at


@dataclass(frozen=True, slots=True)
class MonitorFigures:
    """The figures of this flow. The names and their order are those of the JSON of `status`."""

    last_look_at: datetime | None = None
    """When all lists were last read."""
    last_error: str | None = None
    failing_since: datetime | None = None
    monitors: int = 0
    heartbeats: int = 0
    open_alerts: int = 0
    """How many alerts about monitors and heartbeats are open."""


def monitor_key(kind: MonitorKind, monitor_id: str) -> str:
    """What incidents call a monitor: `monitor 2345678`."""
    return f"{kind} {monitor_id}"


def alert_id(kind: MonitorKind, monitor_id: str, what: str) -> str:
    """The id of an alert about a monitor, which is also its external id."""
    return f"{kind}-{monitor_id}-{what}"


def is_alert_id(identity: str) -> bool:
    """Whether it is the id of such an alert: Better Stack's are numbers."""
    return identity.partition("-")[0] in set(MonitorKind)
