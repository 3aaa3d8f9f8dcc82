"""Detects that the file of an open database was removed, moved or replaced."""

import os
from enum import StrEnum
from pathlib import Path

from daemon.storage.lock import Lock
from daemon.storage.safe_path import open_inodes, same_file, status_of

LOG = ("-wal", "-shm")
"""The files beside an open database: the WAL, and its index."""


Inode = tuple[int, int]
"""The device of a file, and its number there."""


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
        self._known_log: dict[str, Inode] | None = None

    def note_log(self) -> None:
        """Records the WAL beside the file, if it is the one this process has open. Raises `OSError`."""
        ours = self.our_log()
        self._known_log = ours if len(ours) == len(LOG) else None

    def forget_log(self) -> None:
        """No connection has the WAL open any more, so `latest` does not check it."""
        self._known_log = None

    def latest(self) -> Change | None:
        """What happened to the file; `None` if it is unchanged. Raises `OSError`."""
        ours, found = os.fstat(self._lock.descriptor), status_of(self.file)
        if found is None:
            return Change.MOVED if ours.st_nlink else Change.REMOVED
        if not same_file(found, ours):
            return Change.REPLACED
        if self.file.is_symlink():
            return Change.LINKED
        # While this process has a file open, no other gets its number.
        if self._known_log is None or self._beside() == self._known_log:
            return None
        return Change.LOG if len(self.our_log()) < len(LOG) else None

    def our_log(self) -> dict[str, Inode]:
        """The files beside the database that this process has open, by their suffixes."""
        here = set(open_inodes())
        return {name: inode for name, inode in self._beside().items() if inode in here}

    def _beside(self) -> dict[str, Inode]:
        """The files that are beside the database now, by their suffixes."""
        found = {name: status_of(self.file.with_name(f"{self.file.name}{name}")) for name in LOG}
        return {name: (status.st_dev, status.st_ino) for name, status in found.items() if status is not None}
