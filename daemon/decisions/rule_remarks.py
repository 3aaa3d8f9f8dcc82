"""What is allowed in the rules, and hardly meant: sentences for `check`. Pure."""

from collections.abc import Iterator

from daemon.config.settings import Settings
from daemon.model.destination import DEFAULT


def rule_remarks(settings: Settings) -> Iterator[str]:
    """A sentence each, with the mend."""
    routes = settings.route
    if routes and not any(route.match.matches_all and not route.continues for route in routes):
        yield (
            "an incident that no route matches goes to team default; to decide that yourself, add a last [[route]] "
            "without match"
        )
    named = {team for route in routes for team in route.teams if route.action == "tell"}
    reached = named | {settings.alarm.team} | (set() if routes else {DEFAULT})
    for team, _ in settings.signl4.every_team():
        if team.name not in reached and team.name != DEFAULT:
            yield f"team {team.name} is told of nothing: no route names it; name it in teams of a [[route]]"
    for window in settings.maintenance:
        yield from window.warnings()
