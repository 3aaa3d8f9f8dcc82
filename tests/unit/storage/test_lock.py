"""The lock of a database is that of the file itself, by whatever name somebody comes to it."""

import fcntl
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from daemon import __version__
from daemon.model.errors import AnotherInstanceError, DatabaseUnusableError
from daemon.storage import lock
from daemon.storage.engine import open_engine, transaction
from daemon.storage.instance import holder, locked
from daemon.storage.sqlite import WRITING, connected
from daemon.storage.upgrade import upgrade
from tests.support.namespace import needs_mounts, program_apart
from tests.support.paths import ROOT
from tests.support.terminal import assert_sentence, process

WORKING = ("run", "once", "db upgrade")


def url(file: Path) -> str:
    return f"sqlite:///{file}"


HOLDER = """
import sys
from daemon.storage.instance import locked
with locked(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_process(file: Path) -> Iterator[int]:
    """Holds the lock until the end; its number."""
    command = [sys.executable, "-c", HOLDER, url(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        try:
            yield other.pid
        finally:
            other.kill()


# -- by another name --------------------------------------------------------------------------------------------------


def the_same_name(file: Path) -> Path:
    return file


def a_symbolic_link(file: Path) -> Path:
    link = file.with_name("link.db")
    link.symlink_to(file)
    return link


def a_link_to_a_link_in_another_directory(file: Path) -> Path:
    (file.parent / "there").mkdir()
    (file.parent / "there" / "link.db").symlink_to("../state.db")
    link = file.with_name("link.db")
    link.symlink_to("there/link.db")
    return link


def a_hard_link(file: Path) -> Path:
    link = file.with_name("hard.db")
    link.hardlink_to(file)
    return link


def a_link_to_the_directory(file: Path) -> Path:
    link = file.parent / "link"
    link.symlink_to(file.parent)
    return link / file.name


def the_name_once_the_lock_file_is_gone(file: Path) -> Path:
    Path(f"{file}.lock").unlink()
    return file


def the_name_once_the_lock_file_is_another(file: Path) -> Path:
    lock = Path(f"{file}.lock")
    lock.unlink()
    lock.write_text("1\n")
    return file


NAMES = [
    the_same_name,
    a_symbolic_link,
    a_link_to_a_link_in_another_directory,
    a_hard_link,
    a_link_to_the_directory,
    the_name_once_the_lock_file_is_gone,
    the_name_once_the_lock_file_is_another,
]
by_each_name = pytest.mark.parametrize("name", NAMES, ids=[name.__name__ for name in NAMES])


@by_each_name
def test_two_names_of_one_file_are_one_lock(database: Path, name: Callable[[Path], Path]) -> None:
    with another_process(database) as number:
        other = name(database)
        found = holder(url(other))
        assert found is not None
        assert found.pid == number
        for line in WORKING if name is a_hard_link else ("db upgrade",):
            said = process(other, line)
            assert said.returncode == 69
            assert_sentence(said.stderr, f"another instance (process {number}) works on {other}; stop it first")
    assert holder(url(other)) is None
    with locked(url(other)):
        pass


@needs_mounts
@pytest.mark.parametrize("mounted", ["state.db", "."])
def test_a_mount_of_one_file_or_its_directory_is_one_lock(database: Path, mounted: str) -> None:
    (database.parent / "there").mkdir()
    (database.parent / "there" / "state.db").touch()
    other = database.parent / "there" / mounted
    script = 'mount --bind "$1" "$2"'
    with another_process(database) as number:
        place = database.parent / "there" / "state.db"
        secrets = {"BETTERSTACK__TOKEN": "a-token-of-better-stack", "SIGNL4__SECRET": "wr0ngs3cret"}
        whole = {"DATABASE__URL": url(place), **secrets}
        said = program_apart("once", script, database.parent / mounted, other, environment=whole)
    assert said.returncode == 69
    assert_sentence(said.stderr, f"another instance (process {number}) works on {place}; stop it first")


def test_a_first_start_locks_the_file_before_anything_is_in_it(tmp_path: Path) -> None:
    file = tmp_path / "state.db"
    with locked(url(file)):
        assert file.stat().st_size == 0
        with pytest.raises(AnotherInstanceError):
            locked(url(a_hard_link(file))).__enter__()
        assert upgrade(url(file)) is True
        assert holder(url(file)) is not None


def test_a_file_that_takes_the_name_just_then_is_the_one_that_is_locked(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, other = lock.take, database.with_name("other.db")
    other.write_bytes(database.read_bytes())

    def take(descriptor: int, file: Path) -> None:
        whole(descriptor, file)
        if other.exists():
            other.replace(database)

    monkeypatch.setattr(lock, "take", take)
    with locked(url(database)):
        assert holder(url(database)) is not None


def test_a_version_that_knows_the_lock_file_alone_is_kept_out_and_keeps_out(database: Path) -> None:
    with locked(url(database)), Path(f"{database}.lock").open("r+") as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with Path(f"{database}.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        other.write("4711\n")
        other.flush()
        with pytest.raises(AnotherInstanceError, match=r"\(process 4711\)"):
            locked(url(database)).__enter__()


# -- it outlasts what the process does with the file ------------------------------------------------------------------


def test_it_outlasts_every_other_descriptor_of_the_file(database: Path) -> None:
    with locked(url(database)):
        upgrade(url(database))
        engine = open_engine(url(database))
        with transaction(engine, writes=True) as connection:
            connection.exec_driver_sql("UPDATE progress SET source = source")
        engine.dispose()
        database.read_bytes()
        Path(f"{database}.lock").unlink()
        assert process(database, "db upgrade").returncode == 69


def test_it_hinders_nobody_who_reads_or_writes(database: Path) -> None:
    with locked(url(database)), closing(connected(database, WRITING, 0)) as other:
        other.execute("UPDATE progress SET source = source")
        other.commit()
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("UPDATE progress SET source = source")
        other.commit()


def test_a_lock_file_with_a_second_name_keeps_what_is_in_it(database: Path) -> None:
    other = database.with_name("somebody's")
    other.write_text("do not lose me")
    Path(f"{database}.lock").hardlink_to(other)
    with locked(url(database)):
        assert other.read_text() == "do not lose me"


# -- who holds it -----------------------------------------------------------------------------------------------------


def test_who_holds_it_is_known_with_version_and_time(database: Path) -> None:
    assert holder(url(database)) is None
    before = datetime.now(UTC).replace(microsecond=0)
    with locked(url(database)):
        found = holder(url(database))
    assert found is not None
    assert (found.pid, found.version) == (os.getpid(), __version__)
    assert found.since is not None
    assert found.since.utcoffset() == timedelta(0)
    assert before <= found.since <= datetime.now(UTC)
    assert holder(url(database)) is None


@pytest.mark.parametrize("text", ["", "1", "1 0.1.0 2026-11-23T09:30:00+0000", "{} 0.1.0 never", "\0" * 300])
def test_what_the_lock_file_says_of_anybody_else_is_not_believed(database: Path, text: str) -> None:
    with locked(url(database)):
        Path(f"{database}.lock").write_text(text.format(os.getpid()))
        found = holder(url(database))
    assert found is not None
    assert (found.pid, found.version, found.since) == (os.getpid(), None, None)


def test_where_nothing_is_nobody_holds_it(tmp_path: Path) -> None:
    assert holder(url(tmp_path / "state.db")) is None
    assert holder(url(tmp_path / "missing" / "state.db")) is None
    assert list(tmp_path.iterdir()) == []


def test_to_ask_disturbs_nobody(database: Path) -> None:
    asking = "import sys; from daemon.storage.instance import holder\nfor _ in range(500): holder(sys.argv[1])"
    with subprocess.Popen([sys.executable, "-c", asking, url(database)], cwd=ROOT) as other:
        while other.poll() is None:
            with locked(url(database)):
                pass
        assert other.returncode == 0


def test_who_may_not_reach_the_file_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "state.db").mkdir()
    with pytest.raises(DatabaseUnusableError, match="is a directory"):
        holder(url(tmp_path / "state.db"))
