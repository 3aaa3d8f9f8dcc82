"""The database file: opened safely, brought up to date, locked against a second instance, copied while in use.

A file that cannot serve (corrupt, of a newer program, of another one) is refused with a sentence and left untouched.
"""

import fcntl
import json
import os
import sqlite3
import subprocess
import sys
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
_HEADER = b"SQLite format 3\x00"


def file_of(url: str) -> Path:
    """The file that a checked `database.url` names."""
    return Path(make_url(url).database or "").absolute()


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

    A connection keeps what it met, a file that could only be read or pages that are spoilt. So from a failure on until
    something was written each transaction has a connection of its own.
    """
    try:
        with engine.connect().execution_options(writes=writes) as connection, connection.begin():
            yield connection
    except DBAPIError as error:
        engine.update_execution_options(distrusted=True)
        engine.dispose()
        done = "written" if writes else "read"
        raise DatabaseBusyError(f"the database cannot be {done} now: {error.orig}") from error
    if writes:
        engine.update_execution_options(distrusted=False)
    elif engine.get_execution_options().get("distrusted"):
        engine.dispose()


@contextmanager
def locked(url: str) -> Iterator[None]:
    """Holds the lock file beside the database. Raises `AnotherInstanceError`, or `ConfigError` without such a place."""
    file = file_of(url)
    try:
        descriptor = os.open(f"{file}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
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
        "create it, or give it to the user this program runs as"
    )


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
        raise DatabaseUnusableError(f"{file} cannot be reached ({error.strerror}); {_MEND}") from None
    except sqlite3.Error as error:
        # An operational error is one of the machine's, and none of the file's.
        mend = _MEND if isinstance(error, sqlite3.OperationalError) else _RESTORE
        raise DatabaseUnusableError(f"{file} cannot be read ({' '.join(str(error).split())}); {mend}") from None
    if health != "ok":
        raise DatabaseUnusableError(f"{file} is corrupt ({' '.join(health.split())}); {_RESTORE}")
    if revision is None and tables:
        raise DatabaseUnusableError(f"{file} is the database of another program; name another in database.url")
    if revision is not None and revision not in REVISIONS:
        raise DatabaseUnusableError(
            f"{file} was written by a newer version (schema {revision}, known here up to {REVISIONS[-1]}); "
            "install that version again, or restore the backup made before it"
        )
    return revision


_RESTORE = "move it away together with its -wal and -shm files, and restore a backup or let a new one be made"
_MEND = "look at the disk and at who owns the file"


def upgrade(url: str) -> bool:
    """Brings the file to the newest schema, creating it if need be; whether there was anything to do.

    The caller holds the lock. Raises `DatabaseUnusableError`.
    """
    if revision_of(url) == REVISIONS[-1]:
        _check_writable(url)
        return False
    # Alembic takes 10 MB that a daemon would keep for months, so it works in a process of its own. That one looks for
    # modules where this one does, and never in the working directory (-P).
    command = [sys.executable, "-P", "-m", "daemon.migrate", url]
    places = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    migration = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | places)  # noqa: S603
    if migration.returncode != 0:
        raise DatabaseUnusableError(f"{file_of(url)} cannot be brought up to date: {migration.stderr.strip()}; {_MEND}")
    return True


def _check_writable(url: str) -> None:
    engine = open_engine(url)
    try:
        with transaction(engine, writes=True) as connection:
            # Only a real write tells: SQLite lets a write transaction begin on a file that it may only read.
            connection.exec_driver_sql("UPDATE progress SET id = id")
    except DatabaseBusyError as error:
        raise DatabaseUnusableError(f"{file_of(url)}: {error}; {_MEND}") from None
    finally:
        engine.dispose()


def backup(url: str, copy: Path) -> None:
    """Writes a consistent copy, whole or not at all, while the daemon may go on. Raises `DatabaseUnusableError`."""
    file = file_of(url)
    if revision_of(url) is None:
        raise DatabaseUnusableError(f"{file} does not exist yet, so there is nothing to copy; run the daemon first")
    try:
        if copy.exists() and (copy.is_dir() or copy.samefile(file) or not _is_database(copy)):
            raise DatabaseUnusableError(f"{copy} is in use or no earlier backup, and is left alone; name another file")
        _copy(file, copy.with_name(f"{copy.name}.part"), copy)
    except (OSError, sqlite3.Error) as error:
        raise DatabaseUnusableError(f"the backup to {copy} failed ({error}); {_MEND}") from None


def _copy(file: Path, part: Path, copy: Path) -> None:
    part.unlink(missing_ok=True)
    # Payloads can be confidential: the copy is its owner's alone from the first moment.
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with closing(sqlite3.connect(file, timeout=BUSY_SECONDS)) as source, closing(sqlite3.connect(part)) as target:
            source.backup(target)
            target.execute("PRAGMA journal_mode = DELETE")
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.replace(copy)
    except (OSError, sqlite3.Error):
        for left in (part, part.with_name(f"{part.name}-journal")):
            left.unlink(missing_ok=True)
        raise


def _is_database(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(len(_HEADER)) == _HEADER
