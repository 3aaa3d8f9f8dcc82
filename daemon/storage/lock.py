"""The lock of a database: on its own inode, so that every name of the file leads to it and no removal undoes it.

It belongs to the open file and lies on bytes far behind the end of any database (`F_OFD_SETLK`, fcntl(2)). `flock`
would not do, since NFS makes it a lock of the whole file, which keeps SQLite's own locks out; nor `F_SETLK`, which is
gone as soon as the process closes any descriptor of the file. And this lock can be asked for without being taken: its
length is the process that holds it.

SQLite's own locks are of that kind. So a process that has the database open closes no other descriptor of it.
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
from daemon.storage.place import LOCK, MEND, opened, same, status_of, text_of

FIRST = 2**62
"""The first byte. SQLite locks 512 bytes from 2**30 on (`PENDING_BYTE`), and no file of its is longer than 2**48."""
MOST = 2**32
"""More bytes than there are processes."""
_FLOCK = "hhqqi"
"""`struct flock`: type, whence, start, length, process (fcntl(2))."""


@dataclass(slots=True)
class Lock:
    """The lock that this process holds. It can be moved to another file that has taken the name."""

    file: Path
    """Without links."""
    descriptor: int

    def move(self, descriptor: int) -> None:
        """That one holds the lock from here on. SQLite has nothing open of the old file any more."""
        old, self.descriptor = self.descriptor, descriptor
        os.close(old)

    def close(self) -> None:
        """Gives the lock back."""
        os.close(self.descriptor)


def take(descriptor: int, file: Path) -> None:
    """Takes the lock of that file until the descriptor is closed. Raises `AnotherInstanceError`.

    A file that may only be read is locked against those who write.
    """
    access = fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE
    kind = fcntl.F_RDLCK if access == os.O_RDONLY else fcntl.F_WRLCK
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _flock(kind, os.getpid()))
    except (BlockingIOError, PermissionError):
        raise refusal(file, holder_of(descriptor)) from None


def locked(file: Path, named: Path) -> int:
    """A descriptor of the file, which holds its lock. `named`: what the operator calls it.

    Raises `AnotherInstanceError`, `DatabaseUnusableError`, and `OSError`.
    """
    while True:
        try:
            descriptor = opened(file, os.O_RDWR)
        except OSError as error:
            if error.errno not in {errno.EACCES, errno.EROFS} or status_of(file) is None:
                raise
            try:
                # Whoever writes into it will say that it cannot be written.
                descriptor = opened(file, os.O_RDONLY)
            except OSError:
                raise DatabaseUnusableError(f"{file} cannot be read ({error.strerror}); {MEND}") from None
        try:
            take(descriptor, named)
            if same(status_of(file), os.fstat(descriptor)):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        # Another file took the name meanwhile.
        os.close(descriptor)


def holder_at(file: Path) -> Holder | None:
    """The process that holds the lock of that file, if one does. Raises `OSError`."""
    descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        pid = holder_of(descriptor)
    finally:
        os.close(descriptor)
    return None if pid is None else _noted(pid, text_of(file.with_name(f"{file.name}{LOCK}")))


def holder_of(descriptor: int) -> int | None:
    """The process that holds the lock of an open file, if one does. Takes nothing."""
    answer = fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, _flock(fcntl.F_WRLCK, MOST))
    kind, _, _, length, _ = struct.unpack(_FLOCK, answer)
    return None if kind == fcntl.F_UNLCK else length


def _flock(kind: int, length: int) -> bytes:
    return struct.pack(_FLOCK, kind, os.SEEK_SET, FIRST, length, 0)


def note(descriptor: int, file: Path) -> None:
    """Locks and fills the file beside a database, for people and for versions that know only it.

    Raises `AnotherInstanceError`.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        word = os.pread(descriptor, 20, 0).split(maxsplit=1)[:1]
        raise refusal(file, int(word[0]) if word and word[0].isdigit() else None) from None
    if os.fstat(descriptor).st_nlink > 1:
        # Whatever else that file is: nothing depends on what is in it.
        return
    with suppress(OSError):
        # A full disk is told of where the database cannot be written.
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()} {__version__} {datetime.now(UTC):%Y-%m-%dT%H:%M:%S%z}\n".encode(), 0)


def _noted(pid: int, text: str) -> Holder:
    """What the file beside a database says of the process that holds its lock."""
    match text.split():
        case [word, version, moment] if word == str(pid):
            with suppress(ValueError):
                return Holder(pid, version, datetime.fromisoformat(moment).astimezone(UTC))
    return Holder(pid)


def refusal(file: Path, pid: int | None) -> AnotherInstanceError:
    """The error of whoever comes second."""
    return AnotherInstanceError(
        f"another instance (process {pid or 'unknown'}) works on {file}; "
        "stop it first, or give this one another database.url"
    )
