"""What columns hold, and values as parts of statements: alike on both databases.

On SQLite these are the dialect's own types. PostgreSQL gets types that mean the same: numbers of 64 bits, texts in the
order of their bytes that may hold the character NUL, and JSON as the text that was written.
"""

import json
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    DateTime,
    Integer,
    MetaData,
    String,
    TypeDecorator,
    literal,
    literal_column,
    text,
)
from sqlalchemy.engine import Dialect

_MARK = "\ufdd0"
"""A character that no text has: it is for use inside of programs (unicode.org/faq/private_use.html)."""
_SPELLED = {"\0": f"{_MARK}0", _MARK: f"{_MARK}1"}
_READ = {spelled: character for character, spelled in _SPELLED.items()}
_BY_BYTES = "C"
"""PostgreSQL's name for the order that SQLite has."""


class _ServerText(TypeDecorator[str]):
    """A text on PostgreSQL, which takes every character but NUL (postgresql.org/docs/current/datatype-character.html).

    Better Stack's JSON may have it. If such a text were refused, nobody would be told of its incident.
    """

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """To the database."""
        if value is None or ("\0" not in value and _MARK not in value):
            return value
        return "".join(_SPELLED.get(character, character) for character in value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """From the database."""
        if value is None or _MARK not in value:
            return value
        first, *others = value.split(_MARK)
        return first + "".join(_READ.get(_MARK + part[:1], _MARK + part[:1]) + part[1:] for part in others)


class _ServerJson(TypeDecorator[Any]):
    """JSON as text: PostgreSQL's own types cannot be compared, or change the order of keys."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """To the database."""
        return None if value is None else json.dumps(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """From the database."""
        return None if value is None else json_of(value)


def json_of(written: str) -> Any:
    """The value of a JSON column; `None` for invalid JSON, so that one bad row does not break the whole query."""
    try:
        return json.loads(written)
    except ValueError:
        return None


NUMBER = Integer().with_variant(BigInteger(), "postgresql")
TEXT = String().with_variant(_ServerText(collation=_BY_BYTES), "postgresql")
VALUE = JSON(none_as_null=True).with_variant(_ServerJson(collation=_BY_BYTES), "postgresql")
"""Any value of JSON but null, which is no value."""


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


def moment(value: datetime) -> ColumnElement[datetime]:
    """A time as an argument of a function. PostgreSQL would take it for one of the zone of its own clock."""
    return literal(value, Moment)


def constant(value: StrEnum) -> ColumnElement[str]:
    """A value as part of a statement's text.

    SQLite uses a partial index only if it knows the value. With a parameter it prepares the statement again each time.
    """
    return literal_column(f"'{value}'", String)


def only(condition: str) -> dict[str, Any]:
    """The rows that a partial index has. `index_as_on_sqlite` says the same to PostgreSQL."""
    return {"sqlite_where": text(condition)}


def index_as_on_sqlite(metadata: MetaData) -> None:
    """Before tables are made on PostgreSQL: indexes are partial there, too, and of the kind that `info` names.

    Named in `Index` itself, this would load that dialect, and 2 MB, wherever the tables are known.
    """
    for index in (one for table in metadata.tables.values() for one in table.indexes):
        options = index.dialect_options["postgresql"]
        options["where"] = index.dialect_options["sqlite"]["where"]
        options["using"] = index.info.get("using", False)


def one_of(column: str, values: type[StrEnum]) -> str:
    """The condition of a constraint: the column has one of these values."""
    listed = ", ".join(f"'{value}'" for value in values)
    return f"{column} IN ({listed})"
