"""Values of what happened at Better Stack, what its client was shown, and what SIGNL4 got. All times are aware, UTC."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from daemon.model.destination import DEFAULT
from daemon.model.incident import Kind, Phase
from daemon.model.monitor import MonitorKind

TITLE_KEYS = ("subject", "title", "task", "job", "case", "incident", "x-s4-subject")
"""The keys in which SIGNL4 looks for the title of an alert, in its order."""


class Act(StrEnum):
    """A change of an incident at Better Stack."""

    OPENED = "opened"
    CONFIRMED = "confirmed"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    REOPENED = "reopened"
    """The record keeps its old times and gives the time of the reopening."""
    REOPENED_AFRESH = "reopened afresh"
    """The old times are gone: only a client that saw the incident resolved knows that it was reopened."""
    DELETED = "deleted"
    RESTATED = "restated"
    """Better Stack uses another word for the status."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One change of one incident, and the phase after it."""

    at: datetime
    incident_id: str
    generation: int
    name: str
    act: Act
    phase: Phase
    by: str | None = None


class MonitorAct(StrEnum):
    """A change of a monitor or a heartbeat at Better Stack."""

    ADDED = "added"
    PAUSED = "paused"
    UNPAUSED = "unpaused"
    UPDATED = "updated"
    DELETED = "deleted"
    RESTATED = "restated"
    """It has another status, which nobody set."""


@dataclass(frozen=True, slots=True)
class MonitorChange:
    """One change of a monitor or a heartbeat."""

    at: datetime
    kind: MonitorKind
    monitor_id: str
    name: str
    act: MonitorAct
    status: str
    """After the change; empty if it has none."""


@dataclass(frozen=True, slots=True)
class Showing:
    """A client read, in a complete 200 answer, that this generation of the incident is in this phase.

    If the answer came from a lagging replica, that was true at the replica's time, not at `at`.
    """

    at: datetime
    """When it was first read."""
    incident_id: str
    generation: int
    phase: Phase
    until: datetime | None = field(default=None, compare=False)
    """When it was last read; `None`: only once."""
    times: int = field(default=1, compare=False)
    """How often it was read."""

    @property
    def span(self) -> timedelta:
        """The time from the first reading to the last."""
        return (self.until or self.at) - self.at


@dataclass(frozen=True, slots=True)
class Event:
    """One event that SIGNL4 accepted."""

    at: datetime
    event_id: str
    payload: Mapping[str, Any]
    team: str = DEFAULT

    def field(self, name: str) -> str:
        """The text under this key, in upper or lower case, else an empty one."""
        return text_of(self.payload, name)

    @property
    def external_id(self) -> str:
        """The id that links the event to an incident."""
        return self.field("X-S4-ExternalID")

    @property
    def kind(self) -> str:
        """The status in lower case; SIGNL4 treats a missing one as `new`."""
        return self.field("X-S4-Status").lower() or Kind.NEW

    @property
    def title(self) -> str:
        """The title that SIGNL4 would choose."""
        return next(filter(None, map(self.field, TITLE_KEYS)), "")


def text_of(payload: Mapping[str, Any], name: str) -> str:
    """The text under a key of a payload; SIGNL4 ignores the case of keys."""
    found = (value for key, value in payload.items() if key.lower() == name.lower())
    value = next(found, None)
    return value if isinstance(value, str) else ""


class AlertState(StrEnum):
    """The state of an alert in SIGNL4."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert that an event raised. Several can have the same external id."""

    alert_id: str
    event_id: str
    external_id: str
    title: str
    team: str
    created: datetime
    acknowledged_at: datetime | None = None
    acknowledged_by: tuple[str, ...] = ()
    """User ids."""
    closed_at: datetime | None = None
    closed_by: str | None = None
    """A user id."""
    annotations: tuple[str, ...] = ()

    @property
    def state(self) -> AlertState:
        """Follows from the times: an alert can be closed without an acknowledgement."""
        if self.closed_at:
            return AlertState.CLOSED
        return AlertState.ACKNOWLEDGED if self.acknowledged_at else AlertState.OPEN

    @property
    def last_modified(self) -> datetime:
        """The time of the last change of its state."""
        return self.closed_at or self.acknowledged_at or self.created


@dataclass(frozen=True, slots=True)
class AlertChange:
    """A person acknowledged or closed an alert."""

    at: datetime
    alert: Alert
    """As it is after the change."""
    by: str


@dataclass(frozen=True, slots=True)
class Window:
    """A period of time, both ends included."""

    since: datetime
    until: datetime

    def touches(self, since: datetime, until: datetime, margin: timedelta) -> bool:
        """Whether the period, extended by `margin` at its end, overlaps the other one."""
        return self.since <= until and since <= self.until + margin
