"""What is done between two rounds, for all accounts together: the database file, a clock step, old incidents.

Called by the thread of each account. The first one that comes does it; the others wait meanwhile, since no round may
work on a file that is being repaired.
"""

import time
from collections.abc import Callable
from datetime import timedelta
from threading import Lock

from daemon.model.delivery import LONGEST_HOLD
from daemon.model.errors import DatabaseBusyError
from daemon.model.events import rounds as events
from daemon.model.events.process import ClockStepped
from daemon.runtime.build import Components
from daemon.runtime.shared import Shared
from daemon.storage.housekeeping import BATCH

PRUNE_EVERY = 3600.0
"""Seconds."""
HELD = 2
"""After so many checkpoints in a row that a reader was in the way of, it is logged. One may be a listing under way."""
BREATH = 1.0
"""Seconds between two signs of life of who waits."""


class Upkeep:
    """That of one configuration."""

    def __init__(self, components: Components, shared: Shared, wake: Callable[[], None]) -> None:
        """`wake` is called when deliveries may have become due."""
        self._components = components
        self._settings = components.settings
        self._housekeeping = components.housekeeping
        self._log = components.log
        self._shared = shared
        self._chores = shared.chores
        self._wake = wake
        self._begun = False
        self._lock = Lock()

    def prepare(self, on_progress: Callable[[], None]) -> None:
        """Before a round: checks the database file and the clock. Raises `DatabaseBusyError`."""
        while not self._lock.acquire(timeout=BREATH):
            on_progress()
        try:
            self._shared.repair_file(self._log, on_progress)
            if not self._begun:
                self._begin()
            self._follow_clock()
        finally:
            self._lock.release()

    def prune(self) -> None:
        """After a complete round: deletes what is old, once an hour."""
        if time.monotonic() - self._chores.pruned_at < PRUNE_EVERY or not self._lock.acquire(blocking=False):
            return
        try:
            self._prune()
        finally:
            self._lock.release()

    def _begin(self) -> None:
        """Retries what was held back under other settings or by another process."""
        now = self._shared.clock()
        self._housekeeping.cut_waits(max(LONGEST_HOLD, self._settings.delivery.retry_max), now)
        self._housekeeping.try_secrets_again(now)
        self._housekeeping.release_held(now)
        self._components.follow_settings(now)
        self._begun = True
        self._wake()

    def _follow_clock(self) -> None:
        """After a clock step: restart elapsed-time proofs, then show the jobs the new time."""
        clock = self._shared.clock
        if (step := clock.step()) is None:
            return
        now = clock() + step
        self._housekeeping.forget_spans(now)
        self._housekeeping.cut_waits(timedelta(0), now)
        clock.set_right()
        self._log(ClockStepped(f"{step.total_seconds():+.1f}s"))
        self._wake()

    def _prune(self) -> None:
        try:
            pruned = self._housekeeping.prune(self._shared.clock() - self._settings.database.retention)
            self._checkpoint()
        except DatabaseBusyError as error:
            self._log(events.PruningPostponed(str(error)))
            return
        if pruned < BATCH:
            # Otherwise there is more: the next round goes on.
            self._chores.pruned_at = time.monotonic()
        if pruned:
            self._log(events.Pruned(pruned))

    def _checkpoint(self) -> None:
        """Empties the log of the database. Raises `DatabaseBusyError`."""
        if self._housekeeping.checkpoint():
            self._chores.held_checkpoints = 0
            self._shared.note_checkpoint(self._shared.clock())
            return
        self._chores.held_checkpoints += 1
        if self._chores.held_checkpoints == HELD:
            self._log(events.DatabaseLogHeld())
