"""SQLite as the driver gives it: how a file is opened, by who writes and by who only reads, and what errors mean."""

import os
import sqlite3
from pathlib import Path
from urllib.parse import quote_from_bytes

from daemon.storage import lock
from daemon.storage.place import followed, status_of

CANNOT_HOLD = (
    "this file system cannot hold the state, since SQLite gets no shared memory there; "
    "name a file on a local disk in database.url"
)
BUSY_SECONDS = 5
"""That anybody waits for the locks of others."""
WRITING = "mode=rw"
"""Never makes the file: what is gone is not to be taken for what is empty."""
UNMENDED = {"SQLITE_PROTOCOL", "SQLITE_READONLY_RECOVERY", "SQLITE_READONLY_CANTINIT"}
"""An index of the log that was left half-made, as who may not write it meets it (sqlite.org/rescode.html)."""


def connected(file: Path, query: str, patience: float) -> sqlite3.Connection:
    """A connection, for any thread. Raises SQLite's errors.

    `query`: the parameters of its URI (sqlite.org/uri.html). `patience`: seconds that it waits for the locks of others.
    """
    address = f"file:{quote_from_bytes(os.fsencode(file))}?{query}"
    return sqlite3.connect(address, uri=True, timeout=patience, check_same_thread=False)


def reading(file: Path) -> str:
    """The query with which a database is read and nothing is made, changed or removed. Raises `OSError`, and
    `DatabaseUnusableError` for a link of others.

    A connection that finds nobody else on the index of the log (`-shm`) begins by emptying it, and the last one to go
    takes the log (`-wal`) with it; seen through a mount, a running daemon is nobody. And who may only read can make
    neither. So the index is only read where there is one, and where there is no log the file alone is all there is.
    """
    file = followed(file)  # SQLite looks for them beside the file that a link leads to
    log, index, journal = (status_of(file.with_name(f"{file.name}{suffix}")) for suffix in ("-wal", "-shm", "-journal"))
    if index is not None and log is not None:
        return "mode=ro&readonly_shm=1"
    return "mode=ro" if journal is not None or (log is not None and log.st_size > 0) else "mode=ro&immutable=1"


def read_only(file: Path, patience: float) -> sqlite3.Connection:
    """A connection that only reads, and has. Raises SQLite's errors, and those of `reading`."""
    try:
        return _tried(file, reading(file), patience)
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorname", "") not in UNMENDED or _is_anothers(file):
            raise
        # What a killed process left of the index is mended by whoever may write it: nobody else is here to do so.
        return _tried(file, "mode=ro", patience)


def _tried(file: Path, query: str, patience: float) -> sqlite3.Connection:
    connection = connected(file, query, patience)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _is_anothers(file: Path) -> bool:
    """Whether another process works on it."""
    holder = lock.holder_at(file)
    return holder is not None and holder.pid != os.getpid()


def why(error: BaseException | None) -> str:
    """What SQLite says, in a line; and where the file system is at fault, that."""
    error = getattr(error, "orig", None) or error
    text = " ".join(str(error).split())
    name = getattr(error, "sqlite_errorname", "")
    # The shared memory of the log's index (sqlite.org/rescode.html).
    return f"{text}, {name}: {CANNOT_HOLD}" if name.startswith("SQLITE_IOERR_SHM") else text
