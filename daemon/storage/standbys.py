"""The processes that stand by: each notes itself again and again, so that people see who would take over."""

import os
import secrets
from contextlib import closing, suppress

from sqlalchemy import TextClause, text

from daemon import __version__
from daemon.model.errors import DatabaseBusyError, DatabaseUnusableError
from daemon.model.snapshot import StandbyProcess
from daemon.storage.term import LeaseConnection

_NOTE = text(
    "INSERT INTO standbys (holder, host, pid, version, since, seen_at) "
    "VALUES (:holder, :host, :pid, :version, clock_timestamp(), clock_timestamp()) "
    "ON CONFLICT (holder) DO UPDATE SET seen_at = excluded.seen_at"
)
_FORGET = text("DELETE FROM standbys WHERE holder = :holder OR seen_at < clock_timestamp() - interval '1 day'")
_LIST = text(
    "SELECT host, pid, version, since, seen_at FROM standbys "
    # Who has not noted itself for so long stands by no more.
    "WHERE seen_at > clock_timestamp() - interval '60 seconds' ORDER BY host, pid"
)


class StandbyNote:
    """The note of this process, on a connection of its own. For one thread."""

    def __init__(self, url: str, host: str) -> None:
        """`host`: the name of this machine. Connects to nothing."""
        self._connection = LeaseConnection(url)
        self._values = {"holder": secrets.token_hex(16), "host": host, "pid": os.getpid(), "version": __version__}
        self._noted = False

    def renew(self) -> None:
        """Notes that this process still stands by. What cannot be noted now is noted the next time."""
        self._write(_NOTE)
        self._noted = True

    def close(self) -> None:
        """The process stands by no more."""
        if self._noted:
            self._write(_FORGET)
        self._connection.close()

    def _write(self, statement: TextClause) -> None:
        with (
            suppress(DatabaseBusyError, DatabaseUnusableError),
            self._connection.transaction(writes=True) as connection,
        ):
            connection.execute(statement, self._values)


def standbys(url: str) -> tuple[StandbyProcess, ...]:
    """Who stands by; nobody, if there are no tables yet. Raises `DatabaseBusyError`."""
    found: list[StandbyProcess] = []
    with (
        closing(LeaseConnection(url)) as asked,
        suppress(DatabaseUnusableError),
        asked.transaction(writes=False) as connection,
    ):
        found += [StandbyProcess(*row) for row in connection.execute(_LIST)]
    return tuple(found)
