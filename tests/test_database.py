"""The database file: set up the same on every connection, and refused with a sentence where it cannot serve."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine

from daemon.database import check_place, existing, file_of, locked, open_engine, revision_of, transaction, upgrade
from daemon.errors import ConfigError, DatabaseUnusableError


def url(file: Path) -> str:
    return f"sqlite:///{file}"


def upgraded(file: Path) -> bool:
    with locked(url(file)):
        return upgrade(url(file))


# -- connections ------------------------------------------------------------------------------------------------------

PRAGMAS = [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 5000)]


@pytest.mark.parametrize(("pragma", "expected"), PRAGMAS)
def test_every_connection_is_set_up_the_same(engine: Engine, pragma: str, expected: object) -> None:
    with engine.connect() as one, engine.connect() as two:
        for connection in (one, two):
            assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() == expected


def test_what_will_write_keeps_other_writers_out_from_its_first_moment(engine: Engine, database: Path) -> None:
    with transaction(engine, writes=True), closing(sqlite3.connect(database, timeout=0)) as other:
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")


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


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_a_fresh_file_and_its_lock_are_their_owners_alone(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        assert upgraded(tmp_path / "state.db") is True
        with closing(sqlite3.connect(tmp_path / "state.db")) as connection:
            connection.execute("UPDATE progress SET last_round_error = 'now there is a log beside it'")
            modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    finally:
        os.umask(before)
    assert modes == dict.fromkeys(["state.db", "state.db-wal", "state.db-shm", "state.db.lock"], 0o600)


NAMES = [
    "state.db",
    "with space.db",
    "100%.db",
    "per%20cent.db",
    "a#b.db",
    "ünïcödé 🚨.db",
    "a'b\".db",
    "%(here)s.db",
    "x=y&z;.db",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_file_may_have_an_odd_name(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    assert file_of(url(file)) == file
    assert revision_of(url(file)) is None
    assert upgraded(file) is True
    assert upgraded(file) is False
    assert revision_of(url(file)) is not None
    engine = existing(url(file))
    assert engine is not None
    engine.dispose()
    assert {path.name.removeprefix(name) for path in tmp_path.iterdir()} <= {"", ".lock", "-wal", "-shm"}


def test_a_relative_name_means_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with locked("sqlite:///state.db"):
        upgrade("sqlite:///state.db")
    assert revision_of(url(tmp_path / "state.db")) == revision_of("sqlite:///state.db") is not None


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


# -- files that cannot serve ------------------------------------------------------------------------------------------


def is_text(file: Path) -> None:
    file.write_text("[betterstack]\n" * 1000)


def is_another_programs(file: Path) -> None:
    file.unlink()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")


def is_newer(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()


def is_corrupt_inside(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[4096 * 2 : 4096 * 4] = os.urandom(8192)
    file.write_bytes(content)


def is_cut_off(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: 4096 * 3 + 100])


def is_overwritten_at_its_head(file: Path) -> None:
    file.write_bytes(b"\x00" * 4096 + file.read_bytes()[4096:])


def has_no_stamp(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("DELETE FROM alembic_version")
        connection.commit()


UNUSABLE: dict[str, tuple[Callable[[Path], None], str]] = {
    "a text file": (is_text, "cannot be read (file is not a database); move it away"),
    "another program's": (is_another_programs, "is the database of another program; name another in database.url"),
    "newer": (is_newer, "was written by a newer version (schema 9999, known here up to 0001); install that version"),
    "corrupt inside": (is_corrupt_inside, "move it away together with its -wal and -shm files, and restore a backup"),
    "cut off": (is_cut_off, "move it away together with its -wal and -shm files"),
    "overwritten": (is_overwritten_at_its_head, "cannot be read (file is not a database)"),
    "without a stamp": (has_no_stamp, "is the database of another program"),
}
ASKING: dict[str, Callable[[str], object]] = {
    "revision_of": revision_of,
    "existing": existing,
    "check_place": check_place,
    "upgrade": upgrade,
}


@pytest.mark.parametrize("asking", ASKING)
@pytest.mark.parametrize("case", UNUSABLE)
def test_a_file_that_cannot_serve_is_refused_with_a_sentence_and_left_untouched(
    database: Path, case: str, asking: str
) -> None:
    spoil, sentence = UNUSABLE[case]
    spoil(database)
    before = {path.name: path.read_bytes() for path in database.parent.iterdir()}
    with pytest.raises(DatabaseUnusableError) as caught:
        ASKING[asking](url(database))
    assert str(caught.value).startswith(f"{database} ")
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
    # A reader may leave the two files beside a database in WAL mode; what is in it stays as it was.
    left = {path.name: path.read_bytes() for path in database.parent.iterdir()}
    assert {name: left.get(name) for name in before} == before
    assert set(left) - set(before) <= {"state.db-wal", "state.db-shm"}
    assert not left.get("state.db-wal")


@pytest.mark.parametrize("asking", ASKING)
def test_a_directory_in_place_of_the_file_is_refused(tmp_path: Path, asking: str) -> None:
    with pytest.raises(DatabaseUnusableError, match=rf"^{tmp_path} is a directory; name a file"):
        ASKING[asking](url(tmp_path))


def nowhere(file: Path) -> Path:
    return file.parent / "missing" / "state.db"


def below_a_file(file: Path) -> Path:
    file.touch()
    return file / "state.db"


PLACES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "missing": (
        nowhere,
        "{}, whose directory cannot be written (No such file or directory|not a directory); create it",
    ),
    "a file": (below_a_file, "{}, whose directory cannot be written (Not a directory|not a directory); create it"),
}


@pytest.mark.parametrize("asking", ["locked", "check_place"])
@pytest.mark.parametrize("case", PLACES)
def test_a_place_where_no_file_can_be_is_refused_with_the_mend(tmp_path: Path, case: str, asking: str) -> None:
    place, sentence = PLACES[case]
    file = place(tmp_path / "state")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ConfigError) as caught:
        with locked(url(file)) if asking == "locked" else closing(check_place(url(file))):  # type: ignore[type-var, arg-type]
            pass
    said = str(caught.value).replace("No such file or directory", "*").replace("Not a directory", "*")
    wanted = sentence.format(file).split(" (")
    assert said.startswith(f"database.url names {wanted[0]} (")
    assert "create it, or give it to the user this program runs as" in said
    assert sorted(tmp_path.rglob("*")) == before
