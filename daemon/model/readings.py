"""What is measured at one moment, for the metrics and for `/readyz`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from daemon.model.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class TeamOutbox:
    """The deliveries of one team that are not settled."""

    pending: int = 0
    held: int = 0
    """Those of the pending ones that a rule of the operator holds."""
    dead: int = 0
    oldest_pending_at: datetime | None = None
    """As in `Snapshot`: without what is held, what has a fault of its own, and what waits behind these."""


@dataclass(frozen=True, slots=True)
class Headroom:
    """What SIGNL4's limit leaves to an account."""

    limit: int
    """Events that it allows in 15 s; as long as SIGNL4 has reported no limit, the assumed one."""
    available: int
    """Events that could be sent now."""


@dataclass(frozen=True, slots=True)
class Readings:
    """All that is read when somebody asks. Nothing in it is secret."""

    snapshot: Snapshot | None
    """`None` if the database cannot be read now."""
    problems: tuple[str, ...]
    """What `status` calls the problems, a sentence each."""
    outboxes: Mapping[str, TeamOutbox] = field(default_factory=dict)
    """By team; also of teams that the configuration does not have any more, while something waits for them."""
    headroom: Mapping[str, Headroom] = field(default_factory=dict)
    """By account."""
    signl4_ahead: timedelta | None = None
    """How far SIGNL4's clock is ahead of this machine's; `None` until a response has shown it."""
    database_bytes: int | None = None
    log_bytes: int | None = None
    """Of SQLite's log (the WAL). Both are `None` if the file cannot be seen."""
    is_leader: bool | None = None
    """Whether this host polls and sends, where several could; else `None`."""
