"""What SIGNL4's REST API says: its alerts, what became of an event, and who is on duty.

Every field but the ids may be missing there. All times are SIGNL4's, aware and in UTC.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum

NOBODY = "00000000-0000-0000-0000-000000000000"
"""The user id of SIGNL4 itself."""


class AlertPhase(StrEnum):
    """How far people have come with an alert."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class SeenAlert:
    """One alert, as one response describes it."""

    id: str
    external_id: str
    phase: AlertPhase
    event_id: str | None = None
    """The event that raised it; the answer to our message names the same."""
    event_source: str | None = None
    """The team or integration whose secret the event came with."""
    created_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: tuple[str, ...] = ()
    """Ids of users."""
    closed_at: datetime | None = None
    closed_by: str | None = None
    """The id of a user."""

    @property
    def is_acknowledged(self) -> bool:
        """Whether it was acknowledged, whatever came after."""
        return self.phase is AlertPhase.ACKNOWLEDGED or self.acknowledged_at is not None or bool(self.acknowledged_by)


@dataclass(frozen=True, slots=True)
class Listed:
    """A list of alerts."""

    alerts: tuple[SeenAlert, ...]
    as_of: datetime
    """When the list was asked for, by SIGNL4's clock."""
    with_closed: bool
    """Whether alerts that were closed since the last look are in it; without, it holds all that are not closed."""
    is_whole: bool = True
    """Whether the list was read to its end; of a very long one the oldest alerts are left out."""


class EventStatus(IntEnum):
    """What became of an event, in the words and numbers of SIGNL4."""

    NONE = 0
    PROCESSING = 1
    RAISED = 2
    FILTERED = 3
    RESOLVED = 4
    DISCARDED = 5
    ACKNOWLEDGED = 6
    SUPPRESSED = 7
    NO_RULE = 8
    SEVERAL_TARGETS = 9
    WAITING_FOR_AUTO_CLOSE = 21
    NOT_ENOUGH = 22
    DUPLICATE_SUPPRESSED = 23
    NO_TARGET = 30
    ERROR = 1000


@dataclass(frozen=True, slots=True)
class EventOutcome:
    """What became of one event."""

    status: int
    """An `EventStatus`, or a number that is not known."""
    alert_id: str | None = None
    event_source: str | None = None
    team_id: str | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody with an account at SIGNL4."""

    id: str
    name: str
    on_duty: frozenset[str] = frozenset()
    """Ids of the teams in which they are on duty."""
    off_duty: frozenset[str] = frozenset()
    """Ids of the teams in which they are not."""
