"""`[monitors]`: alerts about what is watched, instead of about what is down."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated

from daemon.config.checks import After, Before
from daemon.config.types import Duration, duration, within
from daemon.model.monitor import MonitorEvent, MonitorKind

OFF = "off"
SWITCHES = {MonitorKind.MONITOR: "monitors.enabled", MonitorKind.HEARTBEAT: "monitors.heartbeats"}
"""The key that has each kind looked at."""


def _span(value: object) -> timedelta | None:
    if value is None or value is False or (isinstance(value, str) and value.strip().lower() == OFF):
        return None
    try:
        return duration(value)
    except ValueError as error:
        raise ValueError(f'{error}, or "{OFF}"') from None


def _events(value: list[str]) -> list[str]:
    events = [one.lower() for one in value]
    unknown = [one for one in value if one.lower() not in set(MonitorEvent)]
    if unknown:
        *most, last = MonitorEvent
        raise ValueError(f"holds {unknown[0][:40]!r}, which is no event; those are {', '.join(most)} and {last}")
    return events


Span = Annotated[Annotated[timedelta, within("1m", "365d")] | None, Before(_span)]
"""A duration, or `None` for what is off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorsSection:
    """`[monitors]`: when somebody is told that nothing is watched."""

    enabled: bool = False
    heartbeats: bool = False
    interval: Annotated[Duration, within("1s", "1d")] = timedelta(minutes=5)
    paused_after: Span = timedelta(days=7)
    maintenance_after: Span = timedelta(days=1)
    pending_after: Span = timedelta(days=1)
    deleted: bool = True
    tell: Annotated[list[str], After(_events)] = field(default_factory=list)

    @property
    def kinds(self) -> tuple[MonitorKind, ...]:
        """What is looked at."""
        wanted = {MonitorKind.MONITOR: self.enabled, MonitorKind.HEARTBEAT: self.heartbeats}
        return tuple(kind for kind in wanted if wanted[kind])
