"""What one process has under all its configurations: a reload leaves it as it is."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

from sqlalchemy import Engine

from daemon.clients.betterstack import Quiet
from daemon.host.clock import SteadyClock, TheirClock
from daemon.host.signals import Stop
from daemon.limiter import Limiter
from daemon.model.event import Listener
from daemon.model.snapshot import Duty
from daemon.self_check import Notes
from daemon.storage import queries
from daemon.storage.duty import take_up
from daemon.storage.engine import open_engine
from daemon.storage.file_guard import FileGuard
from daemon.storage.instance import locked
from daemon.storage.upgrade import upgrade


@dataclass(slots=True)
class Rounds:
    """What is known of the rounds so far. Read and set by the rounds alone."""

    failures: int = 0
    last_error: str | None = None
    swept_at: float = -math.inf
    """By the monotonic clock, as the next."""
    pruned_at: float = -math.inf


@dataclass(frozen=True, slots=True)
class Shared:
    """Made by the main thread; each part is used by the one job that it is for, but for the clocks and the flag."""

    engine: Engine
    stop: Stop
    clock: SteadyClock
    their_clock: TheirClock
    quiet: Quiet = field(default_factory=Quiet)
    """What Better Stack asked for."""
    limiters: defaultdict[str, Limiter] = field(default_factory=lambda: defaultdict(Limiter))
    """What each account of SIGNL4's allows, and was sent."""
    notes: Notes = field(default_factory=Notes)
    rounds: Rounds = field(default_factory=Rounds)
    keep: Callable[[Listener, Callable[[], None]], None] = lambda _log, _on_progress: None
    """Looks after the database file, between two rounds."""


@contextmanager
def opened(url: str, on_progress: Callable[[], None] = lambda: None, duty: Duty | None = None) -> Iterator[FileGuard]:
    """The database, locked, migrated and kept. `on_progress` is called while that gets on.

    `duty`: as what this process polls, if it does. Raises the database's errors.
    """
    with locked(url) as lock:
        upgrade(url, on_progress)
        with closing(FileGuard(url, open_engine(url), lock)) as keeper:
            if duty is not None:
                take_up(keeper.engine, duty)
            yield keeper


def share(keeper: FileGuard, stop: Stop) -> Shared:
    """What a process begins with. Raises `DatabaseBusyError`."""
    clock = SteadyClock()
    ahead = queries.snapshot(keeper.engine).ahead
    return Shared(keeper.engine, stop, clock, TheirClock(clock, ahead), keep=keeper.repair)
