"""What the database refuses: a trigger raises, as a full disk would, or tables are not there."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine

from daemon.storage.engine import transaction

_MAKE = {
    "sqlite": "CREATE TRIGGER refused BEFORE {what} ON {table} WHEN {when} BEGIN SELECT RAISE(ABORT, 'disk full'); END",
    "postgresql": (
        "CREATE FUNCTION refused() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'disk full'; END$$; "
        "CREATE TRIGGER refused BEFORE {what} ON {table} FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION refused()"
    ),
}
_DROP = {
    "sqlite": "DROP TRIGGER IF EXISTS refused",
    "postgresql": "DROP FUNCTION IF EXISTS refused CASCADE",
}


@contextmanager
def refused(engine: Engine, what: str, table: str, when: str = "1 = 1") -> Iterator[None]:
    """In this block the database refuses it. `what`: such as INSERT or UPDATE OF state. `when`: for which rows."""
    refuse(engine, what, table, when)
    try:
        yield
    finally:
        accept(engine)


def refuse(engine: Engine, what: str, table: str, when: str = "1 = 1") -> None:
    """The same, until `accept`."""
    _execute(engine, _MAKE[engine.name].format(what=what, table=table, when=when))


def accept(engine: Engine) -> None:
    """It is not refused any more, if it was."""
    _execute(engine, _DROP[engine.name])


@contextmanager
def lost(engine: Engine, *tables: str) -> Iterator[None]:
    """In this block the database has no such tables."""
    for table in tables:
        _execute(engine, f"ALTER TABLE {table} RENAME TO lost_{table}")
    try:
        yield
    finally:
        for table in tables:
            _execute(engine, f"ALTER TABLE lost_{table} RENAME TO {table}")


def _execute(engine: Engine, statement: str) -> None:
    with transaction(engine, writes=True) as connection:
        connection.exec_driver_sql(statement)
