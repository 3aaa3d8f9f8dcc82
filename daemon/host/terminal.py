"""The whole screen of a terminal, and single keys, for as long as a block lasts.

The terminal is put right at the end of the block, whatever ends it: a signal as well, which then ends the process as it
would have; `kill -9`, after which `Guard` does it; and each time the process is suspended, after which the screen is
taken again.
"""

import os
import select
import signal
import termios
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType
from typing import Any, Self

from daemon.host.terminal_guard import Guard

KEYBOARD, SCREEN = 0, 1
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
_ENTER = b"\x1b[?1049h\x1b[?25l\x1b[2J\x1b[H"
"""The other screen without a cursor (xterm's control sequences)."""
_LEAVE = b"\x1b[0m\x1b[?25h\x1b[?1049l"
_INPUT, _LOCAL, _SPECIAL = 0, 3, 6
"""Where termios(3) as Python has it keeps the modes of input, those of local keys, and the special characters."""
MOST = 65536
"""Bytes that are read at a time."""


class Terminal:
    """A context manager; one at a time, in the main thread. Standard input and output are the terminal."""

    def __init__(self) -> None:
        self.ended_by: signal.Signals | None = None
        """The signal that asked this process to end."""
        self.closed = False
        """Whether the terminal is gone."""
        self._suspended = self._resumed = False
        self._drawn: Sequence[str] = ()

    def __enter__(self) -> Self:
        self._before = termios.tcgetattr(KEYBOARD)
        self._guard = Guard(KEYBOARD, self._before, _LEAVE)
        self._bell = os.pipe()
        for end in self._bell:
            os.set_blocking(end, False)
        self._handlers = {number: signal.signal(number, self._note) for number in ENDING}
        for number in (signal.SIGTSTP, signal.SIGCONT, signal.SIGWINCH):
            self._handlers[number] = signal.signal(number, self._note)
        self._wakeup = signal.set_wakeup_fd(self._bell[1], warn_on_full_buffer=False)
        self._take()
        return self

    def __exit__(self, *_: object) -> None:
        self._give_back()
        signal.set_wakeup_fd(self._wakeup)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._guard.close()
        for end in self._bell:
            os.close(end)

    def size(self) -> tuple[int, int]:
        """Columns and lines; 80 and 24 where the terminal does not know."""
        with suppress(OSError):
            columns, lines = os.get_terminal_size(SCREEN)
            if columns and lines:
                return columns, lines
        return 80, 24

    def draw(self, lines: Sequence[str]) -> None:
        """Shows these lines from the top on, each of which fits; writes only those that are others than before."""
        if len(lines) != len(self._drawn):
            self._drawn = [""] * len(lines)
            self._write(b"\x1b[2J")
        changed = [
            (number, new) for number, (old, new) in enumerate(zip(self._drawn, lines, strict=True)) if old != new
        ]
        self._write(b"".join(f"\x1b[{number + 1}H{line}\x1b[0m\x1b[K".encode() for number, line in changed))
        self._drawn = lines

    def wait(self, seconds: float) -> bytes:
        """What is typed within that time; empty if nothing is, or if something else happened first."""
        ready, _, _ = select.select([KEYBOARD, self._bell[0]], [], [], seconds)
        with suppress(BlockingIOError):
            os.read(self._bell[0], MOST)
        self._obey()
        return self._read() if KEYBOARD in ready and not self.over else b""

    @property
    def over(self) -> bool:
        """Whether it is to end."""
        return self.closed or self.ended_by is not None

    def _note(self, number: int, _: FrameType | None) -> None:
        if number in ENDING:
            self.ended_by = self.ended_by or signal.Signals(number)
        elif number == signal.SIGTSTP:
            self._suspended = True
        elif number == signal.SIGWINCH:
            self._drawn = ()
        else:
            # It may come after a SIGSTOP, of which nobody hears.
            self._resumed = True

    def _obey(self) -> None:
        if self._suspended:
            self._suspended = False
            self._give_back()
            signal.signal(signal.SIGTSTP, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTSTP)
            # It goes on here.
            signal.signal(signal.SIGTSTP, self._note)
            self._resumed = True
        if self._resumed and not self.over:
            self._resumed = False
            self._take()

    def _take(self) -> None:
        """In the background this stops the process (SIGTTOU), until it comes to the foreground."""
        modes: list[Any] = [*self._before[:_SPECIAL], list(self._before[_SPECIAL])]
        # Keys come one by one and unseen; Ctrl-S does not stop the output. Ctrl-C and Ctrl-Z stay signals.
        modes[_INPUT] &= ~termios.IXON
        modes[_LOCAL] &= ~(termios.ECHO | termios.ICANON | termios.IEXTEN)
        modes[_SPECIAL][termios.VMIN], modes[_SPECIAL][termios.VTIME] = 1, 0
        try:
            termios.tcsetattr(KEYBOARD, termios.TCSANOW, modes)
        except termios.error:
            self.closed = True
        self._guard.tell(changed=True)
        self._drawn = ()
        self._write(_ENTER)

    def _give_back(self) -> None:
        self._write(_LEAVE)
        with suppress(termios.error):
            termios.tcsetattr(KEYBOARD, termios.TCSANOW, self._before)
        self._guard.tell(changed=False)

    def _read(self) -> bytes:
        try:
            typed = os.read(KEYBOARD, MOST)
        except OSError:
            typed = b""
        self.closed = not typed
        return typed

    def _write(self, data: bytes) -> None:
        try:
            while data:
                data = data[os.write(SCREEN, data) :]
        except OSError:
            self.closed = True


def is_there() -> bool:
    """Whether standard input and output are a terminal that can be written to at any place."""
    dumb = os.environ.get("TERM", "dumb") in {"", "dumb"}
    return not dumb and os.isatty(KEYBOARD) and os.isatty(SCREEN)


def end_as_asked(number: signal.Signals) -> None:
    """Ends this process by that signal, as its parent expects."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
