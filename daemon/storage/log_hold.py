"""Finds out, from outside, that a reader keeps SQLite's log (the WAL) of a database from being emptied.

SQLite cannot use the log from its beginning again while somebody reads an older state of it: a shell with an open
transaction that was forgotten makes it grow by a page with each commit. Readers hold locks on the index of the log.
"""

import fcntl
import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from daemon.model.snapshot import HeldLog, Holder
from daemon.storage.revision import found_at
from daemon.storage.safe_path import status_of
from daemon.storage.sqlite import LOG_LIMIT

READERS = range(123, 128)
"""The bytes of the index that readers lock (sqlite.org/walformat.html, 2.3.3)."""
_FLOCK = "hhqqi"
"""`struct flock`: type, whence, start, length, process (fcntl(2))."""


def held_log(url: str, daemon: Holder | None) -> HeldLog | None:
    """The log, if it is larger than it should be and somebody reads from it. Raises `DatabaseUnusableError`.

    Only for a process that does not have the database open: closing a descriptor here would drop SQLite's locks.
    """
    file, _ = found_at(url)
    with suppress(OSError):
        log = status_of(file.with_name(f"{file.name}-wal"))
        if log is not None and log.st_size > LOG_LIMIT:
            # The daemon's own transactions are short.
            readers = set(_readers(file.with_name(f"{file.name}-shm"))) - ({daemon.pid} if daemon else set())
            if readers:
                pid = max(readers)
                return HeldLog(log.st_size, pid, _name(pid), daemon.checkpointed_at if daemon else None)
    return None


def _readers(index: Path) -> Iterator[int]:
    """The ids of processes that read from the log: one for each of SQLite's five marks. Raises `OSError`."""
    descriptor = os.open(index, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        for byte in READERS:
            asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, byte, 1, 0)
            kind, _, _, _, pid = struct.unpack(_FLOCK, fcntl.fcntl(descriptor, fcntl.F_GETLK, asked))
            if kind != fcntl.F_UNLCK:
                yield pid
    finally:
        os.close(descriptor)


def _name(pid: int) -> str:
    """What the process is called; empty if that cannot be seen."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text("utf-8", "replace").strip()
    return ""
