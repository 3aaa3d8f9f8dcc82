"""What columns hold, and values as parts of statements."""

from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, DateTime, String, TypeDecorator, literal_column
from sqlalchemy.engine import Dialect


class Moment(TypeDecorator[datetime]):
    """An aware time in UTC. SQLite has no such type, so it is stored without the zone."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To the database."""
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """From the database."""
        return None if value is None else value.replace(tzinfo=UTC)


def constant(value: StrEnum) -> ColumnElement[str]:
    """A value as part of a statement's text.

    SQLite uses a partial index only if it knows the value. With a parameter it prepares the statement again each time.
    """
    return literal_column(f"'{value}'", String)


def one_of(column: str, values: type[StrEnum]) -> str:
    """The condition of a constraint: the column has one of these values."""
    listed = ", ".join(f"'{value}'" for value in values)
    return f"{column} IN ({listed})"
