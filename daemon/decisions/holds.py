"""What the operator's rules hold back: `min_age`, flapping, maintenance windows, silences. Pure.

The rules are those in force now: one that was taken away or changed holds nothing any more. Each hold has an end; at
that time the rules are asked again.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from daemon.config.match import Match, read_match
from daemon.config.routes import RouteSection
from daemon.config.settings import Settings
from daemon.config.types import spelled
from daemon.decisions.admit import Hold
from daemon.decisions.matching import mismatch
from daemon.decisions.time_windows import ends_at, know_zones
from daemon.model.alarm import PREFIX
from daemon.model.delivery import Delivery
from daemon.model.silence import Silence
from daemon.model.subject import Subject

LONGEST_MAINTENANCE = timedelta(days=7)
"""Windows that never end, one behind the other, must not keep an alert back for ever."""
Read = tuple[Silence, Match | None]
"""A silence with its match; `None` if it is one of an own alarm."""


def readable(silences: Iterable[Silence]) -> list[Read]:
    """Those whose match this version can read: in doubt somebody is woken."""
    found = list[Read]()
    for silence in silences:
        try:
            found.append((silence, None if silence.alarm is not None else read_match(silence.match)))
        except ValueError:
            continue
    return found


class Holds:
    """The rules of one configuration that hold messages; silences come with each question."""

    def __init__(self, settings: Settings) -> None:
        self._routes = {route.name: route for route in settings.route if route.min_age or route.flap}
        self._maintenance = settings.maintenance
        know_zones(one.window for one in settings.maintenance)

    def hold(self, delivery: Delivery, silences: Sequence[Read], now: datetime, theirs: datetime) -> Hold | None:
        """The longest hold of an untold `new`; `None` if no rule holds it.

        `silences`: those that were not over when the incident began, where that is over; `theirs`: the time of Better
        Stack's clock. The program's own alarms are silenced by their own name, and held by nothing else.
        """
        if not (silences or self._routes or self._maintenance):
            return None
        if delivery.incident_id.startswith(PREFIX):
            named = (silence for silence, _ in silences if silence.alarm == delivery.incident_id)
            found = [_by_silence(silence) for silence in named if silence.covers(now, now)]
        else:
            found = list(self._of_incident(delivery, silences, now, theirs))
        return max(found, key=lambda hold: hold.until, default=None)

    def _of_incident(
        self, delivery: Delivery, silences: Sequence[Read], now: datetime, theirs: datetime
    ) -> Iterator[Hold]:
        subject, spans = _subject(delivery), _spans(delivery, now)
        yield from self._by_route(subject, delivery, now, theirs)
        for silence, match in silences:
            covers = any(silence.covers(*span) for span in spans)
            if covers and match is not None and mismatch(match, subject.facts) is None:
                yield _by_silence(silence)
        windows = self._maintenance if now - delivery.created_at < LONGEST_MAINTENANCE else ()
        for one in windows:
            ends = (until for begin, end in spans if (until := ends_at(one.window, begin)) is not None and end < until)
            if mismatch(one.match, subject.facts) is None and (until := next(ends, None)) is not None:
                yield Hold(until, f'maintenance "{one.name}"', by_rule=True)

    def _by_route(self, subject: Subject, delivery: Delivery, now: datetime, theirs: datetime) -> Iterator[Hold]:
        route = self._routes.get(subject.route)
        if route is None:
            return
        least, why = _least_age(route, flaps=subject.flaps)
        age = _age(delivery, now, theirs)
        if age < least:
            yield Hold(now + min(least - age, least), why, by_rule=True)


def _subject(delivery: Delivery) -> Subject:
    """Nothing is known of what an older version recorded, nor of what is damaged."""
    try:
        return Subject.read(delivery.subject or "")
    except (ValueError, TypeError):
        return Subject()


def _spans(delivery: Delivery, now: datetime) -> list[tuple[datetime, datetime]]:
    """The times of which one has to lie within a silence or a window: now; or all of an incident that is over."""
    whole = [] if delivery.over_since is None else [(delivery.occurred_at, delivery.over_since)]
    return [(now, now), *whole]


def _age(delivery: Delivery, now: datetime, theirs: datetime) -> timedelta:
    """How long its incident has been open, or was: one that was over sooner is no older for being looked at late."""
    if delivery.over_since is not None:
        return delivery.over_since - delivery.occurred_at
    # By our own clock as well: a step of theirs must not hold it longer.
    return max(theirs - delivery.occurred_at, now - delivery.created_at)


def _by_silence(silence: Silence) -> Hold:
    return Hold(silence.ends_at, silence.reason, by_rule=True)


def _least_age(route: RouteSection, *, flaps: bool) -> tuple[timedelta, str]:
    """How long an incident must have been open before anybody is told, and why."""
    if flaps and route.flap is not None:
        least = min(route.min_age or route.flap.within, route.flap.within)
        return least, f'it flaps, and has not stayed open for {spelled(least)} (route "{route.name}")'
    return route.min_age, f'not open for {spelled(route.min_age)} yet (min_age of route "{route.name}")'
