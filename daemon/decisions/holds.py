"""What the operator's rules hold back: `min_age`, flapping, maintenance windows, silences. Pure.

The rules are those in force now: one that was taken away or changed holds nothing any more. Each hold has an end; at
that time the rules are asked again.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from daemon.config.match import Match
from daemon.config.routes import RouteSection
from daemon.config.settings import Settings
from daemon.config.types import spelled
from daemon.decisions.admit import Hold
from daemon.decisions.matching import mismatch
from daemon.decisions.time_windows import ends_at
from daemon.model.alarm import PREFIX
from daemon.model.delivery import Delivery
from daemon.model.silence import Silence
from daemon.model.subject import Subject

ALARM = "alarm"
"""The field that names one of the program's own alarms; nothing else matches those."""


class Holds:
    """The rules of one configuration that hold messages; silences come with each question."""

    def __init__(self, settings: Settings) -> None:
        self._routes = {route.name: route for route in settings.route if route.min_age or route.flap}
        self._maintenance = settings.maintenance

    def hold(
        self, delivery: Delivery, silences: Sequence[tuple[Silence, Match]], now: datetime, theirs: datetime
    ) -> Hold | None:
        """The longest hold of an untold `new`; `None` if no rule holds it.

        `silences`: those in force, each with its match; `theirs`: the time of Better Stack's clock.
        """
        if not (silences or self._routes or self._maintenance):
            return None
        subject = _subject(delivery)
        found = [*self._by_route(subject, delivery, now, theirs), *self._by_time(subject.facts, silences, now)]
        return max(found, key=lambda hold: hold.until, default=None)

    def _by_route(self, subject: Subject, delivery: Delivery, now: datetime, theirs: datetime) -> Iterator[Hold]:
        route = self._routes.get(subject.route)
        if route is None:
            return
        least, why = _least_age(route, flaps=subject.flaps)
        # By our own clock as well: a step of theirs must not hold it longer.
        age = max(theirs - delivery.occurred_at, now - delivery.created_at)
        if age < least:
            yield Hold(now + min(least - age, least), why, by_rule=True)

    def _by_time(
        self, facts: Mapping[str, list[str]], silences: Sequence[tuple[Silence, Match]], now: datetime
    ) -> Iterator[Hold]:
        for silence, match in silences:
            if _covers(match, facts):
                yield Hold(silence.ends_at, f"silence {silence.id} ({silence.comment})", by_rule=True)
        for window in self._maintenance:
            if _covers(window.match, facts) and (until := ends_at(window.window, now)) is not None:
                yield Hold(until, f'maintenance "{window.name}"', by_rule=True)


def _subject(delivery: Delivery) -> Subject:
    if delivery.incident_id.startswith(PREFIX):
        return Subject({ALARM: [delivery.incident_id]})
    return Subject() if delivery.subject is None else Subject.read(delivery.subject)


def _least_age(route: RouteSection, *, flaps: bool) -> tuple[timedelta, str]:
    """How long an incident must have been open before anybody is told, and why."""
    if flaps and route.flap is not None:
        least = min(route.min_age or route.flap.within, route.flap.within)
        return least, f'it flaps, and has not stayed open for {spelled(least)} (route "{route.name}")'
    return route.min_age, f'not open for {spelled(route.min_age)} yet (min_age of route "{route.name}")'


def _covers(match: Match, facts: Mapping[str, list[str]]) -> bool:
    """An own alarm is matched only by its own name, and a match of that matches nothing else."""
    return (ALARM in facts) == (ALARM in match.conditions) and mismatch(match, facts) is None
