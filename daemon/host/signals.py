"""The stop flag: signal handlers set it, and any thread can wait for it."""

import os
import select
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Stop:
    """The stop flag, as a pipe instead of a `threading.Event`.

    The lock of an event is not reentrant: a handler that interrupts the main thread while it holds the lock deadlocks.
    """

    def __init__(self) -> None:
        self._reading, self._writing = os.pipe()
        # A full pipe must not block the handler, however many signals arrive.
        os.set_blocking(self._writing, False)
        self._raised_at: float | None = None
        self._parts: tuple[Stop, ...] = ()

    @contextmanager
    def part(self) -> Iterator["Stop"]:
        """The flag of a part of the work, which ends with the whole. For the main thread.

        Nobody may wait for it any more when that part is over.
        """
        part = Stop()
        self._parts = (*self._parts, part)
        try:
            if self._raised_at is not None:
                part.set()
            yield part
        finally:
            self._parts = tuple(one for one in self._parts if one is not part)
            part.close()

    def raise_on_signals(self, *more: signal.Signals) -> None:
        """Sets the flag on SIGTERM and SIGINT, and on those of `more` that are not ignored already."""
        wanted = (number for number in more if signal.getsignal(number) is not signal.SIG_IGN)
        for number in (signal.SIGTERM, signal.SIGINT, *wanted):
            signal.signal(number, lambda *_: self.set())

    def set(self) -> None:
        """Sets the flag; it is never cleared."""
        if self._raised_at is None:
            self._raised_at = time.monotonic()
        with suppress(BlockingIOError):
            os.write(self._writing, b"!")
        for part in self._parts:
            part.set()

    def close(self) -> None:
        """Nobody waits for it any more."""
        os.close(self._reading)
        os.close(self._writing)

    def since(self) -> float:
        """Seconds since the flag was set; 0 if it is not."""
        return 0.0 if self._raised_at is None else time.monotonic() - self._raised_at

    def wait(self, seconds: float, *others: int) -> bool:
        """Waits at most `seconds` for the flag, or until one of the `others`, descriptors, can be read.

        Returns whether the flag is set.
        """
        if seconds <= 0 and not others:
            return self._raised_at is not None
        waiting = select.poll()
        for descriptor in (self._reading, *others):
            waiting.register(descriptor, select.POLLIN)
        return self._reading in dict(waiting.poll(max(seconds, 0) * 1000))
