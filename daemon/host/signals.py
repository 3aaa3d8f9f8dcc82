"""The end of the program, as a flag that signal handlers raise and every thread waits for."""

import os
import select
import signal
import time
from contextlib import suppress


class Stop:
    """A pipe and no `threading.Event`.

    The lock of an event is not reentrant: a handler that runs while the main thread holds it would wait for ever.
    """

    def __init__(self) -> None:
        self._reading, self._writing = os.pipe()
        # However many signals come: a pipe that is full must not hold their handler up.
        os.set_blocking(self._writing, False)
        self._raised_at: float | None = None

    def raise_on_signals(self, *more: signal.Signals) -> None:
        """From here on SIGTERM and SIGINT raise the flag, and those of `more` that are not ignored already."""
        wanted = (number for number in more if signal.getsignal(number) is not signal.SIG_IGN)
        for number in (signal.SIGTERM, signal.SIGINT, *wanted):
            signal.signal(number, lambda *_: self.set())

    def set(self) -> None:
        """Raises the flag for good."""
        if self._raised_at is None:
            self._raised_at = time.monotonic()
        with suppress(BlockingIOError):
            os.write(self._writing, b"!")

    def since(self) -> float:
        """For how many seconds it has been up."""
        return 0.0 if self._raised_at is None else time.monotonic() - self._raised_at

    def wait(self, seconds: float) -> bool:
        """Waits until the flag is up, but no longer than that; whether it is up."""
        waiting = select.poll()
        waiting.register(self._reading, select.POLLIN)
        return bool(waiting.poll(max(seconds, 0) * 1000))
