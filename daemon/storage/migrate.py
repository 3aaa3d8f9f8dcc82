"""`python -m daemon.storage.migrate URL`: brings one database to the newest schema, in a process of its own.

A byte on standard output, now and then, says that it got on. Whoever started it must listen: alone, it gives up.
"""

import os
import sys
import time

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from daemon.storage.engine import open_engine
from daemon.storage.place import followed, opened
from daemon.storage.revision import MIGRATIONS, file_of
from daemon.storage.sqlite import why

STEPS = 100_000
"""Steps of SQLite's machine between two looks at the clock; some milliseconds."""
PACE = 1.0
"""Seconds between two signs of progress."""


def migrate(url: str) -> None:
    """Raises SQLAlchemy's `DBAPIError`; the file is as it was then, since all of it is one transaction."""
    os.close(opened(followed(file_of(url)), os.O_RDWR))
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    engine = open_engine(url)
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        _report_progress(connection)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    engine.dispose()


def _report_progress(connection: Connection) -> None:
    said_at = time.monotonic()

    def report() -> bool:
        """Whether to break off, which also happens when nobody listens any more."""
        nonlocal said_at
        if time.monotonic() - said_at >= PACE:
            said_at = time.monotonic()
            os.write(sys.stdout.fileno(), b".")
        return False

    driver = connection.connection.driver_connection
    assert driver is not None
    driver.set_progress_handler(report, STEPS)


if __name__ == "__main__":
    try:
        migrate(sys.argv[1])
    except (DBAPIError, OSError) as error:
        sys.exit(why(error))
