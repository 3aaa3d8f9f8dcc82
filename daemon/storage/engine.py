"""The database file: opened safely, looked at without being touched, locked against a second instance.

A file that cannot serve (corrupt, of a newer program, of another one) is refused with a sentence and left untouched.
What only reads makes, changes and removes nothing, neither the file nor what SQLite keeps beside it.
"""

import json
import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, NullPool, Pool, QueuePool, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from daemon.model.errors import DatabaseBusyError, DatabaseUnusableError
from daemon.model.snapshot import Holder
from daemon.storage import lock
from daemon.storage.gate import Gate
from daemon.storage.lock import Lock
from daemon.storage.place import LOCK, MEND, check_beside, check_mount, followed, opened, status_of, unwritable
from daemon.storage.sqlite import WRITING, connected, read_only, reading, why

BUSY_SECONDS = 5
_HERE = Path(__file__).resolve().parents[1]
MIGRATIONS = next(place for place in (_HERE / "migrations", _HERE.parent / "migrations") if place.is_dir())
"""Inside the package once it is installed, beside it in a checkout."""
REVISIONS = sorted(file.name.partition("_")[0] for file in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def file_of(url: str) -> Path:
    """The file that a checked `database.url` names."""
    return Path(make_url(url).database or "").absolute()


# -- connections ------------------------------------------------------------------------------------------------------


def open_engine(url: str, pool: type[Pool] = QueuePool) -> Engine:
    """An engine whose every connection is set up the same. Touches nothing yet, and never makes the file."""
    connect = partial(connected, file_of(url), WRITING, BUSY_SECONDS)
    engine = create_engine(url, creator=connect, poolclass=pool, json_deserializer=_json)
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)
    event.listen(engine, "connect", lambda _, record: record.info.update(pool=engine.pool))
    event.listen(engine, "checkin", partial(_drop_left_over, engine))
    return engine


def existing(url: str) -> Engine | None:
    """An engine on a database that is there and up to date; `None` where none is. Raises `DatabaseUnusableError`.

    It keeps no connection open between two transactions.
    """
    return open_engine(url, NullPool) if _is_up_to_date(url) else None


def reader(url: str) -> Engine | None:
    """As `existing`, for who only reads: it leaves no trace, neither in the file nor beside it."""
    if not _is_up_to_date(url):
        return None
    engine = create_engine(
        url, creator=partial(read_only, file_of(url), BUSY_SECONDS), poolclass=NullPool, json_deserializer=_json
    )
    event.listen(engine, "connect", lambda connection, _: setattr(connection, "isolation_level", None))
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
    try:
        with closing(connection.cursor()) as cursor:
            cursor.execute("PRAGMA journal_mode = WAL")
            cursor.execute("PRAGMA synchronous = FULL")
            cursor.execute("PRAGMA foreign_keys = ON")
            cursor.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    except sqlite3.Error:
        connection.close()
        raise


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _drop_left_over(engine: Engine, _: object, record: ConnectionPoolEntry) -> None:
    """What was out while its pool was disposed of would go back there, and keep a spoilt file open."""
    if record.info.get("pool") is not engine.pool:
        record.invalidate()


@contextmanager
def transaction(engine: Engine, *, writes: bool) -> Iterator[Connection]:
    """One short transaction. Raises `DatabaseBusyError`; nothing of it was written then.

    A connection keeps what it met, a file that could only be read or pages that are spoilt, and the others of the
    process share that with it. So from a failure on until something was written none outlasts its transaction.
    """
    gate: Gate | None = engine.get_execution_options().get("gate")
    try:
        with (
            gate.passed() if gate else nullcontext(),
            engine.connect().execution_options(writes=writes) as connection,
        ):
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
        raise DatabaseBusyError(f"the database cannot be {done} now: {why(error.orig)}") from error


def checkpoint(engine: Engine) -> None:
    """Puts all that is committed into the file itself, so that a plain copy of it is one. Raises `DatabaseBusyError`.

    Where a reader is in the way that is left to the next time.
    """
    with transaction(engine, writes=False) as connection:
        # Nothing was read yet, so that SQLite counts this as outside of any transaction.
        connection.exec_driver_sql("PRAGMA busy_timeout = 0")
        try:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")


# -- the lock ---------------------------------------------------------------------------------------------------------


@contextmanager
def locked(url: str) -> Iterator[Lock]:
    """Holds the lock of the database, an empty file if there was none. Says so in a file beside it, for people.

    Raises `AnotherInstanceError`, `ConfigError` without such a place, or `DatabaseUnusableError`.
    """
    file, _ = _found(url)
    with ExitStack() as held:
        try:
            taken = Lock(file, lock.locked(file, file_of(url)))
            held.callback(taken.close)
            beside = opened(followed(file.with_name(f"{file.name}{LOCK}")), os.O_RDWR)
            held.callback(os.close, beside)
        except OSError as error:
            raise unwritable(file_of(url), error.strerror or "unknown error") from None
        lock.note(beside, file_of(url))
        check_mount(file)
        yield taken


def holder(url: str) -> Holder | None:
    """The process that works on the database, if one does. Only reads. Raises `DatabaseUnusableError`.

    Not for a process that has the database open: SQLite's locks would be lost with the descriptor that is closed here.
    """
    file, status = _found(url)
    if status is None:
        return None
    try:
        return lock.holder_at(file)
    except OSError as error:
        raise DatabaseUnusableError(f"{file} cannot be read ({error.strerror}); {MEND}") from None


# -- what is there ----------------------------------------------------------------------------------------------------


def check_place(url: str) -> None:
    """Whether a database can be there, without touching anything. Raises `ConfigError` or `DatabaseUnusableError`."""
    try:
        file = followed(file_of(url))
        directory = status_of(file.parent)
    except OSError as error:
        raise unwritable(file_of(url), (error.strerror or "unknown error").lower()) from None
    if directory is None or not stat.S_ISDIR(directory.st_mode):
        raise unwritable(file_of(url), "not a directory")
    if not os.access(file.parent, os.W_OK | os.X_OK):
        raise unwritable(file_of(url), "permission denied")
    revision_of(url)


def _is_up_to_date(url: str) -> bool:
    revision = revision_of(url)
    if revision not in {None, REVISIONS[-1]}:
        raise DatabaseUnusableError(f"{file_of(url)} is of an older version; run: betterstack-signl4 db upgrade")
    return revision is not None


def revision_of(url: str) -> str | None:
    """The schema revision of the file, `None` where there is none yet. Raises `DatabaseUnusableError`; only reads."""
    file, (place, status) = file_of(url), _found(url)
    check_mount(place)
    if status is None or status.st_size == 0:
        return None
    try:
        health, tables, revision = _content(file)
    except OSError as error:
        raise DatabaseUnusableError(f"{file} cannot be reached ({error.strerror}); {MEND}") from None
    except sqlite3.Error as error:
        # An operational error is one of the machine's, and none of the file's.
        mend = MEND if isinstance(error, sqlite3.OperationalError) else RESTORE
        raise DatabaseUnusableError(f"{file} cannot be read ({why(error)}); {mend}") from None
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


def _found(url: str) -> tuple[Path, os.stat_result | None]:
    """The file without links, and what is there, if anything is. Raises `DatabaseUnusableError`."""
    file = file_of(url)
    try:
        place = followed(file)
        status = status_of(place)
        check_beside(place)
    except OSError as error:
        raise DatabaseUnusableError(f"{file} cannot be reached ({error.strerror}); {MEND}") from None
    if status is not None and not stat.S_ISREG(status.st_mode):
        kind = "a directory" if stat.S_ISDIR(status.st_mode) else "no regular file"
        raise DatabaseUnusableError(f"{file} is {kind}; name a file in database.url")
    return place, status


def _content(file: Path) -> tuple[str, set[str], str | None]:
    """Its health, the names of its tables, and its revision. Raises `OSError` and SQLite's errors."""
    query = reading(file)
    try:
        content = _read_content(file)
    except sqlite3.Error:
        if reading(file) == query:
            raise
    else:
        if content[0] == "ok" or reading(file) == query:
            return content
    # A daemon started or stopped just now.
    return _content(file)


def _read_content(file: Path) -> tuple[str, set[str], str | None]:
    with closing(read_only(file, BUSY_SECONDS)) as connection:
        health = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        stamped = "alembic_version" in tables
        stamps = connection.execute("SELECT version_num FROM alembic_version").fetchall() if stamped else []
    return health, tables, stamps[0][0] if stamps else None


RESTORE = "move it away together with its -wal and -shm files, and restore a backup or let a new one be made"
