"""What one round has seen so far."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from daemon.decisions.reconcile import Policy
from daemon.model.errors import BetterStackError
from daemon.model.incident import IncidentState


@dataclass(slots=True)
class RoundProgress:
    """Made for each round, and used by its thread alone."""

    policy: Policy
    tracked: Mapping[str, IncidentState]
    began_at: datetime
    doubted_before: frozenset[str]
    """What its own record left in doubt, in an earlier round."""
    seen: set[str] = field(default_factory=set)
    recognised: set[str] = field(default_factory=set)
    """What was seen and had been recorded before this round."""
    spoilt: tuple[str, ...] = ()
    """Why each of the records in the list of open incidents that cannot be read could not be."""
    in_doubt: set[str] = field(default_factory=set)
    """What the incident's own record is to settle."""
    doubted: set[str] = field(default_factory=set)
    """What its own record left in doubt, in this round."""
    gone: list[str] = field(default_factory=list)
    errors: list[BetterStackError] = field(default_factory=list)

    @property
    def to_look_up(self) -> set[str]:
        """Those whose own record must be read."""
        return self.missing | self.in_doubt | self.doubted_before

    @property
    def missing(self) -> set[str]:
        """Those tracked that no list and no record showed yet."""
        return self.tracked.keys() - self.seen

    @contextmanager
    def collect_errors(self) -> Iterator[None]:
        """Notes a failed request and lets the round go on, unless Better Stack asked to be left alone."""
        try:
            yield
        except BetterStackError as error:
            if error.retry_after is not None:
                raise
            self.errors.append(error)
