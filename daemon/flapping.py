"""Alerts that a source flaps: raised when an incident opens, closed at the end of a round."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from daemon.config.routes import RouteSection
from daemon.decisions.facts import identity
from daemon.decisions.flap import Change, begin, end, flaps, title
from daemon.model.alarm import flap_id
from daemon.model.incident import INCIDENT, Incident
from daemon.model.routing import Recipient, Routing
from daemon.storage.incidents import Incidents


class Flapping:
    """Called by one thread."""

    def __init__(self, incidents: Incidents, routes: Iterable[RouteSection]) -> None:
        self._incidents = incidents
        self._rules = {route.name: route.flap for route in routes if route.flap is not None}
        self._unrecorded: list[tuple[str, datetime]] = []
        """The openings of the page that is being decided on, by their source."""

    def begin_page(self) -> None:
        """What was decided before is recorded by now, or will be decided again."""
        self._unrecorded.clear()

    def source(self, seen: Incident, recipients: Iterable[Recipient]) -> str | None:
        """What raised the incident, if the route of a recipient counts how often that opens."""
        if seen.kind != INCIDENT or not any(one.route in self._rules for one in recipients):
            return None
        # The same name in two accounts is not the same thing.
        polled_from = self._incidents.polled_from
        return f"{polled_from}/{identity(seen)}" if polled_from else identity(seen)

    def routes(self, source: str | None, recipients: Iterable[Recipient], opened_at: datetime) -> frozenset[str]:
        """The routes by whose rules the source flaps, now that it opens once more."""
        if source is None:
            return frozenset()
        counting = {one.route for one in recipients} & self._rules.keys()
        found = frozenset(name for name in counting if self._flaps(source, name, opened_at))
        self._unrecorded.append((source, opened_at))
        return found

    def _flaps(self, source: str, route: str, opened_at: datetime) -> bool:
        rule = self._rules[route]
        # A list may show the newest first: then later ones are known already.
        since, until = opened_at - rule.within, opened_at + rule.within
        together = sum(other == source and since <= at <= until for other, at in self._unrecorded)
        return flaps(self._incidents.openings.count(source, since, until) + together, rule)

    def begun(
        self, seen: Incident, source: str, recipients: Iterable[Recipient], routes: Iterable[str], now: datetime
    ) -> Iterator[Change]:
        """The alerts that it flaps, as far as they are not open yet."""
        recipients = tuple(recipients)
        for route in sorted(routes):
            said = {"Title": title(self._rules[route])}
            to = (one.saying(said) for one in recipients if one.route == route)
            identity = flap_id(source, route)
            known = self._incidents.known([identity]).get(identity)
            change = begin(known, seen, identity, source, Routing(tuple(to)), now)
            if change is not None:
                state, transition = change
                yield state.tracked_by(self._incidents.polled_from), transition

    def ended(self, now: datetime) -> Iterator[Change]:
        """The ends of those that are open, and need not be any more."""
        openings = self._incidents.openings
        for known in self._incidents.known(openings.flapping()).values():
            source, since = known.source or "", known.started_at or now
            rule = self._rules.get(known.recipients[0].route)
            change = end(known, rule, openings.latest(source), now, told=openings.told(source, since))
            if change is not None:
                yield change
