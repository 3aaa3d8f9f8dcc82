"""Which of several processes works on a database of PostgreSQL: the one that has the lease.

1. The server's clock says when a lease has expired; how long its holder may rely on it is counted on the holder's own,
   from before it asked, less a margin. So both end it in the right order, however far apart the clocks are.
2. A take-over gives the writers of all earlier terms away: they find another holder and epoch in `fence`.
3. A holder is drawn anew for each process, since after a failover the same epoch may be given twice.
4. A writer that stands still in its transaction is sent away. Its own guards do not end it everywhere: PostgreSQL
   counts no time while it waits for the rest of what a client has begun to say, or for a client to take an answer
   (PostgresMain and secure_write, in src/backend of 15 and 17).
"""

import os
import secrets
import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, text

from daemon import __version__
from daemon.host.clock import boottime
from daemon.model.errors import DatabaseBusyError, DatabaseUnusableError
from daemon.model.snapshot import Holder
from daemon.storage.fence import Fence
from daemon.storage.place import shown
from daemon.storage.postgresql import JOBS, open_engine
from daemon.storage.revision import REVISIONS
from daemon.storage.term import LeaseConnection, Term

__all__ = ["Contender", "Leader", "Standing", "Term", "leader"]

_LOOK = text(
    "SELECT holder, epoch, expires_at, expires_at < clock_timestamp() AS expired, duration, host, pid, version, since, "
    "renewed_at FROM lease"
)
_REVISION = text("SELECT version_num FROM alembic_version")
_LOCK = text(
    "SELECT epoch FROM lease "
    "WHERE expires_at < clock_timestamp() OR (holder = :holder AND epoch = :epoch AND expires_at = :expires_at) "
    "FOR UPDATE"
)
_SEND_AWAY = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE xact_start < clock_timestamp() - make_interval(secs => :longest) AND pid IN "
    "(SELECT pid FROM pg_locks WHERE relation = to_regclass('fence') AND database = datid AND mode = 'RowShareLock') "
    "AND datname = current_database()"
)
"""Who has locked the fence as writers do, and has it for longer than one of them may."""
_MOVE = text(
    "UPDATE fence SET holder = :holder, epoch = epoch + 1 "
    "RETURNING epoch, left(pg_walfile_name(pg_current_wal_flush_lsn()), 8)"
)
_TAKE = text(
    "UPDATE lease SET holder = :holder, epoch = :epoch, duration = :duration, host = :host, pid = :pid, "
    "version = :version, since = clock_timestamp(), renewed_at = clock_timestamp(), "
    "expires_at = clock_timestamp() + make_interval(secs => :duration)"
)


@dataclass(frozen=True, slots=True)
class Leader:
    """The process that has the lease, or had it last; for people."""

    host: str
    pid: int
    version: str
    epoch: int
    since: datetime
    renewed_at: datetime
    """Both aware and in UTC, by the server's clock."""

    def __str__(self) -> str:
        """As a sentence names it."""
        return f"process {self.pid} on {self.host}"


@dataclass(frozen=True, slots=True)
class Standing:
    """What a look found."""

    expired: bool
    leader: Leader | None
    """`None`: nobody, since it was given back or never taken."""


@dataclass(frozen=True, slots=True)
class _Row:
    """A state of the lease; each renewal and each take-over makes another one."""

    holder: str
    epoch: int
    expires_at: datetime


def leader(url: str) -> Holder | None:
    """The process that has the lease; `None` if it was given back or has expired. Raises `DatabaseUnusableError`."""
    lease = LeaseConnection(url)
    try:
        with lease.transaction(writes=False) as connection:
            row = connection.execute(_LOOK).one()
    except DatabaseBusyError as error:
        raise DatabaseUnusableError(f"{shown(url)}: {error}") from None
    finally:
        lease.close()
    if not row.holder or row.expired:
        return None
    found = _leader(row)
    return Holder(found.pid, found.version, found.since, host=found.host)


def _leader(row: Row[Any]) -> Leader:
    since, renewed_at = (at.astimezone(UTC) for at in (row.since, row.renewed_at))
    return Leader(row.host, row.pid, row.version, row.epoch, since, renewed_at)


class Contender:
    """One per process: looks at the lease, and takes it over once it has expired. For one thread."""

    def __init__(self, url: str, duration: float, host: str = "") -> None:
        """`duration`: of the lease, in seconds. `host`: the name of this machine, for people. Connects to nothing."""
        self._url = url
        self._shown = {"duration": duration, "host": host or socket.gethostname(), "pid": os.getpid()}
        self._duration = duration
        self._lease = LeaseConnection(url)
        self._next = secrets.token_hex(16)
        self._last: Fence | None = None
        self._seen: _Row | None = None
        self._seen_since = 0.0
        self._changed = False
        self._over: _Row | None = None

    def look(self) -> Standing:
        """Reads the lease. Raises `DatabaseBusyError`, and `DatabaseUnusableError` if there is none."""
        with self._lease.transaction(writes=False) as connection:
            row = connection.execute(_LOOK).one()
        seen, now = _Row(row.holder, row.epoch, row.expires_at), boottime()
        if seen != self._seen:
            self._changed = self._seen is not None
            self._seen, self._seen_since = seen, now
        is_over = not row.holder or self._is_over(seen, now, row.duration, says_expired=row.expired)
        self._over = seen if is_over else None
        return Standing(is_over, _leader(row) if row.holder else None)

    def _is_over(self, seen: _Row, now: float, duration: float, *, says_expired: bool) -> bool:
        """Whether nobody relies on the lease that was seen.

        The clock of the server may be set: a lease that was renewed while this process looked lasts its time on our
        own clock, and one that was not renewed for that time is over whatever that of the server says.
        """
        if seen.holder == self._next:  # the answer to the COMMIT of a take-over was lost
            return True
        if self._last is not None and seen.holder == self._last.holder:
            return self._last.lost is not None
        unchanged = now - self._seen_since > duration
        return unchanged or (says_expired and not self._changed)

    def take_over(self) -> Term | None:
        """Begins a term; `None` if another process was faster, or the lease is not over.

        Raises `DatabaseBusyError`, and `DatabaseUnusableError` if the database is of another version.
        """
        with self._lease.transaction(writes=True) as connection:
            if not connection.execute(_LOCK, self._asked()).all():
                return None
            self._check_schema(connection)
            connection.execute(_SEND_AWAY, {"longest": JOBS.whole})
            epoch, timeline = connection.execute(_MOVE, {"holder": self._next}).one()
            # All that could wait has been waited for: from here on the lease runs.
            began = boottime()
            connection.execute(_TAKE, {"holder": self._next, "epoch": epoch, "version": __version__, **self._shown})
        self._last = fence = Fence(self._next, epoch, timeline)
        self._next = secrets.token_hex(16)
        self._lease.tell(fence)
        return Term(open_engine(self._url, fence=fence), self._lease, fence, self._duration, began)

    def _asked(self) -> dict[str, Any]:
        """Which lease may be taken besides one that has expired: the one that was seen to be over."""
        over = self._over or _Row("", 0, datetime.fromtimestamp(0, UTC))
        return {"holder": over.holder, "epoch": over.epoch, "expires_at": over.expires_at}

    def _check_schema(self, connection: Connection) -> None:
        revision = connection.execute(_REVISION).scalar()
        if revision != REVISIONS[-1]:
            raise DatabaseUnusableError(
                f"{shown(self._url)} has schema {revision}, and this version ({__version__}) works with schema "
                f"{REVISIONS[-1]} alone, so it cannot take over; install the same version on all hosts"
            )

    def close(self) -> None:
        """Closes the connection that looks and renews."""
        self._lease.close()
