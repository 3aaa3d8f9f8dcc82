"""The values the program speaks in: what Better Stack says, what is recorded, and what must be told.

All times are aware and in UTC. All values are frozen; a change is a new value.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, StrEnum, auto
from typing import Any


class Phase(StrEnum):
    """Where an incident stands, as far as a decision depends on it."""

    UNCONFIRMED = "unconfirmed"
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class Kind(StrEnum):
    """The kind of a transition; the values are those of SIGNL4's `X-S4-Status`."""

    NEW = "new"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident as Better Stack described it in one answer."""

    id: str
    phase: Phase
    status: str
    """Better Stack's own word, empty where the record has none."""
    started_at: datetime | None
    acknowledged_at: datetime | None
    resolved_at: datetime | None
    reopened_at: datetime | None
    attributes: Mapping[str, Any]
    """The record's attributes as received, for placeholders."""

    def text(self, attribute: str) -> str:
        """The attribute if it is a string, else an empty one."""
        value = self.attributes.get(attribute)
        return value if isinstance(value, str) else ""


Page = tuple[Incident, ...]
"""What one request for a list brought."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a list came to that was read to its end."""

    readable: int
    """How many of its records could be read."""
    unreadable: tuple[str, ...] = ()
    """Why each of the others could not."""


class Absence(Enum):
    """Why a lookup brought no incident."""

    NO_SUCH_RECORD = auto()
    UNREADABLE = auto()
    """There is a record, which proves nothing either way."""


@dataclass(frozen=True, slots=True)
class IncidentState:
    """What the database holds of one incident."""

    id: str
    external_id: str
    generation: int
    """1, and one more each time the incident is reopened."""
    phase: Phase
    alerted: bool
    """Whether this generation alerts. An unconfirmed one does not yet; a baseline or stale one never does."""
    status: str
    name: str
    cause: str
    url: str
    started_at: datetime | None
    acknowledged_at: datetime | None
    resolved_at: datetime | None
    reopened_at: datetime | None
    gone_since: datetime | None = None
    """When a lookup first answered "no such record", while that is unproven."""
    is_alarm: bool = False
    """Whether this is no incident of Better Stack's but an alarm of our own."""
    ended_until: datetime | None = None
    """The latest time Better Stack gave for the end of an earlier generation, or for a reopening."""
    old_until: datetime | None = None
    """The latest time that is known to belong to an earlier generation, an acknowledgement included."""
    doubted_at: datetime | None = None
    """When the incident's own record first contradicted what is recorded here, while that is unproven."""
    deleted: bool = False
    """Whether it is over because its record was gone: `resolved_at` is then no time that Better Stack gave."""

    @classmethod
    def first_seen(cls, seen: Incident, external_id: str, generation: int) -> "IncidentState":
        """What is known of a generation of which nothing was told yet."""
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
        )

    def as_incident(self) -> Incident:
        """The incident as it was last seen, for when Better Stack has it no more."""
        attributes = {"name": self.name, "cause": self.cause, "url": self.url, "status": self.status}
        return Incident(
            id=self.id,
            phase=self.phase,
            status=self.status,
            started_at=self.started_at,
            acknowledged_at=self.acknowledged_at,
            resolved_at=self.resolved_at,
            reopened_at=self.reopened_at,
            attributes=attributes,
        )


@dataclass(frozen=True, slots=True)
class Transition:
    """Something that must be told about one generation of an incident."""

    kind: Kind
    generation: int
    occurred_at: datetime
    reason: str
    note: str = ""
    """A remark for the person on duty, added to the payload."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An incident whose record cannot be read, and the patience with it."""

    id: str
    """Empty for what the list of open incidents shows and nobody can say which incident it is."""
    since: datetime
    attempts: int
    """How often it was asked for since then, in vain."""
    due_at: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far polling came."""

    last_complete_round_at: datetime | None
    last_round_error: str | None
    token_suspect_since: datetime | None
    token_fingerprint: str | None = None
    """Of the token with which a known record was last read."""
    token_changed_at: datetime | None = None
    """Since when another one is used, with which no known record was read yet."""
