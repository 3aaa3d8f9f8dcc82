"""Makes a new database at the newest schema, at once: running all migrations one after the other takes a second.

A test proves that the result is what the migrations make.
"""

import os

from sqlalchemy import Column, MetaData, PrimaryKeyConstraint, String, Table, insert

from daemon.model.destination import DEFAULT
from daemon.storage.engine import open_engine, transaction
from daemon.storage.monitor_schema import MONITOR_LOOKS
from daemon.storage.revision import REVISIONS, file_of
from daemon.storage.safe_path import open_file, resolved
from daemon.storage.schema import DESTINATIONS, METADATA, PROGRESS
from daemon.storage.two_way_schema import TWO_WAY

STAMP = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
"""As Alembic makes it."""


def create(url: str) -> None:
    """Makes all tables and the rows that are always there, in one transaction.

    The caller holds the lock. Raises `DatabaseBusyError` and `OSError`; then the file is missing or empty.
    """
    os.close(open_file(resolved(file_of(url)), os.O_RDWR))
    engine = open_engine(url)
    try:
        with transaction(engine, writes=True) as connection:
            METADATA.create_all(connection, checkfirst=False)
            STAMP.create(connection, checkfirst=False)
            connection.execute(insert(STAMP).values(version_num=REVISIONS[-1]))
            connection.execute(insert(PROGRESS).values(id=1))
            connection.execute(insert(TWO_WAY).values(id=1, drift=[]))
            connection.execute(insert(MONITOR_LOOKS).values(id=1))
            empty = {"why": "", "other_faults": [], "payload_faults": []}
            connection.execute(insert(DESTINATIONS).values(name=DEFAULT, **empty))
    finally:
        engine.dispose()
