"""Events of the deliveries: the result of each attempt."""

from dataclasses import dataclass, field

from daemon.model.event import Event, Level
from daemon.model.incident import Kind


@dataclass(frozen=True, slots=True)
class OfTeam(Event):
    """Concerns the deliveries to one team, or to Better Stack."""

    team: str | None = field(default=None, kw_only=True)
    """Where it is not `default`; `Better Stack` for what people did in SIGNL4."""


@dataclass(frozen=True, slots=True)
class Delivered(OfTeam):
    """SIGNL4 accepted a delivery; or, where `team` says so, Better Stack did."""

    event = "delivered"
    incident: str
    kind: Kind
    attempt: int
    event_id: str | None = None
    delay: float | None = None
    """Seconds since it was recorded; `None` if a rule held it."""


@dataclass(frozen=True, slots=True)
class HadAlready(OfTeam):
    """SIGNL4 has an alert of an earlier attempt, whose answer was lost. Nothing was sent again."""

    event = "SIGNL4 had it already"
    incident: str
    kind: Kind
    attempt: int
    event_id: str | None = None


@dataclass(frozen=True, slots=True)
class DeliveryHeld(OfTeam):
    """A due delivery waits a little longer, for the reason given."""

    event = "delivery held"
    level = Level.DEBUG
    incident: str
    kind: Kind
    until: str
    why: str


@dataclass(frozen=True, slots=True)
class HeldByRule(OfTeam):
    """A rule of yours holds an alert: a silence, a maintenance window, `min_age` or `flap`."""

    event = "held by a rule"
    incident: str
    kind: Kind
    until: str
    why: str


@dataclass(frozen=True, slots=True)
class NotDelivered(OfTeam):
    """An attempt failed and will be repeated: SIGNL4 is down, asks to wait, or refuses the secret."""

    event = "not delivered yet"
    level = Level.WARNING
    todo = "what the error says; an outage of SIGNL4 ends by itself"
    incident: str
    kind: Kind
    attempt: int
    error: str
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class PayloadRefused(OfTeam):
    """SIGNL4 refused the payload. The next attempt sends a minimal one, which still alerts."""

    event = "payload refused, trying a minimal one"
    level = Level.WARNING
    todo = "mend the template"
    incident: str
    kind: Kind
    attempt: int
    error: str


@dataclass(frozen=True, slots=True)
class DeliveryDead(OfTeam):
    """SIGNL4 refused the minimal payload too. There are no further automatic attempts."""

    event = "delivery dead"
    level = Level.ERROR
    todo = "the command in `mend`"
    incident: str
    kind: Kind
    attempt: int
    error: str
    mend: str


@dataclass(frozen=True, slots=True)
class FailsOnItsOwn(OfTeam):
    """A delivery fails while others succeed. It is tried alone and rarely, and delays no other."""

    event = "delivery fails on its own"
    level = Level.ERROR
    todo = "look at the incident; the command in `mend` gives the delivery up"
    incident: str
    kind: Kind
    attempt: int
    error: str
    mend: str
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class DroppedOnItsWay(OfTeam):
    """An operator dropped a delivery while it was in flight, and SIGNL4 did not accept it."""

    event = "dropped on its way"
    incident: str
    kind: Kind
    attempt: int
    error: str


@dataclass(frozen=True, slots=True)
class Superseded(OfTeam):
    """The incident was over before it could first be sent, for too long or while a rule held it: it does not alert."""

    event = "superseded"
    incident: str
    generation: int
    why: str


@dataclass(frozen=True, slots=True)
class Signl4TakesAgain(OfTeam):
    """A delivery succeeded, the first after failed ones."""

    event = "SIGNL4 takes deliveries again"
    after: str


@dataclass(frozen=True, slots=True)
class BetterStackTakesAgain(OfTeam):
    """What a person did in SIGNL4 was done in Better Stack, the first time after failures."""

    event = "Better Stack takes changes again"
    after: str


@dataclass(frozen=True, slots=True)
class Postponed(OfTeam):
    """The database cannot be read or written now, so nothing is sent."""

    event = "deliveries postponed"
    level = Level.WARNING
    todo = "what the error says"
    error: str


@dataclass(frozen=True, slots=True)
class NoThread(OfTeam):
    """The machine has no thread left for a request. It is tried again every second."""

    event = "deliveries postponed"
    level = Level.ERROR
    todo = "look at TasksMax= of the unit, and at ulimit -u"
    error: str


@dataclass(frozen=True, slots=True)
class Resumed(OfTeam):
    """Deliveries are sent again."""

    event = "deliveries resumed"
    after: str


@dataclass(frozen=True, slots=True)
class ResultNotRecorded(OfTeam):
    """The result of an attempt cannot be recorded. It is tried again every second, and nothing is sent until then."""

    event = "result not recorded"
    level = Level.ERROR
    todo = "what the error says; mostly a full disk"
    delivery: int
    error: str
