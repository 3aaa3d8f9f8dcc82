"""The looks at SIGNL4 as a job: one after the other, each on its own. Nothing waits for them.

1. A look that fails stops no other, and no round and no page. The first failure is recorded for `status`, and its end.
2. Each configuration proves its API key once, so that a refused one is known before an incident opens. While it is
   refused nothing else is asked, and it is tried again once a minute.
3. A hang is logged, and does not end the process: polling and paging go on.
"""

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import Event as Flag
from typing import Protocol

from daemon.host.liveness import Liveness
from daemon.host.signals import Stop
from daemon.model.errors import DaemonError, DatabaseBusyError, KeyRefusedError, StoppedError
from daemon.model.event import Listener
from daemon.model.events import two_way as events
from daemon.storage.two_way import TwoWayProgress

TRY_KEY_AGAIN = 60.0
"""Seconds between two tries of a refused key."""
STEP = 0.2
"""Seconds after which a wait notices a pause."""
HANGS_AFTER = 60.0
"""Seconds without a sign of life, beyond those that it may be idle and twice those that a request may take."""


class Look(Protocol):
    """Something that is looked at again and again."""

    def look(self) -> None:
        """One look. Raises `Signl4ApiError`, `DatabaseBusyError`, `StoppedError`."""


class Breath:
    """The waits of the job: a stop ends them, and a pause, too."""

    def __init__(self, stop: Stop) -> None:
        self._stop = stop
        self.paused = Flag()
        self.liveness = Liveness()

    def __call__(self, seconds: float) -> bool:
        """Waits so long; whether the look must end."""
        self.liveness.beat()
        remaining = seconds
        while remaining > 0 and not self.paused.is_set() and not self._stop.wait(min(remaining, STEP)):
            remaining -= STEP
            self.liveness.beat()
        return self.paused.is_set() or self._stop.wait(0)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a look failed."""

    why: str
    key_refused: bool = False
    trace: str = field(default="", compare=False)
    """Where in this program, if the fault is its own."""


class TwoWayJob:
    """`run` is called by the thread of the job, `rest` when a run is over, all else by the main thread."""

    def __init__(
        self,
        prove: Callable[[], None],
        looks: Sequence[Look],
        progress: TwoWayProgress,
        breath: Breath,
        *,
        interval: float,
        timeout: float,
        clock: Callable[[], datetime],
        log: Listener,
    ) -> None:
        """`prove` makes a request that needs the API key.

        `interval`: seconds between two runs; `timeout`: those that a request may take.
        """
        self._prove = prove
        self._looks = looks
        self._progress = progress
        self._breath = breath
        self._interval = interval
        self._hangs_after = 2 * timeout + HANGS_AFTER
        self._clock = clock
        self._log = log
        self._proven = False
        self._last: Failure | None = None
        self._recorded: Failure | None = None
        self._begun = False
        self._hangs = False

    def run(self) -> None:
        """Looks at everything once."""
        self._breath.liveness.beat()
        try:
            failure = self._failure()
            self._log_change(failure)
            self._last = failure
            self._record(failure)
        except (StoppedError, DatabaseBusyError):
            # What could not be recorded is at the next run.
            return

    def rest(self) -> float:
        """Seconds until the next run."""
        refused = self._last is not None and self._last.key_refused
        seconds = max(self._interval, TRY_KEY_AGAIN) if refused else self._interval
        self._breath.liveness.idle(seconds)
        return seconds

    def pause(self) -> None:
        """A look that is under way ends soon."""
        self._breath.paused.set()

    def resume(self) -> None:
        """It may look again."""
        self._breath.paused.clear()

    def watch(self) -> None:
        """Logs once that it hangs."""
        hangs = self._breath.liveness.silent_for() > self._hangs_after
        if hangs and not self._hangs:
            self._log(events.LooksHang(f"{self._breath.liveness.silent_for():.0f}s"))
        self._hangs = hangs

    def _failure(self) -> Failure | None:
        """Runs all looks. The first failure, if any; a refused key ends it."""
        first: Failure | None = None
        if not self._proven:
            first = self._tried(self._prove)
            self._proven = first is None
        for look in self._looks:
            if first is not None and first.key_refused:
                break
            failed = self._tried(look.look)
            first = failed if failed is not None and (first is None or failed.key_refused) else first
        if first is not None and first.key_refused:
            self._proven = False
        return first

    def _tried(self, work: Callable[[], None]) -> Failure | None:
        if self._breath(0):
            raise StoppedError
        try:
            work()
        except StoppedError:
            raise
        except DaemonError as error:
            return Failure(str(error), isinstance(error, KeyRefusedError))
        except Exception as error:  # noqa: BLE001 - a fault of ours fails this look, and no other
            return Failure(f"a fault of this program: {error!r}", trace="".join(traceback.format_exception(error)))
        return None

    def _log_change(self, failure: Failure | None) -> None:
        if failure is None:
            if self._last is not None:
                self._log(events.LooksSucceed(self._last.why))
        elif failure != self._last:
            why = f"{failure.trace}{failure.why}"
            self._log(events.KeyRefused(why) if failure.key_refused else events.LooksFail(why))

    def _record(self, failure: Failure | None) -> None:
        """Writes only what is news. Raises `DatabaseBusyError`."""
        if not self._begun:
            state = self._progress.read()
            self._recorded = (
                None if state.last_error is None else Failure(state.last_error, state.key_refused_since is not None)
            )
            self._begun = True
        if failure == self._recorded:
            return
        if failure is None:
            self._progress.works()
        else:
            self._progress.failed(failure.why, self._clock(), key_refused=failure.key_refused)
        self._recorded = failure
