"""The progress of one round."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from daemon.decisions.reconcile import Policy
from daemon.model.errors import BetterStackError
from daemon.model.incident import RoundStart


@dataclass(slots=True)
class RoundProgress:
    """What one round has read so far. Created for each round, and used only by its thread."""

    policy: Policy
    start: RoundStart
    began_at: datetime
    seen: set[str] = field(default_factory=set)
    recognised: set[str] = field(default_factory=set)
    """Incidents that were seen and had been recorded before."""
    unreadable_listed: tuple[str, ...] = ()
    """The reason for each unreadable record in the list of open incidents."""
    in_doubt: set[str] = field(default_factory=set)
    """Incidents whose own record must decide."""
    doubted: set[str] = field(default_factory=set)
    """Incidents that their own record left in doubt in this round."""
    doubted_before: set[str] = field(init=False)
    """Incidents that an earlier round left in doubt, unless this round has settled it."""
    gone: list[str] = field(default_factory=list)
    errors: list[BetterStackError] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.doubted_before = set(self.start.doubted)

    @property
    def to_look_up(self) -> set[str]:
        """Incidents whose own record must be read."""
        return self.missing | self.in_doubt | self.doubted_before

    @property
    def missing(self) -> set[str]:
        """Tracked incidents not seen in this round yet."""
        return set(self.start.tracked - self.seen)

    @contextmanager
    def collect_errors(self) -> Iterator[None]:
        """Collects the error of a failed request, so that the round continues; unless Better Stack asked to wait."""
        try:
            yield
        except BetterStackError as error:
            if error.retry_after is not None:
                raise
            self.errors.append(error)
