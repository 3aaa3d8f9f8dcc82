"""The real process between both services on loopback, and somebody who starts it, kills it and asks it questions."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs

import pytest

from daemon.sandbox.context import wall_clock
from daemon.sandbox.history import Event
from daemon.sandbox.process import isolated
from daemon.sandbox.server import Sandbox
from daemon.sandbox.signl4_rest import API_KEY
from tests.support import warm
from tests.support.canary import leaked
from tests.support.slowness import SLOWNESS

PATIENCE = 45.0 * SLOWNESS
"""Seconds after which something that a test waits for will not happen any more."""
PROGRAM = (sys.executable, "-m", "daemon")
WRAPPED = (sys.executable, "-m", "tests.e2e.wrapper")
"""The program with switches for faults that can only be made inside it."""
BUSY = {"LOG__LEVEL": "debug", "POLL__INTERVAL": "1s", "POLL__ACTIVE_INTERVAL": "1s"}
"""A log with a lot in it."""
KEY: dict[str, Any] = {
    "SIGNL4__API_KEY": API_KEY,
    "WRITE_BACK__INTERVAL": "5s",
    "POLL__INTERVAL": "1s",
    "POLL__ACTIVE_INTERVAL": "1s",
    "DELIVERY__GAP": "0s",
}
"""An API key, and no longer waits than have to be."""


def clockwork(offset: float = 0) -> tuple[str, ...]:
    """The program with clocks that can be set."""
    return (sys.executable, "-m", "tests.e2e.clockwork", str(offset))


class WorldTime:
    """The time of both services, which is right."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return wall_clock() + self.ahead


class Daemon:
    """A process under way. Its log is kept line by line, and each line notifies the sandbox."""

    def __init__(
        self,
        command: list[str],
        environment: Mapping[str, str],
        directory: Path,
        sandbox: Sandbox,
        program: Sequence[str] = PROGRAM,
        stdout: int = subprocess.DEVNULL,
        first: Callable[[], object] | None = None,
    ) -> None:
        """`first`: what the process does before it becomes the program, a function of `tests.support.confined`."""
        self.lines: list[str] = []
        self._sandbox = sandbox
        self.process = warm.started(
            [*program, *command],
            env=environment,
            cwd=directory,
            stdin=subprocess.PIPE,
            stdout=stdout,
            stderr=subprocess.PIPE,
            first=first,
        )
        assert self.process.stdin is not None
        self._stdin = self.process.stdin
        self._reader = Thread(target=self._read)
        self._reader.start()

    def wait_for(self, predicate: Callable[[], object], what: str, patience: float = PATIENCE) -> None:
        """Waits for something in the sandbox or in the log."""
        try:
            self._sandbox.wait_for(predicate, patience, what)
        except TimeoutError as error:
            error.add_note("\n".join(self.lines[-20:]))
            raise

    def says(self, text: str) -> bool:
        return any(text in line for line in self.lines)

    def command(self, text: str) -> None:
        """Says a line to the process; only the wrapper programs of the tests listen."""
        self._stdin.write(f"{text}\n")
        self._stdin.flush()

    def stop(self, number: int, within: float) -> int:
        """Sends the signal; the exit code. Raises `TimeoutExpired` if the process is not gone by then."""
        self.process.send_signal(number)
        code = self.process.wait(within)
        self._reader.join()
        return code

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def end(self) -> None:
        self.kill()
        self._reader.join()
        with suppress(BrokenPipeError):
            self._stdin.close()

    def _read(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as stream:
            for line in stream:
                self.lines.append(line.rstrip("\n"))
                self._sandbox.context.notify()
        # Whoever waits for the end of the process must find it over when it is notified.
        self.process.wait()
        self._sandbox.context.notify()


class Operator:
    """Runs commands of the program in one directory, against one sandbox."""

    def __init__(self, sandbox: Sandbox, directory: Path) -> None:
        self.sandbox = sandbox
        self.directory = directory
        self.environment = isolated(os.environ, directory) | sandbox.environment()
        (directory / "config.toml").touch()
        self._running: list[Daemon] = []

    def run(self, directory: Path | None = None, program: Sequence[str] = PROGRAM, **settings: str) -> Daemon:
        """Starts the daemon."""
        daemon = Daemon(["run"], self.environment | settings, directory or self.directory, self.sandbox, program)
        self._running.append(daemon)
        return daemon

    def ask(
        self, *command: str, directory: Path | None = None, program: Sequence[str] = PROGRAM, **settings: str
    ) -> subprocess.CompletedProcess[str]:
        """Runs a command to its end. Whatever it says holds no secret (Promise 8)."""
        done = warm.run(
            [*program, *command], env=self.environment | settings, cwd=directory or self.directory, timeout=PATIENCE
        )
        assert leaked(done.stdout + done.stderr) == []
        return done

    def told(self, incident_id: str) -> list[str]:
        """What SIGNL4 took of this incident."""
        return [event.kind for event in self.events if event.external_id == incident_id]

    @property
    def events(self) -> tuple[Event, ...]:
        return self.sandbox.signl4.events

    def end(self) -> None:
        for daemon in self._running:
            daemon.end()
            assert leaked("\n".join(daemon.lines)) == []


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(event_limit=10**6, faulty_limit=None) as sandbox:
        yield sandbox


@pytest.fixture
def operator(sandbox: Sandbox, tmp_path: Path, empty_database: bytes) -> Iterator[Operator]:
    """On a database that is at the newest schema, which saves each test the migrations."""
    (tmp_path / "state.db").write_bytes(empty_database)
    operator = Operator(sandbox, tmp_path)
    yield operator
    for service in (sandbox.betterstack, sandbox.signl4):
        service.faults.clear()
    operator.end()


def pages(sandbox: Sandbox) -> list[Any]:
    """The requests for the first page of the open set, one of each round."""
    return [one for one in sandbox.betterstack.requests if _is_first_page(one.request.target)]


@lru_cache(maxsize=1000)
def _is_first_page(target: str) -> bool:
    """Read once: who waits asks at each change about all requests there were."""
    query = parse_qs(target.partition("?")[2])
    return "resolved" in query and query["page"] == ["1"]


@contextmanager
def started(operator: Operator, command: tuple[str, ...] = PROGRAM, **how: Any) -> Iterator[Any]:
    """The daemon, whose standard error leads where the test wants it."""
    environment = operator.environment | BUSY | how.pop("settings", {})
    process = warm.started([*command, "run"], env=environment, cwd=operator.directory, **how)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()


@pytest.fixture
def full_pipe() -> Iterator[int]:
    """A pipe that nobody reads, and that takes nothing more."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    try:
        while True:
            os.write(writing, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(writing, True)
    yield writing
    os.close(reading)
    os.close(writing)
