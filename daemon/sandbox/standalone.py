"""The sandbox by itself: it prints what happens, and obeys the commands that are typed meanwhile.

One thread prints, and never under the lock of the services, so a terminal that stands still holds up neither of them.
"""

import os
import sys
import time
from collections import deque
from collections.abc import Callable
from threading import Event, Thread

from daemon.sandbox.commands import Commands
from daemon.sandbox.life import Life
from daemon.sandbox.news import News
from daemon.sandbox.server import Sandbox

AGAIN = 1.0
"""Seconds until the terminal is asked again while another job has it."""
BLOCK = 65536
LOOK_UP = 1.0
"""Longest wait, in seconds. A signal right before a wait does not end it: Python handles it after the wait."""


class StandAlone:
    """A running sandbox, its changes by themselves, and whoever types."""

    def __init__(self, sandbox: Sandbox, every: float) -> None:
        """`every`: seconds between two changes that come by themselves; 0: there are none."""
        self._changed = sandbox.context.changed
        self._life = Life(sandbox.context, sandbox.world, every, time.monotonic())
        self._news = News(sandbox)
        self._heard: deque[str] = deque()
        self.commands = Commands(sandbox, self._life, time.monotonic)

    def hear(self, line: str) -> None:
        """Takes a command, from any thread."""
        with self._changed:
            self._heard.append(line)
            self._changed.notify_all()

    def run(self, say: Callable[[str], object]) -> None:
        """Goes on until a command ends it."""
        while not self.commands.over:
            for line in self._wait_for_lines():
                say(line)

    def _wait_for_lines(self) -> list[str]:
        """The next lines to print. There may be none."""
        with self._changed:
            self._life.advance(time.monotonic())
            lines = self._news.lines()
            while self._heard and not self.commands.over:
                lines += self.commands.obey(self._heard.popleft()) + self._news.lines()
            if not lines and not self.commands.over:
                due = self._life.until_due(time.monotonic())
                self._changed.wait(LOOK_UP if due is None else min(due, LOOK_UP))
            return lines


def listen(hear: Callable[[str], object]) -> None:
    """Begins to read commands from standard input, if there is one. Its end at a terminal (Ctrl-D) is a `quit`."""
    if sys.stdin is not None:
        Thread(target=_listen, args=(sys.stdin.fileno(), hear), daemon=True).start()


def _listen(stream: int, hear: Callable[[str], object]) -> None:
    rest = b""
    while block := _read(stream):
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            hear(line.decode("utf-8", "replace"))
    hear(rest.decode("utf-8", "replace"))
    if os.isatty(stream):
        hear("quit")


def _read(stream: int) -> bytes:
    """The next bytes; none at the end. A job in the background of its terminal waits until it is in front again."""
    # `BufferedReader` has a lock, and Python would abort if a thread held it while the process ends.
    while True:
        try:
            return os.read(stream, BLOCK)
        except OSError:
            if not os.isatty(stream):
                return b""
            Event().wait(AGAIN)
