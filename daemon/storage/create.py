"""Makes a new database at the newest schema, at once: running all migrations one after the other takes a second.

A test proves that the result is what the migrations make.
"""

import os

from sqlalchemy import Column, Connection, MetaData, PrimaryKeyConstraint, String, Table, insert

from daemon.model.destination import DEFAULT
from daemon.storage.columns import index_as_on_sqlite
from daemon.storage.engine import open_engine, transaction
from daemon.storage.monitor_schema import MONITOR_LOOKS
from daemon.storage.place import is_postgresql
from daemon.storage.revision import REVISIONS, file_of, known
from daemon.storage.row_number import ADD_ROW_NUMBERS
from daemon.storage.safe_path import open_file, resolved
from daemon.storage.schema import DESTINATIONS, METADATA
from daemon.storage.source_schema import PROGRESS
from daemon.storage.two_way_schema import TWO_WAY

STAMP = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
"""As Alembic makes it."""
ALWAYS_THERE = (PROGRESS, TWO_WAY, MONITOR_LOOKS, DESTINATIONS)
"""The tables that have a row from the beginning."""


def create(url: str) -> None:
    """Makes all tables and the rows that are always there, in one transaction.

    The caller holds the lock of a file. On a server, another process may do the same at the same time: one of them
    finds all of it there. Raises `DatabaseBusyError`, `DatabaseUnusableError` and `OSError`; then nothing is there.
    """
    if is_postgresql(url):
        _create_on_server(url)
        return
    os.close(open_file(resolved(file_of(url)), os.O_RDWR))
    engine = open_engine(url)
    try:
        with transaction(engine, writes=True) as connection:
            make(connection)
    finally:
        engine.dispose()


def _create_on_server(url: str) -> None:
    from daemon.storage import postgresql, server_change, server_content  # noqa: PLC0415 - only for a server

    with server_change.changing(url) as connection:
        if known(url, *server_content.content_on(postgresql.driver_of(connection), url)) is None:
            make(connection)


def make(connection: Connection) -> None:
    """All of it in a transaction of the caller's, on either database. Raises SQLAlchemy's `DBAPIError`."""
    if connection.dialect.name == "postgresql":
        index_as_on_sqlite(METADATA)
    METADATA.create_all(connection, checkfirst=False)
    STAMP.create(connection, checkfirst=False)
    connection.execute(insert(STAMP).values(version_num=REVISIONS[-1]))
    connection.execute(insert(PROGRESS).values(source=""))
    connection.execute(insert(TWO_WAY).values(id=1, drift=[]))
    connection.execute(insert(MONITOR_LOOKS).values(id=1))
    empty = {"why": "", "other_faults": [], "payload_faults": []}
    connection.execute(insert(DESTINATIONS).values(name=DEFAULT, **empty))
    if connection.dialect.name == "postgresql":
        from daemon.storage.lease_schema import create_lease  # noqa: PLC0415

        connection.exec_driver_sql(ADD_ROW_NUMBERS)
        create_lease(connection)
