"""What is open and what waits at one moment, for people who watch."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from daemon.model.delivery import DeliveryState
from daemon.model.incident import Kind, Phase
from daemon.model.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Message:
    """A row of the outbox."""

    id: int
    incident_id: str
    incident_name: str
    is_alarm: bool
    """Whether the incident is one of the program's own alarms."""
    kind: Kind
    team: str
    state: DeliveryState
    reason: str
    """Why the transition happened, or why it was superseded."""
    attempts: int
    due_at: datetime
    delivered_at: datetime | None
    last_error: str | None
    held_because: str | None


@dataclass(frozen=True, slots=True)
class OpenIncident:
    """An incident that is not over."""

    id: str
    name: str
    cause: str
    phase: Phase
    since: datetime
    """When it began, or was last opened again."""
    silent_because: str | None
    """Why nobody is told of it, if nobody is."""
    messages: tuple[Message, ...]
    """Of its generation, oldest first."""


@dataclass(frozen=True, slots=True)
class Standing:
    """All that a live view shows, read in one transaction."""

    snapshot: Snapshot
    silences: int
    """How many are in force."""
    sent_lately: int
    """Messages that were sent to the account of the team `default` in the latest window of SIGNL4's limit."""
    holds: Mapping[str, datetime]
    """Until when SIGNL4 asked to send nothing, by team."""
    incidents: tuple[OpenIncident, ...]
    """The latest first; at most as many as were asked for."""
    outbox: tuple[Message, ...]
    """What is dead, then what is pending, the next one due first; at most as many as were asked for."""
