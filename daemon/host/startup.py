"""Process start: standard descriptors and early signals. Runs first, and imports nothing slow.

1. Standard input, output and error are open. The next opened file would get a closed descriptor, and the log would be
   written into the database.
2. SIGHUP never ends `run`: an early one is noted and handled as soon as possible. SIGTERM and SIGINT end it silently,
   as they do later. Only the first 10 ms or so, before the interpreter runs this, are unprotected.
3. The terminal decides the meaning of SIGHUP. A terminal that closes sends it to its processes, to end them; from
   anyone else it means a reload. So if the process had a terminal at the start and that is gone when the signal is
   handled, the terminal sent it. A process that ignores the signal, as with nohup(1), or has its own session, as from
   setsid(1) or systemd, has no terminal that can end it.
"""

import errno
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress

TERMINAL = "/dev/tty"
"""The controlling terminal of the process that opens it (tty(4))."""
STREAMS = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))


class Hangup:
    """Notes SIGHUP, and tells whether the terminal sent it."""

    def __init__(self) -> None:
        self._asked = False
        self._bell: tuple[int, int] | None = None
        self._has_terminal: Callable[[], bool] | None = None

    def listen(self) -> int:
        """Installs the handler. Returns a descriptor that can be read while the signal is not handled yet."""
        if self._bell is not None:
            return self._bell[0]
        self._bell = os.pipe()
        for end in self._bell:
            # A full pipe must not block the handler, nor an empty one the main thread.
            os.set_blocking(end, False)
        if signal.signal(signal.SIGHUP, lambda *_: self.ask()) is not signal.SIG_IGN:
            terminals = (_has_controlling_terminal, _speaks_to_terminal)
            self._has_terminal = next((has for has in terminals if has()), None)
        return self._bell[0]

    def ask(self) -> None:
        """Does what the signal does."""
        self._asked = True
        if self._bell is not None:
            with suppress(BlockingIOError):
                os.write(self._bell[1], b"!")

    def asked(self) -> bool:
        """Whether the signal arrived since the last call."""
        if self._bell is not None:
            with suppress(BlockingIOError):
                while os.read(self._bell[0], 4096):
                    pass
        asked, self._asked = self._asked, False
        return asked

    def terminal_closed(self) -> bool:
        """Whether the terminal of this process is gone."""
        return self._has_terminal is not None and not self._has_terminal()


HANGUP = Hangup()
"""One per process, as signals are."""


def begin(arguments: Sequence[str]) -> None:
    """`arguments`: the command line. Signals are handled only for `run`."""
    _occupy_standard_descriptors()
    if "run" in arguments:
        HANGUP.listen()
        for number in (signal.SIGTERM, signal.SIGINT):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, _end)
        # With `stty tostop`, output of a background job would stop the whole process.
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)


def _end(*_: object) -> None:
    """Ends at once: nothing has begun yet that needs an orderly end."""
    raise SystemExit(0)


def _occupy_standard_descriptors() -> None:
    for number, (name, mode) in enumerate(STREAMS):
        try:
            os.fstat(number)
        except OSError:
            # The kernel assigns the lowest free number, which is this one. Child processes inherit it.
            with suppress(OSError):
                os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
                setattr(sys, name, os.fdopen(number, mode, closefd=False))


def _has_controlling_terminal() -> bool:
    try:
        os.close(os.open(TERMINAL, os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError as error:
        # If no file can be opened at all, that does not mean the terminal is gone.
        return error.errno in {errno.EMFILE, errno.ENFILE, errno.ENOMEM}
    return True


def _speaks_to_terminal() -> bool:
    return os.isatty(2)
