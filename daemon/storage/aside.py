"""The records that are set aside since they cannot be read, in the database. The verbs are those of `store`."""

from collections.abc import Collection
from dataclasses import asdict, fields
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from daemon.model.incident import Unreadable
from daemon.storage.schema import UNREADABLE

_COLUMNS = [UNREADABLE.c[field.name] for field in fields(Unreadable)]


def read(connection: Connection) -> list[Unreadable]:
    """All of them."""
    rows = connection.execute(select(*_COLUMNS).order_by(UNREADABLE.c.since, UNREADABLE.c.id))
    return [Unreadable(*row) for row in rows]


def replace(connection: Connection, kept: Collection[Unreadable]) -> None:
    """From now on it is these."""
    connection.execute(delete(UNREADABLE))
    if kept:
        connection.execute(insert(UNREADABLE), [asdict(one) for one in kept])


def begin_anew(connection: Connection, now: datetime) -> None:
    """Nobody can say since when they are unreadable, nor when they are due."""
    connection.execute(update(UNREADABLE).values(since=now, due_at=now))
