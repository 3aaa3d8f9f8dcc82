"""Values of incidents: as read from Better Stack, as recorded, and the transitions to be sent.

All times are aware and in UTC. All values are frozen; a change makes a new value.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, StrEnum, auto
from typing import Any

from daemon.model.monitor import MonitorKind, monitor_key
from daemon.model.polling import UNNAMED
from daemon.model.routing import Recipient, Routing

TO_DEFAULT = (Recipient(),)


INCIDENT = "incident"
"""What an incident of Better Stack is, in `match.kind`; what else there is: `MonitorKind`."""
_WATCHING = frozenset(MonitorKind)


class Phase(StrEnum):
    """The phase of an incident, as far as decisions depend on it."""

    UNCONFIRMED = "unconfirmed"
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class Kind(StrEnum):
    """The kind of a transition; the values are those of SIGNL4's `X-S4-Status`."""

    NEW = "new"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class Untold(StrEnum):
    """Why a generation of an incident has not alerted. The values are recorded, and shown to people."""

    UNCONFIRMED = "not confirmed yet"
    ENDED_UNCONFIRMED = "ended unconfirmed"
    OVER_AT_FIRST_START = "over at the first start"
    BASELINE = "open at the first start (poll.initial is baseline)"
    STALE = "over for delivery.stale_after or longer when first seen"


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident, as one response of Better Stack describes it."""

    id: str
    phase: Phase
    status: str
    """Better Stack's own status; empty if the record has none."""
    started_at: datetime | None
    acknowledged_at: datetime | None
    resolved_at: datetime | None
    reopened_at: datetime | None
    attributes: Mapping[str, Any]
    """The record's attributes as received, for placeholders."""
    source: str = ""
    """What raised the incident: `monitor`, `heartbeat`, or an integration as Better Stack calls it, such as
    `webhook_integration`. Empty if none did, or if the record is gone."""
    source_id: str = ""
    """Its id; empty if and only if `source` is."""
    kind: str = INCIDENT
    """What it is: an incident, or the `MonitorKind` that an alert of our own is about."""

    @property
    def monitor_id(self) -> str:
        """The id of the monitor that raised the incident; empty if none did, or if the record is gone."""
        return self.source_id if self.source == MonitorKind.MONITOR else ""

    @property
    def monitor(self) -> str | None:
        """The monitor or heartbeat that raised it, as `monitor_key` writes it; `None` if neither did."""
        return monitor_key(MonitorKind(self.source), self.source_id) if self.source in _WATCHING else None

    def text(self, attribute: str) -> str:
        """The attribute if it is a string, else an empty string."""
        value = self.attributes.get(attribute)
        return value if isinstance(value, str) else ""


class Absence(Enum):
    """Why a lookup returned no incident."""

    NO_SUCH_RECORD = auto()
    UNREADABLE = auto()
    """There is a record, but it proves nothing."""


@dataclass(frozen=True, slots=True)
class IncidentState:
    """The recorded state of one incident."""

    id: str
    external_id: str
    generation: int
    """1, and one more each time the incident is reopened."""
    phase: Phase
    alerted: bool
    """Whether this generation has alerted. An unconfirmed one has not yet; a baseline or stale one never does."""
    status: str
    name: str
    cause: str
    url: str
    started_at: datetime | None
    acknowledged_at: datetime | None
    resolved_at: datetime | None
    reopened_at: datetime | None
    gone_since: datetime | None = None
    """When a lookup first answered "no such record", until that is confirmed or refuted."""
    is_alarm: bool = False
    """Whether this is one of the program's own alarms instead of an incident of Better Stack."""
    ended_until: datetime | None = None
    """The latest time that Better Stack gave for the end of an earlier generation or for a reopening."""
    old_until: datetime | None = None
    """The latest time known to belong to an earlier generation, including acknowledgements."""
    doubted_at: datetime | None = None
    """When the incident's own record first contradicted this state, until that is confirmed or refuted."""
    deleted: bool = False
    """Whether it counts as resolved because its record was gone; `resolved_at` is then not from Better Stack."""
    silent_because: str | None = None
    """Why this generation has not alerted, an `Untold`. `None` if it has, and where an older version recorded it."""
    routing: Routing | None = None
    """Who is told of it; `None`: the team `default`."""
    source: str | None = None
    """What raised it, where a route counts how often that opens."""
    monitor: str | None = None
    """The monitor or heartbeat that raised it, or that it is about, as `monitor_key` writes it."""
    polled_from: str = UNNAMED
    """The account that tracks it, the name of a `[source.NAME]`."""

    @property
    def is_about_a_monitor(self) -> bool:
        """Whether it is an alert of our own about a monitor or a heartbeat. That a source flaps is about incidents."""
        return self.is_alarm and self.monitor is not None and self.source is None

    @property
    def recipients(self) -> tuple[Recipient, ...]:
        """Who is told of it."""
        return TO_DEFAULT if self.routing is None else self.routing.recipients

    def routed_as(self, before: "IncidentState") -> "IncidentState":
        """The same, told to whom it was told before."""
        if before.routing is None and before.source is None:
            return self
        return replace(self, routing=before.routing, source=before.source)

    def tracked_by(self, polled_from: str) -> "IncidentState":
        """The same, tracked by this account."""
        return self if self.polled_from == polled_from else replace(self, polled_from=polled_from)

    @classmethod
    def first_seen(cls, seen: Incident, external_id: str, generation: int) -> "IncidentState":
        """The state of a generation that is seen for the first time and has not alerted yet."""
        return cls(
            id=seen.id,
            external_id=external_id,
            generation=generation,
            phase=seen.phase,
            alerted=False,
            status=seen.status,
            name=seen.text("name"),
            cause=seen.text("cause"),
            url=seen.text("url"),
            started_at=seen.started_at,
            acknowledged_at=seen.acknowledged_at,
            resolved_at=seen.resolved_at,
            reopened_at=seen.reopened_at,
            monitor=seen.monitor,
        )

    def as_incident(self) -> Incident:
        """The incident as last seen, for use after its record is gone."""
        attributes = {"name": self.name, "cause": self.cause, "url": self.url, "status": self.status}
        source, _, source_id = (self.monitor or "").partition(" ")
        return Incident(
            id=self.id,
            phase=self.phase,
            status=self.status,
            started_at=self.started_at,
            acknowledged_at=self.acknowledged_at,
            resolved_at=self.resolved_at,
            reopened_at=self.reopened_at,
            attributes=attributes,
            source=source,
            source_id=source_id,
            kind=source if self.is_about_a_monitor else INCIDENT,
        )


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of one generation of an incident that must be sent."""

    kind: Kind
    generation: int
    occurred_at: datetime
    reason: str
    note: str = ""
    """A note for the person on duty, added to the payload."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An incident whose record cannot be read, and when it is fetched again."""

    id: str
    """Empty for a record in the list of open incidents whose id cannot be read."""
    since: datetime
    attempts: int
    """How often fetching it has failed since then."""
    due_at: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of polling."""

    last_complete_round_at: datetime | None
    last_round_error: str | None
    token_suspect_since: datetime | None
    token_fingerprint: str | None = None
    """Of the token that last read a known record."""
    token_changed_at: datetime | None = None
    """Since when another token is in use that has not read a known record yet."""


@dataclass(frozen=True, slots=True)
class RoundStart:
    """What is recorded when a round begins."""

    progress: Progress
    tracked: frozenset[str]
    """Ids of the incidents that are not recorded as resolved."""
    vanished: frozenset[str]
    """Those of them for which a lookup found no record, and none has since."""
    doubted: frozenset[str]
    """Ids of the incidents whose record at Better Stack contradicted the state recorded here."""
    set_aside: Mapping[str, Unreadable]
    """The incidents whose record cannot be read, by id."""
    any_flaps: bool = False
    """Whether an alert is open that a source flaps."""
