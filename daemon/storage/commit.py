"""What became of a COMMIT whose answer was lost.

A transaction holds the turn of the writers until it is over. So who gets the turn finds it committed or not, unless

- the server has another timeline: then it was promoted, and the number of the transaction may mean another one there;
- the server has made a checkpoint since: it may have crashed, have forgotten a transaction that was not on its disk
  yet, and have given its number to another one.
"""

import threading
from contextlib import closing
from dataclasses import dataclass

import psycopg

from daemon.host.clock import boottime
from daemon.model.errors import DatabaseBusyError
from daemon.storage.server_connection import Bounded, connect, guards
from daemon.storage.server_errors import why

TURN = "SELECT pg_advisory_xact_lock(to_regclass('incidents')::oid::bigint)"
"""Writers follow each other. Where the tables are only being made there is none, and this locks nothing."""
MARK = "pg_current_xact_id()::text, left(pg_walfile_name(lsn), 8), lsn::text"
"""Of a transaction: its number, the timeline of the server, and how much of its log was on its disk."""
MARKED = "pg_current_wal_flush_lsn() AS lsn"
SECONDS = 6.0
"""How long it is asked. What a lost client leaves behind ends before that, by its guards."""
PAUSE = 0.2
UNKNOWN = "the last change may have been recorded or not"
IN_THE_FUTURE = "22023"
"""What `pg_xact_status` raises for a number that was not given yet (src/backend/utils/adt/xid8funcs.c)."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What a write transaction is known by."""

    number: str
    timeline: str
    flushed: str


class UnknownError(DatabaseBusyError):
    """Whether the last change was recorded is not known."""


def was_committed(mark: Mark, url: str) -> bool:
    """Whether the transaction was committed; it waits until that is decided. Raises `UnknownError`."""
    end = boottime() + SECONDS
    while True:
        try:
            with closing(connect(url, end - boottime())) as connection:
                return _answer(mark, connection)
        except psycopg.Error as error:
            if boottime() + PAUSE > end:
                raise UnknownError(f"{UNKNOWN}: the server does not say ({why(error)})") from None
            threading.Event().wait(PAUSE)


def _answer(mark: Mark, connection: Bounded) -> bool:
    """Raises the driver's errors, and `UnknownError`."""
    left = max(PAUSE, connection.until - boottime())
    connection.execute(f"BEGIN; {guards(left, left, left)}; {TURN}")
    ours, without_checkpoint = connection.execute(
        "SELECT left(pg_walfile_name(pg_current_wal_flush_lsn()), 8) = %s, checkpoint_lsn < %s::pg_lsn "
        "FROM pg_control_checkpoint()",
        (mark.timeline, mark.flushed),
    ).fetchone() or (False, False)
    if not ours:
        raise UnknownError(f"{UNKNOWN}: another server has become the primary one")
    try:
        (state,) = connection.execute("SELECT pg_xact_status(%s::text::xid8)", (mark.number,)).fetchone() or (None,)
    except psycopg.Error as error:
        if error.sqlstate == IN_THE_FUTURE:
            return False
        raise
    match state:
        case "committed" if without_checkpoint:
            return True
        case "committed":
            raise UnknownError(f"{UNKNOWN}: the server may have been restarted meanwhile")
        case "aborted" | "in progress":  # this process has the turn, so what is in progress is something else
            return False
    raise UnknownError(f"{UNKNOWN}: the server has forgotten it")
