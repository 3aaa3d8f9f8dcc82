"""A reader that stays open: what the log of the database costs, who is named, and that it is cut afterwards."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine

from daemon.model.snapshot import HeldLog, Holder
from daemon.storage import sqlite
from daemon.storage.engine import checkpoint, open_engine, transaction
from daemon.storage.instance import holder, locked
from daemon.storage.log_hold import held_log
from tests.support.values import NOW

LIMIT = 100_000
"""Bytes, in place of megabytes."""
READER = """
import sqlite3, sys
shell = sqlite3.connect(sys.argv[1], isolation_level=None)
shell.execute("BEGIN")
shell.execute("SELECT * FROM progress").fetchall()
print("reads", flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("engine", "log_hold"):
        monkeypatch.setattr(f"daemon.storage.{module}.LOG_LIMIT", LIMIT)


@pytest.fixture
def daemon(database: Path) -> Iterator[Engine]:
    """An engine as the program's own, which checkpoints after each hundred kilobytes."""
    engine = open_engine(f"sqlite:///{database}")
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_autocheckpoint = 25")
    yield engine
    engine.dispose()


@contextmanager
def a_shell_that_was_forgotten(database: Path) -> Iterator[int]:
    """Another process with an open transaction; its id."""
    command = [sys.executable, "-c", READER, str(database)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as shell:
        assert shell.stdout is not None
        assert shell.stdout.readline() == b"reads\n"
        try:
            yield shell.pid
        finally:
            shell.kill()


def rounds(engine: Engine, count: int) -> None:
    for number in range(count):
        with transaction(engine, writes=True) as connection:
            connection.exec_driver_sql("UPDATE progress SET last_round_error = ?", (str(number),))


def size(database: Path) -> int:
    return Path(f"{database}-wal").stat().st_size


def test_the_log_is_cut_by_the_next_commits_once_the_reader_is_gone(database: Path, daemon: Engine) -> None:
    with a_shell_that_was_forgotten(database):
        rounds(daemon, 100)
        assert size(database) > 4 * LIMIT
    rounds(daemon, 2)
    assert size(database) <= LIMIT


def test_the_process_that_reads_is_named_while_it_does(database: Path, daemon: Engine) -> None:
    url = f"sqlite:///{database}"
    with a_shell_that_was_forgotten(database) as shell:
        assert held_log(url, None) is None, "while the log is small, nobody needs to know"
        rounds(daemon, 100)
        held = held_log(url, None)
        assert held is not None
        assert (held.pid, held.name.startswith("python"), held.since) == (shell, True, None)
        assert held.size == size(database)
        assert held_log(url, Holder(shell)) is None, "the daemon itself reads for a moment only"
    assert held_log(url, None) is None


def test_where_there_is_no_database_no_log_is_held(tmp_path: Path) -> None:
    assert held_log(f"sqlite:///{tmp_path}/state.db", None) is None


def test_a_checkpoint_says_whether_a_reader_was_in_the_way(database: Path, daemon: Engine) -> None:
    rounds(daemon, 1)
    with a_shell_that_was_forgotten(database):
        rounds(daemon, 1)
        assert checkpoint(daemon) is False
    assert checkpoint(daemon) is True
    assert size(database) == 0


def test_others_see_when_the_log_was_last_emptied(database: Path) -> None:
    url = f"sqlite:///{database}"
    with locked(url) as lock:
        assert lock.note is not None
        first = holder(url)
        assert first is not None
        assert (first.pid, first.checkpointed_at) == (os.getpid(), None)
        lock.note.add_checkpoint(NOW)
        lock.note.add_checkpoint(NOW)
        second = holder(url)
        assert second is not None
        assert (second.since, second.checkpointed_at) == (first.since, NOW)
        assert HeldLog(1, 2, "", second.checkpointed_at).since == NOW


def test_in_normal_life_the_log_stays_below_what_is_kept_of_it() -> None:
    """SQLite checkpoints after 1,000 pages of 4 kB."""
    assert sqlite.LOG_LIMIT > 1000 * 4120 * 1.5
