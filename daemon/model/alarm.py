"""The alarms of this program itself, and the ids they have here and at SIGNL4."""

from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from typing import Self

PROGRAM = "betterstack-signl4"
"""What its alarms call the program."""
PREFIX = f"{PROGRAM}-alarm-"
_OF_SOURCE = f"{PREFIX}poll-"
FLAP = f"{PROGRAM}-flap-"


def flap_id(source: str, route: str) -> str:
    """The id of the alert that a source flaps, by the rule of a route; also its external id."""
    return f"{FLAP}{blake2b(f'{route}:{source}'.encode(), digest_size=6).hexdigest()}"


class Cause(StrEnum):
    """What keeps the program from doing its work."""

    POLL = "poll"
    """Better Stack cannot be polled."""
    DEAD = "dead"
    """Deliveries are dead."""
    DELIVERY = "delivery"
    """A delivery fails while others are taken."""
    STATE = "state"
    """The database cannot be written."""
    UNREADABLE = "unreadable"
    """Records of Better Stack cannot be read."""
    UNPAGED = "unpaged"
    """SIGNL4 took an alert, and nobody was paged."""
    SOURCES = "sources"
    """Many accounts of Better Stack cannot be polled."""

    @property
    def external_id(self) -> str:
        """The external id of its alarm, which is also its id in the table of incidents."""
        return f"{PREFIX}{self}"


@dataclass(frozen=True, slots=True)
class SourceCause:
    """One account of Better Stack, a `[source.NAME]`, cannot be polled."""

    polled_from: str

    @property
    def external_id(self) -> str:
        """As that of a `Cause`."""
        return f"{_OF_SOURCE}{self.polled_from}"

    @classmethod
    def of(cls, alarm_id: str) -> Self | None:
        """That of an alarm with this id; `None` if it is another alarm."""
        return cls(alarm_id.removeprefix(_OF_SOURCE)) if alarm_id.startswith(_OF_SOURCE) else None


AnyCause = Cause | SourceCause


def is_unpolled(alarm_id: str) -> bool:
    """Whether the alarm says that an account cannot be polled."""
    return alarm_id in {Cause.POLL.external_id, Cause.SOURCES.external_id} or alarm_id.startswith(_OF_SOURCE)
