"""What tests of a restore share: the copy that is put back, and what becomes of both files.

And the fixtures of the lease.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine

from daemon.storage.merge import merge
from tests.support.engines import engine_on
from tests.support.lease import contend, leased

__all__ = ["contend", "leased"]


@pytest.fixture
def restored(tmp_path: Path, empty_database: bytes) -> Iterator[Engine]:
    """The copy that is put back."""
    file = tmp_path / "copy.db"
    file.write_bytes(empty_database)
    engine = engine_on(file)
    yield engine
    engine.dispose()


def merged(source: Engine, target: Engine) -> Path:
    """What is in the first gets into the second, whose file it returns."""
    files = [Path(str(engine.url.database)) for engine in (source, target)]
    for engine in (source, target):
        engine.dispose()
    with closing(sqlite3.connect(files[0], isolation_level=None)) as old:
        with closing(sqlite3.connect(files[1], isolation_level=None)) as new:
            merge(old, new)
    return files[1]
