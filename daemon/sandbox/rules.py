"""The rules of a script: a second team, a silence, and how both are put in force. All values.

What is named by a pattern is an incident whose name it matches, in upper or lower case, as for the daemon.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase

from daemon.model.destination import DEFAULT


@dataclass(frozen=True, slots=True)
class Team:
    """A team that is told of some incidents in place of the team `default`."""

    name: str
    secret: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Silence:
    """Nobody is told of some incidents, from just before the start of the script on."""

    pattern: str
    seconds: int
    comment: str

    @property
    def command(self) -> tuple[str, ...]:
        """The words of the command that makes it."""
        match, lasts = f"name={self.pattern}", f"{self.seconds}s"
        return "silence", "add", "--match", match, "--for", lasts, "--comment", self.comment


@dataclass(frozen=True, slots=True)
class Silenced:
    """A silence that was made. When exactly it ends is not known, since a command made it."""

    pattern: str
    since: datetime
    until: datetime
    """It ends then, or later."""
    latest: datetime
    """It has ended by then."""

    def covers(self, name: str) -> bool:
        """Whether it is about an incident of that name."""
        return _matches(self.pattern, name)


def team_of(name: str, teams: Sequence[Team]) -> str:
    """The team that is told of an incident of that name: the first that wants it."""
    return next((team.name for team in teams if _matches(team.pattern, name)), DEFAULT)


def configuration(teams: Sequence[Team]) -> str:
    """The TOML with a route for each team; what none matches goes to the team `default`."""
    tables = [f'[signl4.teams.{team.name}]\nsecret = "{team.secret}"\n' for team in teams]
    routes = [
        f'[[route]]\nname = "{team.name}"\nmatch = {{ name = "{team.pattern}" }}\nteams = ["{team.name}"]\n'
        for team in teams
    ]
    everything = ['[[route]]\nname = "everything"\n'] if teams else []
    return "\n".join([*tables, *routes, *everything])


def _matches(pattern: str, name: str) -> bool:
    return fnmatchcase(name.lower(), pattern.lower())
