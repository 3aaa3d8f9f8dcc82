"""`python -m daemon.storage.migrate URL`: upgrades one database to the newest schema, in a process of its own.

It writes bytes to standard output as signs of progress. The parent must read them; if nobody does, it aborts.
"""

import os
import sys
import time

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from daemon.storage.engine import open_engine
from daemon.storage.revision import MIGRATIONS, file_of
from daemon.storage.safe_path import open_file, resolved
from daemon.storage.sqlite import why

INSTRUCTIONS = 100_000
"""Instructions of SQLite's virtual machine between two reads of the clock; some milliseconds."""
REPORT_SECONDS = 1.0
"""Seconds between two signs of progress; each is one byte."""


def migrate(url: str) -> None:
    """Runs all migrations in one transaction. Raises SQLAlchemy's `DBAPIError`; then the file is unchanged."""
    os.close(open_file(resolved(file_of(url)), os.O_RDWR))
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    engine = open_engine(url)
    try:
        with engine.connect().execution_options(writes=True) as connection, connection.begin():
            _report_progress(connection)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()


def _report_progress(connection: Connection) -> None:
    reported_at = time.monotonic()

    def report() -> bool:
        """Always continues; an exception aborts the migration, as when nobody reads standard output any more."""
        nonlocal reported_at
        if time.monotonic() - reported_at >= REPORT_SECONDS:
            reported_at = time.monotonic()
            os.write(sys.stdout.fileno(), b".")
        return False

    driver = connection.connection.driver_connection
    assert driver is not None
    driver.set_progress_handler(report, INSTRUCTIONS)


if __name__ == "__main__":
    try:
        migrate(sys.argv[1])
    except (DBAPIError, OSError) as error:
        sys.exit(why(error))
