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
from daemon.storage.revision import REVISIONS, file_of, revision_of
from daemon.storage.safe_path import MEND

MIGRATION = ("-m", "daemon.storage.migrate")


def upgrade(url: str, on_progress: Callable[[], None] = lambda: None) -> bool:
    """Upgrades the file to the newest schema, creating it if missing; returns whether anything was to do.

    `on_progress` is called at each sign of progress. The caller holds the lock. Raises `DatabaseUnusableError`.
    """
    revision = revision_of(url)
    if revision == REVISIONS[-1]:
        _check_writable(url)
        return False
    try:
        if revision is None:
            create(url)
        else:
            copy_before_upgrade(file_of(url), revision, on_progress)
            run_migrations(url, on_progress)
    except DatabaseBusyError as error:
        raise DatabaseUnusableError(f"{file_of(url)} cannot be made: {error}; {MEND}") from None
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
        raise DatabaseUnusableError(f"{file_of(url)}: {error}; {MEND}") from None


def run_migrations(url: str, on_progress: Callable[[], None]) -> None:
    """Runs Alembic in a process of its own: it takes 10 MB, which a daemon would keep for months. Makes no copy.

    That process reports its progress.
    """
    command = child.command(*MIGRATION, url)
    with (
        # In memory: a temporary file would need a disk with room.
        os.fdopen(os.memfd_create("complaint"), "w+b") as complaint,
        _started(command, stdout=subprocess.PIPE, stderr=complaint, env=child.environment(os.environ)) as migration,
    ):
        assert migration.stdout is not None
        while migration.stdout.read(1):
            on_progress()
        if migration.wait() != 0:
            complaint.seek(0)
            why = complaint.read().decode("utf-8", "replace").strip()
            raise DatabaseUnusableError(f"{file_of(url)} cannot be brought up to date: {why}; {MEND}")


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
            connection.exec_driver_sql("UPDATE progress SET id = id")
    finally:
        engine.dispose()
