"""One instance at a time: the process that works on a database holds the lock of its file, or the lease of a server."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from daemon.model.errors import DatabaseUnusableError
from daemon.model.snapshot import Holder, Presence
from daemon.storage import lock
from daemon.storage.lock import Lock
from daemon.storage.log_hold import held_log
from daemon.storage.place import is_postgresql
from daemon.storage.revision import file_of, found_at
from daemon.storage.safe_path import LOCK, MEND, check_mount, open_file, resolved, unwritable


@contextmanager
def locked(url: str) -> Iterator[Lock]:
    """Holds the lock of the database and notes that in a file beside it, for people. Creates an empty file if missing.

    Raises `AnotherInstanceError`, `ConfigError` if the directory is missing or not writable, or
    `DatabaseUnusableError`.
    """
    file, _ = found_at(url)
    with ExitStack() as held:
        try:
            taken = Lock(file, lock.locked(file, file_of(url)))
            held.callback(taken.close)
            beside = open_file(resolved(file.with_name(f"{file.name}{LOCK}")), os.O_RDWR)
            held.callback(os.close, beside)
        except OSError as error:
            raise unwritable(file_of(url), error.strerror or "unknown error") from None
        taken.note = lock.note(beside, file_of(url))
        check_mount(file)
        yield taken


def holder(url: str) -> Holder | None:
    """The process that works on the database, or `None`. Only reads. Raises `DatabaseUnusableError`.

    Never call it in a process that has the database open: closing a descriptor here would drop SQLite's locks.
    """
    if is_postgresql(url):
        from daemon.storage.lease import leader  # noqa: PLC0415 - only who has a server pays for its driver

        return leader(url)
    file, status = found_at(url)
    if status is None:
        return None
    try:
        return lock.holder_at(file)
    except OSError as error:
        raise DatabaseUnusableError(f"{file} cannot be read ({error.strerror}); {MEND}") from None


def presence(url: str) -> Presence:
    """Who works on the database, and who would take over. Only reads. As `holder`."""
    found = holder(url)
    if not is_postgresql(url):
        return Presence(found, held_log(url, found))
    from daemon.storage.standbys import standbys  # noqa: PLC0415 - as above

    return Presence(found, standbys=standbys(url))
