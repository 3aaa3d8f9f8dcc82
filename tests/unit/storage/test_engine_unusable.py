"""Files that cannot serve are refused with a sentence that holds the mend, and left as they are."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from daemon.model.errors import ConfigError, DatabaseUnusableError
from daemon.storage.engine import existing
from daemon.storage.instance import locked
from daemon.storage.revision import REVISIONS, check_place, revision_of
from daemon.storage.upgrade import upgrade
from tests.support.owner import as_owner, needs_an_owner


def url(file: Path) -> str:
    return f"sqlite:///{file}"


def is_text(file: Path) -> None:
    file.write_text("[betterstack]\n" * 1000)


def is_another_programs(file: Path) -> None:
    file.unlink()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")


def is_another_programs_with_our_stamp(file: Path) -> None:
    is_another_programs(file)
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES (?)", [REVISIONS[-1]])


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
    "a text file": (is_text, "cannot be read (file is not a database); put a copy back with"),
    "another program's": (is_another_programs, "is the database of another program; name another in database.url"),
    "another program's with our stamp": (is_another_programs_with_our_stamp, "is the database of another program"),
    "newer": (
        is_newer,
        f"was written by a newer version (schema 9999, known here up to {REVISIONS[-1]}); install that",
    ),
    "corrupt inside": (is_corrupt_inside, "put a copy back with: betterstack-signl4 db restore FILE"),
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


@pytest.mark.parametrize("case", UNUSABLE)
def test_a_file_that_cannot_serve_is_refused_with_a_sentence_and_left_untouched(
    tmp_path: Path, empty_database: bytes, case: str
) -> None:
    spoil, sentence = UNUSABLE[case]
    for name, ask in ASKING.items():
        database = tmp_path / name / "state.db"
        database.parent.mkdir()
        database.write_bytes(empty_database)
        spoil(database)
        before = {path.name: path.read_bytes() for path in database.parent.iterdir()}
        with pytest.raises(DatabaseUnusableError) as caught:
            ask(url(database))
        assert str(caught.value).startswith(f"{database} "), name
        assert sentence in str(caught.value), name
        assert "\n" not in str(caught.value), name
        # A reader may leave the two files beside a database in WAL mode; what is in it stays as it was.
        left = {path.name: path.read_bytes() for path in database.parent.iterdir()}
        assert {name: left.get(name) for name in before} == before, name
        assert set(left) - set(before) <= {"state.db-wal", "state.db-shm"}, name
        assert not left.get("state.db-wal"), name


@pytest.mark.parametrize("asking", ASKING)
def test_a_directory_in_place_of_the_file_is_refused(tmp_path: Path, asking: str) -> None:
    with pytest.raises(DatabaseUnusableError, match=rf"^{tmp_path} is a directory; name a file"):
        ASKING[asking](url(tmp_path))


@pytest.mark.parametrize("asking", [check_place, lambda place: locked(place).__enter__()])
@pytest.mark.parametrize("place", ["missing/state.db", "a file/state.db"])
def test_a_place_where_no_file_can_be_is_refused_with_the_mend(
    tmp_path: Path, place: str, asking: Callable[[str], object]
) -> None:
    (tmp_path / "a file").touch()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ConfigError) as caught:
        asking(url(tmp_path / place))
    assert str(caught.value).startswith(f"database.url names {tmp_path / place}, whose directory cannot be written (")
    assert str(caught.value).endswith("; create it, or give it to the user this program runs as")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_check_of_the_place_leaves_nothing_behind(tmp_path: Path, database: Path) -> None:
    before = sorted(tmp_path.iterdir())
    check_place(url(database))
    check_place(url(tmp_path / "not there yet.db"))
    assert {path.name.partition("-")[0] for path in tmp_path.iterdir()} == {path.name for path in before}


def test_a_database_that_somebody_else_writes_for_too_long_is_not_started_on(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("engine", "revision"):
        monkeypatch.setattr(f"daemon.storage.{module}.BUSY_SECONDS", 0)
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(
            DatabaseUnusableError, match=r"state.db: the database cannot be written now: database is locked;"
        ):
            upgrade(url(database))
    assert upgrade(url(database)) is False


UPGRADE = """
import sys
from daemon.storage.engine import existing
from daemon.storage.revision import check_place
from daemon.storage.upgrade import upgrade
try:
    vars()[sys.argv[1]](sys.argv[2])
except Exception as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""


@needs_an_owner
@pytest.mark.parametrize(
    ("file_mode", "directory_mode", "asking", "expected"),
    [
        (
            0o400,
            0o700,
            "upgrade",
            "DatabaseUnusableError: {}: the database cannot be written now: attempt to write a readonly",
        ),
        (0o000, 0o700, "upgrade", "DatabaseUnusableError: {} cannot be read (unable to open database file)"),
        (0o000, 0o700, "existing", "DatabaseUnusableError: {} cannot be read (unable to open database file)"),
        (0o600, 0o500, "upgrade", "DatabaseUnusableError: {}"),
        (
            0o600,
            0o500,
            "check_place",
            "ConfigError: database.url names {}, whose directory cannot be written (permission denied)",
        ),
        (0o600, 0o000, "existing", "DatabaseUnusableError: {}"),
        (
            0o600,
            0o000,
            "check_place",
            "ConfigError: database.url names {}, whose directory cannot be written (permission denied)",
        ),
    ],
)
def test_what_may_not_be_written_or_read_is_refused_and_left_untouched(
    tmp_path: Path, database: Path, *, file_mode: int, directory_mode: int, asking: str, expected: str
) -> None:
    directory = tmp_path / "var"
    directory.mkdir()
    file = database.rename(directory / "state.db")
    before = file.read_bytes()
    file.chmod(file_mode)
    directory.chmod(directory_mode)
    asked = as_owner("-c", UPGRADE, asking, url(file))
    directory.chmod(0o700)
    file.chmod(0o600)
    assert asked.stderr.startswith(expected.format(file))
    assert file.read_bytes() == before


RECOVERY = """
import gc
import sys
from contextlib import nullcontext
from pathlib import Path
from daemon.storage.engine import open_engine, transaction
from daemon.model.errors import DatabaseBusyError
from tests.support.paths import ROOT

def set_mode(mode):
    for file in Path(sys.argv[2]).parent.glob("state.db*"):
        file.chmod(mode)

def write():
    with transaction(engine, writes=True) as connection:
        connection.exec_driver_sql("UPDATE progress SET source = source")

gc.disable()
engine = open_engine(sys.argv[1])
set_mode(0o400)
# Whatever another thread has open goes on meanwhile.
with transaction(engine, writes=False) if sys.argv[3] == "beside a reader" else nullcontext():
    try:
        write()
    except DatabaseBusyError as error:
        print(error)
with transaction(engine, writes=False) as connection:
    print(connection.exec_driver_sql("SELECT configured FROM progress").scalar())
set_mode(0o600)
write()
print("written")
"""


@needs_an_owner
@pytest.mark.parametrize("how", ["alone", "beside a reader"])
def test_the_first_write_after_a_mend_succeeds_whatever_was_read_before_it(database: Path, how: str) -> None:
    done = as_owner("-c", RECOVERY, url(database), database, how)
    assert done.stdout.splitlines() == [
        "the database cannot be written now: attempt to write a readonly database",
        "1",
        "written",
    ], done.stderr
