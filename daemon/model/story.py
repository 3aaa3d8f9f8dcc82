"""One incident from its beginning on: what is recorded of it, and the story that people are told of that."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from daemon.model.delivery import DeliveryState, DestinationState
from daemon.model.history import Entry
from daemon.model.incident import IncidentState, Kind
from daemon.model.monitor import MonitorChange
from daemon.model.snapshot import Holder, RunMode


@dataclass(frozen=True, slots=True)
class RecordedDelivery:
    """A row of the outbox, as far as the story needs it."""

    id: int
    generation: int
    kind: Kind
    team: str
    state: DeliveryState
    reason: str
    """Why the transition happened, or why it was superseded."""
    attempts: int
    occurred_at: datetime
    created_at: datetime
    due_at: datetime
    attempted_at: datetime | None = None
    delivered_at: datetime | None = None
    event_id: str | None = None
    last_error: str | None = None
    own_fault: bool = False
    held_because: str | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """All that is recorded of one incident."""

    state: IncidentState
    first_seen_at: datetime
    deliveries: tuple[RecordedDelivery, ...]
    """Oldest first."""
    history: tuple[Entry, ...]
    """In the order in which it was recorded."""
    changes: tuple[MonitorChange, ...] = ()
    """What was changed about its monitor, whenever that was; oldest first."""


@dataclass(frozen=True, slots=True)
class Present:
    """What decides how it goes on."""

    at: datetime
    """Now."""
    teams: Mapping[str, DestinationState]
    """Those that the configuration in force has."""
    process: Holder | None = None
    """The daemon; `None` if none runs."""
    run_mode: RunMode | None = None
    round_error: str | None = None
    """Why the latest round failed; `None` if it did not."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What there is under an id, at one moment."""

    record: Record | None
    """`None` if there is no such incident."""
    present: Present
    incident_of_delivery: str | None = None
    """Where there is no such incident: that of the delivery with this number."""
    unreadable_because: str | None = None
    """Where there is no such incident: why its record cannot be read."""


@dataclass(frozen=True, slots=True)
class Happened:
    """One line of the story."""

    at: datetime
    what: str
    """A `Happening`, or `began`, `seen`, `new`, `acknowledged`, `resolved`, `accepted`, `unanswered`, `monitor`."""
    text: str
    """A plain sentence without a full stop."""
    generation: int
    delivery_id: int | None = None
    kind: str | None = None
    """What the delivery tells."""
    team: str | None = None
    seconds: float | None = None
    """How long an attempt took."""


@dataclass(frozen=True, slots=True)
class Next:
    """Something that happens next, or why nothing does."""

    text: str
    """A plain sentence, which the time ends if there is one."""
    at: datetime | None = None
    delivery_id: int | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """What is told of an incident."""

    happened: tuple[Happened, ...]
    """In order of time."""
    next: tuple[Next, ...]
    """Never empty."""
