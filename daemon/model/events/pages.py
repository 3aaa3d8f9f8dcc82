"""Events of what SIGNL4 made of our messages, as its REST API says."""

from dataclasses import dataclass

from daemon.model.event import Event, Level


@dataclass(frozen=True, slots=True)
class Paged(Event):
    """SIGNL4 raised an alert for a `new`."""

    event = "paged"
    level = Level.DEBUG
    incident: str
    team: str


@dataclass(frozen=True, slots=True)
class NotPaged(Event):
    """SIGNL4 took a `new`, but raised no alert for it: nobody was paged."""

    event = "nobody paged"
    level = Level.ERROR
    todo = "what the reason says; tell the people on duty by other means"
    incident: str
    team: str
    why: str


@dataclass(frozen=True, slots=True)
class PageUnknown(Event):
    """It could not be learnt whether somebody was paged for a `new`."""

    event = "page unknown"
    level = Level.WARNING
    todo = "look for the alert in SIGNL4"
    incident: str
    team: str
    why: str


@dataclass(frozen=True, slots=True)
class NobodyOnDuty(Event):
    """Nobody of a team is on duty in SIGNL4 any more."""

    event = "nobody on duty"
    level = Level.WARNING
    todo = "put somebody on duty"
    team: str


@dataclass(frozen=True, slots=True)
class OnDutyAgain(Event):
    """Somebody of a team is on duty in SIGNL4 again."""

    event = "on duty again"
    team: str


@dataclass(frozen=True, slots=True)
class AlertLeftOpen(Event):
    """An alert was still open in SIGNL4 although the end of its incident was told: the end is sent again."""

    event = "alert left open"
    level = Level.WARNING
    todo = "close it in SIGNL4 if it comes again"
    incident: str
    team: str
    times: int


@dataclass(frozen=True, slots=True)
class AlertMissing(Event):
    """SIGNL4 has no alert of an open incident that was told. Logged once that is certain, or when it is sent again."""

    event = "alert missing"
    level = Level.ERROR
    todo = "reconcile --repair, which sends it again"
    incident: str
    team: str
    sent_again: bool
