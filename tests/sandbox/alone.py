"""The sandbox as a process of its own: what it prints, what is typed into it, and clients that are let in."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.support import warm
from tests.support.paths import ROOT
from tests.support.slowness import SLOWNESS

PATIENCE = 30.0 * SLOWNESS
"""Seconds after which something that a test waits for will not happen any more."""


class Alone:
    """A process under way, whose first lines are read."""

    def __init__(self, directory: Path, *arguments: str, stdin: int = warm.PIPE) -> None:
        self.process = warm.started(
            [sys.executable, "-m", "daemon.sandbox", *arguments],
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"},
            cwd=directory,
            stdin=stdin,
            stdout=warm.PIPE,
            stderr=warm.PIPE,
        )
        self.head = self.until(lambda line: line.startswith("# Type"))
        self.variables = dict(line.split("=", 1) for line in self.head if not line.startswith("#"))

    def until(self, enough: Callable[[str], bool]) -> list[str]:
        """The next lines, up to one that is enough."""
        assert self.process.stdout is not None
        lines: list[str] = []
        while not lines or not enough(lines[-1]):
            line = self.process.stdout.readline()
            assert line, f"it ended after {lines}"
            lines.append(line.rstrip("\n"))
        return lines

    def types(self, *lines: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("".join(f"{line}\n" for line in lines))
        self.process.stdin.flush()

    def end(self, number: int = signal.SIGTERM) -> list[str]:
        """Sends the signal; the lines that were left."""
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.process.send_signal(number)
        rest = self.process.stdout.read()
        errors = self.process.stderr.read()
        assert (self.process.wait(PATIENCE), errors) == (0, "")
        return rest.splitlines()

    def webhook(self, secret: str | None = None) -> str:
        return f"{self.variables['SIGNL4__BASE_URL']}/webhook/{secret or self.variables['SIGNL4__SECRET']}"

    def client(self) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.variables['BETTERSTACK__TOKEN']}"}
        return httpx.Client(
            base_url=self.variables["BETTERSTACK__BASE_URL"], headers=headers, timeout=PATIENCE, verify=False
        )


@contextmanager
def alone(directory: Path, *arguments: str, stdin: int = warm.PIPE) -> Iterator[Alone]:
    """A sandbox that is gone afterwards."""
    started = Alone(directory, *arguments, stdin=stdin)
    try:
        yield started
    finally:
        started.process.kill()
        started.process.wait(PATIENCE)
        for stream in (started.process.stdin, started.process.stdout, started.process.stderr):
            if stream is not None:
                stream.close()
