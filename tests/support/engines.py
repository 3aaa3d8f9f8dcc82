"""Engines of the program on databases of tests, which share what SQLAlchemy has compiled and do not wait for the disk.

SQLAlchemy keeps compiled statements for each engine, by its dialect. A test that has an engine of its own would compile
every statement anew, which costs more than to run it.
"""

from pathlib import Path
from typing import Any

from sqlalchemy import Dialect, Engine, event

from daemon.storage.engine import open_engine

_compiled: dict[Any, Any] = {}
_dialects: dict[str, Dialect] = {}


def engine_on(database: Path) -> Engine:
    """The program's own engine on an existing file. The caller disposes of it."""
    return engine_at(f"sqlite:///{database}")


def engine_at(url: str) -> Engine:
    """The same, by the URL, which may be that of a server."""
    engine = open_engine(url)
    if engine.name == "sqlite":
        event.listen(engine, "connect", _leave_the_disk_alone)
    if engine.name not in _dialects:
        # A dialect is complete once it has connected.
        engine.connect().close()
        _dialects[engine.name] = engine.dialect
    engine.dialect = _dialects[engine.name]
    engine.update_execution_options(compiled_cache=_compiled)
    return engine


def _leave_the_disk_alone(connection: Any, _record: object) -> None:
    """The machine outlasts its tests, so that nothing needs to wait for the disk."""
    connection.execute("PRAGMA synchronous = OFF").close()
