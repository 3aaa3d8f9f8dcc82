"""Many values, a part of them at a time.

A statement takes 65,535 parameters on PostgreSQL, and 250,000 on SQLite. The driver of PostgreSQL holds all rows of a
result in memory, SQLite's one.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Connection, CursorResult, Select

AT_ONCE = 500
"""So many values in one statement."""
_Value = TypeVar("_Value")


def in_parts(values: Iterable[_Value]) -> Iterator[list[_Value]]:
    """All of them, in their order."""
    remaining = iter(values)
    while part := list(islice(remaining, AT_ONCE)):
        yield part


def as_they_come(connection: Connection, query: "Select[*tuple[Any, ...]]") -> "CursorResult[*tuple[Any, ...]]":
    """The rows of a result of any size, of which memory holds a thousand."""
    return connection.execute(query, execution_options={"stream_results": True})
