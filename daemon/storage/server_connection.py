"""Connections to PostgreSQL that wait for no server longer than they may.

The driver never blocks in the system: it waits for the socket in a loop of Python and looks up every tenth of a second
(`Connection.wait` of psycopg). So a deadline that is checked there ends every call, COMMIT included, whether the server
hangs or its packets vanish. Connecting alone can block, where the system looks up a name: it has a thread of its own.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict
from psycopg.errors import Diagnostic

from daemon.host.clock import boottime
from daemon.model.errors import DatabaseUnusableError
from daemon.storage.place import for_libpq, is_ambiguous
from daemon.storage.server_errors import HANGS, UNREADABLE, unreadable

CONNECT_SECONDS = 3
"""For each host."""
CONNECTING = 8.0
"""Seconds for all of them, with the look-up of their names."""
SILENCE_SECONDS = 6
"""After that the kernel gives up a connection whose other side acknowledges nothing."""
COMMIT_SECONDS = 2.0
"""For a COMMIT, and then for its cancelling."""
NEVER = float("inf")
PRIMARY = {"target_session_attrs": "primary"}
_Result = TypeVar("_Result")


class DeadlineError(psycopg.OperationalError):
    """A call took longer than it may. Its connection is closed."""


class Cursor(psycopg.Cursor[tuple[Any, ...]]):
    """A cursor that leaves no transaction without the guards of the server."""

    def executemany(self, *args: Any, **kwargs: Any) -> None:
        """As the driver does it. Raises its errors.

        The driver ends it by asking the server to send what it has (Flush, after Sync). With that message PostgreSQL
        stops to count how long a transaction is idle (PostgresMain), until the next statement: say an empty one.
        """
        super().executemany(*args, **kwargs)
        self.connection.execute("")


class Bounded(psycopg.Connection[tuple[Any, ...]]):
    """A connection whose calls end at `until`, in seconds of `boottime`."""

    until: float = NEVER

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.warnings: list[str] = []
        """What the server warned of, until somebody empties it."""
        self.was_cancelled = False
        """Whether a COMMIT was cancelled."""
        self._cancel_at = NEVER

    def note(self, said: Diagnostic) -> None:
        """Keeps a warning; other notices of the server mean nothing here."""
        if said.severity_nonlocalized == "WARNING" and said.message_primary:
            self.warnings.append(said.message_primary)

    def commit(self) -> None:
        """Commits. Raises the driver's errors.

        A COMMIT may wait for another server, and no guard of the server ends that. It is cancelled after
        `COMMIT_SECONDS`: then it counts, with the warning that it is on one server alone.
        """
        self._cancel_at = boottime() + COMMIT_SECONDS
        try:
            super().commit()
        finally:
            self._cancel_at = NEVER

    def last_row(self, statements: str) -> tuple[Any, ...] | None:
        """The first row of the last of several statements, in one round trip. Raises the driver's errors."""
        with self.execute(statements) as cursor:
            while cursor.nextset():
                pass
            return cursor.fetchone() if cursor.description else None

    def wait(self, gen: PQGen[_Result], *args: Any, **kwargs: Any) -> _Result:
        """Waits as the driver does, until the deadline. Raises `DeadlineError`."""
        return super().wait(self._in_time(gen), *args, **kwargs)

    def _in_time(self, gen: PQGen[_Result]) -> PQGen[_Result]:
        try:
            waits_for = next(gen)
            while True:
                ready = yield waits_for
                now = boottime()
                if now > self._cancel_at:
                    self._cancel_at = NEVER
                    self.was_cancelled = True
                    with suppress(psycopg.Error):
                        self.cancel_safe(timeout=COMMIT_SECONDS)
                if now > self.until:
                    # What the server makes of the call is unknown, so nothing more may be asked on this connection.
                    self.pgconn.finish()
                    raise DeadlineError(HANGS)
                waits_for = gen.send(ready)
        except StopIteration as ended:
            result: _Result = ended.value
            return result


def guards(lock: float, statement: float, idle: float) -> str:
    """What ends on the server whatever takes longer, in seconds: a lock, a statement, the client between two of them.

    For one transaction: neither `options` nor SET reach the server through a pooler.
    """
    names = "lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout"
    limits = zip(names, (lock, statement, idle), strict=True)
    return "; ".join(f"SET LOCAL {name} = {limit * 1000:.0f}" for name, limit in limits)


def connect(url: str, longest: float = CONNECTING) -> Bounded:
    """A connection on which transactions are begun by hand, within `longest` seconds.

    Raises the driver's errors, and `DatabaseUnusableError` if the URL cannot be read.
    """
    if is_ambiguous(url):
        raise DatabaseUnusableError(UNREADABLE)
    address = for_libpq(url)
    try:
        # A server that follows another one cannot be written to; of several hosts, the next one is tried.
        choice: dict[str, Any] = {} if "target_session_attrs" in conninfo_to_dict(address) else PRIMARY
    except psycopg.Error as error:
        raise DatabaseUnusableError(unreadable(error)) from None

    def attempt() -> Bounded:
        return Bounded.connect(
            address,
            autocommit=True,
            cursor_factory=Cursor,
            prepare_threshold=None,  # a pooler gives each transaction another session
            connect_timeout=CONNECT_SECONDS,
            tcp_user_timeout=SILENCE_SECONDS * 1000,
            keepalives_idle=2,
            keepalives_interval=2,
            keepalives_count=2,
            client_encoding="utf8",
            fallback_application_name="betterstack-signl4",
            **choice,
        )

    end = boottime() + longest
    connection = _Attempt(attempt).result(end)
    connection.until = end
    connection.add_notice_handler(connection.note)
    return connection


class _Attempt:
    """Connects in another thread. If nobody waits for that any more, it closes what it got."""

    def __init__(self, connect: Callable[[], Bounded]) -> None:
        self._connect = connect
        self._done: SimpleQueue[Bounded | BaseException] = SimpleQueue()
        self._lock = threading.Lock()
        self._left = False

    def result(self, end: float) -> Bounded:
        """The connection, by `end` in `boottime`. Raises what connecting raised, and `DeadlineError`."""
        threading.Thread(target=self._run, name="connect", daemon=True).start()
        try:
            got = self._done.get(timeout=max(0.0, end - boottime()))
        except BaseException as error:
            self._leave()
            if not isinstance(error, Empty):
                raise
            raise DeadlineError(HANGS) from None
        if isinstance(got, BaseException):
            raise got
        return got

    def _run(self) -> None:
        try:
            got: Bounded | BaseException = self._connect()
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            got = error
        with self._lock:
            self._done.put(got)
            if self._left:
                self._close_unused()

    def _leave(self) -> None:
        with self._lock:
            self._left = True
            self._close_unused()

    def _close_unused(self) -> None:
        if not self._done.empty() and isinstance(unused := self._done.get(), Bounded):
            unused.close()
