"""What the process found wrong with itself so far, and what it said of that."""

from dataclasses import dataclass, field
from datetime import datetime

from daemon.model.snapshot import Snapshot


@dataclass(slots=True)
class Notes:
    """It outlives a change of the settings, and of the host that leads."""

    snapshot: Snapshot = field(default_factory=Snapshot)
    found: list[str] = field(default_factory=list)
    """The problems, a sentence each."""
    state_error: tuple[float, datetime, str] | None = None
    """Since when the state cannot be written, by the monotonic and by the wall clock, and why."""
    state_alarm_sent: bool = False
    skew_logged: bool = False
    heartbeat_at: float | None = None
    missed: list[str] = field(default_factory=list)
