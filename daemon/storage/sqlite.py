"""SQLite at the level of the driver: how writers and readers open a file, and what errors mean."""

import os
import sqlite3
from pathlib import Path
from urllib.parse import quote_from_bytes

from daemon.storage import lock
from daemon.storage.safe_path import resolved, status_of

CANNOT_HOLD = (
    "this file system cannot hold the state, since SQLite gets no shared memory there; "
    "name a file on a local disk in database.url"
)
NO_ROOM = f"the disk is full, so SQLite gets no shared memory: make room; if there is room, {CANNOT_HOLD}"
BUSY_SECONDS = 5
"""Longest wait for the locks of other connections."""
LOG_LIMIT = 8 * 1024 * 1024
"""Bytes of the log (the WAL) that are kept for later commits: twice what SQLite collects before it checkpoints."""
WRITING = "mode=rw"
"""Never creates the file, so that a missing database is not mistaken for an empty one."""
BROKEN_INDEX = {"SQLITE_PROTOCOL", "SQLITE_READONLY_RECOVERY", "SQLITE_READONLY_CANTINIT"}
"""Errors that a read-only connection gets from a half-made WAL index (sqlite.org/rescode.html)."""

DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB")
"""How the names of errors begin that mean a damaged file (sqlite.org/rescode.html)."""


def connected(file: Path, query: str, patience: float) -> sqlite3.Connection:
    """A connection that any thread may use. Raises SQLite's errors.

    `query`: the parameters of its URI (sqlite.org/uri.html). `patience`: longest wait for a lock, in seconds.
    """
    # With an empty authority, so that a path with two slashes at its beginning is none.
    address = f"file://{quote_from_bytes(os.fsencode(file))}?{query}"
    return sqlite3.connect(address, uri=True, timeout=patience, check_same_thread=False)


def reading(file: Path) -> str:
    """The URI parameters to read a database without creating, changing or removing a file. Raises `OSError`, and
    `DatabaseUnusableError` for an untrusted link.

    The first connection to a WAL index (`-shm`) resets it, and the last to close removes the WAL (`-wal`); a daemon
    seen through a mount does not count as a connection. A user without write access can create neither file. So an
    existing index is opened read-only, and a file without a WAL is read as immutable.
    """
    file = resolved(file)  # SQLite keeps its files beside the target of a link
    log, index, journal = (status_of(file.with_name(f"{file.name}{suffix}")) for suffix in ("-wal", "-shm", "-journal"))
    if index is not None and log is not None:
        return "mode=ro&readonly_shm=1"
    return "mode=ro" if journal is not None or (log is not None and log.st_size > 0) else "mode=ro&immutable=1"


def read_only(file: Path, patience: float) -> sqlite3.Connection:
    """A read-only connection that has proved it can read. Raises SQLite's errors, and those of `reading`."""
    try:
        return _checked(file, reading(file), patience)
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorname", "") not in BROKEN_INDEX or _is_in_use(file):
            raise
        # A killed process left a broken index, and no other process runs to repair it: repair it here, if writable.
        return _checked(file, "mode=ro", patience)


def _checked(file: Path, query: str, patience: float) -> sqlite3.Connection:
    connection = connected(file, query, patience)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _is_in_use(file: Path) -> bool:
    """Whether another process works on the database."""
    holder = lock.holder_at(file)
    return holder is not None and holder.pid != os.getpid()


def why(error: BaseException | None) -> str:
    """The message on one line, without numbers and names of files that mean nothing to the operator.

    With an explanation if the file system is at fault.
    """
    error = getattr(error, "orig", None) or error
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    text = " ".join(str(error).split())
    name = getattr(error, "sqlite_errorname", "")
    # The shared memory of the log's index (sqlite.org/rescode.html).
    if name == "SQLITE_IOERR_SHMSIZE":
        return f"{text}, {name}: {NO_ROOM}"
    return f"{text}, {name}: {CANNOT_HOLD}" if name.startswith("SQLITE_IOERR_SHM") else text
