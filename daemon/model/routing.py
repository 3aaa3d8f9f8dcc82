"""Who is told of an incident, and how: decided when it is first told, and kept with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from daemon.model.destination import DEFAULT


@dataclass(frozen=True, slots=True)
class Routing:
    """Whoever got the `new` gets the `resolved`, whatever the configuration says by then."""

    teams: tuple[str, ...] = (DEFAULT,)

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> Self:
        """From the database."""
        return cls(teams=tuple(kept["teams"]))
