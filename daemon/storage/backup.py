"""Copies of the database: consistent, complete or absent, also while the daemon runs.

A copy replaces no file except the earlier copy of the same name. A private one is for this process alone.
"""

import os
import re
import secrets
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from daemon.model.errors import DatabaseUnusableError
from daemon.model.progress import Report, silent
from daemon.storage.place import is_postgresql
from daemon.storage.revision import file_of, named, nothing_to, revision_of
from daemon.storage.safe_path import BESIDE, LOCK, MEND, open_file, open_inodes, resolved, same_file, status_of
from daemon.storage.sqlite import BUSY_SECONDS, WRITING, connected, read_only, why

KEPT = 3
"""Number of pre-migration copies that are kept."""
PAGES = 1000
"""Pages copied between two progress reports."""
_HEADER = b"SQLite format 3\x00"
_VERSIONS_AT, _NO_LOG = 18, b"\x01\x01"
"""The two header bytes that say whether a database uses a WAL (sqlite.org/fileformat2.html, 1.3.3)."""


def backup(url: str, copy: Path, report: Report = silent) -> None:
    """Writes a consistent copy, of a server's database too; the daemon may be running.

    Raises `DatabaseUnusableError`, and `DatabaseBusyError` for a server.
    """
    if is_postgresql(url):
        if revision_of(url) is None:
            raise DatabaseUnusableError(nothing_to("copy", url))
        with private_copy(url, report) as as_file:
            backup(as_file, copy, report)
        return
    file = file_of(url)
    report(f"checking {file.name}", None)
    if revision_of(url) is None:
        raise DatabaseUnusableError(nothing_to("copy", url))
    try:
        place = resolved(copy.absolute().parent) / copy.name
        if not place.parent.is_dir():
            raise DatabaseUnusableError(f"{copy.absolute().parent} is no directory; create it, or name another file")
        if _is_taken(place, file):
            raise DatabaseUnusableError(f"{copy} is in use or no earlier backup, and is left alone; name another file")
        _copy(file, place, new_name(place), PAGES, by_pages(report, f"copying to {place.name}"))
    except (OSError, sqlite3.Error) as error:
        raise DatabaseUnusableError(f"the backup to {copy} failed ({why(error)}); {MEND}") from None


def copy_before_upgrade(file: Path, revision: str, on_progress: Callable[[], None]) -> Path:
    """Copies a database of that schema revision to a file beside it, and deletes all but the last `KEPT` copies.

    The caller holds the lock. Raises `DatabaseUnusableError`.
    """
    copy = file.with_name(f"{file.name}.schema-{revision}.bak")
    part = copy.with_name(f"{copy.name}.part")
    try:
        # Left by a crash during an earlier copy. No other file has this name.
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


@contextmanager
def private_copy(url: str, report: Report = silent) -> Iterator[str]:
    """The `database.url` of a file that nobody else can read, removed at the end; of none if there is no database.

    It is in the directory for temporary files, where a process that is killed leaves it. Raises
    `DatabaseUnusableError`, and `DatabaseBusyError` for a server.
    """
    exists = revision_of(url) is not None
    try:
        directory = TemporaryDirectory(prefix="betterstack-signl4-")
    except OSError as error:
        raise _no_copy(url, error) from None
    with directory as place:
        copy = Path(place, "state.db")
        try:
            if exists and is_postgresql(url):
                from daemon.storage.copy import to_file  # noqa: PLC0415 - only who has a server pays for it

                to_file(url, f"sqlite:///{copy}", report)
            elif exists:
                _copy(file_of(url), copy, new_name(copy))
        except (OSError, sqlite3.Error) as error:
            raise _no_copy(url, error) from None
        yield f"sqlite:///{copy}"


def _no_copy(url: str, error: Exception) -> DatabaseUnusableError:
    return DatabaseUnusableError(
        f"{named(url)} cannot be copied to a temporary directory ({why(error)}); name one with room in TMPDIR"
    )


def by_pages(report: Report, doing: str) -> Callable[..., None]:
    """What SQLite's backup calls after each step: with its status, and how many pages remain of how many."""
    return lambda _, remaining, total: report(doing, 1 - remaining / total if total else None)


def new_name(file: Path) -> Path:
    """A random name beside the file: it cannot exist yet, and nobody can guess it."""
    return file.with_name(f".{secrets.token_hex(8)}.part")


def _is_taken(copy: Path, file: Path) -> bool:
    """Whether the name belongs to the database itself, or to a file that is not an earlier copy. Raises `OSError`."""
    places = {file, resolved(file)}
    ours = {place.with_name(f"{place.name}{suffix}") for place in places for suffix in (*BESIDE, LOCK)}
    status = status_of(resolved(copy))
    if copy in ours or copy in places:
        return True
    return status is not None and (
        not stat.S_ISREG(status.st_mode) or same_file(status_of(file), status) or not _is_database(resolved(copy))
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
    """Writes a copy without a WAL into a new file; returns its descriptor. Even in steps, it is that of one moment.

    Raises `OSError` and SQLite's errors, and then removes the new file.
    """
    descriptor = open_file(part, os.O_RDWR | os.O_EXCL)
    try:
        with closing(connected(part, WRITING, BUSY_SECONDS)) as target:
            _check_reached(descriptor, part)
            # A failed copy is deleted, so it needs no journal.
            target.execute("PRAGMA journal_mode = OFF")
            # Between two steps SQLite lets go of the source, and begins again after each commit of a daemon. A
            # transaction that reads keeps it.
            source.execute("BEGIN")
            source.execute("SELECT 1 FROM sqlite_master").fetchone()
            source.backup(target, pages=pages, progress=progress)
            source.rollback()
        os.pwrite(descriptor, _NO_LOG, _VERSIONS_AT)
        os.fsync(descriptor)
    except BaseException:
        os.close(descriptor)
        part.unlink(missing_ok=True)
        raise
    return descriptor


def _check_reached(descriptor: int, part: Path) -> None:
    """SQLite opens by name: another user of the directory could have replaced the file by a link. Raises `OSError`."""
    ours = os.fstat(descriptor)
    if open_inodes().count((ours.st_dev, ours.st_ino)) < 2:  # this descriptor, and SQLite's
        raise OSError(f"{part} was replaced by somebody else")


def _is_database(file: Path) -> bool:
    with file.open("rb") as opened_file:
        return opened_file.read(len(_HEADER)) == _HEADER
