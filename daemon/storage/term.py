"""The time for which a process has the lease of a database of PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, text

from daemon.host.clock import boottime
from daemon.model.errors import DatabaseBusyError, DatabaseUnusableError
from daemon.storage.engine import transaction
from daemon.storage.fence import Fence
from daemon.storage.place import shown
from daemon.storage.postgresql import LEASE, open_engine, sqlstate_of
from daemon.storage.server_errors import NO_TABLE, READ_ONLY

MARGIN = 0.02
"""Of the lease: it is relied on for that much less, since two clocks do not run equally fast."""
NOT_MADE = "holds no state of this program yet; run: betterstack-signl4 db upgrade"

_RENEW = text(
    "UPDATE lease SET expires_at = clock_timestamp() + make_interval(secs => :duration), "
    "renewed_at = clock_timestamp() WHERE holder = :holder AND epoch = :epoch "
    "RETURNING left(pg_walfile_name(pg_current_wal_flush_lsn()), 8)"
)
_GIVE_BACK = text(
    "UPDATE lease SET holder = '', expires_at = clock_timestamp() WHERE holder = :holder AND epoch = :epoch"
)


class Term:
    """The time for which this process is the leader. Any thread may use it, and one at a time renews it."""

    def __init__(self, engine: Engine, lease: "LeaseConnection", fence: Fence, duration: float, began: float) -> None:
        """`engine`: of the jobs. `duration`: of the lease, in seconds; it runs from `began`, in `boottime`."""
        self.engine = engine
        self._lease = lease
        self._fence = fence
        self._duration = duration
        self._trusted_until = began + duration * (1 - MARGIN)

    @property
    def epoch(self) -> int:
        """Its number; each is given once, as long as no server is lost."""
        return self._fence.epoch

    @property
    def lost(self) -> str | None:
        """Why it is over for good; `None` while it is not."""
        return self._fence.lost

    @property
    def remark(self) -> str | None:
        """Why there is no trusted time although it is not over, in a sentence; `None` if nothing is wrong."""
        return self._fence.remark

    def trusted(self) -> float:
        """For how many seconds no other process can take over, even if this one reaches no server any more."""
        if self._fence.lost is not None or self._fence.remark is not None:
            return 0.0
        return max(0.0, self._trusted_until - boottime())

    def renew(self) -> None:
        """Extends the lease. Raises `DatabaseBusyError` if that was not possible, `TermLostError` if it is over."""
        self._fence.check()
        doubts, began = self._fence.doubts, boottime()
        try:
            with self._lease.transaction(writes=True) as connection:
                self._check(connection.execute(_RENEW, self._named(duration=self._duration)).scalar())
        except DatabaseBusyError as error:
            if sqlstate_of(error) == READ_ONLY:
                self._fence.end(str(error))
                self._fence.check()
            raise
        if not self._lease.tell(self._fence) and self._fence.rely(doubts):
            self._trusted_until = began + self._duration * (1 - MARGIN)

    def _check(self, timeline: str | None) -> None:
        """Raises `TermLostError`; then nothing is renewed."""
        if timeline is None:
            self._fence.end("another process has taken over")
        self._fence.check(timeline)

    def give_back(self) -> None:
        """Ends the term, and lets the next process take over at once. Raises `DatabaseBusyError`.

        Also for a term that is lost: a lease that another process has is left alone.
        """
        self._fence.end("it was given back")
        with self._lease.transaction(writes=True) as connection:
            connection.execute(_GIVE_BACK, self._named())

    def _named(self, **others: Any) -> dict[str, Any]:
        return {"holder": self._fence.holder, "epoch": self._fence.epoch, **others}

    def close(self) -> None:
        """Ends the term here, and closes the connections of the jobs. Tells no server: see `give_back`."""
        self._fence.end("it was closed")
        self.engine.dispose()
        self._lease.close()


class LeaseConnection:
    """The connection that looks and renews: it waits for no job."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._warnings: list[str] = []
        self._engine = open_engine(url, patience=LEASE, turn=False, on_warning=self._warnings.append)

    @contextmanager
    def transaction(self, *, writes: bool) -> Iterator[Connection]:
        """As `transaction` of the engine. Raises `DatabaseUnusableError` if there is no lease."""
        self._warnings.clear()
        try:
            with transaction(self._engine, writes=writes) as connection:
                yield connection
        except DatabaseBusyError as error:
            if sqlstate_of(error) == NO_TABLE:
                raise DatabaseUnusableError(f"{shown(self._url)} {NOT_MADE}") from None
            raise

    def tell(self, fence: Fence) -> bool:
        """Tells of what the server warned at the last COMMIT; whether there was anything."""
        for warning in self._warnings:
            fence.doubt(warning)
        return bool(self._warnings)

    def close(self) -> None:
        """Closes the connection."""
        self._engine.dispose()
