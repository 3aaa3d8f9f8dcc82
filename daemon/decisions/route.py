"""Decides who is told of an incident, by the routes of the configuration. Pure.

The routes are asked in order: the first that matches decides, and with `continue` the next that matches as well. What
no route matches goes to the team of its account, which is `default` if none is named: nothing is lost by a gap in the
rules.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from daemon.config.routes import RouteSection
from daemon.decisions.matching import Matching, mismatch
from daemon.decisions.time_windows import know_zones, within
from daemon.model.incident import Kind
from daemon.model.routing import Recipient, Routing

MOST_EXPLAINED = 10
"""So many routes that did not match are explained, of those before the one that decided."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Who is told of an incident that opened."""

    routing: Routing | None
    """`None`: the team `default`, or nobody if `silent_because` says why."""
    silent_because: str | None = None
    """Why nobody is told; `None` if somebody is."""
    is_ignored: bool = False
    """Whether the incident is not even recorded."""
    reasons: tuple[str, ...] = ()
    """A sentence each: which route matched, and which earlier ones did not, on which field."""


TO_DEFAULT = Verdict(None)


class Routes:
    """The routes of one configuration."""

    def __init__(self, routes: Sequence[RouteSection]) -> None:
        self._routes = routes
        know_zones(route.match.times for route in routes if route.match.times is not None)
        self._matching = Matching([route.match.fields for route in routes]) if routes else None

    def decide(self, facts: Mapping[str, list[str]], now: datetime, unrouted: Routing | None = None) -> Verdict:
        """Decides on an incident with these facts. `unrouted`: who is told where none matches; `None`: `default`."""
        if self._matching is None:
            return TO_DEFAULT if unrouted is None else Verdict(unrouted)
        positions = list(self._chosen(self._matching.which(facts), now))
        chosen = [self._routes[position] for position in positions]
        reasons = tuple(self._explained(positions, facts, unrouted or Routing()))
        telling = [route for route in chosen if route.action == "tell"]
        if telling:
            return Verdict(Routing(tuple(_recipients(telling))), reasons=reasons)
        if not chosen:
            return Verdict(unrouted, reasons=reasons)
        silent = chosen[0]
        why = f'route "{silent.name}" has action = "{silent.action}"'
        return Verdict(None, why, silent.action == "ignore", reasons)

    def _chosen(self, which: int, now: datetime) -> Iterator[int]:
        """Positions of routes. `which`: those that match the facts, a bit each."""
        while which:
            first = which & -which
            which ^= first
            position = first.bit_length() - 1
            route = self._routes[position]
            if route.match.times is None or within(route.match.times, now):
                yield position
                if not route.continues:
                    return

    def _explained(self, chosen: Sequence[int], facts: Mapping[str, list[str]], unrouted: Routing) -> Iterator[str]:
        """`chosen`: positions. A route is not compared with another one: that takes long where there are many."""
        for position in chosen:
            yield f'route "{self._routes[position].name}" matches'
        if not chosen:
            yield f"no route matches, so team {unrouted.recipients[0].team} is told"
        asked = range(chosen[-1] if chosen else len(self._routes))
        missed = (position for position in asked if position not in chosen)
        for route in (self._routes[position] for position in islice(missed, MOST_EXPLAINED)):
            yield f'route "{route.name}" does not match: {_why_not(route, facts)}'
        more = len(asked) - len(chosen[:-1]) - MOST_EXPLAINED
        if more > 0:
            yield f"nor do {more} more routes"


def _why_not(route: RouteSection, facts: Mapping[str, list[str]]) -> str:
    return mismatch(route.match.fields, facts) or f"the time is not within {route.match.spelled}"


def _recipients(telling: Sequence[RouteSection]) -> Iterator[Recipient]:
    """Each team once, as the first route with it says."""
    told = set[str]()
    for route in telling:
        overlay = {str(kind): table for kind in Kind if (table := route.overlay(kind))}
        for team in route.teams:
            if team not in told:
                told.add(team)
                yield Recipient(team, route.name, overlay, route.acknowledged)
