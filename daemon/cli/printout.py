"""Standard output that holds up nobody: a thread of its own writes to it, however slowly it is read (`| less`)."""

import os
import sys
import time
from queue import SimpleQueue
from threading import Thread

from daemon.host.signals import Stop
from daemon.model.errors import DaemonError

GRACE = 1.0
"""Seconds that a reader gets for the rest after a stop."""
LOOK_AGAIN = 0.1
"""Seconds between two looks at the stop flag."""


class Printout:
    """`put` is called by any thread, all else by the main thread."""

    def __init__(self, stop: Stop) -> None:
        """`stop` is set if the output takes no more."""
        self._stop = stop
        self._texts: SimpleQueue[str | None] = SimpleQueue()
        self._error: OSError | None = None
        # Not through `sys.stdout`: while a write hangs it holds a lock that the end of the process needs.
        place = sys.stdout.fileno(), sys.stdout.encoding
        self._writer = Thread(target=self._write, args=place, name="printout", daemon=True)
        self._writer.start()

    def put(self, text: str) -> None:
        """Writes the text, and the end of its line, after all earlier ones."""
        self._texts.put(text)

    def end(self) -> None:
        """Waits until all is written; after a stop only for a moment.

        Raises `DaemonError` if something was not written by then, and the `OSError` of an output that took no more.
        """
        self._texts.put(None)
        until = time.monotonic() + GRACE
        while self._writer.is_alive() and not (self._stop.wait(0) and time.monotonic() > until):
            self._writer.join(LOOK_AGAIN)
        if self._error is not None:
            raise self._error
        if self._writer.is_alive():
            raise DaemonError("standard output was not read to its end, so something is missing there")

    def _write(self, descriptor: int, encoding: str) -> None:
        try:
            while (text := self._texts.get()) is not None:
                left = memoryview(f"{text}\n".encode(encoding, "replace"))
                while left:
                    left = left[os.write(descriptor, left) :]
        except OSError as error:
            self._error = error
            self._stop.set()
