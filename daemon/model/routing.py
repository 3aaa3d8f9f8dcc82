"""Who is told of an incident, and how: decided when it is told, and kept with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from daemon.model.destination import DEFAULT


@dataclass(frozen=True, slots=True)
class Recipient:
    """One team that is told of an incident."""

    team: str = DEFAULT
    route: str = ""
    """The name of the route that chose it; empty if none did."""
    overlay: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By kind of message: what is laid over the payload's template."""
    acknowledged: bool | None = None
    """Whether it is told of acknowledgements; `None`: as the configuration says then."""

    def saying(self, new: Mapping[str, Any]) -> Self:
        """The same, with these keys in the body of its `new`."""
        return replace(self, overlay={**self.overlay, "new": {**self.overlay.get("new", {}), **new}})


@dataclass(frozen=True, slots=True)
class Routing:
    """Whoever got the `new` gets the `resolved`, whatever the configuration says by then."""

    recipients: tuple[Recipient, ...] = (Recipient(),)

    @classmethod
    def to(cls, *teams: str) -> Self:
        """To these teams, without a rule."""
        return cls(tuple(map(Recipient, teams)))

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> Self:
        """From the database."""
        return cls(tuple(Recipient(**one) for one in kept["recipients"]))
