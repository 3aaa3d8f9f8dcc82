"""Merges one database into another, so that nothing already delivered is sent again.

Of an incident the row that changed last wins. A delivery that either side counts as delivered is delivered.
"""

import sqlite3
from collections.abc import Iterable, Sequence

from sqlalchemy import Table

from daemon.storage.schema import DELIVERIES, INCIDENTS

_CHANGED_LATER = "excluded.changed_at >= incidents.changed_at"
_MORE_ADVANCED = (
    "deliveries.state <> 'delivered' AND (excluded.state = 'delivered' OR "
    "coalesce(excluded.attempted_at, '') >= coalesce(deliveries.attempted_at, ''))"
)


def merge(source: sqlite3.Connection, target: sqlite3.Connection) -> None:
    """Merges all or nothing, from a database of the same schema. Raises SQLite's errors of either side."""
    target.execute("BEGIN IMMEDIATE")
    try:
        for table, key, condition in (
            (INCIDENTS, ("id",), _CHANGED_LATER),
            (DELIVERIES, ("incident_id", "generation", "kind", "destination"), _MORE_ADVANCED),
        ):
            columns = [column.name for column in table.columns if not (table is DELIVERIES and column.name == "id")]
            target.executemany(_upsert(table, columns, key, condition), _rows(source, table, columns))
        target.execute("COMMIT")
    except sqlite3.Error:
        target.execute("ROLLBACK")
        raise


def _rows(source: sqlite3.Connection, table: Table, columns: Iterable[str]) -> sqlite3.Cursor:
    # Ids give the order of delivery, so it is kept.
    return source.execute(f"SELECT {', '.join(columns)} FROM {table.name} ORDER BY id")  # noqa: S608 - names of ours


def _upsert(table: Table, columns: Sequence[str], key: Sequence[str], condition: str) -> str:
    changed = ", ".join(f"{column} = excluded.{column}" for column in columns if column not in key)
    return (
        f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))}) "  # noqa: S608
        f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changed} WHERE {condition}"
    )
