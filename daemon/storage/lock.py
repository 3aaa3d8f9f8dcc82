"""The lock of a database: on the inode of the file, so it holds under every name of the file and survives its removal.

It is an open file description lock (`F_OFD_SETLK`, fcntl(2)) on bytes far beyond the end of any database. `flock` does
not work: NFS turns it into a lock of the whole file, which blocks SQLite's own locks. Nor does `F_SETLK`: it is lost as
soon as the process closes any descriptor of the file. The length of the lock is the id of the process that holds it, so
a query without taking it finds the holder.

SQLite's own locks are `F_SETLK` locks. So a process that has the database open closes no other descriptor of it.
"""

import errno
import fcntl
import os
import struct
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from daemon import __version__
from daemon.model.errors import AnotherInstanceError, DatabaseUnusableError
from daemon.model.snapshot import Holder
from daemon.storage.safe_path import LOCK, MEND, beginning_of, open_file, same_file, status_of

FIRST = 2**62
"""First byte of the lock. SQLite locks 512 bytes from 2**30 on (`PENDING_BYTE`); its files are at most 2**48 long."""
MOST = 2**32
"""Length of the queried range; larger than any process id."""
_FLOCK = "hhqqi"
"""`struct flock`: type, whence, start, length, process (fcntl(2))."""


@dataclass(slots=True)
class Lock:
    """The lock that this process holds. It can move to another file that took over the path."""

    file: Path
    """The path, with all links resolved."""
    descriptor: int
    note: "Note | None" = None
    """What people and `status` read of this process."""

    def move(self, descriptor: int) -> None:
        """Switches to the descriptor that holds the new lock. SQLite must have no connection open to the old file."""
        old, self.descriptor = self.descriptor, descriptor
        os.close(old)

    def close(self) -> None:
        """Releases the lock."""
        os.close(self.descriptor)


def take(descriptor: int, file: Path) -> None:
    """Takes the lock of the file until the descriptor is closed. Raises `AnotherInstanceError`.

    A read-only descriptor gets a shared lock, which still excludes writers.
    """
    access = fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE
    kind = fcntl.F_RDLCK if access == os.O_RDONLY else fcntl.F_WRLCK
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _flock(kind, os.getpid()))
    except (BlockingIOError, PermissionError):
        raise refusal(file, holder_of(descriptor)) from None


def locked(file: Path, named: Path) -> int:
    """Opens and locks the file; returns its descriptor. `named`: the path as configured, for messages.

    Raises `AnotherInstanceError`, `DatabaseUnusableError`, and `OSError`.
    """
    while True:
        try:
            descriptor = open_file(file, os.O_RDWR)
        except OSError as error:
            if error.errno not in {errno.EACCES, errno.EROFS} or status_of(file) is None:
                raise
            try:
                # The first write reports that the file is read-only.
                descriptor = open_file(file, os.O_RDONLY)
            except OSError:
                raise DatabaseUnusableError(f"{file} cannot be read ({error.strerror}); {MEND}") from None
        try:
            take(descriptor, named)
            if same_file(status_of(file), os.fstat(descriptor)):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        # The file was replaced meanwhile: try again.
        os.close(descriptor)


def holder_at(file: Path) -> Holder | None:
    """The process that holds the lock of the file, or `None`. Raises `OSError`."""
    descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        pid = holder_of(descriptor)
    finally:
        os.close(descriptor)
    return None if pid is None else _noted(pid, beginning_of(file.with_name(f"{file.name}{LOCK}")))


def holder_of(descriptor: int) -> int | None:
    """Id of the process that holds the lock of an open file, or `None`. Takes no lock."""
    answer = fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, _flock(fcntl.F_WRLCK, MOST))
    kind, _, _, length, _ = struct.unpack(_FLOCK, answer)
    return None if kind == fcntl.F_UNLCK else length


def _flock(kind: int, length: int) -> bytes:
    return struct.pack(_FLOCK, kind, os.SEEK_SET, FIRST, length, 0)


@dataclass(frozen=True, slots=True)
class Note:
    """The line in the `.lock` file: process, version, since when, and when the log was last checkpointed."""

    descriptor: int
    length: int
    """Bytes of the first three."""

    def add_checkpoint(self, at: datetime) -> None:
        """`at`: aware. An error is ignored: nothing depends on this note."""
        with suppress(OSError):
            os.pwrite(self.descriptor, f" {_spelled(at)}\n".encode(), self.length)


def note(descriptor: int, file: Path) -> Note | None:
    """Locks and writes the `.lock` file beside a database, for people and for older versions that know only that file.

    Raises `AnotherInstanceError`.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        word = os.pread(descriptor, 20, 0).split(maxsplit=1)[:1]
        raise refusal(file, int(word[0]) if word and word[0].isdigit() else None) from None
    if os.fstat(descriptor).st_nlink > 1:
        # A hard link to some other file: leave its content alone. Nothing depends on this note.
        return None
    text = f"{os.getpid()} {__version__} {_spelled(datetime.now(UTC))}"
    with suppress(OSError):
        # A full disk is reported by the first write to the database.
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{text}\n".encode(), 0)
    return Note(descriptor, len(text))


def _spelled(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S%z}"


def _noted(pid: int, text: str) -> Holder:
    """The holder, with the details that the `.lock` file gives if it names the same process."""
    match text.split():
        case [word, version, *moments] if word == str(pid):
            with suppress(ValueError):
                since, *checkpoint = (datetime.fromisoformat(moment).astimezone(UTC) for moment in moments)
                return Holder(pid, version, since, checkpoint[0] if checkpoint else None)
    return Holder(pid)


def refusal(file: Path, pid: int | None) -> AnotherInstanceError:
    """The error of a second instance."""
    return AnotherInstanceError(
        f"another instance (process {pid or 'unknown'}) works on {file}; "
        "stop it first, or give this one another database.url"
    )
