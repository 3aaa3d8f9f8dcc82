"""The state of the whole at one moment, in the figures that health is judged by."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from daemon.model.incident import Unreadable


class Duty(StrEnum):
    """How the state is served: what polled last, or tried to."""

    RUN = "run"
    """A daemon, which is there all the time."""
    ONCE = "once"
    """A command that somebody starts again and again, and that is gone in between."""


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that works on a database."""

    pid: int
    version: str | None = None
    since: datetime | None = None
    """Aware and in UTC. Neither is known where the file is reached by another name than the process uses."""


@dataclass(frozen=True, slots=True)
class Presence:
    """What the lock of the state says of this moment."""

    holder: Holder | None
    """`None`: nobody works on it."""


@dataclass(frozen=True, slots=True)
class OwnFault:
    """A delivery that waits because it fails while others are taken."""

    id: int
    incident_id: str
    kind: str
    last_error: str
    failing_since: datetime
    created_at: datetime
    is_alarm: bool = False
    """Whether it tells of an alarm of our own."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of the whole at one moment."""

    duty: Duty | None = None
    """How the state was last served; `None` where only older versions did."""
    last_complete_round_at: datetime | None = None
    last_round_error: str | None = None
    token_suspect_since: datetime | None = None
    failing_since: datetime | None = None
    """When the first of the rounds failed that failed without a complete one between them."""
    refused_rounds: int = 0
    """How many rounds running the token was refused."""
    secret_refused_since: datetime | None = None
    refused_because: str = ""
    """What SIGNL4 said when it refused the secret."""
    open_incidents: int = 0
    pending_deliveries: int = 0
    dead_deliveries: int = 0
    dead_alerts: int = 0
    """The dead deliveries that are about incidents, not about alarms of our own."""
    too_late: tuple[int, ...] = ()
    """Those of them that `retry` refuses: the ids of what would open what is over, or close what is open."""
    open_alarms: Mapping[str, str] = field(default_factory=dict)
    """The alarms of our own that are not over: id and sentence."""
    event_limit: int | None = None
    """The events that SIGNL4 allows in 15 s, once it has said so."""
    ahead: timedelta | None = None
    """How far Better Stack's clock is ahead of ours, once it has said so."""
    unreadable: tuple[Unreadable, ...] = ()
    """The incidents whose record cannot be read."""
    listed_records: int = 0
    """How many records the least readable list of the last complete round had."""
    unreadable_records: int = 0
    """How many of these could not be read."""
    oldest_pending_at: datetime | None = None
    oldest_due_at: datetime | None = None
    """Of those that do not wait for a delivery that fails on its own."""
    own_faults: tuple[OwnFault, ...] = ()
    """The oldest first."""
