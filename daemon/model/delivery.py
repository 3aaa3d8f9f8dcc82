"""The values of the way out: a transition bound for SIGNL4, and what came of an attempt to deliver it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from daemon.model.incident import Kind

WINDOW = timedelta(seconds=15)
"""What SIGNL4's limit of events counts for."""
LONGEST_HOLD = timedelta(minutes=15)
"""A clock that is off, or a reset in milliseconds, must not silence paging for longer."""
MARGIN = timedelta(seconds=1)
"""`X-RateLimit-Reset` may be cut to whole seconds, even to one that has passed."""


class DeliveryState(StrEnum):
    """Pending until it is one of the other three; only an operator turns a dead delivery pending again."""

    PENDING = "pending"
    DELIVERED = "delivered"
    SUPERSEDED = "superseded"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Failing:
    """That a delivery fails, and how others fare meanwhile."""

    since: datetime
    times: int
    """Failures, not counting those that an outage explains."""
    others_taken: int
    """How many others SIGNL4 took since the first attempt that failed began."""
    others_failing: int
    """How many others wait because they failed too."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A pending row of the outbox, the oldest of its incident, as the sender needs it."""

    id: int
    incident_id: str
    generation: int
    kind: Kind
    external_id: str
    payload: Mapping[str, Any] | None
    """`None` where the row holds none that can be read."""
    attempts: int
    refused: bool
    """Whether SIGNL4 refused the full payload before; the one here is then the minimal one."""
    over_since: datetime | None
    """When this generation of the incident ended, if its `resolved` waits behind this delivery."""
    previous_at: datetime | None = None
    """When SIGNL4 took the previous delivery of the incident."""
    taken_before: int = 0
    """How many deliveries SIGNL4 had taken, ever, when this one was looked up."""
    failing: Failing | None = None
    own_fault: bool = False
    """Whether it fails while others are taken. Then it goes out in its minimal form, alone and rarely."""


class Scope(StrEnum):
    """What a failed attempt says something about."""

    ROW = "row"
    TARGET = "target"
    SECRET = "secret"  # noqa: S105 - a scope, not a secret
    UNCLEAR = "unclear"
    """The secret, or this delivery alone."""
    ITEM = "item"
    """This delivery alone: it may have been taken."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """SIGNL4 took the event."""

    event_id: str | None


@dataclass(frozen=True, slots=True)
class TryLater:
    """Not delivered, through no fault of the payload."""

    why: str
    scope: Scope


@dataclass(frozen=True, slots=True)
class Rejected:
    """SIGNL4 refused this payload."""

    why: str


Outcome = Delivered | TryLater | Rejected


@dataclass(frozen=True, slots=True)
class RateLimit:
    """What an answer said of SIGNL4's limit."""

    events: int
    """In a window of 15 s."""
    remaining: int
    resets_in: timedelta | None
    """`None` where what it said is not plausible."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An outcome, and what the same answer says about the target."""

    outcome: Outcome
    hold: timedelta | None = None
    """How long SIGNL4 asked to be left alone, already clamped."""
    faulty: bool = False
    """Whether SIGNL4 counts the request among the ten faulty ones it allows a minute."""
    rate_limit: RateLimit | None = None


@dataclass(frozen=True, slots=True)
class DestinationState:
    """What is known of SIGNL4's willingness to listen. The empty value means: willing."""

    hold_until: datetime | None = None
    secret_refused_since: datetime | None = None
    probe_at: datetime | None = None
    """While the secret is refused: when the next single delivery may try it."""
    why: str = ""
    """The sentence behind the latest hold or refusal."""
    other_faults: tuple[datetime, ...] = ()
    payload_faults: tuple[datetime, ...] = ()
    paced_at: datetime | None = None
    """When a delivery last went out during a rest for payload faults."""


@dataclass(frozen=True, slots=True)
class Disposition:
    """What becomes of a delivery after an attempt."""

    state: DeliveryState
    due_at: datetime
    minimal: bool = False
    """Whether the next attempt takes the minimal payload."""
    own_fault: bool = False
    """Whether the failure is the delivery's own, and not SIGNL4's or the secret's."""


@dataclass(frozen=True, slots=True)
class Admission:
    """What the target admits at one moment."""

    max_in_flight: int
    """How many requests may be in flight."""
    clean_from: datetime
    """When deliveries that were never refused may go."""
    refused_from: datetime
    """When deliveries that were refused before may go."""
    probe: bool = False
    """Whether the next delivery only tries the secret: take the one tried longest ago."""
    own_faults: bool = True
    """Whether one that fails on its own may go, which is so unless another of them is under way."""

    def start(self, *, refused: bool) -> datetime:
        """When a delivery may go, as far as the target is concerned."""
        return self.refused_from if refused else self.clean_from


@dataclass(frozen=True, slots=True)
class NextDue:
    """The deliveries at the head of their incidents that are alike in what they wait for, by the first of them."""

    due_at: datetime
    refused: bool
    attempted: bool
    own_fault: bool = False
