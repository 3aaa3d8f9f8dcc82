"""The state of the whole at one moment, in the figures that health is judged by."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Figures:
    """The state of the whole at one moment."""

    last_complete_round_at: datetime | None = None
    last_round_error: str | None = None
    token_suspect_since: datetime | None = None
    secret_refused_since: datetime | None = None
    refused_because: str = ""
    """What SIGNL4 said when it refused the secret."""
    open_incidents: int = 0
    pending_deliveries: int = 0
    dead_deliveries: int = 0
    oldest_pending_at: datetime | None = None
    oldest_due_at: datetime | None = None
