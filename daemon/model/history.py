"""The history of an incident: what was decided and tried, and why."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

HAD_ALREADY = "SIGNL4 had it already"
"""How the entry of an attempt begins that found an alert of an earlier one, whose answer was lost."""


class Happening(StrEnum):
    """What an entry tells of. The values are recorded, and shown to people."""

    ROUTED = "routed"
    """Who is told was decided."""
    HELD = "held"
    """A `new` waits for a rule."""
    RELEASED = "released"
    """What was held is looked at again."""
    ATTEMPT = "attempt"
    """A message was sent to SIGNL4, or that was tried."""
    ACKNOWLEDGED_IN_SIGNL4 = "acknowledged in SIGNL4"
    """A person acknowledged the alert."""
    CLOSED_IN_SIGNL4 = "closed in SIGNL4"
    """A person closed it."""
    SUPERSEDED = "superseded"
    """A message is not needed any more."""
    PAGE = "page"
    """What SIGNL4 made of a `new` that it took."""
    RECONCILED = "reconciled"
    """SIGNL4's alerts did not agree with our incidents."""
    RETRIED = "retried"
    """By hand."""
    DROPPED = "dropped"
    """By hand."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry, recorded together with what it explains."""

    incident_id: str
    generation: int
    at: datetime
    what: Happening
    why: str
    """One sentence."""
    delivery_id: int | None = None
    """The message that it is about, if it is about one."""
    seconds: float | None = None
    """How long an attempt took."""
