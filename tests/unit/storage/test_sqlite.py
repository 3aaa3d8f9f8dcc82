"""An index of the log that a reader cannot make sense of is no reason to refuse the file, if nobody else is there."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

import daemon.storage.backup
from daemon.model.errors import DatabaseUnusableError
from daemon.storage import sqlite
from daemon.storage.backup import backup
from daemon.storage.engine import reader, transaction
from daemon.storage.instance import locked
from daemon.storage.revision import REVISIONS, revision_of
from daemon.storage.sqlite import connected


class Refused(sqlite3.Connection):
    """Opens the file, and cannot read it."""

    name = ""

    def execute(self, *_: object) -> sqlite3.Cursor:
        raise refusal(self.name)


def refusal(name: str) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("locking protocol")
    error.sqlite_errorname = name
    return error


@contextmanager
def odd_index(
    file: Path, monkeypatch: pytest.MonkeyPatch, name: str, *, opens: bool = False, after: int = 0
) -> Iterator[list[str]]:
    """Whoever only reads the index is refused so, once it was read `after` times. The queries of all that opened it.

    `opens`: whether the file can be opened, and is refused at the first look only.
    """
    opened: list[str] = []
    connect = connected

    def refusing(place: Path, query: str, patience: float) -> sqlite3.Connection:
        opened.append(query)
        if "readonly_shm" in query and len(opened) > after:
            if not opens:
                raise refusal(name)
            refused = sqlite3.connect(place, factory=Refused)
            refused.name = name
            return refused
        return connect(place, query, patience)

    for module in (sqlite, daemon.storage.backup):
        monkeypatch.setattr(module, "connected", refusing)
    for suffix in ("-wal", "-shm"):
        file.with_name(f"{file.name}{suffix}").touch()
    yield opened


@pytest.mark.parametrize("name", ["SQLITE_PROTOCOL", "SQLITE_READONLY_RECOVERY", "SQLITE_READONLY_CANTINIT"])
def test_where_nobody_else_is_there_it_is_mended(database: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    with odd_index(database, monkeypatch, name) as opened:
        assert revision_of(f"sqlite:///{database}") == REVISIONS[-1]
    assert opened == ["mode=ro&readonly_shm=1", "mode=ro"]


@pytest.mark.parametrize("opens", [False, True])
@pytest.mark.parametrize("after", [0, 1])
def test_a_listing_mends_it_too_though_the_look_before_it_went_well(
    database: Path, monkeypatch: pytest.MonkeyPatch, opens: bool, after: int
) -> None:
    with odd_index(database, monkeypatch, "SQLITE_PROTOCOL", opens=opens, after=after) as opened:
        engine = reader(f"sqlite:///{database}")
        assert engine is not None
        with transaction(engine, writes=False) as connection:
            assert connection.exec_driver_sql("SELECT source FROM progress").fetchall() == [("",)]
    assert opened[-1] == "mode=ro"


@pytest.mark.parametrize("after", [0, 1])
def test_so_does_a_backup(database: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, after: int) -> None:
    with odd_index(database, monkeypatch, "SQLITE_PROTOCOL", after=after):
        backup(f"sqlite:///{database}", tmp_path / "copy.db")
    assert revision_of(f"sqlite:///{tmp_path / 'copy.db'}") == REVISIONS[-1]


@pytest.mark.parametrize("name", ["SQLITE_IOERR", "SQLITE_CANTOPEN"])
def test_any_other_trouble_is_told(database: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    with odd_index(database, monkeypatch, name) as opened, pytest.raises(DatabaseUnusableError):
        revision_of(f"sqlite:///{database}")
    assert opened == ["mode=ro&readonly_shm=1"]


def test_what_this_process_has_locked_is_its_own(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with locked(f"sqlite:///{database}"), odd_index(database, monkeypatch, "SQLITE_PROTOCOL"):
        assert revision_of(f"sqlite:///{database}") == REVISIONS[-1]


def test_a_path_that_begins_with_two_slashes_is_a_path_and_no_host(database: Path) -> None:
    """As from `sqlite:////` and an absolute path behind it."""
    assert revision_of(f"sqlite:////{database}") == REVISIONS[-1]
    with closing(connected(Path(f"/{database}"), "mode=rw", 0)) as connection:
        assert connection.execute("SELECT count(*) FROM progress").fetchone() == (1,)
