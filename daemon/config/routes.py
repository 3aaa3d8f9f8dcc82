"""`[[route]]`: who is told of which incidents, and how. Its keys with their defaults, in the order of the sample."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Any, Literal

from daemon.config.checks import Before, between
from daemon.config.hidden import hides
from daemon.config.maintenance import MaintenanceSection
from daemon.config.match import EVERY, Match, read_match
from daemon.config.time_table import Times, read_times
from daemon.config.types import Duration, Lowercase, RuleName, Template, within
from daemon.model.destination import DEFAULT
from daemon.model.incident import Kind

_HEADERS = {
    "service": "X-S4-Service",
    "scenario": "X-S4-AlertingScenario",
    "location": "X-S4-Location",
    "filtering": "X-S4-Filtering",
}
"""The keys of a route that are fields of SIGNL4's body, as its documentation of webhooks names them."""


@dataclass(frozen=True, slots=True)
class RouteMatch:
    """`match` of a route: what the incident is like, and at which times."""

    fields: Match = EVERY
    times: Times | None = None
    spelled: str = field(default="", compare=False)
    """The times, as they are written."""


def read_route_match(table: object) -> RouteMatch:
    """Raises `ValueError` with the key inside `match`, what is wrong and the fix."""
    if isinstance(table, RouteMatch):
        # The default: pydantic-settings checks that, too.
        return table
    if not isinstance(table, dict) or not {"times", "zone"} & table.keys():
        return RouteMatch(read_match(table))
    if "times" not in table:
        raise ValueError("match.zone is there without match.times; add times, or leave it out")
    try:
        times = read_times(table["times"], table.get("zone"))
    except ValueError as error:
        raise ValueError(f"match.{error}") from None
    given = table["times"]
    spelled = f"{given if isinstance(given, str) else ', '.join(given)} ({times.zone})"
    return RouteMatch(read_match({key: table[key] for key in table if key not in {"times", "zone"}}), times, spelled)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlapSection:
    """`flap` of a route: from the opening `count` of one source `within` that time, one alert says that it flaps."""

    count: Annotated[int, between(2, 100)]
    within: Annotated[Duration, within("1m", "1d")]


@dataclass(frozen=True, slots=True, kw_only=True)
class OverlaySection:
    """`payload` of a route: what is laid over `[payload]`, by kind."""

    new: Template = field(default_factory=dict)
    acknowledged: Template = field(default_factory=dict)
    resolved: Template = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteSection:
    """One route. `continues` is written `continue`."""

    name: RuleName
    match: Annotated[RouteMatch, Before(read_route_match)] = field(default_factory=RouteMatch)
    teams: list[str] = field(default_factory=lambda: [DEFAULT])
    continues: bool = False
    action: Annotated[Literal["tell", "ignore", "record"], Lowercase] = "tell"
    service: str | None = None
    scenario: Annotated[Literal["single_ack", "multi_ack", "emergency"] | None, Lowercase] = None
    location: str | None = None
    filtering: bool | None = None
    payload: OverlaySection = field(default_factory=OverlaySection)
    min_age: Annotated[Duration, within("0s", "1d")] = timedelta(0)
    flap: FlapSection | None = None
    acknowledged: bool | None = None

    def __post_init__(self) -> None:
        if not self.teams:
            raise ValueError('tells no team; name one in teams, or write action = "record"')
        if len(set(self.teams)) < len(self.teams):
            raise ValueError(f"names a team twice in teams ({', '.join(self.teams)}); leave one out")
        if self.action != "tell" and (useless := [key for key in _OF_TELLING if getattr(self, key) != _default(key)]):
            raise ValueError(f'has {useless[0]}, which counts for nothing with action = "{self.action}"; leave it out')

    def overlay(self, kind: Kind) -> dict[str, Any]:
        """What is laid over the template of a kind of message."""
        table: Mapping[str, Any] = getattr(self.payload, kind)
        if kind is not Kind.NEW:
            return dict(table)
        given = {header: getattr(self, key) for key, header in _HEADERS.items()}
        return {**table, **{header: value for header, value in given.items() if value is not None}}


_OF_TELLING = ("teams", *_HEADERS, "payload", "min_age", "flap", "acknowledged")


def _default(key: str) -> Any:
    held = RouteSection.__dataclass_fields__[key]
    return held.default_factory() if callable(held.default_factory) else held.default


def check_rules(routes: Sequence[RouteSection], windows: Sequence[MaintenanceSection], teams: Collection[str]) -> None:
    """What only all of them together show. Raises `ValueError`."""
    for what, rules in (("route", routes), ("maintenance", windows)):
        names = [rule.name for rule in rules]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f'two {what} tables have the name "{twice}"; give each its own')
    for route in routes:
        if strange := next((team for team in route.teams if team not in teams), None):
            raise ValueError(
                f'route "{route.name}" tells team {strange!r}, which is none; take one of {", ".join(teams)}, or add '
                f"[signl4.teams.{strange}]"
            )
    for number, route in enumerate(routes):
        if before := next((one for one in routes[:number] if _hides(one, route)), None):
            raise ValueError(
                f'route "{route.name}" decides nothing: whatever it matches, route "{before.name}" before it matches, '
                "too; put it further up, or leave it out"
            )


def _hides(earlier: RouteSection, later: RouteSection) -> bool:
    at_all_times = earlier.match.times is None or earlier.match.times == later.match.times
    return at_all_times and not earlier.continues and hides(earlier.match.fields, later.match.fields)
