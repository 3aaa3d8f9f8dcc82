"""PostgreSQL: how it is connected to, and what every transaction begins and ends with.

1. No call waits longer than its `Patience`. On the server no lock is held longer, but for what `lease` sends away.
2. What a leader writes is fenced: it counts only while nobody else has taken over.
3. Writers follow each other, as with SQLite's BEGIN IMMEDIATE, and a reader sees one state.
4. After a COMMIT whose answer is lost, the server is asked what became of it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Engine, Pool, QueuePool, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoneFreeError
from sqlalchemy.pool import ConnectionPoolEntry

from daemon.host.clock import boottime
from daemon.model.errors import DatabaseBusyError, TermLostError
from daemon.storage.commit import MARK, MARKED, TURN, Mark, UnknownError, was_committed
from daemon.storage.fence import Fence
from daemon.storage.server_connection import Bounded, connect, guards
from daemon.storage.server_errors import READ_ONLY, why

DURABLE = (
    "SELECT set_config('synchronous_commit', 'on', true) "
    "WHERE current_setting('synchronous_commit') IN ('off', 'local')"
)
"""What was committed survives a crash, as with SQLite, also where the default of the server is another."""
POOL_SIZE, OVERFLOW = 5, 10


@dataclass(frozen=True, slots=True)
class Patience:
    """How long things may take, in seconds: a lock, a statement, the client between two of them; the transaction."""

    lock: float
    statement: float
    idle: float
    whole: float

    @property
    def guards(self) -> str:
        """For the server, in each transaction."""
        return guards(self.lock, self.statement, self.idle)


JOBS = Patience(1, 2, 3, 8)
"""With the two seconds after which the server notices it, below the shortest lease (12 s)."""
LEASE = Patience(1, 2, 3, 4)
COMMANDS = Patience(5, 30, 3, 60)
READERS = Patience(5, 600, 600, 1800)
"""A report over years takes minutes, and somebody may read it page by page."""


def open_engine(
    url: str,
    pool: type[Pool] = QueuePool,
    patience: Patience = JOBS,
    *,
    fence: Fence | None = None,
    turn: bool = True,
    on_warning: Callable[[str], None] = lambda _: None,
) -> Engine:
    """An engine whose connections are all alike. Connects to nothing yet.

    `fence`: that of a leader. `turn`: whether its writers wait for their turn, and ask after a COMMIT without an
    answer. `on_warning` gets a sentence when what was committed may be on one server alone.
    """
    sized: dict[str, Any] = {}
    if pool is QueuePool:
        sized = {"pool_size": POOL_SIZE, "max_overflow": OVERFLOW, "pool_timeout": patience.whole}
    engine = create_engine(
        "postgresql+psycopg://",
        creator=partial(connect, url),
        poolclass=pool,
        use_native_hstore=False,
        **sized,
    )
    event.listen(engine, "connect", lambda _, record: record.info.update(pool=engine.pool))
    event.listen(engine, "checkin", partial(_drop_left_over, engine))
    engine.update_execution_options(transaction=_Door(url, patience, fence, turn, fence.doubt if fence else on_warning))
    return engine


def _drop_left_over(engine: Engine, _: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
    """A connection in use while its pool was disposed would return to it and stay open: close it."""
    if record.info.get("pool") is not engine.pool:
        record.invalidate()


@dataclass(frozen=True, slots=True)
class _Door:
    """Every transaction on a server goes through this."""

    url: str
    patience: Patience
    fence: Fence | None
    turn: bool
    on_warning: Callable[[str], None]

    @contextmanager
    def __call__(self, engine: Engine, *, writes: bool) -> Iterator[Connection]:
        """One short transaction. Raises `DatabaseBusyError`; then nothing was written."""
        if writes and self.fence:
            self.fence.check()
        try:
            connection, row = self._begun(engine, writes=writes)
            with _returned(connection):
                mark = self._checked(row) if writes else None
                yield connection
                self._commit(connection, mark)
        except (DBAPIError, psycopg.Error, NoneFreeError) as error:
            raise self._in_words(error, writes=writes) from error

    def _begin(self, *, writes: bool) -> str:
        """All that a transaction begins with: one round trip."""
        if not writes:
            return f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {self.patience.guards}"
        turn = f"{TURN}; " if self.turn else ""
        fence = f", fence WHERE {self.fence.condition} FOR SHARE OF fence" if self.fence else ""
        mark = f"SELECT {MARK} FROM {MARKED}{fence}"  # noqa: S608 - nothing of others is in it
        return f"BEGIN ISOLATION LEVEL READ COMMITTED; {self.patience.guards}; {DURABLE}; {turn}{mark}"

    def _begun(self, engine: Engine, *, writes: bool) -> tuple[Connection, tuple[str, ...] | None]:
        """A connection with a transaction, and the last row of what began it.

        A connection that broke while it rested is replaced. Raises the driver's errors and those of the pool.
        """
        end = boottime() + self.patience.whole
        while True:
            connection = engine.connect().execution_options(writes=writes)
            connection.begin()
            driver, rested = driver_of(connection), connection.info.get("rested", False)
            try:
                driver.until = boottime() + self.patience.whole
                row = driver.last_row(self._begin(writes=writes))
            except psycopg.Error as error:
                broken = driver.closed
                if broken or error.sqlstate == READ_ONLY:
                    connection.invalidate()
                connection.close()
                if not (broken and rested) or boottime() > end:
                    raise
            else:
                connection.info["rested"] = True
                return connection, row

    def _checked(self, row: tuple[str, ...] | None) -> Mark:
        """What the transaction is known by. Raises `TermLostError`."""
        if row is None:
            raise self._taken_over()
        mark = Mark(*row)
        if self.fence:
            self.fence.check(mark.timeline)
        return mark

    def _taken_over(self) -> TermLostError:
        assert self.fence is not None
        self.fence.end("another process has taken over")
        return self.fence.error()

    def _commit(self, connection: Connection, mark: Mark | None) -> None:
        """Raises the driver's errors, `DatabaseBusyError` and `TermLostError`."""
        driver = driver_of(connection)
        if mark is not None and driver.info.transaction_status == TransactionStatus.INERROR:
            # The server would answer COMMIT with a rollback, and call it no error.
            raise DatabaseBusyError("the database cannot be written now: a statement failed before")
        driver.warnings.clear()
        try:
            connection.commit()
        except DBAPIError:
            connection.invalidate()
            if mark is None or not self.turn or not self._was_committed(mark):
                raise
            self.on_warning("the answer to the last commit was lost")
        if driver.was_cancelled:
            connection.invalidate()  # the cancelling may be late, and end what comes next
        if driver.warnings:
            self.on_warning(f"the last commit reached one server alone ({driver.warnings[0]})")

    def _was_committed(self, mark: Mark) -> bool:
        """Raises `DatabaseBusyError`, of a leader `TermLostError`: it cannot go by what it believes to be recorded."""
        try:
            return was_committed(mark, self.url)
        except UnknownError as error:
            if self.fence is None:
                raise
            self.fence.end(str(error))
            raise TermLostError(str(error)) from None

    def _in_words(self, error: Exception, *, writes: bool) -> DatabaseBusyError:
        cause = error.orig if isinstance(error, DBAPIError) else error
        reason = "all connections are in use" if isinstance(error, NoneFreeError) else why(cause)
        sentence = f"the database cannot be {'written' if writes else 'read'} now: {reason}"
        if self.fence and getattr(cause, "sqlstate", None) == READ_ONLY:
            self.fence.end(sentence)
            return TermLostError(sentence)
        return DatabaseBusyError(sentence)


@contextmanager
def _returned(connection: Connection) -> Iterator[None]:
    """Returns it to its pool; after an error, which it lets through, rolled back or closed."""
    try:
        yield
    except BaseException as error:
        is_read_only = isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) == READ_ONLY
        # A server that has become read-only keeps its connections: the next one is to look for another server.
        if not connection.invalidated and (is_read_only or boottime() > driver_of(connection).until):
            connection.invalidate()
        with suppress(DBAPIError):
            connection.close()
        raise
    connection.close()


def sqlstate_of(error: DatabaseBusyError) -> str | None:
    """The SQLSTATE of what the server said, if it said anything."""
    cause = error.__cause__
    return getattr(cause.orig if isinstance(cause, DBAPIError) else cause, "sqlstate", None)


def driver_of(connection: Connection) -> Bounded:
    """The driver's own connection."""
    return cast("Bounded", connection.connection.dbapi_connection)
