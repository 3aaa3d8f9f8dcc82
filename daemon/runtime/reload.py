"""A change of the configuration while the program runs: asked for by SIGHUP, made ready, and taken over as a whole.

Until it is taken over the old one is in force. A configuration that cannot be used is refused with its sentences.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from threading import Lock

from daemon.config.load import Configuration
from daemon.config.settings import Settings
from daemon.deliver import Deliver
from daemon.host.startup import HANGUP, Hangup
from daemon.model.errors import ConfigError
from daemon.model.events import Log
from daemon.runtime.build import Components, Shared, build


class Reload:
    """What is asked for in the main thread, and taken over in that of the rounds."""

    def __init__(
        self,
        read: Callable[[], Configuration],
        log_for: Callable[[Configuration], Log],
        hangup: Hangup = HANGUP,
    ) -> None:
        """`read` gives the configuration as it is now, and raises `ConfigError`."""
        self._read = read
        self._log_for = log_for
        self._hangup = hangup
        self._ready: Components | None = None
        self._lock = Lock()

    def ask_on_signal(self) -> None:
        """From here on SIGHUP asks, and if it came before, it has asked."""
        self._hangup.listen()

    def ask(self) -> None:
        """As SIGHUP does."""
        self._hangup.ask()

    def asked(self) -> bool:
        """Whether somebody asked since this was last looked at."""
        return self._hangup.asked()

    def terminal_closed(self) -> bool:
        """Whether it was the terminal that asked, so that the end is meant."""
        return self._hangup.terminal_closed()

    def prepare(self, old: Settings, shared: Shared) -> None:
        """Builds what will take over, in place of what waited for that. Raises `ConfigError`; nothing waits then."""
        self.drop()
        configuration = self._read()
        url = configuration.settings.database.url
        if url != old.database.url:
            raise ConfigError(f"database.url cannot change to {url} while the program runs; restart it, or set it back")
        ready = build(configuration, shared, self._log_for)
        with self._lock:
            self._ready = ready

    def drop(self) -> None:
        """Nothing waits to take over any more."""
        dropped = self._take()
        if dropped is not None:
            dropped.close()

    @property
    def ready(self) -> bool:
        """Whether something waits to take over."""
        return self._ready is not None

    @contextmanager
    def taking_over(
        self, deliver: Deliver, others: tuple[Lock, Lock], patience: float, beat: Callable[[], None]
    ) -> Iterator[Components | None]:
        """What takes over, if there is something; while this lasts neither of the other jobs is at work.

        `others`: what they hold while they are at work, that of the deliveries last. A result that cannot be recorded
        is waited for no longer than `patience`, in seconds, as a request is: then nothing takes over, and `deliver`
        goes on. `beat` is a sign of life between two waits.
        """
        self_checking, delivering = others
        with ExitStack() as held:
            if not self.ready or not _acquired(self_checking, patience, held):
                yield None
                return
            beat()
            deliver.pause()
            new = self._take() if _acquired(delivering, patience, held) else None
            if new is None:
                deliver.resume()
            yield new

    def _take(self) -> Components | None:
        with self._lock:
            ready, self._ready = self._ready, None
        return ready


def _acquired(lock: Lock, patience: float, held: ExitStack) -> bool:
    acquired = lock.acquire(timeout=patience)
    if acquired:
        held.callback(lock.release)
    return acquired
