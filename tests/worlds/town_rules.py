"""The configurations of the town, what a person would say that each means, and the requests that a team gets."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatch
from typing import Any

from daemon.model.destination import DEFAULT
from tests.worlds.ledger import Fate

TEAMS = (DEFAULT, "night")
SECTIONS: dict[str, Any] = {"signl4": {"teams": {"night": {"secret": "night1"}}}, "delivery": {"concurrency": 1}}


@dataclass(frozen=True)
class Rules:
    """One configuration, and what a person would say that it means."""

    sections: Mapping[str, Any]
    teams: Callable[[str], set[str]]
    """Who is told of an incident with this name."""
    min_age: Mapping[str, timedelta]
    """By the beginning of the name."""
    window: tuple[int, int, str] = (0, 0, "")
    """The hours of maintenance, and the names that it is for."""

    def is_maintained(self, name: str, now: datetime) -> bool:
        """Whether a window covers it."""
        begin, end, pattern = self.window
        return begin <= now.hour < end and fnmatch(name, pattern)

    def is_too_young(self, name: str, opened_at: datetime, now: datetime) -> bool:
        """Whether its route waits for longer. What flaps waits longer than that."""
        age = next((age for start, age in self.min_age.items() if name.startswith(start)), timedelta(0))
        return now - opened_at < age


DATABASES = {"name": "databases", "match": {"name": "db-*"}, "teams": ["night"]}
FLAPPY = {"name": "flappy", "match": {"name": "db-*"}, "teams": [*TEAMS], "flap": {"count": 2, "within": "10m"}}
RULES = [
    Rules({}, lambda _: {DEFAULT}, {}),
    Rules(
        {"route": [{**DATABASES, "min_age": "2m"}]},
        lambda name: {"night"} if name.startswith("db") else {DEFAULT},
        {"db": timedelta(minutes=2)},
    ),
    Rules({"route": [FLAPPY]}, lambda name: {*TEAMS} if name.startswith("db") else {DEFAULT}, {}),
    Rules(
        {"route": [{**DATABASES, "continue": True}, {"name": "all", "min_age": "1m"}]},
        lambda name: {*TEAMS} if name.startswith("db") else {DEFAULT},
        {"web": timedelta(minutes=1)},
    ),
    Rules(
        {
            "route": [{"name": "quiet", "match": {"name": "web-*"}, "action": "record"}],
            "maintenance": [{"name": "patches", "match": {"name": "db-*"}, "times": "10:00-12:00", "zone": "UTC"}],
        },
        lambda name: {DEFAULT} if name.startswith("db") else set(),
        {},
        (10, 12, "db-*"),
    ),
]


@dataclass(frozen=True)
class Sent:
    """One request that a team got."""

    row: int
    team: str
    incident_id: str
    generation: int
    kind: str
    fate: Fate

    @property
    def what(self) -> tuple[str, str, int, str]:
        return self.team, self.incident_id, self.generation, self.kind
