"""Rows of the incidents whose record cannot be read, on a given connection; the caller owns the transaction."""

from collections.abc import Collection
from dataclasses import asdict, fields
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from daemon.model.incident import Unreadable
from daemon.storage.schema import UNREADABLE

# Built once, as the statements of the outbox.
_READ = select(*(UNREADABLE.c[field.name] for field in fields(Unreadable))).order_by(
    UNREADABLE.c.since, UNREADABLE.c.id
)


def read(connection: Connection) -> list[Unreadable]:
    """All rows, oldest first."""
    return [Unreadable(*row) for row in connection.execute(_READ)]


def replace(connection: Connection, kept: Collection[Unreadable]) -> None:
    """Replaces all rows with these."""
    connection.execute(delete(UNREADABLE))
    if kept:
        connection.execute(insert(UNREADABLE), [asdict(one) for one in kept])


def restart(connection: Connection, now: datetime) -> None:
    """Sets `since` and `due_at` of every row to `now`: after a clock step the recorded times prove nothing."""
    connection.execute(update(UNREADABLE).values(since=now, due_at=now))
