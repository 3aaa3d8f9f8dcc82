"""Rows of the incidents whose record cannot be read, on a given connection; the caller owns the transaction."""

from collections.abc import Collection
from dataclasses import asdict, fields
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from daemon.model.incident import Unreadable
from daemon.storage.source_schema import UNREADABLE

# Built once, as the statements of the outbox.
_READ = select(*(UNREADABLE.c[field.name] for field in fields(Unreadable))).order_by(
    UNREADABLE.c.since, UNREADABLE.c.id
)
_OF_ONE = _READ.where(UNREADABLE.c.source == bindparam("polled_from"))


def read(connection: Connection) -> list[Unreadable]:
    """All rows, oldest first."""
    return [Unreadable(*row) for row in connection.execute(_READ)]


def read_of(connection: Connection, polled_from: str) -> list[Unreadable]:
    """Those of one account, oldest first."""
    return [Unreadable(*row) for row in connection.execute(_OF_ONE, {"polled_from": polled_from})]


def replace(connection: Connection, polled_from: str, kept: Collection[Unreadable]) -> None:
    """Replaces all rows of one account with these."""
    connection.execute(delete(UNREADABLE).where(UNREADABLE.c.source == polled_from))
    if kept:
        connection.execute(insert(UNREADABLE), [{**asdict(one), "source": polled_from} for one in kept])


def restart(connection: Connection, now: datetime) -> None:
    """Sets `since` and `due_at` of every row to `now`: after a clock step the recorded times prove nothing."""
    connection.execute(update(UNREADABLE).values(since=now, due_at=now))
