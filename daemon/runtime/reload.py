"""A change of the configuration while the program runs (SIGHUP).

1. Prepare, while the old configuration is in force: read, validate and build the new one, with threads and connections
   of its own. A bad one is refused with its sentences.
2. Pause the old jobs in order: begin no more rounds, then send nothing more, then wait for the results in flight.
3. Close the old jobs and begin the new ones.

If step 2 takes too long, for example because a result cannot be recorded, the old jobs go on and it is tried again
later. So it is where the machine has no thread left for step 1.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread

from daemon.config.configuration import Configuration, differences
from daemon.host.reload_outcome import ReloadOutcome
from daemon.host.signals import Stop
from daemon.host.startup import HANGUP, Hangup
from daemon.host.systemd import Systemd
from daemon.model.errors import ConfigError, DaemonError
from daemon.model.events import process as events
from daemon.runtime.jobs import Jobs
from daemon.storage.place import shown


@dataclass(frozen=True, slots=True)
class Prepared:
    """A configuration that was read: its jobs, why it is refused, or why its jobs cannot be started now."""

    read_at: float
    """The monotonic time at which reading it began, in seconds."""
    result: Jobs | str | DaemonError


class Reload:
    """Called by the main thread at each of its looks; nothing here waits.

    Only `_prepare` runs in a thread of its own: it reads files, which may be on a file system that hangs.
    """

    def __init__(
        self,
        read: Callable[[], Configuration],
        make: Callable[[Configuration], Jobs],
        stop: Stop,
        systemd: Systemd,
        outcome: ReloadOutcome,
        hangup: Hangup = HANGUP,
    ) -> None:
        """`read` gives the present configuration, `make` builds its jobs. Both raise `ConfigError`."""
        self._read = read
        self._make = make
        self._stop = stop
        self._systemd = systemd
        self._outcome = outcome
        self._hangup = hangup
        self._preparing: Thread | None = None
        self._prepared: SimpleQueue[Prepared] = SimpleQueue()
        self._ready: Jobs | None = None
        self._read_at = 0.0
        self._paused_since: float | None = None
        self._not_before = 0.0
        self._postponed: str | None = None
        """Why the signal could not be obeyed yet; it is again at the next look."""
        self.refused: str | None = None
        """Why the latest configuration is not in force, if it was refused."""

    @property
    def pending(self) -> bool:
        """Whether a reload is under way, so that the next look should follow soon."""
        return self._preparing is not None or (self._ready is not None and time.monotonic() >= self._not_before)

    def look(self, jobs: Jobs) -> Jobs:
        """Takes the next step. Returns the jobs that are in force from here on."""
        if self._preparing is None and (self._hangup.asked() or self._postponed is not None):
            self._obey(jobs)
        self._take_prepared(jobs)
        if self._ready is None or time.monotonic() < self._not_before:
            return jobs
        return self._change_over(jobs, self._ready)

    def drop(self) -> None:
        """The program stops: closes jobs that were prepared and will not begin."""
        if self._ready is not None:
            self._ready.close()

    def _obey(self, jobs: Jobs) -> None:
        if self._hangup.terminal_closed():
            jobs.components.log(events.TerminalClosed())
            self._stop.set()
            return
        self._preparing = Thread(target=self._prepare, args=(jobs,), name="reload", daemon=True)
        try:
            self._preparing.start()
        except RuntimeError as error:
            self._preparing = None
            self._postpone(jobs, str(error))

    def _postpone(self, jobs: Jobs, why: str) -> None:
        if self._postponed is None:
            jobs.components.log(events.ReloadPostponed(why))
        self._postponed = why

    def _prepare(self, jobs: Jobs) -> None:
        self._systemd.reloading()
        read_at = time.monotonic()
        self._prepared.put(Prepared(read_at, self._prepare_jobs(jobs)))

    def _prepare_jobs(self, jobs: Jobs) -> Jobs | str | DaemonError:
        """The jobs of the present configuration, or why it is refused, or why they cannot be started now."""
        try:
            configuration = self._read()
            check_database(configuration.settings.database.url, jobs.components.settings.database.url)
            return self._make(configuration)
        except ConfigError as error:
            return "; ".join(error.problems)
        except DaemonError as error:
            return error
        except Exception as error:  # noqa: BLE001 - a fault of ours must not end what works
            return f"a fault of this program: {type(error).__name__}"

    def _take_prepared(self, jobs: Jobs) -> None:
        try:
            prepared = self._prepared.get_nowait()
        except Empty:
            return
        self._preparing = None
        if isinstance(prepared.result, DaemonError):
            self._postpone(jobs, str(prepared.result))
            return
        self._postponed = None
        if self._ready is not None:
            self._discard(jobs, self._ready)
        if isinstance(prepared.result, Jobs):
            self._ready, self._read_at = prepared.result, prepared.read_at
            return
        refused = events.ConfigurationRefused(prepared.result)
        self.refused = refused.text()
        jobs.components.log(refused)
        self._systemd.status(self.refused)
        self._end(prepared.read_at, refused=True)

    def _end(self, read_at: float, *, refused: bool) -> None:
        self._systemd.ready()
        self._outcome.leave(read_at, refused=refused)

    def _discard(self, jobs: Jobs, ready: Jobs) -> None:
        """Closes prepared jobs, since a later configuration was asked for."""
        ready.close()
        self._ready = None
        if self._paused_since is not None:
            self._resume(jobs)

    def _change_over(self, jobs: Jobs, ready: Jobs) -> Jobs:
        now = time.monotonic()
        if self._paused_since is None and jobs.pause_rounds():
            return jobs
        if self._paused_since is None:
            self._paused_since = now
        if jobs.pause():
            if now - self._paused_since > jobs.patience():
                self._resume(jobs)
                self._not_before = now + jobs.patience()
            return jobs
        jobs.close()
        self._ready = self._paused_since = self.refused = None
        ready.begin()
        changed = differences(jobs.components.settings, ready.components.settings)
        ready.components.log(events.ConfigurationReloaded("; ".join(changed) or "nothing"))
        self._end(self._read_at, refused=False)
        return ready

    def _resume(self, jobs: Jobs) -> None:
        jobs.resume()
        self._paused_since = None


def check_database(new: str, old: str) -> None:
    """Raises `ConfigError` if it is another one."""
    if new != old:
        raise ConfigError(
            f"database.url cannot change to {shown(new)} while the program runs; restart it, or set it back"
        )
