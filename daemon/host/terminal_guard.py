"""A process that puts the terminal right if this one is killed where it can do nothing itself, as by `kill -9`.

It costs a fork, has a session of its own so that no key of the terminal reaches it, and ends with this process.
"""

import os
import signal
import termios
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

_CHANGED, _RIGHT = b"1", b"0"


class Guard:
    """Knows whether the terminal is changed now, and puts it right once this process is gone."""

    def __init__(self, descriptor: int, before: Sequence[Any], restore: bytes) -> None:
        """`before`: the modes that the terminal had. `restore`: what is written to it. Raises `OSError`."""
        reading, self._writing = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            try:
                os.close(self._writing)
                _stand_by(reading, descriptor, before, restore)
            finally:
                os._exit(0)
        os.close(reading)

    def tell(self, *, changed: bool) -> None:
        """Says whether the terminal is changed from here on."""
        with suppress(BrokenPipeError):
            os.write(self._writing, _CHANGED if changed else _RIGHT)

    def close(self) -> None:
        """Ends it."""
        os.close(self._writing)
        with suppress(ChildProcessError):
            os.waitpid(self._pid, 0)


def _stand_by(reading: int, descriptor: int, before: Sequence[Any], restore: bytes) -> None:
    os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    told = _RIGHT
    while news := os.read(reading, 1):
        told = news
        ours = termios.tcgetattr(descriptor) if told == _CHANGED else None
    if told == _CHANGED:
        with suppress(OSError, termios.error):
            # A shell that was quicker has modes of its own by now.
            if termios.tcgetattr(descriptor) == ours:
                termios.tcsetattr(descriptor, termios.TCSANOW, list(before))
            os.write(descriptor, restore)
