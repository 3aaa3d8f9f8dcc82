"""A change of the configuration while the program runs: asked for by SIGHUP, made ready, and taken over as a whole.

Until it is taken over the old one is in force. A configuration that cannot be used is refused with its sentences.
"""

import signal
from collections.abc import Callable
from threading import Lock

from daemon.assembly import Assembly, Frame, assemble
from daemon.config import Configuration
from daemon.errors import ConfigError
from daemon.events import Log
from daemon.settings import Settings


class Reload:
    """What is asked for in the main thread, and taken over in that of the rounds."""

    def __init__(self, read: Callable[[], Configuration], log_for: Callable[[Configuration], Log]) -> None:
        """`read` gives the configuration as it is now, and raises `ConfigError`."""
        self._read = read
        self._log_for = log_for
        self._asked = False
        self._ready: Assembly | None = None
        self._lock = Lock()

    def ask_on_signal(self) -> None:
        """From here on SIGHUP asks."""
        signal.signal(signal.SIGHUP, lambda *_: self._ask())

    def _ask(self) -> None:
        self._asked = True

    def asked(self) -> bool:
        """Whether somebody asked since this was last looked at."""
        asked, self._asked = self._asked, False
        return asked

    def prepare(self, old: Settings, frame: Frame) -> None:
        """Builds what will take over; a second one replaces the first. Raises `ConfigError`."""
        configuration = self._read()
        url = configuration.settings.database.url
        if url != old.database.url:
            raise ConfigError(f"database.url cannot change to {url} while the program runs; restart it, or set it back")
        ready = assemble(configuration, frame, self._log_for)
        with self._lock:
            replaced, self._ready = self._ready, ready
        if replaced is not None:
            replaced.close()

    @property
    def ready(self) -> bool:
        """Whether something waits to take over."""
        return self._ready is not None

    def take(self) -> Assembly:
        """What waits to take over, once; only for when there is something, which nobody else takes."""
        with self._lock:
            ready, self._ready = self._ready, None
        assert ready is not None
        return ready
