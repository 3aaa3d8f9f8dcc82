"""One round of an account after the other: what is logged, and when the next one is due.

Whatever a round raises ends here: a fault fails this round and no other.
"""

import math
import time
import traceback
from collections.abc import Callable
from datetime import timedelta

from daemon.decisions.retry import next_round
from daemon.model.errors import BetterStackError, DaemonError, DatabaseBusyError, StoppedError
from daemon.model.events import rounds as events
from daemon.model.snapshot import Snapshot
from daemon.runtime.build import Components
from daemon.runtime.build_sources import Source
from daemon.runtime.shared import Shared
from daemon.runtime.upkeep import Upkeep


class PollLoop:
    """The rounds of one account under one configuration. Runs only in the thread of its job."""

    def __init__(
        self,
        source: Source,
        components: Components,
        shared: Shared,
        upkeep: Upkeep,
        on_progress: Callable[[], None],
    ) -> None:
        """`on_progress` is called while a round makes progress."""
        self._source = source
        self._poll_settings = source.settings.poll
        self._self_check = components.self_check
        self._housekeeping = components.housekeeping
        self._log = source.log
        self._rounds = shared.rounds[source.polled_from]
        self._upkeep = upkeep
        self._on_progress = on_progress
        self.seen: Snapshot | None = None
        """What the latest round read at its end; `None`: it did not come that far."""
        self.next_in = 0.0
        """Seconds from the end of the latest round until the next one."""

    @property
    def interval(self) -> timedelta:
        """Between two rounds, while nothing is open."""
        return self._poll_settings.interval

    def first_in(self, turn: float) -> float:
        """Seconds until the first round under this configuration, or after a pause.

        `turn`: when that of this account is if all begin one after the other. Who was polled keeps its rhythm.
        """
        if self._source.is_alone or self._rounds.failures or self._rounds.begun_at == -math.inf:
            return turn
        return max(self._rounds.begun_at + self.interval.total_seconds() - time.monotonic(), 0.0)

    def run(self) -> None:
        """Runs one round."""
        # Used if a fault of this program ends the round.
        self.next_in = self._poll_settings.interval.total_seconds()
        self.next_in = self.run_round()

    def run_round(self) -> float:
        """Runs one round. Returns the seconds until the next one."""
        self._on_progress()
        started = self._rounds.begun_at = time.monotonic()
        sweep = started - self._rounds.swept_at >= self._poll_settings.sweep_interval.total_seconds()
        self.seen = None
        try:
            self._upkeep.prepare(self._on_progress)
            snapshot = self._source.poll.round(sweep=sweep)
        except StoppedError:
            self._log(events.RoundInterrupted())
            return 0.0
        except BetterStackError as error:
            self._self_check.state_works()
            return self._failed(started, why_failed(error), error.retry_after)
        except DatabaseBusyError as error:
            self._self_check.state_failed(str(error))
            return self._failed(started, why_failed(error))
        except Exception as error:  # noqa: BLE001 - a fault of ours fails this round, and no other
            return self._failed(started, why_failed(error))
        self._self_check.state_works()
        self._self_check.saw(snapshot)
        self.seen = snapshot
        if sweep:
            self._rounds.swept_at = started
        return self._succeeded(started, snapshot)

    def _succeeded(self, started: float, snapshot: Snapshot) -> float:
        rounds = self._rounds
        self._log(events.RoundEnded(events.RoundResult.COMPLETE, time.monotonic() - started))
        if rounds.last_error is not None:
            self._log(events.RoundsSucceed(rounds.last_error, rounds.failures))
        rounds.failures, rounds.last_error = 0, None
        interval = self._poll_settings.active_interval if self._is_busy(snapshot) else self._poll_settings.interval
        next_in = max(interval.total_seconds() - (time.monotonic() - started), 0)
        self._upkeep.prune()
        return next_in

    def _is_busy(self, snapshot: Snapshot) -> bool:
        """Whether anything of this account is open, in doubt or waits. Beside others, the figures of all say little."""
        if self._source.is_alone:
            return bool(snapshot.open_incidents or snapshot.doubted_incidents or snapshot.pending_deliveries)
        return self._has_work()

    def _failed(self, started: float, why: str, retry_after: timedelta | None = None) -> float:
        self._log(events.RoundEnded(events.RoundResult.FAILED, time.monotonic() - started))
        self._rounds.failures += 1
        interval = self._poll_settings.active_interval if self._has_work() else self._poll_settings.interval
        next_in = next_round(interval, self._rounds.failures, retry_after).total_seconds()
        if why != self._rounds.last_error:
            self._log(events.RoundFailed(why, f"{next_in:.0f}s"))
        self._rounds.last_error = why
        return next_in

    def _has_work(self) -> bool:
        try:
            return self._housekeeping.has_work(None if self._source.is_alone else self._source.polled_from)
        except DatabaseBusyError:
            return True


def why_failed(error: Exception) -> str:
    """The sentence for a failed round; a fault of this program comes with its traceback."""
    if isinstance(error, DaemonError):
        return str(error)
    return f"a fault of this program: {''.join(traceback.format_exception(error))}{error!r}"
