"""The values of `report`: what is read of incidents and deliveries, and the figures that follow from it.

All times are aware and in UTC; spans are in seconds. Field names are those of `report --json`.
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Episode:
    """One opening of an incident, from its beginning to its end: what the figures are made of."""

    incident_id: str
    generation: int
    name: str
    cause: str
    began_at: datetime
    """At Better Stack."""
    seen_at: datetime
    """When it was recorded here."""
    told_at: datetime | None = None
    """When SIGNL4 first accepted its `new`."""
    acknowledged_at: datetime | None = None
    resolved_at: datetime | None = None
    tries: int = 0
    """Attempts to send any of its messages."""
    was_held: bool = False
    """Whether a rule of the operator held its alert."""
    untold_because: str | None = None
    """Why its alert was not accepted; `None` if it was."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How long something took."""

    count: int
    median: float
    ninety: float
    """Nine in ten took at most so long."""
    longest: float


@dataclass(frozen=True, slots=True)
class Source:
    """What is known of all incidents of one name."""

    name: str
    openings: int
    open_seconds: float
    """How long it was open within the period, all openings together."""
    most_in_an_hour: int
    """The most openings within any hour."""
    to_alert: Spread | None = None
    to_acknowledge: Spread | None = None
    to_resolve: Spread | None = None


@dataclass(frozen=True, slots=True)
class Took:
    """How long it took, of what began in one hour of the day, or on one weekday."""

    to_alert: Spread | None
    to_acknowledge: Spread | None
    to_resolve: Spread | None


@dataclass(frozen=True, slots=True)
class Retried:
    """A delivery that SIGNL4 did not accept at once."""

    delivery_id: int
    incident_id: str
    incident_name: str
    kind: str
    team: str
    state: str
    tries: int
    waited: float | None
    """From when it was queued until it was accepted; `None` if it was not."""
    last_error: str | None


@dataclass(frozen=True, slots=True)
class Retries:
    """The deliveries of the period, and those of them that needed more than one try."""

    deliveries: int
    retried: int
    dead: int
    pending: int
    worst: tuple[Retried, ...]
    """Those with the most tries."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A time without a complete round, as far as something recorded proves it."""

    begins_at: datetime
    ends_at: datetime
    evidence: str
    """How that is known, a sentence without a full stop."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm of the program about itself, or an alert that a source flaps."""

    incident_id: str
    name: str
    raised_at: datetime
    closed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Rounds:
    """What is recorded of rounds."""

    first_record_at: datetime | None
    """The earliest incident here; before it nothing is known."""
    last_complete_at: datetime | None
    failing_since: datetime | None


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of a lane of the timeline, in slots of the period."""

    begins: int
    ends: int
    kind: str
    """`unacknowledged` or `acknowledged`."""
    incidents: int
    """How many openings it is made of."""


@dataclass(frozen=True, slots=True)
class Lane:
    """A source on the timeline."""

    name: str
    openings: int
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """What the report says of the incidents."""

    incidents: int
    """Openings that began within the period."""
    still_open: int
    untold: int
    """Those of them that SIGNL4 has not accepted."""
    held: int
    """Those that a rule held; they do not count in `to_alert`."""
    to_see: Spread | None
    """From the beginning until it was recorded here."""
    to_tell: Spread | None
    """From then until SIGNL4 accepted it."""
    to_alert: Spread | None
    to_acknowledge: Spread | None
    to_resolve: Spread | None
    sources: tuple[Source, ...]
    """Those with the most openings."""
    more_sources: int
    flapping: tuple[Source, ...]
    """Those that opened most often within an hour."""
    by_weekday: tuple[tuple[int, ...], ...]
    """Openings: from Monday on, 24 hours each, local time."""
    took_by_hour: tuple[Took, ...]
    """24 of them, local time."""
    took_by_weekday: tuple[Took, ...]
    """From Monday on."""
    by_day: tuple[tuple[str, int], ...]
    """Openings by local date, in ISO 8601."""


@dataclass(frozen=True, slots=True)
class Report:
    """All of it; the fields are those of `report --json`."""

    since: datetime
    until: datetime
    at: datetime
    """When it was made."""
    figures: Figures
    retries: Retries
    gaps: tuple[Gap, ...]
    hours_in_gaps: int
    """Whole hours of the clock that are covered by gaps."""
    alarms: tuple[Alarm, ...]
    rounds: Rounds
