"""The history of incidents, as other statements write it in their transaction."""

from collections.abc import Collection
from dataclasses import asdict

from sqlalchemy import Connection, insert

from daemon.model.history import Entry
from daemon.storage.schema import HISTORY

_ADD = insert(HISTORY)


def add(connection: Connection, entries: Collection[Entry]) -> None:
    """Adds entries, in this order."""
    if entries:
        connection.execute(_ADD, [asdict(entry) for entry in entries])
