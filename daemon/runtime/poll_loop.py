"""One round after the other: what is done between them, what is logged, and when the next one is due.

Whatever a round raises ends here: a fault fails this round and no other.
"""

import time
import traceback
from collections.abc import Callable
from datetime import timedelta

from daemon.decisions.retry import next_round
from daemon.model.delivery import LONGEST_HOLD
from daemon.model.errors import BetterStackError, DaemonError, DatabaseBusyError, StoppedError
from daemon.model.events import rounds as events
from daemon.model.events.process import ClockStepped
from daemon.model.snapshot import Snapshot
from daemon.runtime.build import Components
from daemon.runtime.shared import Shared
from daemon.storage.housekeeping import BATCH

PRUNE_EVERY = 3600.0
"""Seconds."""
HELD = 2
"""After so many checkpoints in a row that a reader was in the way of, it is logged. One may be a listing under way."""


class PollLoop:
    """The rounds under one configuration. Runs only in the thread of the job `poll`."""

    def __init__(
        self, components: Components, shared: Shared, on_progress: Callable[[], None], wake: Callable[[], None]
    ) -> None:
        """`on_progress` is called while a round makes progress; `wake` when deliveries may have become due."""
        self._components = components
        self._settings = components.settings
        self._housekeeping = components.housekeeping
        self._log = components.log
        self._shared = shared
        self._rounds = shared.rounds
        self._on_progress = on_progress
        self._wake = wake
        self._begun = False

    def run_round(self) -> float:
        """Runs one round. Returns the seconds until the next one."""
        self._on_progress()
        started = time.monotonic()
        sweep = started - self._rounds.swept_at >= self._settings.poll.sweep_interval.total_seconds()
        self_check = self._components.self_check
        self_check.saw(None)
        try:
            self._prepare()
            snapshot = self._components.poll.round(sweep=sweep)
        except StoppedError:
            self._log(events.RoundInterrupted())
            return 0.0
        except BetterStackError as error:
            self_check.state_works()
            return self._failed(started, why_failed(error), error.retry_after)
        except DatabaseBusyError as error:
            self_check.state_failed(str(error))
            return self._failed(started, why_failed(error))
        except Exception as error:  # noqa: BLE001 - a fault of ours fails this round, and no other
            return self._failed(started, why_failed(error))
        self_check.state_works()
        self_check.saw(snapshot)
        if sweep:
            self._rounds.swept_at = started
        return self._succeeded(started, snapshot)

    def _prepare(self) -> None:
        """Between two rounds: checks the database file and the clock. Raises `DatabaseBusyError`."""
        self._shared.repair_file(self._log, self._on_progress)
        if not self._begun:
            self._begin()
        self._follow_clock()

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

    def _succeeded(self, started: float, snapshot: Snapshot) -> float:
        rounds = self._rounds
        self._log(events.RoundEnded(events.RoundResult.COMPLETE, time.monotonic() - started))
        if rounds.last_error is not None:
            self._log(events.RoundsSucceed(rounds.last_error, rounds.failures))
        rounds.failures, rounds.last_error = 0, None
        busy = snapshot.open_incidents or snapshot.doubted_incidents or snapshot.pending_deliveries
        interval = self._settings.poll.active_interval if busy else self._settings.poll.interval
        next_in = max(interval.total_seconds() - (time.monotonic() - started), 0)
        self._prune()
        return next_in

    def _failed(self, started: float, why: str, retry_after: timedelta | None = None) -> float:
        self._log(events.RoundEnded(events.RoundResult.FAILED, time.monotonic() - started))
        self._rounds.failures += 1
        next_in = next_round(self._interval(), self._rounds.failures, retry_after).total_seconds()
        if why != self._rounds.last_error:
            self._log(events.RoundFailed(why, f"{next_in:.0f}s"))
        self._rounds.last_error = why
        return next_in

    def _interval(self) -> timedelta:
        try:
            busy = self._housekeeping.has_work()
        except DatabaseBusyError:
            busy = True
        return self._settings.poll.active_interval if busy else self._settings.poll.interval

    def _prune(self) -> None:
        if time.monotonic() - self._rounds.pruned_at < PRUNE_EVERY:
            return
        try:
            pruned = self._housekeeping.prune(self._shared.clock() - self._settings.database.retention)
            self._checkpoint()
        except DatabaseBusyError as error:
            self._log(events.PruningPostponed(str(error)))
            return
        if pruned < BATCH:
            # Otherwise there is more: the next round goes on.
            self._rounds.pruned_at = time.monotonic()
        if pruned:
            self._log(events.Pruned(pruned))

    def _checkpoint(self) -> None:
        """Empties the log of the database. Raises `DatabaseBusyError`."""
        if self._housekeeping.checkpoint():
            self._rounds.held_checkpoints = 0
            self._shared.note_checkpoint(self._shared.clock())
            return
        self._rounds.held_checkpoints += 1
        if self._rounds.held_checkpoints == HELD:
            self._log(events.DatabaseLogHeld())


def why_failed(error: Exception) -> str:
    """The sentence for a failed round; a fault of this program comes with its traceback."""
    if isinstance(error, DaemonError):
        return str(error)
    return f"a fault of this program: {''.join(traceback.format_exception(error))}{error!r}"
