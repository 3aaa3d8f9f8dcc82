"""Keeps the file for node_exporter up to date. A file that cannot be written is logged and hinders nothing else."""

from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

from daemon.host import textfile
from daemon.model.errors import DaemonError
from daemon.model.event import Listener
from daemon.model.events.process import MetricsNotWritten, MetricsWritten

EVERY = 15.0
"""Seconds between two writings."""
LAST = 1.0
"""Seconds that the end of the process waits for a writing under way."""


class MetricsFile:
    """Made, begun and closed by the main thread; it writes in a thread of its own."""

    def __init__(self, file: Path, content: Callable[[], bytes], log: Listener = lambda _: None) -> None:
        self.content = content
        """May be replaced at any time, like `log`."""
        self.log = log
        self._file = file
        self._begun = Event()
        self._stop = Event()
        self._thread = Thread(target=self._run, name="metrics-file", daemon=True)
        self._last_error: str | None = None

    def start(self) -> None:
        """Starts the thread, which waits for `begin`. Raises `DaemonError` if it cannot."""
        try:
            self._thread.start()
        except RuntimeError as error:
            raise DaemonError(f"no thread can be started for the metrics now ({error})") from None

    def begin(self) -> None:
        """Writes from here on."""
        self._begun.set()

    def close(self) -> None:
        """Ends it."""
        self._stop.set()
        self._begun.set()
        if self._thread.is_alive():
            self._thread.join(LAST)

    def write(self) -> None:
        """Writes once. What fails is logged when it is new."""
        try:
            textfile.write(self._file, self.content())
        except OSError as error:
            self._failed(error.strerror or type(error).__name__)
        except Exception as error:  # noqa: BLE001 - a fault of this program must not end the thread
            self._failed(f"a fault of this program: {type(error).__name__}")
        else:
            if self._last_error is not None:
                self.log(MetricsWritten(str(self._file)))
            self._last_error = None

    def _failed(self, why: str) -> None:
        if why != self._last_error:
            self.log(MetricsNotWritten(str(self._file), why))
        self._last_error = why

    def _run(self) -> None:
        self._begun.wait()
        while not self._stop.is_set():
            self.write()
            self._stop.wait(EVERY)
