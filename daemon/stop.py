"""The end of the program, as a flag that signal handlers raise and every thread waits for."""

import os
import select
import signal


class Stop:
    """A pipe and no `threading.Event`.

    The lock of an event is not reentrant: a handler that runs while the main thread holds it would wait for ever.
    """

    def __init__(self) -> None:
        self._reading, self._writing = os.pipe()

    def raise_on_signals(self) -> None:
        """From here on SIGTERM and SIGINT raise the flag."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.set())

    def set(self) -> None:
        """Raises the flag for good."""
        os.write(self._writing, b"!")

    def wait(self, seconds: float) -> bool:
        """Waits until the flag is up, but no longer than that; whether it is up."""
        waiting = select.poll()
        waiting.register(self._reading, select.POLLIN)
        return bool(waiting.poll(max(seconds, 0) * 1000))
