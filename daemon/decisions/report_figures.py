"""The figures of a report, from the openings of incidents. Pure.

Openings are taken one by one and not kept: memory holds 57 bytes for each, and a name and 16 bytes for each source.
"""

import math
from array import array
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from daemon.model.report import Episode, Figures, Source, Spread, Took

MOST_SOURCES = 25
"""So many sources are named."""
MOST_FLAPPING = 10
FLAPS_FROM = 3
"""A source flaps if it opened so often within an hour."""
HOUR = timedelta(hours=1).total_seconds()
SPANS = ("to_see", "to_tell", "to_alert", "to_acknowledge", "to_resolve")
OF_SOURCES = SPANS[2:]
_NONE = math.nan
"""A span that has no end yet."""


class Collector:
    """Takes the openings of a period and counts them."""

    def __init__(self, since: datetime, until: datetime, local: Callable[[datetime], datetime]) -> None:
        """`until` is not later than now; `local` gives the time on the clock of whoever reads the report."""
        self._since, self._until = since, until
        self._local = local
        self._spans = {name: array("d") for name in SPANS}
        self._began, self._whose = array("d"), array("l")
        self._sources = dict[str, int]()
        self._open_seconds, self._openings = array("d"), array("l")
        self._counts = Counter[str]()
        self._weekdays = [[0] * 24 for _ in range(7)]
        self._hours = array("B")
        """Of each opening, the hour of the week."""
        self._days = Counter[str]()

    def take(self, episode: Episode) -> None:
        """Counts an opening that lies in the period, be it in part. One that began earlier counts as open time only."""
        whose = self._sources.setdefault(episode.name, len(self._sources))
        if whose == len(self._openings):
            self._openings.append(0)
            self._open_seconds.append(0.0)
        begins = max(episode.began_at, self._since)
        ends = min(episode.resolved_at or self._until, self._until)
        self._open_seconds[whose] += max((ends - begins).total_seconds(), 0.0)
        if episode.began_at < self._since:
            return
        self._openings[whose] += 1
        self._whose.append(whose)
        self._began.append(episode.began_at.timestamp())
        for name, seconds in _spans(episode):
            self._spans[name].append(seconds)
        self._count(episode)

    def figures(self) -> Figures:
        """What all of them come to."""
        named = sorted(self._sources, key=self._rank)
        top = named[:MOST_SOURCES]
        flapping = [name for name in named if self._openings[self._sources[name]] >= FLAPS_FROM]
        found = {one.name: one for one in self._found({*top, *flapping})}
        flaps = [found[name] for name in flapping if found[name].most_in_an_hour >= FLAPS_FROM]
        return Figures(
            incidents=self._counts["incidents"],
            still_open=self._counts["still_open"],
            untold=self._counts["untold"],
            held=self._counts["held"],
            **{name: spread(seconds) for name, seconds in self._spans.items()},
            sources=tuple(found[name] for name in top),
            more_sources=len(named) - len(top),
            flapping=tuple(sorted(flaps, key=lambda one: -one.most_in_an_hour)[:MOST_FLAPPING]),
            by_weekday=tuple(map(tuple, self._weekdays)),
            took_by_hour=self._took(24, lambda hour: hour % 24),
            took_by_weekday=self._took(7, lambda hour: hour // 24),
            by_day=tuple(self._dates()),
        )

    def _count(self, episode: Episode) -> None:
        self._counts["incidents"] += 1
        self._counts["still_open"] += episode.resolved_at is None
        self._counts["untold"] += episode.told_at is None
        self._counts["held"] += episode.was_held
        there = self._local(episode.began_at)
        self._weekdays[there.weekday()][there.hour] += 1
        self._hours.append(there.weekday() * 24 + there.hour)
        self._days[there.date().isoformat()] += 1

    def _rank(self, name: str) -> tuple[int, float, str]:
        """The more openings, the earlier; then the longer it was open."""
        whose = self._sources[name]
        return -self._openings[whose], -self._open_seconds[whose], name

    def _found(self, names: set[str]) -> Iterator[Source]:
        """What is known of these sources."""
        places = {self._sources[name]: array("l") for name in names}
        for place, whose in enumerate(self._whose):
            if whose in places:
                places[whose].append(place)
        for name in names:
            whose = self._sources[name]
            taken = self._of(places[whose])
            often = most_in_an_hour(self._began[at] for at in places[whose])
            yield Source(name, len(places[whose]), self._open_seconds[whose], often, **taken)

    def _took(self, many: int, group: Callable[[int], int]) -> tuple[Took, ...]:
        """How long it took in each group. `group`: that of an hour of the week."""
        places = [array("l") for _ in range(many)]
        for place, hour in enumerate(self._hours):
            places[group(hour)].append(place)
        return tuple(Took(**self._of(those)) for those in places)

    def _of(self, places: Sequence[int]) -> dict[str, Spread | None]:
        return {what: spread(self._spans[what][at] for at in places) for what in OF_SOURCES}

    def _dates(self) -> Iterator[tuple[str, int]]:
        """Each day of the period, also those on which nothing began."""
        day, last = self._local(self._since).date(), self._local(self._until).date()
        while day <= last:
            yield day.isoformat(), self._days[day.isoformat()]
            day += timedelta(days=1)


def _spans(episode: Episode) -> Iterator[tuple[str, float]]:
    """How long each took. What a rule held says nothing of how fast alerts are."""
    told_at = None if episode.was_held else episode.told_at
    yield "to_see", _seconds(episode.began_at, episode.seen_at)
    yield "to_tell", _seconds(episode.seen_at, told_at)
    yield "to_alert", _seconds(episode.began_at, told_at)
    yield "to_acknowledge", _seconds(episode.began_at, episode.acknowledged_at)
    yield "to_resolve", _seconds(episode.began_at, episode.resolved_at)


def _seconds(begins: datetime, ends: datetime | None) -> float:
    """What ends before it begins (two clocks) took no time."""
    return _NONE if ends is None else max((ends - begins).total_seconds(), 0.0)


def spread(seconds: Iterable[float]) -> Spread | None:
    """Of spans in seconds; `None` if there are none."""
    ordered = sorted(one for one in seconds if not math.isnan(one))
    if not ordered:
        return None
    return Spread(len(ordered), _ranked(ordered, 0.5), _ranked(ordered, 0.9), ordered[-1])


def most_in_an_hour(began: Iterable[float]) -> int:
    """The most of these times, in seconds, that lie within one hour."""
    within, most = deque[float](), 0
    for moment in sorted(began):
        within.append(moment)
        while moment - within[0] >= HOUR:
            within.popleft()
        most = max(most, len(within))
    return most


def _ranked(ordered: Sequence[float], share: float) -> float:
    """The smallest value that is not exceeded by that share of all values (nearest rank)."""
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]
