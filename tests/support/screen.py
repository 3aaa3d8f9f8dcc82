"""A terminal that remembers what is on it, and a program that was started there as by a person."""

import fcntl
import os
import pty
import re
import signal
import struct
import sys
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from select import select
from time import monotonic
from typing import Any

from tests.support import confined, warm
from tests.support.paths import ROOT
from tests.support.slowness import SLOWNESS

PATIENCE = 20.0 * SLOWNESS
_PART = re.compile(r"\x1b\[([?\d;]*)([A-Za-z])|([^\x1b]+)", re.DOTALL)
OTHER_SCREEN, OWN_SCREEN, CURSOR, NO_CURSOR = "?1049h", "?1049l", "?25h", "?25l"


class Screen:
    """What a person sees, and the modes of the terminal. Knows the control sequences that the program uses."""

    def __init__(self, columns: int = 80, lines: int = 24) -> None:
        self.person, self.program = pty.openpty()
        self.modes = termios.tcgetattr(self.person)
        self.lines: dict[int, str] = {}
        self.private = [CURSOR]
        """The private modes in the order in which they were set."""
        self._row = 1
        self.raw = ""
        """All that it got."""
        self.resize(columns, lines)

    def resize(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self.person, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def type(self, keys: str) -> None:
        os.write(self.person, keys.encode())

    def shows(self, *texts: str) -> str:
        """Reads until all of that is there; returns all that is there then."""
        return self.until(lambda: all(text in self.text for text in texts), texts)

    def until(self, condition: Callable[[], bool], what: object = "") -> str:
        end = monotonic() + PATIENCE
        while not condition():
            # Its clock goes on, so something is drawn every two seconds.
            assert select([self.person], [], [], max(end - monotonic(), 0))[0], (what, self.text)
            try:
                self._take(os.read(self.person, 65536).decode("utf-8", "replace"))
            except OSError:
                assert condition(), (what, self.text)
        return self.text

    @property
    def text(self) -> str:
        return "\n".join(self.lines.get(row, "") for row in range(1, max(self.lines, default=0) + 1))

    @property
    def is_right(self) -> bool:
        """Whether it is as it was before: the modes, the cursor and the screen."""
        shown = [one for one in self.private if one in {CURSOR, NO_CURSOR}][-1]
        screens = [one for one in self.private if one in {OTHER_SCREEN, OWN_SCREEN}]
        return termios.tcgetattr(self.person) == self.modes and shown == CURSOR and screens[-1:] != [OTHER_SCREEN]

    def read_to_end(self) -> None:
        with suppress(OSError):
            while select([self.person], [], [], 0)[0] and (part := os.read(self.person, 65536)):
                self._take(part.decode("utf-8", "replace"))

    def _take(self, seen: str) -> None:
        self.raw += seen
        for numbers, code, text in _PART.findall(seen):
            if code == "H":
                self._row = int(numbers or 1)
                self.lines[self._row] = ""
            elif code == "J":
                self.lines = {}
            elif code in {"h", "l"}:
                self.private.append(f"{numbers}{code}")
            elif text:
                self.lines[self._row] = self.lines.get(self._row, "") + text


class Watched:
    """The program at the screen."""

    def __init__(self, screen: Screen, line: str, environment: dict[str, str], directory: Path) -> None:
        self.screen = screen
        whole: Any = {"TERM": "xterm-256color", "PYTHONPATH": str(ROOT), "TZ": "UTC", **environment}
        streams: Any = dict.fromkeys(("stdin", "stdout", "stderr"), screen.program)
        command = [sys.executable, "-m", "daemon", *line.split()]
        first = partial(confined.at_terminal, under_nohup=False)
        self.process = warm.started(command, env=whole, cwd=directory, first=first, **streams)

    def ends(self) -> int:
        """Waits for that; returns the exit code."""
        code = self.process.wait(PATIENCE)
        self.screen.read_to_end()
        return code

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)


@contextmanager
def watching(database: Path, line: str = "watch", *, size: tuple[int, int] = (80, 24)) -> Iterator[Watched]:
    screen = Screen(*size)
    environment = {"DATABASE__URL": f"sqlite:///{database}", "BETTERSTACK__TOKEN": "a-token-of-better-stack"}
    watched = Watched(screen, line, {**environment, "SIGNL4__SECRET": "96sbq49u"}, database.parent)
    try:
        yield watched
    finally:
        watched.process.kill()
        watched.process.wait(PATIENCE)
        os.close(screen.person)
        os.close(screen.program)
