"""Decides what is written back to Better Stack: what SIGNL4 shows + what we told + what is recorded → who did it. Pure.

1. Nothing is written back that our own messages may have done: what we sent counts, not the user that SIGNL4 names.
2. SIGNL4 closes alerts by itself, too, so only a person with an id closes one. An acknowledgement without an id is that
   of a person without a name.
3. Each kind is written back at most once in a generation, so nothing can go round in circles.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from daemon.model.incident import Kind, Phase
from daemon.model.signl4 import NOBODY, AlertPhase, SeenAlert
from daemon.model.two_way import Sent, Watched

MARGIN = timedelta(seconds=2)
"""By so much two clocks that are compared by the `Date` of a response may differ."""


class Nothing(StrEnum):
    """Why nothing is written back."""

    OTHER = "the alert is not one of this generation of the incident"
    NOT_DONE = "nobody did that"
    BY_SIGNL4 = "SIGNL4 did that by itself"
    BY_US = "a message of ours may have done that"
    KNOWN = "Better Stack has that already"
    WRITTEN = "that was written back before"
    UNWANTED = "the configuration does not want that"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody at SIGNL4."""

    id: str | None
    """`None`: SIGNL4 does not say who."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows from one alert."""

    team: str | None
    """Whose message raised it; `None` if that is not known."""
    acknowledged: Person | Nothing
    closed: Person | Nothing
    write_back: Mapping[Kind, Person | Nothing] = field(default_factory=dict)
    """For `acknowledged` and `resolved`, in this order: who did it, or why it is not written back."""


def decide(watched: Watched, alert: SeenAlert, wanted: Collection[Kind], ahead: timedelta) -> Verdict | Nothing:
    """Decides on one alert. `wanted`: what is written back; `ahead`: SIGNL4's clock minus ours."""
    possible = _raised_by(watched, alert, ahead)
    if not possible:
        return Nothing.OTHER
    teams = {one.team for one in possible}
    team = teams.pop() if len(teams) == 1 else None
    acknowledged, closed = _acknowledged(watched, alert, team), _closed(watched, alert)
    answers = {
        Kind.ACKNOWLEDGED: _answer(watched, Kind.ACKNOWLEDGED, acknowledged, wanted),
        Kind.RESOLVED: _answer(watched, Kind.RESOLVED, closed, wanted),
    }
    return Verdict(team, acknowledged, closed, answers)


def _raised_by(watched: Watched, alert: SeenAlert, ahead: timedelta) -> list[Sent]:
    """The messages of this generation that may have raised it; none if it belongs to another, or that is unknown."""
    if alert.event_id is not None:
        if named := [one for one in watched.news if one.event_id == alert.event_id]:
            return named
        if alert.event_id in watched.earlier_events:
            return []
    if alert.external_id != watched.external_id or alert.created_at is None:
        return []
    created_at = alert.created_at - ahead
    in_time = [one for one in watched.news if created_at >= one.not_before - MARGIN]
    if alert.event_source is None:
        return in_time
    same = [one for one in in_time if one.event_source == alert.event_source]
    return same or [one for one in in_time if one.event_source is None]


def _acknowledged(watched: Watched, alert: SeenAlert, team: str | None) -> Person | Nothing:
    """Who acknowledged it; whoever closes an alert knows of it, too."""
    if _attempted(watched, Kind.ACKNOWLEDGED, team) or _attempted(watched, Kind.RESOLVED, None):
        return Nothing.BY_US
    if not alert.is_acknowledged:
        return _closed(watched, alert)
    people = [user for user in alert.acknowledged_by if user != NOBODY]
    if alert.acknowledged_by and not people:
        return Nothing.BY_SIGNL4
    return Person(people[0] if people else None)


def _closed(watched: Watched, alert: SeenAlert) -> Person | Nothing:
    """Who closed it."""
    if alert.phase is not AlertPhase.CLOSED:
        return Nothing.NOT_DONE
    if _attempted(watched, Kind.RESOLVED, None):
        return Nothing.BY_US
    return Nothing.BY_SIGNL4 if alert.closed_by in {None, NOBODY} else Person(alert.closed_by)


def _attempted(watched: Watched, kind: Kind, team: str | None) -> bool:
    """Whether this was ever sent in this generation, to the team, or if it is not known to any."""
    return any(one.kind is kind and one.attempted and team in {None, one.team} for one in watched.sent)


def _answer(watched: Watched, kind: Kind, who: Person | Nothing, wanted: Collection[Kind]) -> Person | Nothing:
    if isinstance(who, Nothing):
        return who
    if watched.phase is Phase.RESOLVED or (kind is Kind.ACKNOWLEDGED and watched.phase is not Phase.OPEN):
        return Nothing.KNOWN
    if kind in watched.written:
        return Nothing.WRITTEN
    return who if kind in wanted else Nothing.UNWANTED
