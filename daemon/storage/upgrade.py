"""Upgrades the database: a copy first, then all migrations or none."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from daemon.host import child
from daemon.model.errors import DatabaseBusyError, DatabaseUnusableError
from daemon.storage.backup import copy_before_upgrade
from daemon.storage.create import create
from daemon.storage.engine import open_engine, transaction
from daemon.storage.place import is_postgresql
from daemon.storage.revision import REVISIONS, file_of, named, revision_of
from daemon.storage.safe_path import MEND

MIGRATION = ("-m", "daemon.storage.migrate")
URL_VARIABLE = "DATABASE__URL"
"""Where that process finds the database, if its command line does not say."""


def upgrade(url: str, on_progress: Callable[[], None] = lambda: None) -> bool:
    """Upgrades the database to the newest schema, creating it if missing; returns whether anything was to do.

    `on_progress` is called at each sign of progress. The caller holds the lock of a file. No copy is made of what is
    on a server. Raises `DatabaseUnusableError`, and for a server `DatabaseBusyError`.
    """
    revision, of_file = revision_of(url), not is_postgresql(url)
    if revision == REVISIONS[-1]:
        if of_file:
            _check_writable(url)
        return False
    try:
        if revision is None:
            create(url)
        else:
            if of_file:
                copy_before_upgrade(file_of(url), revision, on_progress)
            run_migrations(url, on_progress)
    except DatabaseBusyError as error:
        if not of_file:
            raise
        raise DatabaseUnusableError(f"{named(url)} cannot be made: {_mended(url, error)}") from None
    except OSError as error:
        raise DatabaseUnusableError(f"{file_of(url)} cannot be brought up to date: {error.strerror}; {MEND}") from None
    return True


@contextmanager
def needed_now(url: str) -> Iterator[None]:
    """What cannot be read or written in this block is unusable: at the start nobody tries again later.

    Raises `DatabaseUnusableError`.
    """
    try:
        yield
    except DatabaseBusyError as error:
        raise DatabaseUnusableError(f"{named(url)}: {_mended(url, error)}") from None


def _mended(url: str, why: object) -> str:
    """What a server says of itself has its mend already, as far as there is one."""
    return str(why) if is_postgresql(url) else f"{why}; {MEND}"


def run_migrations(url: str, on_progress: Callable[[], None]) -> None:
    """Runs Alembic in a process of its own: it takes 10 MB, which a daemon would keep for months. Makes no copy.

    That process reports its progress.
    """
    # What is on a command line is seen by all users of the machine, and a URL of a server may hold a password.
    command = child.command(*MIGRATION) if is_postgresql(url) else child.command(*MIGRATION, url)
    environment = child.environment(os.environ) | {URL_VARIABLE: url}
    with (
        # In memory: a temporary file would need a disk with room.
        os.fdopen(os.memfd_create("complaint"), "w+b") as complaint,
        _started(command, stdout=subprocess.PIPE, stderr=complaint, env=environment) as migration,
    ):
        assert migration.stdout is not None
        while migration.stdout.read(1):
            on_progress()
        if migration.wait() != 0:
            complaint.seek(0)
            why = complaint.read().decode("utf-8", "replace").strip()
            raise DatabaseUnusableError(f"{named(url)} cannot be brought up to date: {_mended(url, why)}")


def _started(command: Sequence[str], **how: Any) -> "subprocess.Popen[bytes]":
    """A process that finishes although whatever stops this one is sent to it, too: it never sees these signals."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    try:
        return subprocess.Popen(command, start_new_session=True, **how)  # noqa: S603
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _check_writable(url: str) -> None:
    engine = open_engine(url)
    try:
        with needed_now(url), transaction(engine, writes=True) as connection:
            # Only a real write proves it: SQLite begins a write transaction even on a read-only file.
            connection.exec_driver_sql("UPDATE progress SET source = source")
    finally:
        engine.dispose()
