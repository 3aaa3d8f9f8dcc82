"""The values of `report --audit`: our deliveries, SIGNL4's own records, and how they differ.

All times are aware and in UTC; spans are in seconds. Field names are those of `report --audit --json`.
"""

from dataclasses import dataclass
from datetime import datetime

from daemon.model.report import Spread


@dataclass(frozen=True, slots=True)
class Told:
    """An opening of which SIGNL4 accepted the `new`, according to our records."""

    delivery_id: int
    incident_id: str
    title: str
    event_id: str | None
    """As its answer named it; `None` if that could not be read."""
    told_at: datetime
    acknowledged_at: datetime | None
    """When it accepted our `acknowledged`."""
    resolved_at: datetime | None
    """When it accepted our `resolved`."""


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert of SIGNL4's audit file."""

    event_id: str
    title: str
    created_at: datetime
    acknowledged_at: datetime | None = None
    closed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AuditFile:
    """What the file says."""

    alerts: tuple[Alert, ...]
    """In the order of the file."""
    first_at: datetime
    last_at: datetime
    """The times of its first and its last line."""
    unreadable: int
    """How many lines could not be read."""


@dataclass(frozen=True, slots=True)
class Pair:
    """An opening that both sides know, with the times of both."""

    incident_id: str
    title: str
    event_id: str
    told_at: datetime
    created_at: datetime
    acknowledged_at: datetime | None
    """Our `acknowledged`."""
    acknowledged_there_at: datetime | None
    resolved_at: datetime | None
    """Our `resolved`."""
    closed_there_at: datetime | None


@dataclass(frozen=True, slots=True)
class Titled:
    """Alerts of one title in the file that we did not raise."""

    title: str
    alerts: int


@dataclass(frozen=True, slots=True)
class Audit:
    """How the two differ."""

    team: str
    begins_at: datetime
    ends_at: datetime
    """The file proves something from then to then: its month, up to its last line."""
    told: int
    """Alerts that SIGNL4 accepted from us in that time."""
    alerts: int
    """Alerts in the file."""
    unreadable_lines: int
    paired: int
    difference: Spread | None
    """How far the times of the two sides are apart."""
    missing: tuple[Told, ...]
    """Told, but not there."""
    not_closed: tuple[Pair, ...]
    """We told SIGNL4 that it is over, and the file does not close it."""
    likely_ours: tuple[Alert, ...]
    """There, with a title that we tell, but under no event id that we know: mostly a lost answer, told again."""
    others: tuple[Titled, ...]
    """There, from other sources as it seems; the most frequent titles."""
    other_alerts: int
    """How many alerts those are, all titles together."""
    pairs: tuple[Pair, ...]
