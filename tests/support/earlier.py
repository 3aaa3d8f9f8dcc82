"""Databases of earlier versions, from tests/data, and what becomes of them."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
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
    file.write_bytes(before.read_bytes())
    url = f"sqlite:///{file}"
    with locked(url):
        assert upgrade(url)
    engine = open_engine(url)
    yield engine
    engine.dispose()


def contents(file: Path, table: str) -> list[dict[str, Any]]:
    """Each row by the names of its columns."""
    with closing(sqlite3.connect(file)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(f"SELECT * FROM {table} ORDER BY 1")]
