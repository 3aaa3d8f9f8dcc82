"""An index of the log that a reader cannot make sense of is no reason to refuse the file, if nobody else is there."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from daemon import database as module
from daemon.database import REVISIONS, locked, revision_of
from daemon.errors import DatabaseUnusableError
from daemon.sqlite import connected


@contextmanager
def odd_index(file: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> Iterator[list[str]]:
    """Whoever only reads the index is refused so. The queries with which the file was opened."""
    opened: list[str] = []
    connect = connected

    def refusing(place: Path, query: str, patience: float) -> sqlite3.Connection:
        opened.append(query)
        if "readonly_shm" in query:
            error = sqlite3.OperationalError("locking protocol")
            error.sqlite_errorname = name
            raise error
        return connect(place, query, patience)

    monkeypatch.setattr(module, "connected", refusing)
    for suffix in ("-wal", "-shm"):
        file.with_name(f"{file.name}{suffix}").touch()
    yield opened


@pytest.mark.parametrize("name", ["SQLITE_PROTOCOL", "SQLITE_READONLY_RECOVERY", "SQLITE_READONLY_CANTINIT"])
def test_where_nobody_else_is_there_it_is_mended(database: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    with odd_index(database, monkeypatch, name) as opened:
        assert revision_of(f"sqlite:///{database}") == REVISIONS[-1]
    assert opened == ["mode=ro&readonly_shm=1", "mode=ro"]


@pytest.mark.parametrize("name", ["SQLITE_IOERR", "SQLITE_CANTOPEN"])
def test_any_other_trouble_is_told(database: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    with odd_index(database, monkeypatch, name) as opened, pytest.raises(DatabaseUnusableError):
        revision_of(f"sqlite:///{database}")
    assert opened == ["mode=ro&readonly_shm=1"]


def test_what_this_process_has_locked_is_its_own(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with locked(f"sqlite:///{database}"), odd_index(database, monkeypatch, "SQLITE_PROTOCOL"):
        assert revision_of(f"sqlite:///{database}") == REVISIONS[-1]
