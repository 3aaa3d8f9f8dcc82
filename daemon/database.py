"""The database file: opened safely, looked at without being touched, locked against a second instance.

A file that cannot serve (corrupt, of a newer program, of another one) is refused with a sentence and left untouched.
"""

import fcntl
import json
import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError

from daemon.errors import AnotherInstanceError, ConfigError, DatabaseBusyError, DatabaseUnusableError

BUSY_SECONDS = 5
_HERE = Path(__file__).resolve().parent
MIGRATIONS = next(place for place in (_HERE / "migrations", _HERE.parent / "migrations") if place.is_dir())
"""Inside the package once it is installed, beside it in a checkout."""
REVISIONS = sorted(file.name.partition("_")[0] for file in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def file_of(url: str) -> Path:
    """The file that a checked `database.url` names."""
    return Path(make_url(url).database or "").absolute()


def create(file: Path, flags: int) -> int:
    """Opens a file of ours, made if need be; its descriptor. Raises `OSError`.

    Payloads can be confidential, so a new file is its owner's alone, unless its directory was made for a group: then
    the members may look at the state and mend it.
    """
    descriptor = os.open(file, flags | os.O_CREAT | os.O_CLOEXEC, 0o600)
    shared = stat.S_ISGID | stat.S_IWGRP
    if file.parent.stat().st_mode & shared == shared and os.fstat(descriptor).st_uid == os.geteuid():
        os.fchmod(descriptor, 0o660)
    return descriptor


def open_engine(url: str) -> Engine:
    """An engine whose every connection is set up the same. Touches nothing yet."""
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS}, json_deserializer=_json)
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)
    return engine


def _json(text: str) -> Any:
    """What a JSON column holds; `None` for anything else, which must not spoil the rows beside it."""
    try:
        return json.loads(text)
    except ValueError:
        return None


def _set_up(connection: DBAPIConnection, _record: object) -> None:
    # The driver's own implicit BEGIN comes too late for a read that a write follows; `_begin` does it instead.
    connection.isolation_level = None
    with closing(connection.cursor()) as cursor:
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def transaction(engine: Engine, *, writes: bool) -> Iterator[Connection]:
    """One short transaction. Raises `DatabaseBusyError`; nothing of it was written then.

    A connection keeps what it met, a file that could only be read or pages that are spoilt, and the others of the
    process share that with it. So from a failure on until something was written none outlasts its transaction.
    """
    try:
        with engine.connect().execution_options(writes=writes) as connection:
            try:
                with connection.begin():
                    yield connection
                if writes:
                    engine.update_execution_options(distrusted=False)
            except DBAPIError:
                engine.update_execution_options(distrusted=True)
                raise
            finally:
                if engine.get_execution_options().get("distrusted"):
                    connection.invalidate()
    except DBAPIError as error:
        engine.dispose()
        done = "written" if writes else "read"
        raise DatabaseBusyError(f"the database cannot be {done} now: {error.orig}") from error


@contextmanager
def locked(url: str) -> Iterator[None]:
    """Holds the lock file beside the database. Raises `AnotherInstanceError`, or `ConfigError` without such a place."""
    file = file_of(url)
    try:
        descriptor = create(file.with_name(f"{file.name}.lock"), os.O_RDWR)
    except OSError as error:
        raise ConfigError(_no_place(url, error.strerror or "unknown error")) from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip() or "unknown"
            raise AnotherInstanceError(
                f"another instance (process {holder}) works on {file}; "
                "stop it first, or give this one another database.url"
            ) from None
        with suppress(OSError):
            # For people only: a full disk is told of where the database cannot be written.
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def check_place(url: str) -> None:
    """Whether a database can be there, without touching anything. Raises `ConfigError` or `DatabaseUnusableError`."""
    directory = file_of(url).parent
    if not directory.is_dir() or not os.access(directory, os.W_OK | os.X_OK):
        raise ConfigError(_no_place(url, "not a directory" if not directory.is_dir() else "permission denied"))
    revision_of(url)


def _no_place(url: str, why: str) -> str:
    return (
        f"database.url names {file_of(url)}, whose directory cannot be written ({why}); "
        f"create it, or give it to the user this program runs as{_state_directory()}"
    )


def _state_directory() -> str:
    """Where systemd would have it (systemd.exec(5))."""
    directory = os.environ.get("STATE_DIRECTORY")
    return f"; the place of this service is {directory}/state.db" if directory else ""


def existing(url: str) -> Engine | None:
    """An engine on a database that is there and up to date; `None` where none is. Raises `DatabaseUnusableError`."""
    revision = revision_of(url)
    if revision not in {None, REVISIONS[-1]}:
        raise DatabaseUnusableError(f"{file_of(url)} is of an older version; run: betterstack-signl4 db upgrade")
    return None if revision is None else open_engine(url)


def revision_of(url: str) -> str | None:
    """The schema revision of the file, `None` where there is none yet. Raises `DatabaseUnusableError`; only reads."""
    file = file_of(url)
    try:
        if file.is_dir():
            raise DatabaseUnusableError(f"{file} is a directory; name a file in database.url")
        if not file.exists() or file.stat().st_size == 0:
            return None
        with closing(sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True, timeout=BUSY_SECONDS)) as connection:
            health = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            stamped = "alembic_version" in tables
            stamps = connection.execute("SELECT version_num FROM alembic_version").fetchall() if stamped else []
            revision = stamps[0][0] if stamps else None
    except OSError as error:
        raise DatabaseUnusableError(f"{file} cannot be reached ({error.strerror}); {MEND}") from None
    except sqlite3.Error as error:
        # An operational error is one of the machine's, and none of the file's.
        mend = MEND if isinstance(error, sqlite3.OperationalError) else RESTORE
        raise DatabaseUnusableError(f"{file} cannot be read ({' '.join(str(error).split())}); {mend}") from None
    if health != "ok":
        raise DatabaseUnusableError(f"{file} is corrupt ({' '.join(health.split())}); {RESTORE}")
    if revision is None and tables:
        raise DatabaseUnusableError(f"{file} is the database of another program; name another in database.url")
    if revision is not None and revision not in REVISIONS:
        raise DatabaseUnusableError(
            f"{file} was written by a newer version (schema {revision}, known here up to {REVISIONS[-1]}); "
            "install that version again, or go back to the copy from before it: move the file away together with its "
            f"-wal and -shm files, and put {file.name}.schema-{REVISIONS[-1]}.bak in its place"
        )
    return revision


RESTORE = "move it away together with its -wal and -shm files, and restore a backup or let a new one be made"
MEND = "look at the disk and at who owns the file"
