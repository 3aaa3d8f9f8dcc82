"""Databases of earlier versions, from tests/data, and what becomes of them."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Engine

from daemon.storage.engine import open_engine
from daemon.storage.instance import locked
from daemon.storage.upgrade import upgrade
from tests.support.paths import DATA


def left_by(revision: str, file: Path) -> Path:
    """Makes the database that the version with this schema left."""
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript((DATA / f"state-{revision}.sql").read_text("utf-8"))
    return file


@contextmanager
def carried_over(before: Path) -> Iterator[Engine]:
    """A copy of the database, brought to the newest schema."""
    file = before.with_name("state.db")
    file.write_bytes(_upgraded(before.read_bytes()))
    engine = open_engine(f"sqlite:///{file}")
    yield engine
    engine.dispose()


@cache
def _upgraded(content: bytes) -> bytes:
    """The same database at the newest schema: all tests that look at it share one upgrade."""
    with TemporaryDirectory() as directory:
        file = Path(directory) / "state.db"
        file.write_bytes(content)
        url = f"sqlite:///{file}"
        with locked(url):
            assert upgrade(url)
        return file.read_bytes()


def contents(file: Path, table: str) -> list[dict[str, Any]]:
    """Each row by the names of its columns."""
    with closing(sqlite3.connect(file)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(f"SELECT * FROM {table} ORDER BY 1")]


OF_THE_UNNAMED: dict[str, dict[str, Any]] = {
    "incidents": {"polled_from": ""},
    "progress": {"source": "", "configured": 1, "interval_seconds": None},
    "unreadable": {"source": ""},
}
"""What schema 0010 adds: there was one account."""


def by_source(file: Path, table: str) -> list[dict[str, Any]]:
    """Each row of a database from before 0010, as it is to be since then."""
    return [_by_source(table, row) for row in contents(file, table)]


def _by_source(table: str, row: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in row.items() if (table, name) != ("progress", "id")}
    return {**OF_THE_UNNAMED.get(table, {}), **kept}
