"""Whether somebody was paged: what SIGNL4 made of a `new` that it took."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class PageVerdict(StrEnum):
    """The values are recorded, and shown to people."""

    PAGED = "paged"
    NOT_PAGED = "not paged"
    UNKNOWN = "unknown"
    """SIGNL4 could not be asked for so long that it is given up, or does not know the event."""


@dataclass(frozen=True, slots=True)
class AwaitedProof:
    """A delivered `new` of which it is not known yet whether somebody was paged."""

    delivery_id: int
    incident_id: str
    generation: int
    team: str
    external_id: str
    event_id: str
    created_at: datetime
    """When it was recorded, by our clock; no alert of it is older."""
    delivered_at: datetime
    asked: int
    """How often SIGNL4 was asked about it."""
    event_source: str | None = None
    """The team or integration of the secret, as far as that is known."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What follows from an answer of SIGNL4."""

    verdict: PageVerdict | None
    """`None`: not settled, it is asked again."""
    why: str = ""
    """A sentence, with the mend where nobody was paged."""


@dataclass(frozen=True, slots=True)
class Unpaged:
    """A `new` that SIGNL4 took, and of which nobody was paged, while its incident is not over."""

    incident_id: str
    team: str
    why: str
    is_alarm: bool = False
    """Whether it is one of the program's own alarms."""
