"""Brings the database up to date: a copy first, then each migration, all of them or none."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable

from daemon.model.errors import DatabaseBusyError, DatabaseUnusableError
from daemon.storage.backup import put_by
from daemon.storage.engine import open_engine, transaction
from daemon.storage.place import MEND
from daemon.storage.revision import REVISIONS, file_of, revision_of

MIGRATION = ("-P", "-m", "daemon.storage.migrate")
"""`-P` keeps modules out that lie in the working directory."""


def upgrade(url: str, on_progress: Callable[[], None] = lambda: None) -> bool:
    """Brings the file to the newest schema, creating it if need be; whether there was anything to do.

    `on_progress` is called whenever a long upgrade got on. The caller holds the lock. Raises `DatabaseUnusableError`.
    """
    revision = revision_of(url)
    if revision == REVISIONS[-1]:
        _check_writable(url)
        return False
    if revision is not None:
        put_by(file_of(url), revision, on_progress)
    _migrate(url, on_progress)
    return True


def _migrate(url: str, on_progress: Callable[[], None]) -> None:
    """Alembic takes 10 MB that a daemon would keep for months, so it works in a process of its own.

    That one looks for modules where this one does, and says so when it got on.
    """
    command = [sys.executable, *MIGRATION, url]
    places = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with (
        tempfile.TemporaryFile() as complaint,
        # In a session of its own: whoever stops this process lets the migration end.
        subprocess.Popen(  # noqa: S603
            command, stdout=subprocess.PIPE, stderr=complaint, env=os.environ | places, start_new_session=True
        ) as migration,
    ):
        assert migration.stdout is not None
        while migration.stdout.read(1):
            on_progress()
        if migration.wait() != 0:
            complaint.seek(0)
            why = complaint.read().decode("utf-8", "replace").strip()
            raise DatabaseUnusableError(f"{file_of(url)} cannot be brought up to date: {why}; {MEND}")


def _check_writable(url: str) -> None:
    engine = open_engine(url)
    try:
        with transaction(engine, writes=True) as connection:
            # Only a real write tells: SQLite lets a write transaction begin on a file that it may only read.
            connection.exec_driver_sql("UPDATE progress SET id = id")
    except DatabaseBusyError as error:
        raise DatabaseUnusableError(f"{file_of(url)}: {error}; {MEND}") from None
    finally:
        engine.dispose()
