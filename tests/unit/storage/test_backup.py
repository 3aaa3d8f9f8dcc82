"""A backup is a consistent copy, whole or not at all, and never lands on something else."""

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from daemon.model.errors import DatabaseUnusableError
from daemon.storage.backup import backup
from daemon.storage.engine import existing, open_engine
from daemon.storage.revision import REVISIONS, revision_of
from tests.support.outbox import NEW, change, dump, impatient, tell
from tests.support.paths import ROOT
from tests.support.store import Store
from tests.support.values import NOW


def url(file: Path) -> str:
    return f"sqlite:///{file}"


def names(directory: Path) -> set[str]:
    """What lies there, apart from the files SQLite keeps beside a database in use."""
    return {path.name for path in directory.iterdir() if not path.name.endswith(("-wal", "-shm"))}


def everything_in(directory: Path) -> dict[str, bytes | None]:
    return {
        name: (directory / name).read_bytes() if (directory / name).is_file() else None for name in names(directory)
    }


def test_a_copy_holds_all_that_is_committed_in_one_file_of_its_owners(database: Path, store: Store) -> None:
    tell(store, "1", NEW)
    copy = database.with_name("copy.db")
    backup(url(database), copy)
    assert dump(copy) == dump(database)
    assert revision_of(url(copy)) == REVISIONS[-1]
    assert copy.stat().st_mode & 0o777 == 0o600
    assert {path.name for path in database.parent.glob("copy*")} == {"copy.db"}
    engine = existing(url(copy))
    assert engine is not None
    assert set(Store(engine).known(["1"])) == {"1"}
    engine.dispose()


def test_a_copy_made_while_a_writer_writes_is_consistent(database: Path) -> None:
    engine, stop, written = open_engine(url(database)), threading.Event(), threading.Event()
    failures: list[BaseException] = []

    def write() -> None:
        store = Store(engine)
        try:
            for n in range(100_000):
                store.record([change(f"{n} of a pair", NEW), change(f"{n} of the same pair", NEW)], NOW)
                written.set()
                if stop.is_set():
                    return
        except BaseException as error:
            failures.append(error)
            raise

    writer = threading.Thread(target=write)
    writer.start()
    assert written.wait(10)
    sizes = []
    try:
        for n in range(5):
            written.clear()
            copy = database.with_name(f"copy{n}.db")
            backup(url(database), copy)
            assert written.wait(10)
            with closing(sqlite3.connect(copy)) as connection:
                assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
                assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
                ((incidents,),) = connection.execute("SELECT count(*) FROM incidents").fetchall()
                ((deliveries,),) = connection.execute("SELECT count(*) FROM deliveries").fetchall()
            assert incidents == deliveries
            assert incidents % 2 == 0
            sizes.append(incidents)
    finally:
        stop.set()
        writer.join(10)
        engine.dispose()
    assert failures == []
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]


def test_a_copy_of_a_database_that_is_being_written_holds_what_was_committed(database: Path) -> None:
    before = dump(database)
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("UPDATE progress SET last_round_error = 'not yet committed'")
        backup(url(database), database.with_name("copy.db"))
    assert dump(database.with_name("copy.db")) == before


def test_an_earlier_copy_is_overwritten(database: Path, store: Store) -> None:
    copy = database.with_name("copy.db")
    backup(url(database), copy)
    copy.chmod(0o644)
    tell(store, "1", NEW)
    backup(url(database), copy)
    assert dump(copy) == dump(database)
    assert copy.stat().st_mode & 0o777 == 0o600


def itself(database: Path) -> Path:
    return database


def through_a_symbolic_link(database: Path) -> Path:
    link = database.with_name("link.db")
    link.symlink_to(database)
    return link


def through_a_hard_link(database: Path) -> Path:
    link = database.with_name("hard.db")
    link.hardlink_to(database)
    return link


def by_another_path(database: Path) -> Path:
    (database.parent / "x").mkdir()
    return database.parent / "x" / ".." / database.name


def a_text(database: Path) -> Path:
    text = database.with_name("notes.txt")
    text.write_text("do not lose me")
    return text


def an_empty_file(database: Path) -> Path:
    empty = database.with_name("empty")
    empty.touch()
    return empty


def its_log(database: Path) -> Path:
    with impatient(database) as engine, engine.begin() as connection:
        connection.exec_driver_sql("UPDATE progress SET last_round_error = 'why'")
    log = database.with_name("state.db-wal")
    log.touch()
    return log


def a_directory(database: Path) -> Path:
    return database.parent


def a_dangling_directory(database: Path) -> Path:
    return database.parent / "missing" / "copy.db"


def below_a_file(database: Path) -> Path:
    return database / "copy.db"


def a_name_that_is_too_long(database: Path) -> Path:
    return database.with_name("x" * 300)


LEFT_ALONE = "is in use or no earlier backup, and is left alone; name another file"
REFUSED: list[tuple[Callable[[Path], Path], str]] = [
    (itself, LEFT_ALONE),
    (through_a_symbolic_link, LEFT_ALONE),
    (through_a_hard_link, LEFT_ALONE),
    (by_another_path, LEFT_ALONE),
    (a_text, LEFT_ALONE),
    (an_empty_file, LEFT_ALONE),
    (its_log, LEFT_ALONE),
    (a_directory, "name another file"),
    (a_dangling_directory, "missing is no directory; create it, or name another file"),
    (below_a_file, "state.db is no directory; create it, or name another file"),
    (a_name_that_is_too_long, "failed (File name too long);"),
]


@pytest.mark.parametrize(("place", "sentence"), REFUSED, ids=[place.__name__ for place, _ in REFUSED])
def test_a_backup_never_lands_on_anything_else_and_says_why(
    database: Path, place: Callable[[Path], Path], sentence: str
) -> None:
    copy = place(database)
    before = dump(database), everything_in(database.parent)
    with pytest.raises(DatabaseUnusableError) as caught:
        backup(url(database), copy)
    assert sentence in str(caught.value)
    assert str(copy) in str(caught.value) or str(copy.parent) in str(caught.value)
    assert not [part for part in ("Errno", ".part") if part in str(caught.value)]
    assert (dump(database), everything_in(database.parent)) == before


def test_there_is_nothing_to_copy_where_no_database_is(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnusableError, match=r"does not exist yet, so there is nothing to copy; run the daemon"):
        backup(url(tmp_path / "state.db"), tmp_path / "copy.db")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("earlier", [False, True])
def test_a_backup_that_fails_half_way_leaves_nothing_of_it_and_keeps_the_earlier_one(
    database: Path, store: Store, earlier: bool
) -> None:
    copy = database.with_name("copy.db")
    if earlier:
        backup(url(database), copy)
    before = copy.read_bytes() if earlier else None
    tell(store, "x" * 1_000_000, NEW)
    # The disk is full half way: a limit on the size of files, which is that of this process alone.
    failed = limited(database, copy)
    assert failed.startswith(f"DatabaseUnusableError: the backup to {copy} failed (")
    assert (copy.read_bytes() if copy.exists() else None) == before
    assert names(database.parent) == {"state.db", *(["copy.db"] if earlier else [])}


LIMITED = """
import resource, signal, sys
from pathlib import Path
from daemon.storage.backup import backup
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
try:
    backup(sys.argv[1], Path(sys.argv[2]))
except Exception as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""


def limited(database: Path, copy: Path) -> str:
    """What a process said that may only write small files."""
    command = [sys.executable, "-c", LIMITED, url(database), str(copy)]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=30, cwd=ROOT).stderr


def test_a_corrupt_database_is_not_copied(database: Path) -> None:
    content = bytearray(database.read_bytes())
    content[8192:16384] = os.urandom(8192)
    database.write_bytes(content)
    with pytest.raises(DatabaseUnusableError):
        backup(url(database), database.with_name("copy.db"))
    assert names(database.parent) == {"state.db"}
