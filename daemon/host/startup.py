"""The first moments of the process. Imports nothing that takes time, and is called before anything does.

1. Standard input, output and error lead somewhere: a descriptor that is closed would be given to the next file that is
   opened, and the log would be written into the database.
2. SIGHUP does not end `run`, however early it comes: it is noted, and obeyed once that is possible. SIGTERM and SIGINT
   end it without a word, as they do later. Only the moment before the interpreter reads this cannot be helped, some 10
   ms after the start.
3. What SIGHUP wants is told by the terminal. One that closed sends it to all it ran, and they are to end; anybody else
   wants the configuration to be read again. So where there was a terminal at the start that is gone by the time the
   signal is looked at, it was the terminal. A process that was started to ignore the signal, as nohup(1) does, or that
   has a session of its own, as from setsid(1) and from systemd, has no terminal that could end it.
"""

import errno
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress

TERMINAL = "/dev/tty"
"""The controlling terminal of whoever opens it (tty(4))."""
STREAMS = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))


class Hangup:
    """SIGHUP, from the time it is listened to."""

    def __init__(self) -> None:
        self._listening = self._asked = False
        self._has_terminal: Callable[[], bool] | None = None

    def listen(self) -> None:
        """From here on the signal is noted."""
        if self._listening:
            return
        self._listening = True
        if signal.signal(signal.SIGHUP, lambda *_: self.ask()) is not signal.SIG_IGN:
            terminals = (_has_controlling_terminal, _speaks_to_terminal)
            self._has_terminal = next((has for has in terminals if has()), None)

    def ask(self) -> None:
        """As the signal does."""
        self._asked = True

    def asked(self) -> bool:
        """Whether it came since this was last looked at."""
        asked, self._asked = self._asked, False
        return asked

    def terminal_closed(self) -> bool:
        """Whether the terminal that this process was started from is gone."""
        return self._has_terminal is not None and not self._has_terminal()


HANGUP = Hangup()
"""Signals are the process's own."""


def begin(arguments: Sequence[str]) -> None:
    """`arguments`: those of the command line, of which `run` wants more care than the others."""
    _occupy_standard_descriptors()
    if "run" in arguments:
        HANGUP.listen()
        for number in (signal.SIGTERM, signal.SIGINT):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, _end)
        # With `stty tostop` a line of a job in the background would stop the whole process.
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)


def _end(*_: object) -> None:
    """Nothing was begun yet that would have to be ended in order."""
    raise SystemExit(0)


def _occupy_standard_descriptors() -> None:
    for number, (name, mode) in enumerate(STREAMS):
        try:
            os.fstat(number)
        except OSError:
            # The lowest that is free is given out, which is this one. A process that is started from here inherits it.
            with suppress(OSError):
                os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
                setattr(sys, name, os.fdopen(number, mode, closefd=False))


def _has_controlling_terminal() -> bool:
    try:
        os.close(os.open(TERMINAL, os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError as error:
        # Where no file can be opened at all, the terminal is not gone for that.
        return error.errno in {errno.EMFILE, errno.ENFILE, errno.ENOMEM}
    return True


def _speaks_to_terminal() -> bool:
    return os.isatty(2)
