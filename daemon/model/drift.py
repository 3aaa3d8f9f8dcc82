"""Where SIGNL4's alerts and our incidents do not agree."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Self


class DriftKind(StrEnum):
    """The values are recorded, and shown to people."""

    LEFT_OPEN = "left open"
    """The incident is over and its end was told, but its alert is still open."""
    MISSING = "missing"
    """The incident is open and was told, but SIGNL4 has no alert of it."""


@dataclass(frozen=True, slots=True)
class ToldIncident:
    """One generation of an incident of which a team was told: its `new` was accepted."""

    incident_id: str
    external_id: str
    generation: int
    is_current: bool
    """Whether no later generation has begun."""
    is_over: bool
    """Whether the incident is resolved now."""
    is_alarm: bool
    team: str
    new_id: int
    event_id: str | None
    created_at: datetime
    """When its `new` was recorded; no alert of it is older."""
    delivered_at: datetime | None
    """When its `new` was accepted; `None` if it is not known to be."""
    event_source: str | None = None
    """The team or integration of the secret, as far as that is known."""
    resolved_at: datetime | None = None
    """When the latest `resolved` to the team was accepted, of this generation or a later one; `None` if none was."""
    was_closed: bool = False
    """Whether its alert was seen closed."""


@dataclass(frozen=True, slots=True)
class Drift:
    """One thing that does not agree."""

    kind: DriftKind
    incident_id: str
    generation: int
    team: str
    times: int = 1
    """In how many reconciliations in a row it was found."""

    @property
    def is_certain(self) -> bool:
        """Whether it was found twice. Once it may be a matter of moments."""
        return self.times > 1

    def is_same(self, other: "Drift") -> bool:
        """Whether both are about the same, however often it was found."""
        mine, yours = ((one.kind, one.incident_id, one.generation, one.team) for one in (self, other))
        return mine == yours

    @classmethod
    def read(cls, recorded: Mapping[str, Any]) -> Self:
        """From what `asdict` made of it."""
        return cls(**{**recorded, "kind": DriftKind(recorded["kind"])})


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What a reconciliation found and did."""

    drift: Drift
    mended: bool
    """Whether a message that mends it was made pending again."""


@dataclass(frozen=True, slots=True)
class OffDuty:
    """A team in which nobody is on duty."""

    team: str
    since: datetime
    looked_at: datetime
    """When that was last seen."""
