"""What becomes of an event that SIGNL4 took, in the words and numbers of its REST API."""

from dataclasses import dataclass
from datetime import datetime

from daemon.model.signl4 import EventStatus


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one event, and the ids of the alerts that it raised or changed."""

    status: EventStatus
    at: datetime
    raised: str | None = None
    acknowledged: tuple[str, ...] = ()
    closed: tuple[str, ...] = ()
