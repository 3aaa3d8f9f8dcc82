"""A database file that somebody removes, moves or replaces under the running process."""

import os
import re
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from sqlalchemy import NullPool

from daemon.model.errors import AnotherInstanceError, DatabaseBusyError
from daemon.model.incident import Phase
from daemon.storage.backup import backup
from daemon.storage.changes import LOG
from daemon.storage.engine import open_engine, transaction
from daemon.storage.file_guard import FileGuard
from daemon.storage.instance import holder, locked
from daemon.storage.upgrade import upgrade
from tests.support.kept_log import KeptLog
from tests.support.outbox import ACKNOWLEDGED, DEAD, DELIVERED, NEW, RESOLVED, put, states, tell
from tests.support.store import Store


def url(file: Path) -> str:
    return f"sqlite:///{file}"


class Kept:
    """A database that is kept, as by the daemon, with one incident told."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.log = KeptLog()
        self._held = ExitStack()
        lock = self._held.enter_context(locked(url(file)))
        self.guard = self._held.enter_context(closing(FileGuard(url(file), open_engine(url(file)), lock)))
        self.store = Store(self.guard.engine)
        put(self.store, "told", DELIVERED, NEW)

    def look(self) -> None:
        self.guard.repair(self.log, lambda: None)

    def trouble(self) -> str:
        """What is wrong, as a round says it; neither flow can read or write from then on."""
        with pytest.raises(DatabaseBusyError) as caught:
            self.look()
        with pytest.raises(DatabaseBusyError, match=re.escape(str(caught.value))):
            self.store.has_work()
        return str(caught.value)

    def close(self) -> None:
        self._held.close()


@pytest.fixture
def kept(database: Path) -> Iterator[Kept]:
    kept = Kept(database)
    yield kept
    kept.close()


def beside(file: Path) -> list[Path]:
    return [file.with_name(f"{file.name}{suffix}") for suffix in LOG]


# -- what is done to it, and undone -----------------------------------------------------------------------------------


def is_removed(file: Path) -> None:
    file.unlink()


def is_removed_with_all_beside_it(file: Path) -> None:
    for path in (file, *beside(file)):
        path.unlink()


def is_moved(file: Path) -> None:
    file.rename(file.with_name("moved.db"))


def is_moved_with_all_beside_it(file: Path) -> None:
    for path in (file, *beside(file)):
        path.rename(path.with_name(path.name.replace("state", "moved")))


def is_moved_to_another_directory(file: Path) -> None:
    (file.parent / "away").mkdir()
    file.rename(file.parent / "away" / "state.db")


def is_moved_behind_a_link(file: Path) -> None:
    is_moved(file)
    file.symlink_to("moved.db")


def is_moved_to_another_directory_behind_a_link(file: Path) -> None:
    is_moved_to_another_directory(file)
    file.symlink_to(file.parent / "away" / "state.db")


def loses_its_log(file: Path) -> None:
    beside(file)[0].unlink()


def loses_the_index_of_its_log(file: Path) -> None:
    beside(file)[1].unlink()


def gets_an_empty_log(file: Path) -> None:
    log = beside(file)[0]
    log.rename(log.with_name("old log"))
    log.touch()


def is_replaced_by_a_copy(file: Path) -> None:
    backup(url(file), file.with_name("copy.db"))
    file.with_name("copy.db").replace(file)


def is_replaced_by_a_new_one(file: Path) -> None:
    new = file.with_name("new.db")
    with locked(url(new)):
        upgrade(url(new))
    new.replace(file)


SAID: dict[Callable[[Path], None], str] = {
    is_removed: "the database file was removed",
    is_removed_with_all_beside_it: "the database file was removed",
    is_moved: "the database file was moved",
    is_moved_with_all_beside_it: "the database file was moved",
    is_moved_to_another_directory: "the database file was moved",
    is_moved_behind_a_link: "the database file was moved, and a link to it is in its place",
    is_moved_to_another_directory_behind_a_link: "the database file was moved, and a link to it is in its place",
    loses_its_log: "a file beside the database was removed or replaced",
    loses_the_index_of_its_log: "a file beside the database was removed or replaced",
    gets_an_empty_log: "a file beside the database was removed or replaced",
    is_replaced_by_a_copy: "the database file was replaced",
    is_replaced_by_a_new_one: "the database file was replaced",
}
each_change = pytest.mark.parametrize("change", SAID, ids=[change.__name__ for change in SAID])


@each_change
def test_it_is_said_and_nothing_that_was_told_is_forgotten(kept: Kept, change: Callable[[Path], None]) -> None:
    change(kept.file)
    kept.look()
    ((level, event, fields),) = kept.log.events
    assert (level, event, fields["file"]) == ("error", SAID[change], str(kept.file))
    put(kept.store, "told later", DELIVERED, NEW)
    kept.guard.engine.dispose()
    put(kept.store, "told by a new connection", DELIVERED, NEW)
    kept.look()
    assert len(kept.log.events) == 1
    assert [path.name for path in kept.file.parent.glob(".*")] == []
    kept.close()
    assert told(kept.file) == {"told", "told later", "told by a new connection"}


@each_change
def test_what_is_done_to_it_just_before_the_end_is_put_right_too(kept: Kept, change: Callable[[Path], None]) -> None:
    change(kept.file)
    kept.close()
    assert told(kept.file) == {"told"}


@each_change
def test_the_lock_is_that_of_the_file_that_has_the_name(kept: Kept, change: Callable[[Path], None]) -> None:
    change(kept.file)
    kept.look()
    assert holder(url(kept.file)) is not None
    with pytest.raises(AnotherInstanceError), locked(url(kept.file)):
        pass


@each_change
def test_before_it_is_noticed_no_new_connection_reaches_anything_else(
    kept: Kept, change: Callable[[Path], None]
) -> None:
    change(kept.file)
    before = {path: path.stat().st_size for path in kept.file.parent.iterdir()}
    kept.guard.engine.dispose()
    with pytest.raises(DatabaseBusyError):
        kept.store.has_work()
    assert {path: path.stat().st_size for path in kept.file.parent.iterdir()} == before
    kept.look()
    assert kept.store.has_work() is True


def told(file: Path) -> set[str]:
    """The incidents that were told, of a database that nobody has open."""
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        rows = connection.execute("SELECT incident_id, kind, state FROM deliveries").fetchall()
    assert {row[1:] for row in rows} == {("new", "delivered")}
    return {incident for incident, *_ in rows}


@pytest.mark.parametrize("move", [is_moved, is_moved_with_all_beside_it])
def test_what_is_moved_back_holds_what_was_told_meanwhile(kept: Kept, move: Callable[[Path], None]) -> None:
    move(kept.file)
    kept.look()
    put(kept.store, "told meanwhile", DELIVERED, NEW)
    for moved in kept.file.parent.glob("moved*"):
        moved.rename(moved.with_name(moved.name.replace("moved", "state")))
    kept.look()
    assert set(kept.store.known(["told", "told meanwhile"])) == {"told", "told meanwhile"}
    kept.close()
    assert told(kept.file) == {"told", "told meanwhile"}


# -- what cannot be put right yet -------------------------------------------------------------------------------------


def test_a_directory_that_was_moved_is_waited_for(tmp_path: Path, empty_database: bytes) -> None:
    (tmp_path / "var").mkdir()
    file = tmp_path / "var" / "state.db"
    file.write_bytes(empty_database)
    kept = Kept(file)
    file.parent.rename(tmp_path / "away")
    for _ in range(2):
        assert kept.trouble() == f"the database file was moved: {file}: No such file or directory"
    (tmp_path / "away").rename(file.parent)
    kept.look()
    assert set(kept.store.known(["told"])) == {"told"}
    kept.close()


def test_a_directory_that_was_removed_gets_the_file_back_once_it_is_there(
    tmp_path: Path, empty_database: bytes
) -> None:
    (tmp_path / "var").mkdir()
    file = tmp_path / "var" / "state.db"
    file.write_bytes(empty_database)
    kept = Kept(file)
    shutil.rmtree(file.parent)
    assert kept.trouble() == f"the database file was removed: {file}: No such file or directory"
    file.parent.mkdir()
    kept.look()
    kept.close()
    assert told(file) == {"told"}


def an_empty_file(file: Path) -> None:
    file.unlink()
    file.touch()


def a_text(file: Path) -> None:
    file.unlink()
    file.write_text("a text\n" * 1000)


def half_a_copy(file: Path) -> None:
    backup(url(file), file.with_name("copy.db"))
    content = file.with_name("copy.db").read_bytes()
    file.unlink()
    file.write_bytes(content[: len(content) // 2])


def a_database_of_a_newer_version(file: Path) -> None:
    backup(url(file), file.with_name("copy.db"))
    with closing(sqlite3.connect(file.with_name("copy.db"))) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    file.with_name("copy.db").replace(file)


def a_directory(file: Path) -> None:
    file.unlink()
    file.mkdir()


UNUSABLE: dict[Callable[[Path], None], str] = {
    an_empty_file: "it is empty; remove it, or put a copy of the database there",
    a_text: "cannot be read (file is not a database)",
    half_a_copy: "move it away together with its -wal and -shm files",
    a_database_of_a_newer_version: "was written by a newer version (schema 9999",
    a_directory: "Is a directory",
}


@pytest.mark.parametrize("change", UNUSABLE, ids=[change.__name__ for change in UNUSABLE])
def test_what_cannot_be_taken_up_stops_everything_until_it_is_gone(kept: Kept, change: Callable[[Path], None]) -> None:
    change(kept.file)
    for _ in range(2):
        assert UNUSABLE[change] in kept.trouble()
    if kept.file.is_dir():
        kept.file.rmdir()
    else:
        kept.file.unlink()
    kept.look()
    assert set(kept.store.known(["told"])) == {"told"}
    kept.close()
    assert told(kept.file) == {"told"}


def test_a_file_that_another_process_works_on_is_not_taken_up(kept: Kept) -> None:
    other = kept.file.with_name("other.db")
    backup(url(kept.file), other)
    with locked(url(other)):
        other.replace(kept.file)
        assert f"another instance (process {os.getpid()}) works on {kept.file}" in kept.trouble()
    kept.look()
    assert kept.store.has_work() is True


def test_a_reader_in_the_way_is_waited_for_before_the_log_is_given_up(kept: Kept) -> None:
    with closing(sqlite3.connect(kept.file, isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM incidents").fetchall()
        put(kept.store, "told since", DELIVERED, NEW)
        is_moved(kept.file)
        assert "somebody else reads or writes it" in kept.trouble()
        assert beside(kept.file)[0].stat().st_size > 0
    kept.look()
    kept.close()
    assert told(kept.file) == {"told", "told since"}


def test_the_log_of_another_database_is_not_read_as_that_of_this_one(kept: Kept) -> None:
    is_removed_with_all_beside_it(kept.file)
    log, _ = beside(kept.file)
    log.write_bytes(b"of another database")
    assert f"{log} is none of it; put the database there" in kept.trouble()
    assert log.read_bytes() == b"of another database"
    log.unlink()
    kept.look()
    assert set(kept.store.known(["told"])) == {"told"}


# -- a file that is taken up ------------------------------------------------------------------------------------------


def test_what_was_told_since_a_copy_was_made_is_carried_over_into_it(kept: Kept) -> None:
    put(kept.store, "acknowledged since", DELIVERED, NEW)
    put(kept.store, "told twice", DEAD, NEW)
    copy = kept.file.with_name("copy.db")
    backup(url(kept.file), copy)
    before = states_of(copy)
    put(kept.store, "new since", DELIVERED, NEW)
    tell(kept.store, "acknowledged since", ACKNOWLEDGED)
    tell(kept.store, "told", RESOLVED)
    expected = states(kept.guard.engine)
    copy.replace(kept.file)
    kept.look()
    assert states(kept.guard.engine) == expected != before
    assert [entry["done"] for entry in kept.log.named("the database file was replaced")] == [
        "the new one is taken up, with all that was told"
    ]
    (recorded,) = kept.store.known(["told"]).values()
    assert recorded.phase is Phase.RESOLVED


def states_of(file: Path) -> dict[tuple[str, int, str], str]:
    engine = open_engine(url(file), NullPool)
    return states(engine)


def test_what_the_copy_knows_and_this_process_does_not_stays(kept: Kept) -> None:
    put(kept.store, "1", DEAD, NEW)
    copy = kept.file.with_name("copy.db")
    backup(url(kept.file), copy)
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute(
            "UPDATE deliveries SET state = 'delivered', delivered_at = created_at WHERE incident_id = '1'"
        )
        connection.execute("UPDATE incidents SET name = 'by hand', changed_at = '2099-01-01' WHERE id = '1'")
        connection.commit()
    copy.replace(kept.file)
    kept.look()
    assert states(kept.guard.engine)["1", 1, "new"] == "delivered"
    assert kept.store.known(["1"])["1"].name == "by hand"


def test_where_the_old_file_was_spoilt_it_is_said_that_what_was_told_since_may_be_told_again(kept: Kept) -> None:
    copy = kept.file.with_name("copy.db")
    backup(url(kept.file), copy)
    kept.store.checkpoint()
    with kept.file.open("r+b") as file:
        file.write(b"\xff" * kept.file.stat().st_size)
    copy.replace(kept.file)
    kept.look()
    ((level, _, fields),) = kept.log.events
    assert level == "error"
    assert fields["done"].startswith("the new one is taken up, what was told since it was written may be told again: ")
    assert set(kept.store.known(["told"])) == {"told"}


def test_a_log_that_is_left_of_the_old_file_does_not_spoil_the_new_one(kept: Kept) -> None:
    copy = kept.file.with_name("copy.db")
    backup(url(kept.file), copy)
    for number in range(50):
        put(kept.store, f"new since {number}", DELIVERED, NEW)
    assert beside(kept.file)[0].stat().st_size > 0
    copy.replace(kept.file)
    kept.look()
    kept.close()
    assert told(kept.file) == {"told", *(f"new since {number}" for number in range(50))}


# -- who waits for whom -----------------------------------------------------------------------------------------------


def test_a_transaction_that_is_under_way_is_waited_for_and_loses_nothing(kept: Kept) -> None:
    inside, noticed = threading.Event(), threading.Event()

    def write() -> None:
        with transaction(kept.guard.engine, writes=True) as connection:
            inside.set()
            assert noticed.wait(10)
            connection.exec_driver_sql("UPDATE progress SET last_round_error = 'written meanwhile'")

    with ThreadPoolExecutor() as pool:
        writing = pool.submit(write)
        assert inside.wait(10)
        is_removed_with_all_beside_it(kept.file)
        looking = pool.submit(kept.look)
        # It does not come to its end as long as somebody is inside.
        with pytest.raises(TimeoutError):
            looking.result(0.3)
        noticed.set()
        looking.result(10)
        writing.result(10)
    kept.close()
    with closing(sqlite3.connect(kept.file)) as connection:
        assert connection.execute("SELECT last_round_error FROM progress").fetchall() == [("written meanwhile",)]
