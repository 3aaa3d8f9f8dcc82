"""A change of the configuration while the program runs, asked for by SIGHUP.

All that can fail comes first: the configuration is read, checked and built, with threads and connections of its own,
while the old one is in force. One that cannot be used is refused with its sentences. Then the old jobs stop in order
and the new ones begin: no round begins any more; when the last one has ended nothing further is sent; when what is in
flight is recorded, too, nothing is at work. If that takes too long, as when a result cannot be recorded, the old jobs
go on, and the change is tried again a little later.
"""

import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread

from daemon.config.load import Configuration, differences
from daemon.host.signals import Stop
from daemon.host.startup import HANGUP, Hangup
from daemon.host.systemd import Systemd
from daemon.model.errors import ConfigError
from daemon.model.events import process as events
from daemon.runtime.jobs import Jobs


class Reload:
    """Called by the main thread at each of its looks; nothing here waits. `_prepare` alone runs in another thread.

    That reads files, which may be on a disk that hangs.
    """

    def __init__(
        self,
        read: Callable[[], Configuration],
        make: Callable[[Configuration], Jobs],
        stop: Stop,
        systemd: Systemd,
        hangup: Hangup = HANGUP,
    ) -> None:
        """`read` gives the configuration as it is now, and raises `ConfigError`, as `make` does."""
        self._read = read
        self._make = make
        self._stop = stop
        self._systemd = systemd
        self._hangup = hangup
        self._preparing: Thread | None = None
        self._prepared: SimpleQueue[Jobs | str] = SimpleQueue()
        self._ready: Jobs | None = None
        self._holding_since: float | None = None
        self._not_before = 0.0
        self.refused: str | None = None
        """Why the latest one is not in force."""

    @property
    def pending(self) -> bool:
        """Whether a change is under way, so that the next look should not be long in coming."""
        return self._preparing is not None or (self._ready is not None and time.monotonic() >= self._not_before)

    def look(self, jobs: Jobs) -> Jobs:
        """The jobs that are in force from here on."""
        if self._preparing is None and self._hangup.asked():
            self._obey(jobs)
        self._take_what_is_prepared(jobs)
        if self._ready is None or time.monotonic() < self._not_before:
            return jobs
        return self._change_over(jobs, self._ready)

    def drop(self) -> None:
        """Nothing takes over any more: the program ends."""
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
        except RuntimeError:
            self._preparing = None
            self._hangup.ask()

    def _prepare(self, jobs: Jobs) -> None:
        self._systemd.reloading()
        try:
            configuration = self._read()
            _check_database(configuration.settings.database.url, jobs.components.settings.database.url)
            self._prepared.put(self._make(configuration))
        except ConfigError as error:
            self._prepared.put("; ".join(error.problems))
        except Exception as error:  # noqa: BLE001 - a fault of ours must not end what works
            self._prepared.put(f"a fault of this program: {type(error).__name__}")

    def _take_what_is_prepared(self, jobs: Jobs) -> None:
        try:
            prepared = self._prepared.get_nowait()
        except Empty:
            return
        self._preparing = None
        if self._ready is not None:
            self._give_up(jobs, self._ready)
        if isinstance(prepared, Jobs):
            self._ready = prepared
            return
        refused = events.ConfigurationRefused(prepared)
        self.refused = refused.text()
        self._systemd.ready()
        jobs.components.log(refused)

    def _give_up(self, jobs: Jobs, ready: Jobs) -> None:
        """A later one is asked for."""
        ready.close()
        self._ready = None
        if self._holding_since is not None:
            self._go_on(jobs)

    def _change_over(self, jobs: Jobs, ready: Jobs) -> Jobs:
        now = time.monotonic()
        if self._holding_since is None and jobs.hold_rounds():
            return jobs
        if self._holding_since is None:
            self._holding_since = now
        if jobs.hold():
            if now - self._holding_since > jobs.patience():
                self._go_on(jobs)
                self._not_before = now + jobs.patience()
            return jobs
        jobs.close()
        self._ready = self._holding_since = self.refused = None
        ready.begin()
        changed = differences(jobs.components.settings, ready.components.settings)
        ready.components.log(events.ConfigurationReloaded("; ".join(changed) or "nothing"))
        self._systemd.ready()
        return ready

    def _go_on(self, jobs: Jobs) -> None:
        jobs.release()
        self._holding_since = None


def _check_database(new: str, old: str) -> None:
    if new != old:
        raise ConfigError(f"database.url cannot change to {new} while the program runs; restart it, or set it back")
