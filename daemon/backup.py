"""Copies of the database: consistent, whole or not at all, also while the daemon goes on."""

import os
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from daemon.database import BUSY_SECONDS, MEND, create, file_of, revision_of
from daemon.errors import DatabaseUnusableError

KEPT = 3
"""So many copies of before a migration are kept."""
PAGES = 1000
"""So many pages are copied between two signs of progress."""
_HEADER = b"SQLite format 3\x00"


def backup(url: str, copy: Path) -> None:
    """Writes a consistent copy, while the daemon may go on. Raises `DatabaseUnusableError`."""
    file = file_of(url)
    if revision_of(url) is None:
        raise DatabaseUnusableError(f"{file} does not exist yet, so there is nothing to copy; run the daemon first")
    try:
        if copy.exists() and (copy.is_dir() or copy.samefile(file) or not _is_database(copy)):
            raise DatabaseUnusableError(f"{copy} is in use or no earlier backup, and is left alone; name another file")
        _copy(file, copy)
    except (OSError, sqlite3.Error) as error:
        raise DatabaseUnusableError(f"the backup to {copy} failed ({error}); {MEND}") from None


def put_by(file: Path, revision: str, on_progress: Callable[[], None]) -> Path:
    """Puts a copy of a database of that schema revision beside it, and drops all but the last few.

    The caller holds the lock. Raises `DatabaseUnusableError`.
    """
    copy = file.with_name(f"{file.name}.schema-{revision}.bak")
    try:
        _copy(file, copy, PAGES, lambda *_: on_progress())
        pattern = re.compile(rf"{re.escape(file.name)}\.schema-\w+\.bak")
        copies = sorted(other for other in file.parent.iterdir() if pattern.fullmatch(other.name))
        for old in copies[:-KEPT]:
            old.unlink()
    except (OSError, sqlite3.Error) as error:
        raise DatabaseUnusableError(f"{file} cannot be copied to {copy} before its upgrade ({error}); {MEND}") from None
    return copy


def _copy(file: Path, copy: Path, pages: int = -1, progress: Callable[..., None] | None = None) -> None:
    part = copy.with_name(f"{copy.name}.part")
    part.unlink(missing_ok=True)
    os.close(create(part, os.O_WRONLY | os.O_EXCL))
    try:
        with closing(sqlite3.connect(file, timeout=BUSY_SECONDS)) as source, closing(sqlite3.connect(part)) as target:
            source.backup(target, pages=pages, progress=progress)
            target.execute("PRAGMA journal_mode = DELETE")
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.replace(copy)
    except (OSError, sqlite3.Error):
        for left in (part, part.with_name(f"{part.name}-journal")):
            left.unlink(missing_ok=True)
        raise


def _is_database(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(len(_HEADER)) == _HEADER
