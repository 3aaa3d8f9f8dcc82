"""A copy takes the place of the database whole or not at all, and the file from before is kept as it was."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine

from daemon.model.destination import BETTER_STACK
from daemon.model.errors import AnotherInstanceError, DatabaseBusyError, DatabaseUnusableError
from daemon.model.silence import Silence
from daemon.model.two_way import Finding, WriteBack
from daemon.storage import silences
from daemon.storage.alerts import Alerts
from daemon.storage.backup import backup
from daemon.storage.instance import locked
from daemon.storage.restore import restore
from daemon.storage.revision import REVISIONS, revision_of
from tests.support.alerts import closed
from tests.support.earlier import left_by
from tests.support.outbox import DELIVERED, NEW, RESOLVED, after, dump, impatient, postpone, put, states, tell
from tests.support.paths import ROOT
from tests.support.store import Store
from tests.support.values import NOW

OLDER = REVISIONS[-2]


def url(file: Path) -> str:
    return f"sqlite:///{file}"


def everything_in(directory: Path) -> dict[str, bytes | None]:
    names = [path for path in directory.iterdir() if not path.name.endswith((".lock", "-shm"))]
    return {path.name: path.read_bytes() if path.is_file() else None for path in names}


@pytest.fixture
def copy(database: Path, store: Store, engine: Engine) -> Path:
    """A copy of a database with one incident, somewhere else."""
    tell(store, "1", NEW)
    engine.dispose()
    (database.parent / "copies").mkdir()
    copy = database.parent / "copies" / "copy.db"
    backup(url(database), copy)
    return copy


def test_the_copy_is_what_the_next_start_finds(database: Path, copy: Path) -> None:
    database.unlink()
    restored = restore(url(database), copy)
    assert dump(database) == dump(copy)
    assert revision_of(url(database)) == REVISIONS[-1]
    assert (restored.kept, restored.unknown_because) == (None, "there was no database in its place")
    assert database.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in database.parent.iterdir()) == ["copies", "state.db", "state.db.lock"]


def test_what_was_told_since_the_copy_is_not_told_again_and_the_file_from_before_is_kept(
    database: Path, copy: Path, store: Store, engine: Engine
) -> None:
    put(store, "1", DELIVERED, RESOLVED)
    put(store, "2", DELIVERED, NEW)
    engine.dispose()
    before = dump(database)
    restored = restore(url(database), copy)
    assert restored.unknown_because is None
    assert set(states(engine).values()) == {"pending", "delivered"}
    with closing(sqlite3.connect(database)) as connection:
        told = connection.execute("SELECT incident_id, kind FROM deliveries WHERE state = 'delivered'").fetchall()
    assert set(told) == {("1", "new"), ("2", "new")}
    assert restored.kept is not None
    assert dump(restored.kept) == before


def test_what_is_known_of_the_present_is_that_of_the_file_in_place(
    database: Path, copy: Path, store: Store, engine: Engine
) -> None:
    """With `poll.initial = "baseline"` a database that knows no complete round alerts for nothing that is open."""
    store.complete_round(after(hours=1))
    engine.dispose()
    assert restore(url(database), copy).as_of is None
    assert store.progress().last_complete_round_at == after(hours=1)


def test_what_the_file_in_place_has_pruned_wakes_nobody(
    database: Path, store: Store, engine: Engine, tmp_path: Path
) -> None:
    tell(store, "never tried", NEW, RESOLVED)
    tell(store, "tried", NEW, RESOLVED)
    postpone(store, "tried")
    tell(store, "known", NEW)
    store.configure(["default", BETTER_STACK])
    tell(store, "closed in SIGNL4", NEW)
    close = WriteBack(RESOLVED, "Jane via SIGNL4", "a reason", NOW)
    found = Finding("closed in SIGNL4", 1, "x", closed("x"), "default", True, write_backs=(close,))
    Alerts(engine, ["default"]).record([found], NOW)
    engine.dispose()
    copy = tmp_path / "copy.db"
    backup(url(database), copy)
    with engine.begin() as connection:
        for table, column in (
            ("history", "incident_id"),
            ("alerts", "incident_id"),
            ("deliveries", "incident_id"),
            ("incidents", "id"),
        ):
            connection.exec_driver_sql(f"DELETE FROM {table} WHERE {column} <> 'known'")
    store.complete_round(after(hours=1))
    engine.dispose()
    restore(url(database), copy)
    with closing(sqlite3.connect(database)) as connection:
        waiting = connection.execute("SELECT incident_id, kind FROM deliveries WHERE state = 'pending'").fetchall()
    assert sorted(waiting) == [("known", "new"), ("tried", "resolved")]


def test_the_silences_of_both_are_there_and_none_that_was_ended_is_in_force_again(
    database: Path, engine: Engine, tmp_path: Path
) -> None:
    def add(comment: str, minutes: int) -> int:
        return silences.add(engine, Silence(0, {}, NOW, after(hours=9), comment, "ada", after(minutes=minutes)))

    def listed() -> list[tuple[int, str, bool]]:
        every = silences.every(engine, NOW, over=True)
        return [(one.id, one.comment, one.expired_at is None) for one, _ in every]

    for minutes, comment in enumerate(("stays", "is ended later", "was ended")):
        add(comment, minutes)
    silences.expire(engine, 3, NOW)
    engine.dispose()
    backup(url(database), tmp_path / "copy.db")
    silences.expire(engine, 2, NOW)
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM silences WHERE id <> 2")
        connection.exec_driver_sql("DELETE FROM sqlite_sequence WHERE name = 'silences'")
    assert add("another third", 3) == 3
    assert add("made since the copy", 4) == 4
    engine.dispose()
    for _ in ("once", "twice"):
        restore(url(database), tmp_path / "copy.db")
        assert listed() == [
            (1, "stays", True),
            (2, "is ended later", False),
            (3, "was ended", False),
            (4, "made since the copy", True),
            (5, "another third", True),
        ]
        engine.dispose()


def test_of_the_service_it_belongs_to_the_owner_of_the_one_before_and_is_open_to_his_group(
    database: Path, copy: Path
) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root gives files away")
    database.parent.chmod(0o2770)
    os.chown(database.parent, 4242, 4343)
    os.chown(database, 4242, 4343)
    for _ in ("in its place", "in an empty one"):
        restore(url(database), copy)
        status = database.stat()
        assert (status.st_uid, status.st_gid, status.st_mode & 0o7777) == (4242, 4343, 0o660)
        database.unlink()


def a_text(copy: Path) -> None:
    copy.write_text("a text\n" * 1000)


def empty(copy: Path) -> None:
    copy.write_bytes(b"")


def missing(copy: Path) -> None:
    copy.unlink()


def a_directory(copy: Path) -> None:
    copy.unlink()
    copy.mkdir()


def a_fifo(copy: Path) -> None:
    copy.unlink()
    os.mkfifo(copy)


def newer(copy: Path) -> None:
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()


def another_programs(copy: Path) -> None:
    copy.unlink()
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")


def damaged(copy: Path) -> None:
    content = bytearray(copy.read_bytes())
    content[8192:16384] = os.urandom(8192)
    copy.write_bytes(content)


def cut_short(copy: Path) -> None:
    copy.write_bytes(copy.read_bytes()[:-4096])


def with_an_index_that_lacks_a_row(copy: Path) -> None:
    """A row is written while the index is no part of the schema. The quick check does not see it."""
    named = "name = 'ix_incidents_open'"
    with closing(sqlite3.connect(copy)) as connection, connection:
        connection.execute("PRAGMA writable_schema = ON")
        index = connection.execute(f"SELECT * FROM sqlite_master WHERE {named}").fetchone()
        connection.execute(f"DELETE FROM sqlite_master WHERE {named}")
    with closing(sqlite3.connect(copy)) as connection, connection:
        connection.execute("CREATE TEMPORARY TABLE row AS SELECT * FROM incidents LIMIT 1")
        connection.execute("UPDATE row SET id = 'another', phase = 'open'")
        connection.execute("INSERT INTO incidents SELECT * FROM row")
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("INSERT INTO sqlite_master VALUES (?, ?, ?, ?, ?)", index)
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("PRAGMA quick_check").fetchone() == ("ok",)


def with_a_column_of_a_later_schema(copy: Path) -> None:
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", [OLDER])
        connection.commit()


def the_database(copy: Path) -> None:
    copy.unlink()
    copy.hardlink_to(copy.parent.parent / "state.db")


def behind_a_link_of_others(copy: Path) -> None:
    copy.rename(copy.with_name("other.db"))
    copy.symlink_to(copy.with_name("other.db"))
    copy.parent.chmod(0o777)


REFUSED: list[tuple[Callable[[Path], None], str]] = [
    (a_text, "cannot be read (file is not a database); restore another copy"),
    (empty, "is empty; name a copy that db backup made"),
    (missing, "is no file; name a copy that db backup made"),
    (a_directory, "is no file; name a copy that db backup made"),
    (a_fifo, "is no file; name a copy that db backup made"),
    (newer, "was written by a newer version (schema 9999, known here up to"),
    (another_programs, "is the database of another program; name a copy that db backup made"),
    (damaged, "restore another copy"),
    (cut_short, "restore another copy"),
    (with_an_index_that_lacks_a_row, "restore another copy"),
    (with_a_column_of_a_later_schema, "cannot be brought up to date: duplicate column name: polled_from"),
    (the_database, "is the database itself; name a copy that db backup made"),
    (behind_a_link_of_others, "is a link in a directory that others can write, and is not followed"),
]


@pytest.mark.parametrize(("spoil", "sentence"), REFUSED, ids=[spoil.__name__ for spoil, _ in REFUSED])
def test_a_copy_that_cannot_serve_is_refused_and_nothing_is_changed(
    database: Path, copy: Path, spoil: Callable[[Path], None], sentence: str
) -> None:
    spoil(copy)
    before = dump(database), everything_in(database.parent)
    with pytest.raises(DatabaseUnusableError) as caught:
        restore(url(database), copy)
    assert sentence in str(caught.value)
    assert str(copy) in str(caught.value)
    assert "/betterstack-signl4-" not in str(caught.value), "a file that is gone"
    assert (dump(database), everything_in(database.parent)) == before


def test_while_a_daemon_runs_it_is_refused(database: Path, copy: Path) -> None:
    before = everything_in(database.parent)
    with locked(url(database)), pytest.raises(AnotherInstanceError, match="works on"):
        restore(url(database), copy)
    assert everything_in(database.parent) == before


def test_while_another_process_reads_it_is_refused(database: Path, copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("daemon.storage.restore.BUSY_SECONDS", 0)
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT * FROM progress").fetchall()
        with impatient(database) as engine, engine.begin() as connection:
            connection.exec_driver_sql("UPDATE progress SET last_round_error = 'since'")
        with pytest.raises(DatabaseBusyError, match=r"another process has .* open; end it first"):
            restore(url(database), copy)
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT last_round_error FROM progress").fetchall() == [("since",)]
    assert [path.name for path in database.parent.glob("*before*")] == []


def test_a_copy_of_an_older_schema_is_brought_up_to_date(database: Path, tmp_path: Path) -> None:
    older = left_by("0002", tmp_path / "older.db")
    before = dump(older)
    restore(url(database), older)
    assert revision_of(url(database)) == REVISIONS[-1]
    assert dump(older) == before
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT count(*) FROM deliveries").fetchone()[0] > 0


def test_nothing_of_a_damaged_file_and_its_log_gets_into_the_restored_one(
    database: Path, copy: Path, store: Store, engine: Engine
) -> None:
    """As a machine leaves them that lost its power: a log with commits, beside a file that is damaged."""
    tell(store, "lost", NEW, at=after(seconds=1))
    log = Path(f"{database}-wal").read_bytes()
    engine.dispose()
    a_text(database)
    Path(f"{database}-wal").write_bytes(log)
    restored = restore(url(database), copy)
    assert dump(database) == dump(copy)
    assert restored.unknown_because is not None
    assert "file is not a database" in restored.unknown_because
    assert restored.kept is not None
    assert restored.kept.read_text().startswith("a text")
    assert Path(f"{restored.kept}-wal").read_bytes() == log
    assert not Path(f"{database}-wal").exists()


def test_a_log_whose_file_was_removed_does_not_get_into_the_restored_one(
    database: Path, copy: Path, store: Store, engine: Engine
) -> None:
    """SQLite would take its commits for those of the new file."""
    tell(store, "of another file", NEW, at=after(seconds=1))
    log = Path(f"{database}-wal").read_bytes()
    assert log
    engine.dispose()
    database.unlink()
    Path(f"{database}-wal").write_bytes(log)
    restored = restore(url(database), copy)
    assert dump(database) == dump(copy)
    assert (restored.kept, restored.unknown_because) == (None, "there was no database in its place")
    assert [path.read_bytes() for path in database.parent.glob("state.db.before-*-wal")] == [log]


KILLED = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("UPDATE alembic_version SET version_num = ?", [sys.argv[2]])
connection.commit()
os._exit(0)
"""


@pytest.fixture
def older(database: Path, copy: Path) -> Path:
    """The file in place is of an older schema, and its latest commit is in the log alone."""
    subprocess.run([sys.executable, "-c", KILLED, str(database), OLDER], check=True, timeout=30)
    assert Path(f"{database}-wal").stat().st_size > 0
    return database


def test_a_failure_of_the_last_step_leaves_everything_as_it_was(
    older: Path, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as broken, pytest.raises(DatabaseUnusableError, match="Input/output error"):
        broken.setattr(Path, "replace", fails)
        restore(url(older), copy)
    assert revision_of(url(older)) == OLDER
    assert not list(older.parent.glob("*before*")) + list(older.parent.glob("*.part"))
    # A damaged file is not touched, and keeps its log.
    a_text(older)
    Path(f"{older}-wal").write_bytes(b"a log")
    before_all = everything_in(older.parent)
    with monkeypatch.context() as broken, pytest.raises(DatabaseUnusableError, match="Input/output error"):
        broken.setattr(Path, "replace", fails)
        restore(url(older), copy)
    assert everything_in(older.parent) == before_all


def test_a_crash_before_the_last_step_loses_no_commit_of_an_older_schema(older: Path, copy: Path) -> None:
    command = [sys.executable, "-c", FAILING, url(older), str(copy), "replace"]
    assert subprocess.run(command, check=False, cwd=ROOT, timeout=30).returncode == 9
    assert revision_of(url(older)) == OLDER
    restore(url(older), copy)
    assert revision_of(url(older)) == REVISIONS[-1]
    assert not list(older.parent.glob("*.part"))


FAILING = """
import os, sys
from pathlib import Path
from daemon.storage.restore import restore

def fails(*_, **__):
    os._exit(9)

setattr({"replace": Path, "link": os}[sys.argv[3]], sys.argv[3], fails)
restore(sys.argv[1], Path(sys.argv[2]))
"""


@pytest.mark.parametrize("where", ["link", "replace"])
def test_a_crash_at_any_step_leaves_the_file_in_place_whole(
    database: Path, copy: Path, store: Store, engine: Engine, where: str
) -> None:
    tell(store, "2", NEW)
    engine.dispose()
    before = dump(database)
    command = [sys.executable, "-c", FAILING, url(database), str(copy), where]
    assert subprocess.run(command, check=False, cwd=ROOT, timeout=30).returncode == 9
    assert dump(database) == before
    restore(url(database), copy)
    assert revision_of(url(database)) == REVISIONS[-1]


LIMITED = """
import resource, signal, sys
from pathlib import Path
from daemon.storage import restore
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
put_in_place = restore._put_in_place

def on_a_full_disk(*arguments):
    resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
    return put_in_place(*arguments)

vars(restore).update(_put_in_place=on_a_full_disk)
try:
    restore.restore(sys.argv[1], Path(sys.argv[2]))
except Exception as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""


def test_a_full_disk_leaves_everything_as_it_was(database: Path, copy: Path, store: Store, engine: Engine) -> None:
    tell(store, "x" * 1_000_000, NEW)
    engine.dispose()
    backup(url(database), copy)
    before = dump(database), everything_in(database.parent)
    command = [sys.executable, "-c", LIMITED, url(database), str(copy)]
    said = subprocess.run(command, check=False, capture_output=True, text=True, timeout=30, cwd=ROOT).stderr
    assert f"{copy} cannot be restored to {database} (" in said
    assert (dump(database), everything_in(database.parent)) == before
