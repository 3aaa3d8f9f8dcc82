"""What outlives a configuration: a reload hands it on to the new jobs."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Engine

from daemon.clients.api_pace import ApiPace
from daemon.clients.betterstack import Quiet
from daemon.host.clock import SteadyClock, TheirClock
from daemon.host.signals import Stop
from daemon.limiter import Limiter
from daemon.model.event import Listener
from daemon.model.snapshot import RunMode
from daemon.runtime.exposure import Exposure
from daemon.runtime.surroundings import Surroundings
from daemon.self_check import Notes
from daemon.storage import queries
from daemon.storage.engine import open_engine
from daemon.storage.file_guard import FileGuard
from daemon.storage.instance import locked
from daemon.storage.run_mode import record_run_mode
from daemon.storage.upgrade import needed_now, upgrade


@dataclass(slots=True)
class Rounds:
    """What is known of the rounds so far. Used only by the thread of the job `poll`."""

    failures: int = 0
    last_error: str | None = None
    swept_at: float = -math.inf
    """Seconds of the monotonic clock, as is `pruned_at`."""
    pruned_at: float = -math.inf
    held_checkpoints: int = 0
    """In how many checkpoints in a row a reader was in the way."""


@dataclass(frozen=True, slots=True)
class Shared:
    """Made by the main thread. All jobs use the engine, the clocks and `stop`; each other part belongs to one job."""

    engine: Engine
    surroundings: Surroundings
    clock: SteadyClock
    their_clock: TheirClock
    quiet: Quiet = field(default_factory=Quiet)
    """How long Better Stack asked to be left alone."""
    limiters: defaultdict[str, Limiter] = field(default_factory=lambda: defaultdict(Limiter))
    """The limit of each SIGNL4 account, and what was sent to it."""
    api_pace: ApiPace = field(default_factory=ApiPace)
    """How many requests SIGNL4's REST API got, of all that use the key."""
    notes: Notes = field(default_factory=Notes)
    rounds: Rounds = field(default_factory=Rounds)
    exposure: Exposure = field(default_factory=Exposure)
    repair_file: Callable[[Listener, Callable[[], None]], None] = lambda _log, _on_progress: None
    """Checks the database file between two rounds."""
    note_checkpoint: Callable[[datetime], None] = lambda _at: None
    """Notes when the log of the database was last emptied."""

    @property
    def stop(self) -> Stop:
        """The stop flag of the process."""
        return self.surroundings.stop


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


def share(guard: FileGuard, surroundings: Surroundings) -> Shared:
    """What a process starts with. Raises `DatabaseUnusableError`."""
    clock = SteadyClock()
    with needed_now(str(guard.engine.url)):
        ahead = queries.snapshot(guard.engine).ahead
    return Shared(
        guard.engine,
        surroundings,
        clock,
        TheirClock(clock, ahead),
        exposure=Exposure(allowed=surroundings.shows_metrics),
        repair_file=guard.repair,
        note_checkpoint=guard.note_checkpoint,
    )
