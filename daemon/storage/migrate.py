"""`python -m daemon.storage.migrate [URL]`: upgrades one database to the newest schema, in a process of its own.

Without a URL it is that of the environment variable `DATABASE__URL`, which other users of the machine do not see.
It writes bytes to standard output as signs of progress. The parent must read them; if nobody does, it aborts.
"""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from daemon.model.errors import DaemonError
from daemon.storage.engine import open_engine
from daemon.storage.place import is_postgresql
from daemon.storage.revision import MIGRATIONS, file_of
from daemon.storage.safe_path import open_file, resolved
from daemon.storage.sqlite import why

INSTRUCTIONS = 100_000
"""Instructions of SQLite's virtual machine between two reads of the clock; some milliseconds."""
REPORT_SECONDS = 1.0
"""Seconds between two signs of progress; each is one byte."""


def migrate(url: str) -> None:
    """Runs all migrations in one transaction.

    Raises SQLAlchemy's `DBAPIError`, and `DaemonError` for a server; then the database is unchanged.
    """
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    with _on_server(url) if is_postgresql(url) else _in_file(url) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


@contextmanager
def _on_server(url: str) -> Iterator[Connection]:
    from daemon.storage import server_change  # noqa: PLC0415 - only who has a server pays for its driver

    with server_change.changing(url) as connection:
        server_change.check_unused(connection, url)
        yield connection


@contextmanager
def _in_file(url: str) -> Iterator[Connection]:
    os.close(open_file(resolved(file_of(url)), os.O_RDWR))
    engine = open_engine(url)
    try:
        with engine.connect().execution_options(writes=True) as connection, connection.begin():
            _report_progress(connection)
            yield connection
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
        migrate(*sys.argv[1:] or [os.environ["DATABASE__URL"]])
    except DaemonError as error:
        sys.exit(str(error))
    except (DBAPIError, OSError) as error:
        sys.exit(why(error))
