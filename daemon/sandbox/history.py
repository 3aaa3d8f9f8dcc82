"""What happened, as values: at Better Stack, in front of its client, and at SIGNL4. All times are aware and in UTC."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from daemon.model.incident import Kind, Phase

TITLE_KEYS = ("subject", "title", "task", "job", "case", "incident", "x-s4-subject")
"""Where SIGNL4 looks for the title of an alert, in its own order."""


class Act(StrEnum):
    """What can happen to an incident at Better Stack."""

    OPENED = "opened"
    CONFIRMED = "confirmed"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    REOPENED = "reopened"
    """The record keeps its old times and names the reopening."""
    REOPENED_AFRESH = "reopened afresh"
    """The old times are gone: only somebody who saw the incident resolved can tell that it was reopened."""
    DELETED = "deleted"
    RESTATED = "restated"
    """Better Stack put another word for the status."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened to one incident, and the phase it left the incident in."""

    at: datetime
    incident_id: str
    generation: int
    name: str
    act: Act
    phase: Phase
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Showing:
    """A client read, in a whole 200 answer, that this generation of the incident is in this phase.

    Where the answer came from a replica that lags, that was so when the replica last heard of it, and not at `at`.
    """

    at: datetime
    """When it was read first."""
    incident_id: str
    generation: int
    phase: Phase
    until: datetime | None = field(default=None, compare=False)
    """When it was read last; `None`: only once."""
    times: int = field(default=1, compare=False)
    """How often it was read."""

    @property
    def span(self) -> timedelta:
        """For how long it was read, from the first time to the last."""
        return (self.until or self.at) - self.at


@dataclass(frozen=True, slots=True)
class Event:
    """One event that SIGNL4 accepted."""

    at: datetime
    event_id: str
    payload: Mapping[str, Any]

    def field(self, name: str) -> str:
        """The text under this key in any spelling, else an empty one."""
        return text_of(self.payload, name)

    @property
    def external_id(self) -> str:
        """The id that ties the event to an incident."""
        return self.field("X-S4-ExternalID")

    @property
    def kind(self) -> str:
        """The status in lower case; SIGNL4 takes a missing one for `new`."""
        return self.field("X-S4-Status").lower() or Kind.NEW

    @property
    def title(self) -> str:
        """The title as SIGNL4 would pick it."""
        return next(filter(None, map(self.field, TITLE_KEYS)), "")


def text_of(payload: Mapping[str, Any], name: str) -> str:
    """The text under a key of a payload; SIGNL4 does not mind the case of keys."""
    found = (value for key, value in payload.items() if key.lower() == name.lower())
    value = next(found, None)
    return value if isinstance(value, str) else ""


class AlertState(StrEnum):
    """Where an alert of SIGNL4 stands."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert that an event raised. Several may carry one external id."""

    event_id: str
    external_id: str
    title: str
    state: AlertState = AlertState.OPEN


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time, both ends included."""

    since: datetime
    until: datetime

    def touches(self, since: datetime, until: datetime, margin: timedelta) -> bool:
        """Whether the stretch, with a margin behind it, has a moment in common with the other one."""
        return self.since <= until and since <= self.until + margin
