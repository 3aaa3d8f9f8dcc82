"""The alarms of this program itself, and the ids they have here and at SIGNL4."""

from enum import StrEnum
from hashlib import blake2b

PROGRAM = "betterstack-signl4"
"""What its alarms call the program."""
PREFIX = f"{PROGRAM}-alarm-"
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

    @property
    def external_id(self) -> str:
        """The external id of its alarm, which is also its id in the table of incidents."""
        return f"{PREFIX}{self}"
