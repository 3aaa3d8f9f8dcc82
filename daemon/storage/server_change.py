"""Changes of the tables on a server: all or nothing, one process after the other, and not while a leader works."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, NullPool, Row, func, select

from daemon.model.errors import AnotherInstanceError, DatabaseUnusableError
from daemon.storage.commit import TURN
from daemon.storage.lease_schema import LEASE
from daemon.storage.place import shown
from daemon.storage.postgresql import Patience, open_engine

CHANGES = Patience(60, 3600, 60, 4 * 3600)
"""A statement may rewrite a large table. Another process that changes the tables is waited for."""
ALONE = "SELECT pg_advisory_xact_lock(7092710914302534242)"
"""On any number that is no oid: `postgresql.TURN` uses those."""


@contextmanager
def changing(url: str, on_warning: Callable[[str], None] = lambda _: None) -> Iterator[Connection]:
    """A transaction that changes tables. Raises `DatabaseBusyError`; then nothing was changed.

    `on_warning`: as of `open_engine`.
    """
    engine = open_engine(url, NullPool, CHANGES, on_warning=on_warning)
    try:
        with engine.get_execution_options()["transaction"](engine, writes=True) as connection:
            connection.exec_driver_sql(ALONE)
            yield connection
    finally:
        engine.dispose()


@contextmanager
def excluding(url: str, on_warning: Callable[[str], None]) -> Iterator[Connection]:
    """A transaction while nobody leads, nor begins to, nor writes or makes tables.

    `on_warning`: as of `open_engine`. Raises `DatabaseBusyError`, and `AnotherInstanceError` where somebody leads.
    """
    with changing(url, on_warning) as connection:
        # They may have been made while this one waited.
        if connection.exec_driver_sql("SELECT to_regclass('lease')").scalar() is not None:
            connection.exec_driver_sql(TURN)
            if (leader := _leader(connection)) is not None:
                raise AnotherInstanceError(
                    f"process {leader.pid} on {leader.host} works on {shown(url)}; stop it first, and those that "
                    "stand by"
                )
        yield connection


def check_unused(connection: Connection, url: str) -> None:
    """Keeps the lease from being taken in this transaction. Raises `DatabaseUnusableError` if a process has it.

    That process is of an older version, and would go on with tables that it does not know.
    """
    if (leader := _leader(connection)) is not None:
        raise DatabaseUnusableError(
            f"{shown(url)} is of an older version, with which process {leader.pid} on {leader.host} works; stop that, "
            "then start this again"
        )


def _leader(connection: Connection) -> "Row[Any, Any] | None":
    """The process that has the lease, which nobody can take in this transaction."""
    connection.execute(select(LEASE.c.epoch).with_for_update())
    in_force = select(LEASE.c.host, LEASE.c.pid).where(LEASE.c.expires_at > func.clock_timestamp())
    return connection.execute(in_force).one_or_none()
