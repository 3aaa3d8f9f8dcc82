"""Values of delivery: a transition to be sent to SIGNL4, and the result of an attempt."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from daemon.model.incident import Kind

WINDOW = timedelta(seconds=15)
"""The window of SIGNL4's event limit."""
LONGEST_HOLD = timedelta(minutes=15)
"""Longest pause: a wrong clock, or a reset in milliseconds, must not stop alerts for longer."""
MARGIN = timedelta(seconds=1)
"""Added to `X-RateLimit-Reset`, which may be truncated to a whole second, even one that has passed."""


class DeliveryState(StrEnum):
    """A pending delivery ends in one of the other three; only an operator makes a dead one pending again."""

    PENDING = "pending"
    DELIVERED = "delivered"
    SUPERSEDED = "superseded"
    DEAD = "dead"


OVER_WHILE_HELD = "over while held: "
"""How the reason begins for which a `new` is superseded that a rule held until the incident was over."""


@dataclass(frozen=True, slots=True)
class Alert:
    """What became of the `new` of an incident."""

    state: DeliveryState
    attempts: int
    reason: str
    """Why it was queued or superseded."""
    last_error: str | None
    held_because: str | None = None
    """Why a rule held it when it was last looked at."""


@dataclass(frozen=True, slots=True)
class Failing:
    """The failures of a delivery, compared with those of the others."""

    since: datetime
    times: int
    """Number of failures that no outage explains."""
    others_taken: int
    """How many others SIGNL4 accepted since the start of the first failed attempt."""
    others_failing: int
    """How many others are pending after a failure."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A pending row of the outbox, the oldest of its incident, as the sender uses it."""

    id: int
    incident_id: str
    generation: int
    kind: Kind
    external_id: str
    payload: Mapping[str, Any] | None
    """`None` if the stored payload cannot be read."""
    attempts: int
    refused: bool
    """Whether SIGNL4 refused the full payload; then `payload` is the minimal one."""
    over_since: datetime | None
    """When this generation of the incident ended, if its `resolved` is in the outbox."""
    occurred_at: datetime
    """When it happened, by Better Stack's clock."""
    created_at: datetime
    """When it was recorded, by ours."""
    subject: str | None = None
    """What rules are compared with, a `Subject` in JSON; `None` if it is not known."""
    held_because: str | None = None
    """Why a rule held it when it was last looked at."""
    previous_at: datetime | None = None
    """When SIGNL4 accepted the previous delivery of the incident."""
    maybe_taken_at: datetime | None = None
    """When the latest attempt began, if an attempt may have been taken without a word of it; else `None`."""
    event_before: str | None = None
    """Of what may have been taken: the event of the `new` of the generation before, if that is known."""
    event_source: str | None = None
    """What SIGNL4's REST API calls the sender that the secret is of, if that is known."""
    taken_before: int = 0
    """How many deliveries SIGNL4 had ever accepted when this row was read."""
    failing: Failing | None = None
    all_failing: int = 0
    """How many pending deliveries of the destination had failed when this row was read, without own faults."""
    own_fault: bool = False
    """Whether it fails while others succeed. Then it is sent in its minimal form, alone and rarely."""

    @property
    def maybe_taken(self) -> bool:
        """Whether it may have been taken already: an answer was lost, or the program ended before it recorded one."""
        return self.maybe_taken_at is not None

    @property
    def is_untold(self) -> bool:
        """Whether nobody can have been told yet that the incident began."""
        return self.kind is Kind.NEW and self.attempts == 0

    def since_read(self, taken: int, failing: int) -> "Delivery":
        """The same, after SIGNL4 accepted `taken` more deliveries, and `failing` more began to fail."""
        if not taken and not failing:
            return self
        compared = self.failing and replace(
            self.failing,
            others_taken=self.failing.others_taken + taken,
            others_failing=max(self.failing.others_failing + failing, 0),
        )
        return replace(self, taken_before=self.taken_before + taken, failing=compared)


class Scope(StrEnum):
    """What a failed attempt is evidence about."""

    ROW = "row"
    DESTINATION = "destination"
    SECRET = "secret"  # noqa: S105 - a scope, not a secret
    UNCLEAR = "unclear"
    """Either the secret, or this delivery alone."""
    ITEM = "item"
    """This delivery alone; it may have been accepted."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """SIGNL4 accepted the event."""

    event_id: str | None
    found: bool = False
    """Whether it had it already, from an earlier attempt: then nothing was sent, and nothing shows that it accepts."""


@dataclass(frozen=True, slots=True)
class TryLater:
    """Not delivered; the payload is not the cause."""

    why: str
    scope: Scope
    not_taken: bool = False
    """Whether it was certainly not taken. Else the answer may have been lost."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """SIGNL4 refused this payload; it was certainly not taken."""

    why: str


Outcome = Delivered | TryLater | Rejected


@dataclass(frozen=True, slots=True)
class RateLimit:
    """SIGNL4's rate limit, as a response reported it."""

    events: int
    """Allowed in a window of 15 s."""
    remaining: int
    resets_in: timedelta | None
    """`None` if the reported time is implausible."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The outcome of a request, and what the same response says about the destination."""

    outcome: Outcome
    hold: timedelta | None = None
    """How long SIGNL4 asked to wait, already limited."""
    faulty: bool = False
    """Whether SIGNL4 counts it as a faulty request; it allows ten a minute."""
    rate_limit: RateLimit | None = None
    ahead: timedelta | None = None
    """How far SIGNL4's clock is ahead of ours; `None` if the response does not show it."""


@dataclass(frozen=True, slots=True)
class DestinationState:
    """What is known of a destination. The default means: accepts deliveries."""

    hold_until: datetime | None = None
    secret_refused_since: datetime | None = None
    probe_at: datetime | None = None
    """While the secret is refused: when the next single delivery may test it."""
    why: str = ""
    """The reason for the latest hold or refusal, a sentence."""
    other_faults: tuple[datetime, ...] = ()
    payload_faults: tuple[datetime, ...] = ()
    paced_at: datetime | None = None
    """When a delivery was last sent while payload faults slow down the sending."""


@dataclass(frozen=True, slots=True)
class Disposition:
    """The new state of a delivery after an attempt."""

    state: DeliveryState
    due_at: datetime
    minimal: bool = False
    """Whether the next attempt sends the minimal payload."""
    own_fault: bool = False
    """Whether the delivery itself caused the failure, not SIGNL4 or the secret."""


@dataclass(frozen=True, slots=True)
class Result:
    """An answered attempt and what follows from it, to be recorded."""

    delivery: Delivery
    answer: Answer
    disposition: Disposition
    at: datetime
    replacement: Mapping[str, Any] | None = None
    """The minimal payload, where it takes the place of the full one; that is kept."""
    seconds: float = 0.0
    """From the request to the answer."""

    @property
    def delivered(self) -> bool:
        """Whether SIGNL4 has it."""
        return isinstance(self.answer.outcome, Delivered)

    @property
    def accepted(self) -> bool:
        """Whether SIGNL4 accepted it now, which shows that it accepts others, too."""
        outcome = self.answer.outcome
        return isinstance(outcome, Delivered) and not outcome.found

    @property
    def not_taken(self) -> bool:
        """Whether SIGNL4 certainly does not have it from this attempt."""
        match self.answer.outcome:
            case TryLater(not_taken=not_taken):
                return not_taken
            case outcome:
                return isinstance(outcome, Rejected)
