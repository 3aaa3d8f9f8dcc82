"""`status` beside a real process: who works on the state is known from its lock, at once and without disturbing it."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from daemon import __version__
from daemon.decisions.poll_health import NO_DAEMON
from daemon.sandbox import mishaps
from daemon.sandbox.faults import Hang
from daemon.sandbox.server import Sandbox
from daemon.storage.sqlite import LOG_LIMIT
from tests.e2e.conftest import PATIENCE, Operator, pages

SHELL = """
import sqlite3, sys
shell = sqlite3.connect(sys.argv[1], isolation_level=None)
shell.execute("BEGIN")
shell.execute("SELECT * FROM progress").fetchall()
print("reads", flush=True)
sys.stdin.read()
"""
"""A person's shell in the database, with a transaction that was forgotten."""


def report(operator: Operator, code: int) -> dict[str, Any]:
    asked = operator.ask("status", "--json")
    assert asked.returncode == code, asked.stdout
    told: dict[str, Any] = json.loads(asked.stdout)
    return told


def test_status_names_the_process_its_version_and_since_when(operator: Operator, sandbox: Sandbox) -> None:
    daemon = operator.run()
    daemon.wait_for(lambda: len(pages(sandbox)) > 1, "a complete round")
    told = report(operator, 0)["process"]
    assert (told["pid"], told["version"]) == (daemon.process.pid, __version__)
    assert datetime.now(UTC) - datetime.fromisoformat(told["since"]) < timedelta(seconds=PATIENCE)
    shown = operator.ask("status").stdout
    assert f"process               {daemon.process.pid}, version {__version__}, since " in shown


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_daemon_that_is_gone_is_missed_at_once(operator: Operator, sandbox: Sandbox, number: signal.Signals) -> None:
    daemon = operator.run(POLL__INTERVAL="30s", POLL__ACTIVE_INTERVAL="30s")
    daemon.wait_for(lambda: operator.ask("status").returncode == 0, "a complete round")
    os.kill(daemon.process.pid, number)
    daemon.process.wait(PATIENCE)
    told = report(operator, 1)
    assert told["problems"] == [NO_DAEMON]
    assert told["process"] is None
    assert "process               none\n" in operator.ask("status").stdout


def test_a_long_first_round_is_no_missing_daemon(operator: Operator, sandbox: Sandbox) -> None:
    hang = sandbox.betterstack.faults.arm(Hang())
    daemon = operator.run(HTTP__TIMEOUT="100s")
    daemon.wait_for(lambda: hang.struck, "the first request")
    told = report(operator, 1)
    assert told["problems"] == ["no round was ever complete; first round under way"]
    assert told["process"]["pid"] == daemon.process.pid
    hang.release()
    daemon.wait_for(lambda: operator.ask("status").returncode == 0, "a complete round")


def test_who_starts_once_again_and_again_has_no_daemon_to_miss(operator: Operator, sandbox: Sandbox) -> None:
    assert operator.ask("once").returncode == 0
    assert report(operator, 0)["process"] is None


def test_after_a_daemon_once_is_what_serves_the_state_and_the_other_way_round(
    operator: Operator, sandbox: Sandbox
) -> None:
    daemon = operator.run()
    daemon.wait_for(lambda: len(pages(sandbox)) > 1, "a complete round")
    daemon.kill()
    assert report(operator, 1)["problems"] == [NO_DAEMON]
    assert operator.ask("once").returncode == 0
    assert report(operator, 0)["problems"] == []
    refusal = sandbox.betterstack.faults.arm(mishaps.status(500))
    again = operator.run()
    again.wait_for(lambda: refusal.struck, "a round, which fails")
    again.kill()
    assert report(operator, 1)["problems"] == [NO_DAEMON]


def _emptied(operator: Operator) -> bool:
    process = json.loads(operator.ask("status", "--json").stdout or "{}").get("process")
    return bool(process and process["checkpointed_at"])


def test_a_shell_that_was_forgotten_in_the_database_is_named_until_it_is_gone(operator: Operator) -> None:
    daemon = operator.run()
    # Right after the first complete round, if no shell is in the way.
    daemon.wait_for(lambda: _emptied(operator), "the first time that the log is emptied")
    database = operator.directory / "state.db"
    log = operator.directory / "state.db-wal"
    with ExitStack() as shells:
        shell = subprocess.Popen([sys.executable, "-c", SHELL, database], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        shells.callback(shell.communicate)
        shells.callback(shell.kill)
        assert shell.stdout is not None
        assert shell.stdout.readline() == b"reads\n"
        with closing(sqlite3.connect(database, isolation_level=None, timeout=PATIENCE)) as other:
            for letter in "abcdefghijkl":
                other.execute("UPDATE progress SET last_round_error = ?", (letter * 10**6,))
            other.execute("UPDATE progress SET last_round_error = NULL")
        name = Path(f"/proc/{shell.pid}/comm").read_text().strip()
        told = report(operator, 1)
        [problem] = told["problems"]
        emptied = datetime.fromisoformat(told["process"]["checkpointed_at"])
        assert problem == (
            f"the log of the database, which was last emptied at {emptied:%Y-%m-%d %H:%M} UTC, has grown to "
            f"{log.stat().st_size // 10**6} MB: process {shell.pid} ({name}) keeps a transaction open; "
            "end that process, and the log is cut by itself"
        )
    daemon.wait_for(lambda: log.stat().st_size <= LOG_LIMIT, "the cut")
    daemon.wait_for(lambda: operator.ask("status").returncode == 0, "a healthy status")
