"""Events of the rounds: their results, and what they read."""

from dataclasses import dataclass
from enum import StrEnum

from daemon.model.event import Event, Level
from daemon.model.incident import Kind
from daemon.model.of_source import OfSource


class RoundResult(StrEnum):
    """How a round ended that was not interrupted."""

    COMPLETE = "complete"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class RoundEnded(OfSource):
    """A round ended, with this result."""

    event = "round ended"
    level = Level.DEBUG
    result: RoundResult
    seconds: float


@dataclass(frozen=True, slots=True)
class RoundFailed(OfSource):
    """A round failed. Logged once for each reason; further rounds follow, at longer intervals."""

    event = "round failed"
    level = Level.ERROR
    todo = "what the error says; an outage of Better Stack ends by itself"
    error: str
    next_in: str | None = None


@dataclass(frozen=True, slots=True)
class RoundsSucceed(OfSource):
    """The first complete round after failed ones."""

    event = "rounds succeed again"
    after: str
    failed_rounds: int


@dataclass(frozen=True, slots=True)
class RoundInterrupted(OfSource):
    """The program stops during a round. What was read is recorded."""

    event = "round interrupted"
    level = Level.DEBUG


@dataclass(frozen=True, slots=True)
class Transitioned(OfSource):
    """An incident changed, and the change is in the outbox."""

    event = "transition"
    incident: str
    kind: Kind
    generation: int
    reason: str
    name: str
    delay: float | None = None
    """Seconds since it happened, by Better Stack's clock; `None` for alerts of the program's own."""


@dataclass(frozen=True, slots=True)
class TemplateFailed(OfSource):
    """A payload template could not be filled in; the minimal payload is sent instead."""

    event = "template failed"
    level = Level.WARNING
    todo = "please report it, with the template; the error says where it failed"
    incident: str
    kind: Kind
    error: str


@dataclass(frozen=True, slots=True)
class RecordSetAside(OfSource):
    """The record of an incident cannot be read. It is fetched again, and proves nothing about the incident."""

    event = "record set aside"
    level = Level.WARNING
    todo = "look at the incident in Better Stack"
    which: str
    error: str


@dataclass(frozen=True, slots=True)
class RecordReadAgain(OfSource):
    """The record can be read again, is gone, or is no longer needed."""

    event = "record no longer set aside"
    which: str


@dataclass(frozen=True, slots=True)
class SeenTwice(OfSource):
    """Another account shows an incident, too. It is left to the one that tracks it. Said once for each two accounts."""

    event = "incident seen in two accounts"
    level = Level.WARNING
    todo = "two tokens see the same team: leave one of the sources out, or give each a `team_name`"
    incident: str
    tracked_by: str


@dataclass(frozen=True, slots=True)
class Pruned(Event):
    """Incidents that have been over for longer than `database.retention` were deleted."""

    event = "pruned"
    incidents: int


@dataclass(frozen=True, slots=True)
class PruningPostponed(Event):
    """The database could not be written; pruning is tried again after the next round."""

    event = "pruning postponed"
    level = Level.WARNING
    todo = "what the error says; mostly a full disk"
    error: str


@dataclass(frozen=True, slots=True)
class DatabaseLogHeld(Event):
    """Twice in a row the log of the database could not be emptied, since another process reads from it."""

    event = "the log of the database cannot be emptied"
    level = Level.WARNING
    todo = "`status` names the process once the log is large; end it, such as a forgotten shell in the database"
