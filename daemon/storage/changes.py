"""What somebody does to the file of a database that is open."""

import os
from enum import StrEnum
from pathlib import Path

from daemon.storage.lock import Lock
from daemon.storage.place import open_here, same, status_of

LOG = ("-wal", "-shm")
"""What lies beside a database while it is open: the log, and its index."""


class Change(StrEnum):
    """What somebody did to the file."""

    REMOVED = "the database file was removed"
    MOVED = "the database file was moved"
    LINKED = "the database file was moved, and a link to it is in its place"
    REPLACED = "the database file was replaced"
    LOG = "a file beside the database was removed or replaced"


class Changes:
    """Compares what a name leads to with what this process has open. Called in any thread that opens a connection."""

    def __init__(self, file: Path, held: Lock) -> None:
        """`held`: the lock of the file, with a descriptor of it."""
        self.file = file
        self._lock = held
        self._log_is_known = False

    def note_log(self) -> None:
        """From here on the log beside the file is known to be the one that this process has open. Raises `OSError`."""
        self._log_is_known = len(self.our_log()) == len(LOG)

    def forget_log(self) -> None:
        """Nothing has it open any more, so that nothing is said of it."""
        self._log_is_known = False

    def latest(self) -> Change | None:
        """What was done to it, if something was. Raises `OSError`."""
        ours, found = os.fstat(self._lock.descriptor), status_of(self.file)
        if found is None:
            return Change.MOVED if ours.st_nlink else Change.REMOVED
        if not same(found, ours):
            return Change.REPLACED
        if self.file.is_symlink():
            return Change.LINKED
        return Change.LOG if self._log_is_known and len(self.our_log()) < len(LOG) else None

    def our_log(self) -> list[str]:
        """Which of the files beside the database are those that this process has open."""
        here = set(open_here())
        found = {name: status_of(self.file.with_name(f"{self.file.name}{name}")) for name in LOG}
        return [name for name, status in found.items() if status and (status.st_dev, status.st_ino) in here]
