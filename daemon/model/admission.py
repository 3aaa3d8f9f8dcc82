"""What may be sent when: what a destination accepts now, what is due next, what is held."""

from dataclasses import dataclass
from datetime import datetime

from daemon.model.delivery import Delivery


@dataclass(frozen=True, slots=True)
class Admission:
    """What the destination accepts at one moment."""

    max_in_flight: int
    """Most requests in flight."""
    clean_from: datetime
    """When deliveries without a refusal may be sent."""
    refused_from: datetime
    """When deliveries that were refused before may be sent."""
    probe: bool = False
    """Whether the next delivery only tests the secret: then it is the one whose attempt is oldest."""
    own_faults: bool = True
    """Whether a delivery with a fault of its own may be sent: only if no other of these is in flight."""

    def start(self, *, refused: bool) -> datetime:
        """When the destination lets a delivery go."""
        return self.refused_from if refused else self.clean_from


@dataclass(frozen=True, slots=True)
class NextDue:
    """When the first of these deliveries is due: the oldest pending ones of their incidents with these flags."""

    due_at: datetime
    refused: bool
    attempted: bool
    own_fault: bool = False
    held: bool = False
    """Whether a rule holds them."""


@dataclass(frozen=True, slots=True)
class Held:
    """A due delivery that is not sent before `until`."""

    delivery: Delivery
    until: datetime
    rule: str | None
    """The rule of the operator that holds it; `None`: the gap."""

    @property
    def is_news(self) -> bool:
        """Whether a rule holds it that did not when it was last looked at."""
        return self.rule is not None and self.rule != self.delivery.held_because


GivenUp = tuple[Delivery, str]
"""A delivery that is not to be sent any more, and why."""
