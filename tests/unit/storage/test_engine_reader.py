"""What only reads: as whoever, in whatever state the files were left, it reads what was committed, without a trace."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from daemon.model.errors import DatabaseBusyError
from daemon.storage.backup import backup
from daemon.storage.engine import existing, open_engine, reader, transaction
from daemon.storage.revision import revision_of
from tests.support import warm
from tests.support.outbox import NEW, tell
from tests.support.paths import ROOT
from tests.support.store import Store
from tests.support.terminal import SECRETS
from tests.support.values import NOW

OWNER, GROUP, MEMBER, OTHER_GROUP = 12345, 23456, 34567, 45678


def url(file: Path) -> str:
    return f"sqlite:///{file}"


# -- how the files were left ------------------------------------------------------------------------------------------

WRITER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
connection.execute("UPDATE progress SET last_round_error = 'committed last'")
if sys.argv[2] == "ends":
    connection.close()
else:
    if sys.argv[2] == "checkpoints":
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    print("written", flush=True)
    sys.stdin.read()
"""
STATES = {
    "running": ("stays", []),
    "running, and its log is empty": ("checkpoints", []),
    "stopped": ("ends", []),
    "killed": ("is killed", []),
    "killed, and its log was empty": ("checkpoints and is killed", []),
    "killed, and the index of the log was removed": ("is killed", ["-shm"]),
}


@contextmanager
def left(file: Path, state: str, *before: str) -> Iterator[None]:
    """Somebody has written into the database."""
    how, removed = STATES[state]
    command = [
        *before,
        sys.executable,
        "-c",
        WRITER,
        str(file),
        "checkpoints" if how.startswith("checkpoints") else how,
    ]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        if how == "ends":
            assert writer.wait(30) == 0
        else:
            assert writer.stdout.readline() == b"written\n"
        if how.endswith("killed"):
            writer.send_signal(signal.SIGKILL)
            writer.wait(30)
        for suffix in removed:
            Path(f"{file}{suffix}").unlink()
        try:
            yield
        finally:
            writer.kill()


def traces(directory: Path) -> dict[str, tuple[int, int, int, int]]:
    """Everything there with inode, size, mode and time of change."""
    found = {path.name: path.stat() for path in directory.iterdir()}
    return {name: (one.st_ino, one.st_size, one.st_mode, one.st_mtime_ns) for name, one in found.items()}


# -- who reads --------------------------------------------------------------------------------------------------------

WHO = {
    "the owner": (OWNER, GROUP, 0o700, 0o600),
    "a member of the group": (MEMBER, GROUP, 0o2770, 0o660),
    "a member of the group who may only read": (MEMBER, GROUP, 0o750, 0o640),
    "somebody else who may only read": (MEMBER, OTHER_GROUP, 0o755, 0o644),
    "root": (0, 0, 0o700, 0o600),
}
NEEDS_WRITING = "killed, and the index of the log was removed"


def program(uid: int, gid: int) -> tuple[str, ...]:
    return ("setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups", "--")


def others_can_run() -> bool:
    """Whether somebody else may run this Python and read this checkout."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        return False
    command = [*program(MEMBER, GROUP), sys.executable, "-c", "import click, daemon"]
    return subprocess.run(command, cwd=ROOT, check=False, capture_output=True).returncode == 0


@pytest.fixture
def directory(empty_database: bytes) -> Iterator[Path]:
    """A directory that everybody can come to."""
    directory = Path(os.path.realpath("/tmp")) / f"reader-{os.getpid()}"
    directory.mkdir()
    (directory / "state.db").write_bytes(empty_database)
    yield directory
    shutil.rmtree(directory)


@pytest.mark.skipif(not others_can_run(), reason="nobody else can run the program here")
@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("state", STATES)
def test_whoever_may_read_reads_what_was_committed_and_leaves_no_trace(directory: Path, state: str, who: str) -> None:
    uid, gid, directory_mode, file_mode = WHO[who]
    file = directory / "state.db"
    os.chown(directory, OWNER, GROUP)
    os.chown(file, OWNER, GROUP)
    directory.chmod(directory_mode)
    file.chmod(file_mode)
    with left(file, state, *program(OWNER, GROUP)):
        for beside in directory.iterdir():
            beside.chmod(file_mode)
        before = traces(directory)
        said = as_(uid, gid, file, "status")
        if state == NEEDS_WRITING and "only read" in who:
            # The log is all there is, and cannot be read without its index, which they may not make.
            assert (said.returncode, said.stdout) == (78, "")
            assert "cannot be read (unable to open database file)" in said.stderr
            return
        assert (said.returncode, said.stderr) == (1, "")
        assert "committed last" in said.stdout
        made = {"state.db-shm"} if state == NEEDS_WRITING else set()
        after = traces(directory)
        assert set(after) - set(before) == made
        assert {name: after[name] for name in before} == before


def as_(uid: int, gid: int, file: Path, line: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "daemon", *line.split()]
    environment = {**os.environ, "DATABASE__URL": url(file)}
    return warm.run(command, env=environment, cwd=ROOT, timeout=30, user=(uid, gid))


COMMANDS = ["status", "incidents", "deliveries", "check", "db backup {}"]


@pytest.mark.parametrize("state", ["running", "stopped", "killed"])
def test_no_command_that_only_reads_leaves_a_trace(database: Path, tmp_path: Path, state: str) -> None:
    (tmp_path / "elsewhere").mkdir()
    with left(database, state):
        for line in COMMANDS:
            before = traces(tmp_path)
            command = [sys.executable, "-m", "daemon", *line.format(tmp_path / "elsewhere" / "copy.db").split()]
            environment = {**os.environ, **SECRETS, "DATABASE__URL": url(database)}
            said = warm.run(command, env=environment, cwd=ROOT, timeout=30)
            assert (said.returncode, said.stderr) == (1 if line == "status" else 0, ""), line
            after = traces(tmp_path)
            assert after.pop("elsewhere")[0] == before.pop("elsewhere")[0], line
            assert after == before, line


# -- inside a process -------------------------------------------------------------------------------------------------


def test_what_only_reads_cannot_write(database: Path, store: Store, engine: Engine) -> None:
    tell(store, "1", NEW)
    looking = reader(url(database))
    assert looking is not None
    with pytest.raises(DatabaseBusyError, match="attempt to write a readonly database"):
        Store(looking).fail_round("why", NOW)
    assert set(Store(looking).known(["1"])) == {"1"}


@pytest.mark.parametrize("opening", [reader, existing])
def test_no_connection_of_a_command_outlasts_its_transaction(database: Path, opening: object) -> None:
    engine = opening(url(database))  # type: ignore[operator]
    with transaction(engine, writes=False) as connection:
        connection.exec_driver_sql("SELECT 1")
    assert str(database) not in {os.path.realpath(fd) for fd in Path("/proc/self/fd").iterdir()}


def test_a_daemon_that_starts_while_the_file_is_looked_at_is_no_corruption(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = database.read_bytes()
    database.write_bytes(content[: len(content) // 2])
    whole = sqlite3.connect
    looked: list[str] = []

    def connect(address: str, **options: object) -> sqlite3.Connection:
        if looked:
            database.write_bytes(content)
        else:
            Path(f"{database}-wal").write_bytes(b"what a daemon begins to write")
        looked.append(address)
        return whole(address, **options)  # type: ignore[call-overload,no-any-return]

    monkeypatch.setattr(sqlite3, "connect", connect)
    assert revision_of(url(database)) is not None
    assert ["immutable" in address for address in looked] == [True, False]


# -- connections ------------------------------------------------------------------------------------------------------


def test_a_connection_that_was_out_while_the_engine_was_disposed_of_is_closed_when_it_comes_back(
    database: Path, engine: Engine
) -> None:
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        engine.dispose()
    assert driver is not None
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        driver.execute("SELECT 1")
    with engine.connect() as connection:
        stays = connection.connection.driver_connection
    with engine.connect() as connection:
        assert connection.connection.driver_connection is stays


def test_a_connection_that_cannot_be_set_up_is_closed(database: Path) -> None:
    database.write_text("a text\n" * 1000)
    engine, connections = open_engine(url(database)), []
    event.listen(engine, "connect", lambda connection, _: connections.append(connection), insert=True)
    with pytest.raises(DatabaseBusyError, match="file is not a database"), transaction(engine, writes=False):
        pass
    for connection in connections:
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            connection.execute("SELECT 1")
    assert connections


def test_a_connection_never_makes_the_file(database: Path) -> None:
    database.unlink()
    engine = open_engine(url(database))
    with pytest.raises(DatabaseBusyError, match="unable to open database file"), transaction(engine, writes=False):
        pass
    assert list(database.parent.iterdir()) == []


# -- a plain copy -----------------------------------------------------------------------------------------------------


def test_after_a_checkpoint_a_plain_copy_of_the_file_is_a_copy(database: Path, store: Store, tmp_path: Path) -> None:
    tell(store, "1", NEW)
    shutil.copy(database, tmp_path / "before.db")
    store.checkpoint()
    shutil.copy(database, tmp_path / "copy.db")
    assert [incidents_in(tmp_path / name) for name in ("before.db", "copy.db")] == [[], [("1",)]]
    assert Path(f"{database}-wal").stat().st_size == 0
    tell(store, "2", NEW)
    assert set(store.known(["1", "2"])) == {"1", "2"}


def incidents_in(file: Path) -> list[tuple[str]]:
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute("SELECT id FROM incidents").fetchall()


@pytest.mark.parametrize("begin", ["BEGIN", "BEGIN IMMEDIATE"])
def test_a_checkpoint_waits_for_nobody(database: Path, store: Store, begin: str) -> None:
    tell(store, "1", NEW)
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute(begin)
        other.execute("SELECT count(*) FROM incidents").fetchall()
        if begin == "BEGIN":
            tell(store, "2", NEW)
        store.checkpoint()
        assert Path(f"{database}-wal").stat().st_size > 0
    store.checkpoint()
    assert Path(f"{database}-wal").stat().st_size == 0


# -- by which name ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", STATES)
def test_through_a_link_the_same_is_read(tmp_path: Path, database: Path, state: str) -> None:
    link = tmp_path / "links" / "link.db"
    link.parent.mkdir()
    link.symlink_to(database)
    with left(database, state):
        engine = reader(url(link))
        assert engine is not None
        with transaction(engine, writes=False) as connection:
            read = connection.exec_driver_sql("SELECT last_round_error FROM progress").scalar_one()
        backup(url(link), tmp_path / "copy.db")
    assert read == "committed last"
    with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        assert copy.execute("SELECT last_round_error FROM progress").fetchall() == [("committed last",)]
