"""Connections to the database, and transactions on them.

A reader creates, changes and removes nothing, neither the file nor SQLite's files beside it.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from functools import partial

from sqlalchemy import Connection, Engine, NullPool, Pool, QueuePool, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection, ExceptionContext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from daemon.model.errors import DatabaseBusyError, DatabaseUnusableError, NoDatabaseError
from daemon.storage.columns import json_of
from daemon.storage.gate import Gate
from daemon.storage.place import is_postgresql
from daemon.storage.revision import file_of, is_up_to_date, nothing_to
from daemon.storage.sqlite import BUSY_SECONDS, DAMAGED, LOG_LIMIT, WRITING, connected, read_only, why


def open_engine(url: str, pool: type[Pool] = QueuePool) -> Engine:
    """An engine that configures every connection alike. Opens nothing yet, and never creates the file."""
    if is_postgresql(url):
        from daemon.storage import postgresql  # noqa: PLC0415 - only who has a server pays for its driver

        return postgresql.open_engine(url, pool)
    connect = partial(connected, file_of(url), WRITING, BUSY_SECONDS)
    engine = create_engine(url, creator=connect, poolclass=pool, json_deserializer=json_of)
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)
    event.listen(engine, "connect", lambda _, record: record.info.update(pool=engine.pool))
    event.listen(engine, "checkin", partial(_drop_left_over, engine))
    return engine


def existing(url: str) -> Engine | None:
    """An engine on an existing, up-to-date database; `None` if there is none. Raises `DatabaseUnusableError`.

    Keeps no connection open between transactions.
    """
    if not is_up_to_date(url):
        return None
    if is_postgresql(url):
        from daemon.storage import postgresql  # noqa: PLC0415

        return postgresql.open_engine(url, NullPool, postgresql.COMMANDS)
    return open_engine(url, NullPool)


def reader(url: str, *, checked: bool = True) -> Engine | None:
    """Like `existing`, but read-only: changes neither the file nor the files beside it.

    Without `checked` it is there at once, however large the file; damage raises `DatabaseUnusableError` once read.
    """
    if not is_up_to_date(url, checked=checked):
        return None
    if is_postgresql(url):
        from daemon.storage import postgresql  # noqa: PLC0415

        return postgresql.open_engine(url, NullPool, postgresql.READERS)
    engine = create_engine(
        url, creator=partial(read_only, file_of(url), BUSY_SECONDS), poolclass=NullPool, json_deserializer=json_of
    )
    event.listen(engine, "connect", lambda connection, _: setattr(connection, "isolation_level", None))
    event.listen(engine, "begin", _begin)
    event.listen(engine, "handle_error", partial(_name_damage, url))
    return engine


def writer(url: str, verb: str) -> Engine:
    """Like `existing`. Raises `DatabaseUnusableError` where there is no database, and so nothing to `verb`."""
    engine = existing(url)
    if engine is None:
        raise DatabaseUnusableError(nothing_to(verb, url))
    return engine


def listing_reader(url: str) -> Engine:
    """An unchecked reader. Raises `NoDatabaseError` where there is no database."""
    engine = reader(url, checked=False)
    if engine is None:
        raise NoDatabaseError(nothing_to("list", url))
    return engine


def _name_damage(url: str, context: ExceptionContext) -> None:
    """Raises `DatabaseUnusableError` if the file is damaged."""
    if getattr(context.original_exception, "sqlite_errorname", "").startswith(DAMAGED):
        is_up_to_date(url)


def _set_up(connection: DBAPIConnection, _record: object) -> None:
    # The driver's implicit BEGIN comes too late for a read followed by a write; `_begin` does it instead.
    connection.isolation_level = None
    try:
        with closing(connection.cursor()) as cursor:
            cursor.execute("PRAGMA journal_mode = WAL")
            cursor.execute("PRAGMA synchronous = FULL")
            # After a reader that stayed open has left, the next commits cut the log to this size.
            cursor.execute(f"PRAGMA journal_size_limit = {LOG_LIMIT}")
            cursor.execute("PRAGMA foreign_keys = ON")
            cursor.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    except sqlite3.Error:
        connection.close()
        raise


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _drop_left_over(engine: Engine, _: object, record: ConnectionPoolEntry) -> None:
    """A connection in use while its pool was disposed would return to it and keep a damaged file open: close it."""
    if record.info.get("pool") is not engine.pool:
        record.invalidate()


@contextmanager
def transaction(engine: Engine, *, writes: bool) -> Iterator[Connection]:
    """One short transaction. Raises `DatabaseBusyError`; then nothing was written.

    A connection remembers a read-only file or damaged pages, and shares that with the other connections of the process.
    So from a failure until the next successful write no connection outlives its transaction.
    """
    options = engine.get_execution_options()
    if (of_server := options.get("transaction")) is not None:
        with of_server(engine, writes=writes) as connection:
            yield connection
        return
    gate: Gate | None = options.get("gate")
    try:
        with (
            gate.shared(writes=writes) if gate else nullcontext(),
            engine.connect().execution_options(writes=writes) as connection,
        ):
            try:
                with connection.begin():
                    yield connection
                if writes and engine.get_execution_options().get("distrusted"):
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


def checkpoint(engine: Engine) -> bool:
    """Checkpoints the WAL, so that a plain copy of the file is complete; returns whether that was possible.

    If a reader is in the way, the rest is left to the next call. A server does that by itself. Raises
    `DatabaseBusyError`.
    """
    if engine.dialect.name == "postgresql":
        return True
    with transaction(engine, writes=False) as connection:
        # Nothing was read yet, so SQLite treats this as outside any transaction.
        connection.exec_driver_sql("PRAGMA busy_timeout = 0")
        try:
            ((busy, *_),) = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    return not busy
