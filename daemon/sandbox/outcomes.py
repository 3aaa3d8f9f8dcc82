"""What becomes of an event that SIGNL4 took, in the words and numbers of its REST API."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum


class EventStatus(IntEnum):
    """`eventStatus`. After a `new`, all but `PROCESSING`, `RAISED` and `SEVERAL_TARGETS` mean that nobody is paged."""

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
class Outcome:
    """What became of one event, and the ids of the alerts that it raised or changed."""

    status: EventStatus
    at: datetime
    raised: str | None = None
    acknowledged: tuple[str, ...] = ()
    closed: tuple[str, ...] = ()
