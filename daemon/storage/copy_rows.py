"""The rows of one database are written to another, then read again from both and compared."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, Connection, Select, Table, func, insert, select, table, tuple_
from sqlalchemy import column as plain
from sqlalchemy.exc import DBAPIError

from daemon.model.errors import DatabaseUnusableError
from daemon.model.progress import Report
from daemon.storage import server_errors, sqlite
from daemon.storage.columns import NUMBER
from daemon.storage.copy_values import check_of, is_misfit, written_as
from daemon.storage.parts import AT_ONCE, as_they_come
from daemon.storage.row_count import count_on, highest, remembers
from daemon.storage.row_number import ROW_NUMBER
from daemon.storage.schema import INCIDENTS, METADATA

_ROW_NUMBER = Column(ROW_NUMBER.name.partition(".")[2], NUMBER)
_Row = dict[str, Any]


class CopiedTable:
    """A table as it is copied: its rows with their numbers, and the highest one that it ever gave to a row."""

    def __init__(self, of: Table) -> None:
        self.name = of.name
        numbers = [_ROW_NUMBER] if of is INCIDENTS else []
        self._columns = [*numbers, *of.c]
        self._key = [column.name for column in of.primary_key]
        self._order = [_ROW_NUMBER.name] if numbers else self._key
        counted = [*numbers, *([] if of.autoincrement_column is None else [of.autoincrement_column])]
        self.counted = [column.name for column in counted]
        self._typed = table(of.name, *(plain(column.name, written_as(column)) for column in self._columns))
        self._bare = table(of.name, *(plain(column.name) for column in self._columns))

    def count(self, connection: Connection) -> int:
        """How many rows there are."""
        return connection.execute(select(func.count()).select_from(self._typed)).scalar_one()

    def rows(self, connection: Connection) -> Iterator[list[_Row]]:
        """All rows, a part at a time. Raises `DatabaseUnusableError` for a value that is none of its column."""
        for part in as_they_come(connection, self._asked(connection, *self._order)).partitions(AT_ONCE):
            yield [self._read(connection, row) for row in part]

    def write(self, connection: Connection, rows: Sequence[_Row]) -> None:
        """Writes new rows. Raises `DatabaseUnusableError` if the database cannot hold one."""
        if connection.dialect.name == "postgresql":
            for row in rows:
                self._check_held(row)
        try:
            connection.execute(insert(self._typed), rows)
        except DBAPIError as error:
            span = f"between {self.named(rows[0])} and {self.named(rows[-1])}"
            raise DatabaseUnusableError(f"a row {span} cannot be written: {_why(connection, error)}") from None

    def same(self, connection: Connection, rows: Sequence[_Row]) -> Iterator[tuple[_Row, _Row | None]]:
        """Each of these rows, with the one that has the same key here."""
        asked = self._asked(connection)
        keys = [tuple(row[name] for name in self._key) for row in rows]
        here = tuple_(*(plain(name, self._typed.c[name].type) for name in self._key))
        found = connection.execute(asked.where(here.in_(keys)))
        by_key = {tuple(row[name] for name in self._key): row for row in (self._read(connection, one) for one in found)}
        for key, row in zip(keys, rows, strict=True):
            yield row, by_key.get(key)

    def named(self, row: Mapping[str, Any]) -> str:
        """A row as a sentence names it."""
        key = ", ".join(f"{name} {str(row[name])[:60]!r}" for name in self._key)
        return f"{self.name} ({key})"

    def _asked(self, connection: Connection, *order: str) -> "Select[*tuple[Any, ...]]":
        asked = self._bare if connection.dialect.name == "sqlite" else self._typed
        return select(*asked.c).order_by(*(asked.c[name] for name in order))

    def _read(self, connection: Connection, row: Sequence[Any]) -> _Row:
        values = dict(zip((column.name for column in self._columns), row, strict=True))
        if connection.dialect.name != "sqlite":
            return values
        return {column.name: self._checked(column, values) for column in self._columns}

    def _checked(self, column: Column[Any], values: _Row) -> Any:
        value = values[column.name]
        try:
            return None if value is None else check_of(column)(value)
        except ValueError as error:
            raise DatabaseUnusableError(
                f"{self.named(values)} has {str(value)[:60]!r} as {column.name}, where {error} belongs; correct or "
                "delete that row, then copy again"
            ) from None

    def _check_held(self, row: _Row) -> None:
        for column in self._columns:
            if is_misfit(column, row[column.name]):
                raise DatabaseUnusableError(
                    f"{self.named(row)} has the character NUL in {column.name}, which PostgreSQL cannot hold; correct "
                    "or delete that row, then copy again"
                )


def every_table() -> list[CopiedTable]:
    """All tables, each after those that it refers to."""
    return [CopiedTable(one) for one in METADATA.sorted_tables]


def write_rows(source: Connection, target: Connection, report: Report) -> dict[str, int]:
    """Copies all rows, and how the numbers of new ones go on. Returns how many there are, by table.

    Raises `DatabaseUnusableError`, and SQLAlchemy's `DBAPIError`.
    """
    counts = {one.name: one.count(source) for one in every_table()}
    whole, done = sum(counts.values()), 0
    for one in every_table():
        for part in one.rows(source):
            one.write(target, part)
            done += len(part)
            report("copying", done / whole)
        for name in one.counted:
            count_on(target, one.name, name, highest(source, one.name, name))
    return counts


def compare_rows(source: Connection, target: Connection, report: Report) -> None:
    """Reads all rows of both. Raises `DatabaseUnusableError` with the first one that differs, and `DBAPIError`."""
    counts = {one.name: one.count(source) for one in every_table()}
    whole, done = sum(counts.values()), 0
    for one in every_table():
        if (there := one.count(target)) != counts[one.name]:
            raise _differs(f"{one.name} has {counts[one.name]} rows, and {there} in the copy")
        for part in one.rows(source):
            for row, copied in one.same(target, part):
                if row != copied:
                    raise _differs(f"{one.named(row)} is {_difference(row, copied)}")
            done += len(part)
            report("comparing", done / whole)
        for name in one.counted:
            ours, theirs = (highest(connection, one.name, name) for connection in (source, target))
            if remembers(target, one.name) and ours != theirs:
                raise _differs(f"the next number of {one.name} comes after {ours}, and after {theirs} in the copy")


def _difference(row: _Row, copied: _Row | None) -> str:
    if copied is None:
        return "not in the copy"
    name = next(name for name in row if row[name] != copied[name])
    return f"another one in the copy: {name} is {str(copied[name])[:60]!r} instead of {str(row[name])[:60]!r}"


def _why(connection: Connection, error: DBAPIError) -> str:
    says = server_errors.why if connection.dialect.name == "postgresql" else sqlite.why
    return says(error.orig)


def _differs(what: str) -> DatabaseUnusableError:
    return DatabaseUnusableError(f"the copy differs, and was not kept: {what}")
