"""Detects that the file of an open database was removed, moved or replaced."""

import os
from enum import StrEnum
from pathlib import Path

from daemon.storage.lock import Lock
from daemon.storage.safe_path import open_inodes, same_file, status_of

LOG = ("-wal", "-shm")
"""The files beside an open database: the WAL, and its index."""


class Change(StrEnum):
    """What happened to the file."""

    REMOVED = "the database file was removed"
    MOVED = "the database file was moved"
    LINKED = "the database file was moved, and a link to it is in its place"
    REPLACED = "the database file was replaced"
    LOG = "a file beside the database was removed or replaced"


class Changes:
    """Compares the file at the path with the one this process has open. Any thread that opens a connection calls it."""

    def __init__(self, file: Path, held: Lock) -> None:
        """`held`: the lock of the file, with an open descriptor."""
        self.file = file
        self._lock = held
        self._log_is_known = False

    def note_log(self) -> None:
        """Records whether the WAL beside the file is the one this process has open. Raises `OSError`."""
        self._log_is_known = len(self.our_log()) == len(LOG)

    def forget_log(self) -> None:
        """No connection has the WAL open any more, so `latest` does not check it."""
        self._log_is_known = False

    def latest(self) -> Change | None:
        """What happened to the file; `None` if it is unchanged. Raises `OSError`."""
        ours, found = os.fstat(self._lock.descriptor), status_of(self.file)
        if found is None:
            return Change.MOVED if ours.st_nlink else Change.REMOVED
        if not same_file(found, ours):
            return Change.REPLACED
        if self.file.is_symlink():
            return Change.LINKED
        return Change.LOG if self._log_is_known and len(self.our_log()) < len(LOG) else None

    def our_log(self) -> list[str]:
        """Suffixes of the files beside the database that this process has open."""
        here = set(open_inodes())
        found = {name: status_of(self.file.with_name(f"{self.file.name}{name}")) for name in LOG}
        return [name for name, status in found.items() if status and (status.st_dev, status.st_ino) in here]
