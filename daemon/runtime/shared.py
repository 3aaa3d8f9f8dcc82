"""What outlives a configuration: a reload hands it on to the new jobs."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from sqlalchemy import Engine

from daemon.clients.api_pace import ApiPace
from daemon.clients.quiet import Quiet
from daemon.config.settings import Settings
from daemon.host.clock import SteadyClock, TheirClock, boottime
from daemon.host.signals import Stop
from daemon.limiter import Limiter
from daemon.model.event import Listener
from daemon.model.snapshot import RunMode
from daemon.notes import Notes
from daemon.runtime.exposure import Exposure
from daemon.runtime.surroundings import Surroundings
from daemon.storage import queries
from daemon.storage.engine import open_engine
from daemon.storage.file_guard import FileGuard
from daemon.storage.instance import locked
from daemon.storage.run_mode import record_run_mode
from daemon.storage.upgrade import needed_now, upgrade


@dataclass(slots=True)
class Rounds:
    """What is known of the rounds of one account so far. Used only by the thread of its job."""

    failures: int = 0
    last_error: str | None = None
    swept_at: float = -math.inf
    """Seconds of the monotonic clock, as is `begun_at`."""
    begun_at: float = -math.inf
    """When the latest round began."""


@dataclass(slots=True)
class Chores:
    """What is known of the work between rounds."""

    pruned_at: float = -math.inf
    """Seconds of the monotonic clock."""
    held_checkpoints: int = 0
    """In how many checkpoints in a row a reader was in the way."""


@dataclass(frozen=True, slots=True)
class Shared:
    """Made by the main thread. All jobs use the engine, the clocks and `stop`; each other part belongs to one job."""

    engine: Engine
    surroundings: Surroundings
    clock: SteadyClock
    their_clock: TheirClock
    quiet: defaultdict[str, Quiet] = field(default_factory=lambda: defaultdict(Quiet))
    """The pace of the requests with each token, by its fingerprint."""
    limiters: defaultdict[str, Limiter] = field(default_factory=lambda: defaultdict(Limiter))
    """The limit of each SIGNL4 account, and what was sent to it."""
    api_pace: ApiPace = field(default_factory=ApiPace)
    """How many requests SIGNL4's REST API got, of all that use the key."""
    notes: Notes = field(default_factory=Notes)
    rounds: defaultdict[str, Rounds] = field(default_factory=lambda: defaultdict(Rounds))
    """Of each account that is polled."""
    chores: Chores = field(default_factory=Chores)
    exposure: Exposure = field(default_factory=Exposure)
    repair_file: Callable[[Listener, Callable[[], None]], None] = lambda _log, _on_progress: None
    """Checks the database file between two rounds."""
    note_checkpoint: Callable[[datetime], None] = lambda _at: None
    """Notes when the log of the database was last emptied."""
    trusted_until: Callable[[], float] | None = None
    """Until when on CLOCK_BOOTTIME (s) no other host may send, where one could."""

    @property
    def stop(self) -> Stop:
        """The stop flag of the process."""
        return self.surroundings.stop

    def trusts(self, settings: Settings) -> Callable[[], bool]:
        """Makes what says whether a request may begin: however long it takes, no other host sends meanwhile."""
        if (until := self.trusted_until) is None:
            return lambda: True
        longest = settings.http.timeout.total_seconds()
        return lambda: until() - boottime() > longest


class Guard(Protocol):
    """What holds the database for this process."""

    @property
    def engine(self) -> Engine:
        """What the jobs work on."""

    def repair(self, log: Listener, on_progress: Callable[[], None]) -> None:
        """Between two rounds: sees to it that this process holds it still. Raises `DatabaseBusyError`."""

    def note_checkpoint(self, at: datetime) -> None:
        """Notes when the log of the database was last emptied."""


@contextmanager
def opened(
    url: str, on_progress: Callable[[], None] = lambda: None, mode: RunMode | None = None
) -> Iterator[FileGuard]:
    """The database: locked, migrated and watched. `on_progress` is called while a migration makes progress.

    `mode`: how this process polls, if it does. Raises the errors of the database.
    """
    with locked(url) as lock:
        upgrade(url, on_progress)
        with closing(FileGuard(url, open_engine(url), lock)) as guard:
            if mode is not None:
                with needed_now(url):
                    record_run_mode(guard.engine, mode)
            yield guard


def share(guard: FileGuard, surroundings: Surroundings, exposure: Exposure, notes: Notes) -> Shared:
    """What a process that works on a file starts with. Raises `DatabaseUnusableError`."""
    with needed_now(str(guard.engine.url)):
        return shared_on(guard, surroundings, exposure, notes)


def shared_on(guard: Guard, surroundings: Surroundings, exposure: Exposure, notes: Notes) -> Shared:
    """What a process starts with on a database that it holds. Raises `DatabaseBusyError`."""
    clock = SteadyClock()
    ahead = queries.snapshot(guard.engine).service_ahead
    return Shared(
        guard.engine,
        surroundings,
        clock,
        TheirClock(clock, ahead),
        notes=notes,
        exposure=exposure,
        repair_file=guard.repair,
        note_checkpoint=guard.note_checkpoint,
    )
