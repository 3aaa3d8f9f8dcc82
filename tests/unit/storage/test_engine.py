"""The database file: set up the same on every connection, and refused with a sentence where it cannot serve."""

import fcntl
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine

from daemon.model.errors import AnotherInstanceError, DatabaseBusyError
from daemon.storage.backup import copy_before_upgrade
from daemon.storage.engine import existing, open_engine, transaction
from daemon.storage.gate import Gate
from daemon.storage.instance import locked
from daemon.storage.revision import file_of, revision_of
from daemon.storage.upgrade import upgrade
from tests.support.paths import ROOT


def url(file: Path) -> str:
    return f"sqlite:///{file}"


def upgraded(file: Path) -> bool:
    with locked(url(file)):
        return upgrade(url(file))


# -- connections ------------------------------------------------------------------------------------------------------

PRAGMAS = [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 5000)]


@pytest.mark.parametrize(("pragma", "expected"), PRAGMAS)
def test_every_connection_is_set_up_the_same(database: Path, pragma: str, expected: object) -> None:
    engine = open_engine(url(database))
    with engine.connect() as one, engine.connect() as two:
        for connection in (one, two):
            assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() == expected
    engine.dispose()


def test_what_will_write_keeps_other_writers_out_from_its_first_moment(engine: Engine, database: Path) -> None:
    with transaction(engine, writes=True), closing(sqlite3.connect(database, timeout=0)) as other:
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")


def test_those_that_write_wait_for_each_other_and_not_for_sqlite_which_would_sleep(file_engine: Engine) -> None:
    engine = file_engine
    engine.update_execution_options(gate=Gate(patience=0))
    with transaction(engine, writes=True):
        with transaction(engine, writes=False):
            pass
        with pytest.raises(DatabaseBusyError, match="another job"), transaction(engine, writes=True):
            pytest.fail("two at a time")
    with transaction(engine, writes=True):
        pass


def test_what_only_reads_keeps_nobody_out_and_sees_one_moment(engine: Engine, database: Path) -> None:
    with transaction(engine, writes=False) as connection, closing(sqlite3.connect(database, timeout=0)) as other:
        assert connection.exec_driver_sql("SELECT last_round_error FROM progress").scalar() is None
        other.execute("UPDATE progress SET last_round_error = 'changed meanwhile'")
        other.commit()
        assert connection.exec_driver_sql("SELECT last_round_error FROM progress").scalar() is None


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, sqlite3.OperationalError])
def test_a_transaction_that_is_left_by_an_error_writes_nothing(
    engine: Engine, database: Path, error: type[BaseException]
) -> None:
    def fail() -> None:
        with transaction(engine, writes=True) as connection:
            connection.exec_driver_sql("UPDATE progress SET last_round_error = 'half done'")
            raise error

    with pytest.raises(error):
        fail()
    with transaction(engine, writes=False) as connection:
        assert connection.exec_driver_sql("SELECT last_round_error FROM progress").scalar() is None


# -- making a file ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mask", [0, 0o077])
@pytest.mark.parametrize(("mode", "expected"), [(0o700, 0o600), (0o777, 0o600), (0o2750, 0o600), (0o2770, 0o660)])
def test_a_fresh_file_and_what_is_beside_it_are_their_owners_alone_unless_the_directory_is_a_groups(
    tmp_path: Path, mode: int, expected: int, mask: int
) -> None:
    directory = tmp_path / "var"
    directory.mkdir()
    directory.chmod(mode)
    file = directory / "state.db"
    before = os.umask(mask)
    try:
        assert upgraded(file) is True
        copy_before_upgrade(file, "0001", lambda: None)
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("UPDATE progress SET last_round_error = 'now there is a log beside it'")
            modes = {path.name: path.stat().st_mode & 0o777 for path in directory.iterdir()}
    finally:
        os.umask(before)
    names = ["state.db", "state.db-wal", "state.db-shm", "state.db.lock", "state.db.schema-0001.bak"]
    assert modes == dict.fromkeys(names, expected)


NAMES = ["with space.db", "100%.db", "a#b.db", "ünïcödé 🚨.db", "a'b\".db", "%(here)s.db", "x=y&z;.db"]


@pytest.mark.parametrize("name", NAMES)
def test_a_file_may_have_an_odd_name(tmp_path: Path, empty_database: bytes, name: str) -> None:
    file = tmp_path / name
    assert file_of(url(file)) == file
    assert revision_of(url(file)) is None
    assert existing(url(file)) is None
    assert list(tmp_path.iterdir()) == []
    file.write_bytes(empty_database)
    assert upgraded(file) is False
    assert revision_of(url(file)) is not None
    engine = existing(url(file))
    assert engine is not None
    with engine.connect():
        assert {path.name.removeprefix(name) for path in tmp_path.iterdir()} == {"", ".lock", "-wal", "-shm"}
    engine.dispose()


def test_a_relative_name_means_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    with locked("sqlite:///an odd %(name).db"):
        assert upgrade("sqlite:///an odd %(name).db") is True
    assert revision_of(url(tmp_path / "an odd %(name).db")) is not None


def test_an_empty_file_counts_as_none_and_becomes_a_database(tmp_path: Path) -> None:
    file = tmp_path / "state.db"
    file.touch()
    assert revision_of(url(file)) is None
    assert existing(url(file)) is None
    assert upgraded(file) is True
    assert existing(url(file)) is not None


def test_opening_an_engine_touches_nothing(tmp_path: Path) -> None:
    open_engine(url(tmp_path / "state.db")).dispose()
    assert list(tmp_path.iterdir()) == []


# -- the lock ---------------------------------------------------------------------------------------------------------

HOLDER = """
import sys, time
from daemon.storage.instance import locked
with locked(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_process(database: Path) -> Iterator[subprocess.Popen[str]]:
    """Holds the lock until it ends."""
    command = [sys.executable, "-c", HOLDER, url(database)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def refusal(file: Path) -> str:
    with pytest.raises(AnotherInstanceError) as caught, locked(url(file)):
        pass
    return str(caught.value)


def test_a_second_instance_is_refused_with_the_process_that_holds_the_database(database: Path) -> None:
    with another_process(database) as process:
        for _ in range(2):
            assert refusal(database) == (
                f"another instance (process {process.pid}) works on {database}; "
                "stop it first, or give this one another database.url"
            )
        with locked(url(database.with_name("another.db"))):
            pass


def test_the_lock_of_a_process_that_was_killed_is_free_and_says_who_holds_it_now(database: Path) -> None:
    with another_process(database) as process:
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        with locked(url(database)):
            assert f"(process {os.getpid()})" in refusal(database)


def test_the_lock_is_freed_at_the_end_however_the_end_came(database: Path) -> None:
    for error in (RuntimeError, KeyboardInterrupt):
        with pytest.raises(error), locked(url(database)):
            raise error
        with locked(url(database)):
            pass


def test_a_lock_file_with_garbage_in_it_hinders_nobody(database: Path) -> None:
    Path(f"{database}.lock").write_bytes(b"\xff" * 1000)
    with locked(url(database)):
        assert Path(f"{database}.lock").read_text().split()[0] == str(os.getpid())
    with Path(f"{database}.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert "(process unknown)" in refusal(database)
