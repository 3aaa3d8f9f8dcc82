"""A snapshot of the program's state, with the figures that health is judged by."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from daemon.model.drift import Drift, OffDuty
from daemon.model.incident import Unreadable
from daemon.model.monitor import MonitorFigures
from daemon.model.page_proof import Unpaged
from daemon.model.polling import Polling, section_of
from daemon.model.two_way import TwoWay


class RunMode(StrEnum):
    """Which command is meant to poll: the one that last began to."""

    RUN = "run"
    """The daemon, which runs all the time."""
    ONCE = "once"
    """The command for cron and the like, which does not run in between."""


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that works on a database."""

    pid: int
    version: str | None = None
    since: datetime | None = None
    """Aware and in UTC. Version and time are unknown if the process uses another name of the file."""
    checkpointed_at: datetime | None = None
    """When it last found nobody in the way of emptying the log of the database."""
    host: str | None = None
    """Where it runs, if the database is on a server."""


@dataclass(frozen=True, slots=True)
class StandbyProcess:
    """A process that would take over from the one that works on a database of a server."""

    host: str
    pid: int
    version: str
    since: datetime
    """Aware, as is the next; by the server's clock."""
    seen_at: datetime
    """When it last noted that it stands by."""


@dataclass(frozen=True, slots=True)
class HeldLog:
    """The log of the database (SQLite's WAL), which a reader keeps from being emptied."""

    size: int
    """In bytes."""
    pid: int
    """0 or less if it cannot be seen from here."""
    name: str
    """What the process is called; empty if unknown."""
    since: datetime | None
    """When the log was last emptied; `None` if unknown."""


@dataclass(frozen=True, slots=True)
class Presence:
    """Whether a process works on the database now, according to its lock."""

    holder: Holder | None
    """`None`: no process works on it."""
    held_log: HeldLog | None = None
    standbys: tuple[StandbyProcess, ...] | None = None
    """Who would take over; `None` where nobody can, since the database is a file."""


@dataclass(frozen=True, slots=True)
class OwnFault:
    """A pending delivery that fails while others succeed."""

    id: int
    incident_id: str
    kind: str
    last_error: str
    failing_since: datetime
    created_at: datetime
    is_alarm: bool = False
    """Whether it belongs to one of the program's own alarms."""


@dataclass(frozen=True, slots=True)
class RefusedSecret:
    """A secret that SIGNL4 refuses."""

    team: str
    since: datetime
    why: str
    """SIGNL4's message."""


@dataclass(frozen=True, slots=True)
class Untracked:
    """Open incidents of an account that the configuration does not have any more."""

    polled_from: str
    ids: tuple[str, ...]

    @property
    def section(self) -> str:
        """Of the configuration that gave it."""
        return section_of(self.polled_from)


@dataclass(frozen=True, slots=True)
class Snapshot(Polling):
    """The program's state at one moment. The figures of polling are those of `[betterstack]`."""

    run_mode: RunMode | None = None
    """The command that last began to poll; `None` if only older versions did."""
    refused: tuple[RefusedSecret, ...] = ()
    """Of the teams that the configuration has."""
    strays: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Ids of pending deliveries to teams that the configuration does not have any more, by the team's name."""
    open_incidents: int = 0
    doubted_incidents: int = 0
    """Those whose record at Better Stack contradicts the one here."""
    pending_deliveries: int = 0
    held_deliveries: int = 0
    """Those of them that a rule of the operator holds: a silence, say."""
    dead_deliveries: int = 0
    dead_alerts: int = 0
    """Dead deliveries of incidents, without those of own alarms."""
    dead_incident: str | None = None
    """The incident of the latest of these."""
    too_late: tuple[int, ...] = ()
    """Ids of those that `retry` refuses, since they would open what is over, or close what is open."""
    open_alarms: Mapping[str, str] = field(default_factory=dict)
    """The program's own open alarms: sentence by id."""
    event_limit: int | None = None
    """Events that SIGNL4 allows in 15 s; `None` until it has reported the limit."""
    unreadable: tuple[Unreadable, ...] = ()
    """The incidents whose record cannot be read."""
    oldest_pending_at: datetime | None = None
    """Without what a rule holds: that may take days, and is due once it ends."""
    oldest_due_at: datetime | None = None
    """Both without deliveries that wait behind a held one or one with a fault of its own."""
    own_faults: tuple[OwnFault, ...] = ()
    """Oldest first."""
    two_way: TwoWay | None = None
    """The looks at SIGNL4, and what is written back to Better Stack, which no figure above counts."""
    unpaged: tuple[Unpaged, ...] = ()
    """What SIGNL4 took without paging anybody, of incidents that are not over; oldest first."""
    off_duty: tuple[OffDuty, ...] = ()
    """The teams in which nobody is on duty; the longest first."""
    drift: tuple[Drift, ...] = ()
    """Where SIGNL4's alerts do not agree with our incidents, as far as that is certain and lasts."""
    monitors: MonitorFigures | None = None
    """The looks at monitors and heartbeats; `None` if there never was one."""
    named: tuple[Polling, ...] = ()
    """The polling of each `[source.NAME]` of the configuration in force; at the end of a round only of those that do
    not work."""
    untracked: tuple[Untracked, ...] = ()
    """What no account tracks any more."""

    @property
    def polled(self) -> tuple[Polling, ...]:
        """The polling of all accounts."""
        return (self, *self.named) if self.is_configured else self.named

    @property
    def service_ahead(self) -> timedelta | None:
        """How far Better Stack's clock is ahead, whichever account showed it; `None` if unknown."""
        for one in self.polled:
            if one.ahead is not None:
                return one.ahead
        return None
