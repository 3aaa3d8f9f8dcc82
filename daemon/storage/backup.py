"""Copies of the database: consistent, whole or not at all, also while the daemon goes on.

A copy touches no file that it did not make, but the earlier copy whose name it takes.
"""

import os
import re
import secrets
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from daemon.model.errors import DatabaseUnusableError
from daemon.storage.place import BESIDE, LOCK, MEND, followed, open_here, opened, same, status_of
from daemon.storage.revision import file_of, revision_of
from daemon.storage.sqlite import BUSY_SECONDS, WRITING, connected, read_only, why

KEPT = 3
"""So many copies of before a migration are kept."""
PAGES = 1000
"""So many pages are copied between two signs of progress."""
_HEADER = b"SQLite format 3\x00"
_VERSIONS_AT, _NO_LOG = 18, b"\x01\x01"
"""The two bytes of the header that say whether a database has a log beside it (sqlite.org/fileformat2.html, 1.3.3)."""


def backup(url: str, copy: Path) -> None:
    """Writes a consistent copy, while the daemon may go on. Raises `DatabaseUnusableError`."""
    file = file_of(url)
    if revision_of(url) is None:
        raise DatabaseUnusableError(f"{file} does not exist yet, so there is nothing to copy; run the daemon first")
    try:
        place = followed(copy.absolute().parent) / copy.name
        if _is_taken(place, file):
            raise DatabaseUnusableError(f"{copy} is in use or no earlier backup, and is left alone; name another file")
        # A name that nobody can have taken, or can guess.
        _copy(file, place, place.with_name(f".{secrets.token_hex(8)}.part"))
    except (OSError, sqlite3.Error) as error:
        raise DatabaseUnusableError(f"the backup to {copy} failed ({why(error)}); {MEND}") from None


def put_by(file: Path, revision: str, on_progress: Callable[[], None]) -> Path:
    """Puts a copy of a database of that schema revision beside it, and drops all but the last few.

    The caller holds the lock. Raises `DatabaseUnusableError`.
    """
    copy = file.with_name(f"{file.name}.schema-{revision}.bak")
    part = copy.with_name(f"{copy.name}.part")
    try:
        # Whatever crashed while it made one: the name is the state's own.
        part.unlink(missing_ok=True)
        _copy(file, copy, part, PAGES, lambda *_: on_progress())
        pattern = re.compile(rf"{re.escape(file.name)}\.schema-\w+\.bak")
        copies = sorted(other for other in file.parent.iterdir() if pattern.fullmatch(other.name))
        for old in copies[:-KEPT]:
            old.unlink()
    except (OSError, sqlite3.Error) as error:
        raise DatabaseUnusableError(
            f"{file} cannot be copied to {copy} before its upgrade ({why(error)}); {MEND}"
        ) from None
    return copy


def _is_taken(copy: Path, file: Path) -> bool:
    """Whether the name belongs to the state, or to anything but an earlier copy. Raises `OSError`."""
    places = {file, followed(file)}
    ours = {place.with_name(f"{place.name}{suffix}") for place in places for suffix in (*BESIDE, LOCK)}
    status = status_of(followed(copy))
    if copy in ours or copy in places:
        return True
    return status is not None and (
        not stat.S_ISREG(status.st_mode) or same(status_of(file), status) or not _is_database(followed(copy))
    )


def _copy(file: Path, copy: Path, part: Path, pages: int = -1, progress: Callable[..., None] | None = None) -> None:
    with closing(read_only(file, BUSY_SECONDS)) as source:
        descriptor = written(source, part, pages, progress)
    try:
        part.replace(copy)
    except OSError:
        part.unlink()
        raise
    finally:
        os.close(descriptor)


def written(
    source: sqlite3.Connection, part: Path, pages: int = -1, progress: Callable[..., None] | None = None
) -> int:
    """Writes a copy into a new file, without a log of its own; its descriptor.

    Raises `OSError` and SQLite's errors; nothing of it is left then.
    """
    descriptor = opened(part, os.O_RDWR | os.O_EXCL)
    try:
        with closing(connected(part, WRITING, BUSY_SECONDS)) as target:
            _check_reached(descriptor, part)
            # What fails is thrown away whole, so nothing need be kept beside it.
            target.execute("PRAGMA journal_mode = OFF")
            source.backup(target, pages=pages, progress=progress)
        os.pwrite(descriptor, _NO_LOG, _VERSIONS_AT)
        os.fsync(descriptor)
    except BaseException:
        os.close(descriptor)
        part.unlink(missing_ok=True)
        raise
    return descriptor


def _check_reached(descriptor: int, part: Path) -> None:
    """SQLite opens by name, and whoever may write in that directory could have put a link there just now."""
    ours = os.fstat(descriptor)
    if open_here().count((ours.st_dev, ours.st_ino)) < 2:  # our own descriptor, and SQLite's
        raise OSError(f"{part} was replaced by somebody else")


def _is_database(file: Path) -> bool:
    with file.open("rb") as opened_file:
        return opened_file.read(len(_HEADER)) == _HEADER
