"""What is recorded of SIGNL4's alerts of our incidents, and of the looks at them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from daemon.model.history import Entry
from daemon.model.incident import Kind, Phase
from daemon.model.signl4 import AlertPhase, SeenAlert


@dataclass(frozen=True, slots=True)
class Sent:
    """One of our messages about the current generation of an incident, to one team."""

    kind: Kind
    team: str
    attempted: bool
    not_before: datetime
    """No alert that this message raised is older, by our clock."""
    event_id: str | None = None
    event_source: str | None = None
    """What SIGNL4 calls the team or integration of the secret, if that is known."""


@dataclass(frozen=True, slots=True)
class KnownAlert:
    """An alert as it was recorded last."""

    phase: AlertPhase
    acknowledged: bool
    """Whether a person acknowledged it, and not a message of ours."""
    team: str | None = None
    """Whose message raised it, if that is known."""


@dataclass(frozen=True, slots=True)
class Watched:
    """An open incident of which SIGNL4 may have an alert that we raised."""

    incident_id: str
    external_id: str
    generation: int
    phase: Phase
    sent: tuple[Sent, ...]
    """Of the current generation, to the teams whose alerts can be read."""
    earlier_events: frozenset[str] = frozenset()
    """The events of earlier generations."""
    written: frozenset[Kind] = frozenset()
    """What was written back of the current generation, or will be."""
    alerts: Mapping[str, KnownAlert] = field(default_factory=dict)
    """What was recorded of its alerts, by their ids."""

    @property
    def news(self) -> tuple[Sent, ...]:
        """The messages that may have raised an alert."""
        return tuple(one for one in self.sent if one.kind is Kind.NEW and one.attempted)

    @property
    def open_alerts(self) -> frozenset[str]:
        """The ids of those that are not known to be closed."""
        return frozenset(id_ for id_, one in self.alerts.items() if one.phase is not AlertPhase.CLOSED)

    @property
    def lacks_alerts(self) -> bool:
        """Whether there may be alerts that nobody has seen yet: each message may have raised one."""
        return len(self.alerts) < len(self.news)


@dataclass(frozen=True, slots=True)
class WriteBack:
    """What a person did in SIGNL4, to be done in Better Stack."""

    kind: Kind
    by: str
    """Who did it, as Better Stack will show it."""
    reason: str
    at: datetime
    """When, by our clock."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a look found of one alert, and what follows from it."""

    incident_id: str
    generation: int
    external_id: str
    alert: SeenAlert
    team: str | None
    acknowledged: bool
    """Whether a person acknowledged it."""
    acknowledged_by: str | None = None
    """The name of that person, if it is known."""
    closed_by: str | None = None
    """The name of the person who closed it, if one did and it is known."""
    write_backs: tuple[WriteBack, ...] = ()
    """In order."""
    history: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class TwoWayState:
    """How far the looks at SIGNL4 have come."""

    read_until: datetime | None = None
    """By SIGNL4's clock: up to when its alerts were read."""
    last_look_at: datetime | None = None
    last_error: str | None = None
    failing_since: datetime | None = None
    key_refused_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class TwoWay:
    """The figures of this flow. The names and their order are those of the JSON of `status`."""

    last_look_at: datetime | None = None
    last_error: str | None = None
    failing_since: datetime | None = None
    key_refused_since: datetime | None = None
    pending_write_backs: int = 0
    dead_write_backs: int = 0
    oldest_write_back_at: datetime | None = None
    """When the oldest pending one was recorded."""
    refused_since: datetime | None = None
    """Since when Better Stack refuses to be written to."""
    refused_because: str | None = None
