"""The program of one checkout as a process, seen from outside, and the server that it talks to."""

import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daemon.sandbox.process import isolated
from tests.bench import probe

HERE = Path(__file__).parents[2]
TICKS = os.sysconf("SC_CLK_TCK")
PATIENCE = 600.0
"""Seconds."""
WARM_UP = 3
"""Rounds before the first that counts."""
SETTINGS = {
    "BETTERSTACK__TOKEN": "a-token-of-better-stack",
    "SIGNL4__SECRET": "secret1",
    "POLL__INTERVAL": "1s",
    "POLL__ACTIVE_INTERVAL": "1s",
    "POLL__SWEEP_INTERVAL": "1d",
}
NOTHING: Mapping[str, str | None] = {}


@dataclass(frozen=True, slots=True)
class Checkout:
    """A checkout, with its own interpreter where it has one."""

    place: Path

    @property
    def python(self) -> str:
        """Its interpreter."""
        own = self.place / ".venv/bin/python"
        return str(own) if own.exists() else sys.executable

    def environment(self, directory: Path, url: str = "") -> dict[str, str]:
        """The variables under which its program runs, with its state in that directory."""
        services = {"BETTERSTACK__BASE_URL": url, "SIGNL4__BASE_URL": url} if url else {}
        return {**isolated(os.environ, directory), **SETTINGS, **services, "PYTHONPATH": str(self.place)}


@dataclass(frozen=True, slots=True)
class Server:
    """The stand-in for both services."""

    url: str

    def figures(self) -> Any:
        """What has been asked of it."""
        return self._ask("GET", "/figures")

    def counts(self) -> Any:
        """How often it has been asked."""
        return self._ask("GET", "/counts")

    def open(self, count: int) -> None:
        """From now on so many incidents are open."""
        self._ask("POST", f"/open?count={count}")

    def watch(self, count: int) -> None:
        """From now on there are so many monitors."""
        self._ask("POST", f"/watch?count={count}")

    def wait_for(self, what: str, count: int) -> Sequence[float]:
        """Waits until that figure has so many entries; returns them. Raises `TimeoutError`."""
        until = time.monotonic() + PATIENCE
        while (found := self.counts()[what]) < count:
            if time.monotonic() > until:
                raise TimeoutError(f"{found} of {count} {what} after {PATIENCE:g} s")
            time.sleep(0.02)
        return list(self.figures()[what])

    def _ask(self, method: str, target: str) -> Any:
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"))
        try:
            connection.request(method, target)
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()


def directory() -> "tempfile.TemporaryDirectory[str]":
    """A place for a database. Not in memory, where nothing is synced."""
    return tempfile.TemporaryDirectory(prefix="bench-", dir=os.environ.get("BENCH_DIR"))


@contextmanager
def serving(incidents: int = 0) -> Iterator[Server]:
    """A stand-in for both services, with so many open incidents."""
    command = [sys.executable, "-m", "tests.bench.stand_in"]
    with running(command, {**os.environ, "PYTHONPATH": str(HERE)}, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        server = Server(f"http://127.0.0.1:{int(process.stdout.readline())}")
        server.open(incidents)
        yield server


@contextmanager
def running(command: Sequence[str], environment: Mapping[str, str], **how: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A process for as long as the block lasts."""
    process = subprocess.Popen(command, env=environment, **how)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)


@contextmanager
def daemon(
    checkout: Checkout,
    directory: Path,
    server: Server,
    *,
    calls: bool = False,
    counted: bool = False,
    under: Sequence[str] = (),
    settings: Mapping[str, str | None] = NOTHING,
) -> Iterator[subprocess.Popen[bytes]]:
    """The daemon. `counted`: with `counts` in the directory; `calls`: also the calls of functions, which costs time.

    `under`: a command that runs it. `settings`: variables that count in place of others; `None`: it is not set.
    """
    environment = checkout.environment(directory, server.url) | ({"PROBE_CALLS": "1"} if calls else {})
    given = {name: value for name, value in settings.items() if value is not None}
    environment = {name: value for name, value in environment.items() if name not in settings} | given
    configuration = directory / "config.toml"
    if not configuration.exists():
        configuration.touch()
    command = [checkout.python, "-m", "daemon", "run"]
    if counted or calls:
        (directory / "counts").write_bytes(bytes(probe.SIZE))
        command = [checkout.python, str(Path(probe.__file__)), str(directory / "counts"), "run"]
    command = [*under, *command]
    with (directory / "log").open("ab") as log, running(command, environment, cwd=directory, stderr=log) as process:
        yield process


def cpu_seconds(pid: int) -> float:
    """User and system time of the process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def fine_cpu_seconds(pid: int) -> float:
    """The same from the scheduler's own books, in nanoseconds: of the threads that still run."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def switches(pid: int) -> int:
    """Context switches of the threads that still run."""
    found = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        lines = (task / "status").read_text().splitlines()
        found += sum(int(line.split()[1]) for line in lines if "ctxt_switches" in line)
    return found


def megabytes(pid: int, which: str) -> float:
    """`VmRSS`, now, or `VmHWM`, the most ever, in units of 1,000,000 bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split(f"{which}:")[1].split()[0]) * 1024 / 1e6
