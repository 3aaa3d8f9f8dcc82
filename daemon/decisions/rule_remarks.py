"""What is allowed in the rules, and hardly meant: sentences for `check`. Pure."""

from collections.abc import Iterator

from daemon.config.hidden import matches_all
from daemon.config.routes import RouteSection
from daemon.config.settings import Settings
from daemon.model.destination import DEFAULT


def catches_all(route: RouteSection) -> bool:
    """Whether no incident gets past it."""
    return matches_all(route.match.fields) and route.match.times is None and not route.continues


def rule_remarks(settings: Settings) -> Iterator[str]:
    """A sentence each, with the mend."""
    routes = settings.route
    if routes and not any(catches_all(route) for route in routes):
        yield (
            "an incident that no route matches goes to team default; to decide that yourself, add a last [[route]] "
            "without match"
        )
    for number, route in enumerate(routes, 1):
        if route.name == str(number) and (route.min_age or route.flap):
            yield (
                f"route {number} has no name, and what waits for its min_age or flap would follow another one after a "
                "route was put before it; give it a name"
            )
    named = {team for route in routes for team in route.teams if route.action == "tell"}
    of_sources = {section.team for section in settings.source.values()}
    reached = named | of_sources | {settings.alarm.team} | (set() if routes else {DEFAULT})
    for team, _ in settings.signl4.every_team():
        if team.name not in reached and team.name != DEFAULT:
            yield f"team {team.name} is told of nothing: no route names it; name it in teams of a [[route]]"
    for window in settings.maintenance:
        yield from window.warnings()
