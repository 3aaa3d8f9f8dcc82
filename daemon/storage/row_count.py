"""The numbers that a database gives to new rows: how high they ever were, and that they go on from there."""

from sqlalchemy import Connection, column, func, select, table, text

from daemon.storage.columns import NUMBER
from daemon.storage.schema import METADATA

_REMEMBERED = text("SELECT seq FROM sqlite_sequence WHERE name = :of")
_FORGET = text("DELETE FROM sqlite_sequence WHERE name = :of")
_REMEMBER = text("INSERT INTO sqlite_sequence (name, seq) VALUES (:of, :highest)")
_SEQUENCE = text("SELECT pg_get_serial_sequence(:of, :name)")
_GO_ON = text("SELECT setval(pg_get_serial_sequence(:of, :name), greatest(:highest, 1), :highest > 0)")


def highest(connection: Connection, of: str, name: str) -> int:
    """The highest number that a row of the table ever had, as far as the database remembers it."""
    asked = select(func.max(column(name, NUMBER))).select_from(table(of))
    return max(connection.execute(asked).scalar() or 0, _remembered(connection, of, name))


def count_on(connection: Connection, of: str, name: str, highest: int) -> None:
    """The next row gets the number after that one, whatever was there before."""
    values = {"of": of, "name": name, "highest": highest}
    if connection.dialect.name == "postgresql":
        connection.execute(_GO_ON, values)
    elif remembers(connection, of):
        connection.execute(_FORGET, values)
        if highest:
            connection.execute(_REMEMBER, values)


def remembers(connection: Connection, of: str) -> bool:
    """Whether a number whose row was deleted is given to no other one. SQLite does that where a table says so."""
    return connection.dialect.name == "postgresql" or bool(
        METADATA.tables[of].dialect_options["sqlite"]["autoincrement"]
    )


def _remembered(connection: Connection, of: str, name: str) -> int:
    values = {"of": of, "name": name}
    if connection.dialect.name == "sqlite":
        return int(connection.execute(_REMEMBERED, values).scalar() or 0)
    sequence = connection.execute(_SEQUENCE, values).scalar_one()
    last, is_used = connection.exec_driver_sql(f"SELECT last_value, is_called FROM {sequence}").one()  # noqa: S608 - quoted by the server
    return int(last) if is_used else 0
