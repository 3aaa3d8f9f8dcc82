"""The figures of `make bench`: what a real daemon costs and how much it carries, against the sandbox.

They are printed, not judged: machines differ, and a slow one is not a fault of the program.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from daemon.model.incident import IncidentState, Kind, Phase, Transition
from daemon.sandbox.process import isolated
from daemon.sandbox.server import Sandbox
from daemon.storage.engine import open_engine
from daemon.storage.incidents import Change
from daemon.storage.instance import locked
from daemon.storage.schema import DELIVERIES, INCIDENTS
from daemon.storage.upgrade import upgrade
from tests.support.store import Store

IDLE_ROUNDS = 20
BURST = 500
LISTED = 100_000
TICKS = os.sysconf("SC_CLK_TCK")
LAST_WORDS = (
    "import atexit, runpy, sys; atexit.register(lambda: sys.stderr.write(open('/proc/self/status').read())); "
    "runpy.run_module('daemon', run_name='__main__', alter_sys=True)"
)
"""The program, which says at its end what it needed: what the kernel tells a parent counts the parent's memory, too."""


@contextmanager
def daemon(sandbox: Sandbox, directory: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The real thing, for as long as the block lasts."""
    environment = isolated(os.environ, directory) | sandbox.environment() | {"POLL__SWEEP_INTERVAL": "1h"}
    (directory / "config.toml").touch()
    with (directory / "log").open("wb") as log:
        command = [sys.executable, "-m", "daemon", "run"]
        process = subprocess.Popen(command, env=environment, cwd=directory, stderr=log)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(30)


def cpu_seconds(pid: int) -> float:
    """User and system time of the process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_megabytes(pid: int, which: str) -> float:
    """`VmRSS`, now, or `VmHWM`, the most ever, in units of 1,000,000 bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split(f"{which}:")[1].split()[0]) * 1024 / 1e6


def idle() -> None:
    """Start, and rounds in which nothing happens."""
    with Sandbox() as sandbox, tempfile.TemporaryDirectory() as directory:
        sandbox.world.resolve(sandbox.world.open("Old certificate"))
        began = time.monotonic()
        with daemon(sandbox, Path(directory)) as process:
            sandbox.wait_for(lambda: sandbox.betterstack.requests, 60)
            took = time.monotonic() - began
            print(f"start to first request          {took:8.2f} s   (a fresh database, migrated first)")
            rounds = len(sandbox.betterstack.requests)
            sandbox.wait_for(lambda: len(sandbox.betterstack.requests) >= rounds + 3, 60)
            before, first = cpu_seconds(process.pid), len(sandbox.betterstack.requests)
            sandbox.wait_for(lambda: len(sandbox.betterstack.requests) >= first + IDLE_ROUNDS, 120)
            spent = (cpu_seconds(process.pid) - before) / IDLE_ROUNDS
            print(f"CPU of an idle round            {spent * 1000:8.1f} ms  (one request, one small transaction)")
            print(f"resident memory, idle           {resident_megabytes(process.pid, 'VmRSS'):8.1f} MB")


def burst() -> None:
    """A large outage: many incidents open at once."""
    with Sandbox(event_limit=10**6) as sandbox, tempfile.TemporaryDirectory() as directory:
        for number in range(BURST):
            sandbox.world.open(f"Incident {number}")
        with daemon(sandbox, Path(directory)) as process:
            sandbox.wait_for(lambda: sandbox.signl4.events, 60)
            first, pages = time.monotonic(), len(sandbox.betterstack.requests)
            sandbox.wait_for(lambda: len(sandbox.signl4.events) >= BURST, 120)
            took = time.monotonic() - first
            print(f"first alert of {BURST}              after page {pages} of {BURST // 50}")
            rate = BURST / took
            print(
                f"outbox to SIGNL4                {rate:8.0f} /s  ({BURST} alerts in {took:.1f} s, polling meanwhile)"
            )
            print(f"most memory ever                {resident_megabytes(process.pid, 'VmHWM'):8.1f} MB")


def outbox() -> None:
    """Transitions into the outbox, by pages of fifty as a round commits them."""
    with tempfile.TemporaryDirectory() as directory:
        url = f"sqlite:///{directory}/state.db"
        with locked(url):
            upgrade(url)
        engine = open_engine(url)
        store = Store(engine)
        now = datetime.now(UTC)
        began = time.monotonic()
        for page in range(BURST // 50):
            store.record([_opened(str(page * 50 + number), now) for number in range(50)], now)
        took = time.monotonic() - began
        print(f"into the outbox                 {BURST / took:8.0f} /s  ({BURST} transitions, a commit a page)")
        engine.dispose()


def listings() -> None:
    """What an operator waits for, in a database that is months old."""
    with tempfile.TemporaryDirectory() as directory:
        url = f"sqlite:///{directory}/state.db"
        with locked(url):
            upgrade(url)
        engine = open_engine(url)
        now = datetime.now(UTC)
        Store(engine).record([_opened("1", now)], now)
        with engine.begin() as connection:
            for table, key in ((INCIDENTS, "id"), (DELIVERIES, "incident_id")):
                others = ", ".join(column.name for column in table.c if column.name not in {"id", key})
                numbers = f"WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < {LISTED})"
                copies = f"SELECT cast(i AS TEXT), {others} FROM n, {table.name}"
                connection.exec_driver_sql(f"INSERT INTO {table.name} ({key}, {others}) {numbers} {copies}")
        engine.dispose()
        for command in ("deliveries", "incidents", "deliveries --limit 0 --json"):
            spent, megabytes = _cost_of(command, {**os.environ, "DATABASE__URL": url})
            print(f"{command:27}     {spent:8.2f} s CPU, {megabytes:.1f} MB  (of {LISTED:,} rows)")


def _cost_of(command: str, environment: dict[str, str]) -> tuple[float, float]:
    """Seconds of CPU and the most resident memory of a command, in units of 1,000,000 bytes."""
    before = os.times()
    arguments = [sys.executable, "-c", LAST_WORDS, *command.split()]
    ended = subprocess.run(
        arguments, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    after = os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return spent, int(ended.stderr.split("VmHWM:")[1].split()[0]) * 1024 / 1e6


def _opened(incident_id: str, now: datetime) -> Change:
    after = IncidentState(
        id=incident_id,
        external_id=incident_id,
        generation=1,
        phase=Phase.OPEN,
        alerted=True,
        status="Started",
        name="Shop front page",
        cause="Status 503",
        url="https://shop.example.com/",
        started_at=now,
        acknowledged_at=None,
        resolved_at=None,
        reopened_at=None,
    )
    return Change(after, ((Transition(Kind.NEW, 1, now, "first seen open"), {"Title": "Shop front page"}),))


if __name__ == "__main__":
    idle()
    outbox()
    listings()
    burst()
