"""Looks that are made again and again, as a job: one after the other, each on its own. Nothing waits for them.

1. A look that fails stops no other, and no round and no page. The first failure is recorded for `status`, and its end.
2. Each configuration proves its API key once, if the looks need one, so that a refused one is known before an incident
   opens. While it is refused nothing else is asked, and it is tried again once a minute.
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
from daemon.model.event import Event, Listener

TRY_KEY_AGAIN = 60.0
"""Seconds between two tries of a refused key."""
STEP = 0.2
"""Seconds after which a wait notices a pause."""
HANGS_AFTER = 60.0
"""Seconds without a sign of life, beyond those that it may be idle and twice those that a request may take."""


class Look(Protocol):
    """Something that is looked at again and again."""

    def look(self) -> None:
        """One look. Raises a `DaemonError`, such as `DatabaseBusyError`, and `StoppedError`."""


class Progress(Protocol):
    """What is recorded of the looks. Each method raises `DatabaseBusyError`."""

    def failure(self) -> tuple[str, bool] | None:
        """Why they fail, and whether the key is refused; `None`: they do not."""

    def works(self) -> None:
        """They succeed."""

    def failed(self, why: str, now: datetime, *, key_refused: bool = False) -> None:
        """They fail."""


@dataclass(frozen=True, slots=True)
class Said:
    """What is logged."""

    fail: Callable[[str], Event]
    succeed: Callable[[str], Event]
    hang: Callable[[str], Event]
    key_refused: Callable[[str], Event] | None = None


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


class LookJob:
    """`run` is called by the thread of the job, `rest` when a run is over, all else by the main thread."""

    def __init__(
        self,
        looks: Sequence[Look],
        progress: Progress,
        breath: Breath,
        said: Said,
        *,
        interval: float,
        timeout: float,
        clock: Callable[[], datetime],
        log: Listener,
        prove: Callable[[], None] | None = None,
    ) -> None:
        """`interval`: seconds between two runs; `timeout`: those that a request may take.

        `prove` makes a request that needs the API key, if there is one.
        """
        self._prove = prove
        self._said = said
        self._looks = looks
        self._progress = progress
        self._breath = breath
        self.interval = interval
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
        seconds = max(self.interval, TRY_KEY_AGAIN) if refused else self.interval
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
            self._log(self._said.hang(f"{self._breath.liveness.silent_for():.0f}s"))
        self._hangs = hangs

    def _failure(self) -> Failure | None:
        """Runs all looks. The first failure, if any; a refused key ends it."""
        first: Failure | None = None
        if self._prove is not None and not self._proven:
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
                self._log(self._said.succeed(self._last.why))
        elif failure != self._last:
            why = f"{failure.trace}{failure.why}"
            refused = self._said.key_refused if failure.key_refused else None
            self._log((refused or self._said.fail)(why))

    def _record(self, failure: Failure | None) -> None:
        """Writes only what is news. Raises `DatabaseBusyError`."""
        if not self._begun:
            recorded = self._progress.failure()
            self._recorded = None if recorded is None else Failure(*recorded)
            self._begun = True
        if failure == self._recorded:
            return
        if failure is None:
            self._progress.works()
        else:
            self._progress.failed(failure.why, self._clock(), key_refused=failure.key_refused)
        self._recorded = failure
