"""Identifies the file at the database path without changing it: missing, a database of this program, or another file.

An unusable file (corrupt, of a newer version, of another program) is refused with a sentence and left unchanged.
"""

import os
import sqlite3
import stat
from collections.abc import Collection
from contextlib import closing
from pathlib import Path

from sqlalchemy import make_url

from daemon.model.errors import DatabaseUnusableError
from daemon.storage.place import is_postgresql, shown
from daemon.storage.safe_path import MEND, check_beside, check_mount, resolved, status_of, unwritable
from daemon.storage.sqlite import BUSY_SECONDS, read_only, reading, why

_HERE = Path(__file__).resolve().parents[1]
MIGRATIONS = next(place for place in (_HERE / "migrations", _HERE.parent / "migrations") if place.is_dir())
"""Inside the installed package; beside it in a checkout."""
REVISIONS = sorted(file.name.partition("_")[0] for file in (MIGRATIONS / "versions").glob("[0-9]*.py"))
OURS = {"alembic_version", "incidents", "deliveries"}
"""Tables that a database of this program has in every schema."""
RESTORE = (
    "put a copy back with: betterstack-signl4 db restore FILE, or move it away together with its -wal and -shm files "
    "and let a new one be made"
)


def file_of(url: str) -> Path:
    """The file that a validated `database.url` names."""
    return Path(make_url(url).database or "").absolute()


def named(url: str) -> str:
    """The database as sentences name it: the file, or the URL of a server without its password."""
    return shown(url) if is_postgresql(url) else str(file_of(url))


def nothing_to(verb: str, url: str) -> str:
    """The sentence for a command that needs a database where there is none."""
    is_there, other = ("has no tables", "database") if is_postgresql(url) else ("does not exist", "file")
    mend = f"run the daemon first, or name another {other} in database.url"
    return f"{named(url)} {is_there} yet, so there is nothing to {verb}; {mend}"


def check_place(url: str) -> None:
    """Checks that a database can be there, without changes. Raises `ConfigError` or `DatabaseUnusableError`."""
    if is_postgresql(url):
        revision_of(url)
        return
    try:
        file = resolved(file_of(url))
        directory = status_of(file.parent)
    except OSError as error:
        raise unwritable(file_of(url), (error.strerror or "unknown error").lower()) from None
    if directory is None or not stat.S_ISDIR(directory.st_mode):
        raise unwritable(file_of(url), "not a directory")
    if not os.access(file.parent, os.W_OK | os.X_OK):
        raise unwritable(file_of(url), "permission denied")
    revision_of(url)


def is_up_to_date(url: str, *, checked: bool = True) -> bool:
    """Whether the database exists. Raises `DatabaseUnusableError`, also for an older schema.

    `checked`: a file is read from end to end for damage, which takes a second for each gigabyte.
    """
    revision = revision_of(url, checked=checked)
    if revision not in {None, REVISIONS[-1]}:
        raise DatabaseUnusableError(f"{named(url)} is of an older version; run: betterstack-signl4 db upgrade")
    return revision is not None


def revision_of(url: str, *, checked: bool = True) -> str | None:
    """The schema revision; `None` if the file is missing or empty, or the server has no tables. Only reads.

    `checked`: as in `is_up_to_date`. Raises `DatabaseUnusableError`.
    """
    if is_postgresql(url):
        from daemon.storage import server_content  # noqa: PLC0415 - only who has a server pays for its driver

        return known(url, *server_content.content_of(url))
    file, (place, status) = file_of(url), found_at(url)
    check_mount(place)
    if status is None or status.st_size == 0:
        return None
    try:
        health, tables, revision = _content(file, checked=checked)
    except OSError as error:
        raise DatabaseUnusableError(f"{file} cannot be reached ({error.strerror}); {MEND}") from None
    except sqlite3.Error as error:
        # An operational error means a fault of the machine, not of the file.
        mend = MEND if isinstance(error, sqlite3.OperationalError) else RESTORE
        raise DatabaseUnusableError(f"{file} cannot be read ({why(error)}); {mend}") from None
    if health != "ok":
        raise DatabaseUnusableError(f"{file} is corrupt ({' '.join(health.split())}); {RESTORE}")
    return known(url, tables, revision)


def known(url: str, tables: Collection[str], revision: str | None) -> str | None:
    """The revision; `None` without tables. Raises `DatabaseUnusableError` if they are of another or a newer program.

    `revision`: as it is stamped, also by another program.
    """
    if tables and (revision is None or not OURS.issubset(tables)):
        raise DatabaseUnusableError(f"{named(url)} is the database of another program; name another in database.url")
    if revision is not None and revision not in REVISIONS:
        restore = f"copy from before it: betterstack-signl4 db restore {named(url)}.schema-{REVISIONS[-1]}.bak"
        back = "dump from before it" if is_postgresql(url) else restore
        raise DatabaseUnusableError(
            f"{named(url)} was written by a newer version (schema {revision}, known here up to {REVISIONS[-1]}); "
            f"install that version again, or go back to the {back}"
        )
    return revision


def found_at(url: str) -> tuple[Path, os.stat_result | None]:
    """The file with links resolved, and its status; `None` if missing. Raises `DatabaseUnusableError`."""
    file = file_of(url)
    try:
        place = resolved(file)
        status = status_of(place)
        check_beside(place)
    except OSError as error:
        raise DatabaseUnusableError(f"{file} cannot be reached ({error.strerror}); {MEND}") from None
    if status is not None and not stat.S_ISREG(status.st_mode):
        kind = "a directory" if stat.S_ISDIR(status.st_mode) else "no regular file"
        raise DatabaseUnusableError(f"{file} is {kind}; name a file in database.url")
    return place, status


def _content(file: Path, *, checked: bool) -> tuple[str, set[str], str | None]:
    """The result of the quick check, the table names, and the revision. Raises `OSError` and SQLite's errors."""
    query = reading(file)
    try:
        content = content_of(file, "quick_check" if checked else None)
    except sqlite3.Error:
        if reading(file) == query:
            raise
    else:
        if content[0] == "ok" or reading(file) == query:
            return content
    # A daemon started or stopped meanwhile: read again.
    return _content(file, checked=checked)


def content_of(file: Path, check: str | None) -> tuple[str, set[str], str | None]:
    """The result of SQLite's check, "ok" if it is whole or not checked; the table names; the revision.

    Raises SQLite's errors.
    """
    with closing(read_only(file, BUSY_SECONDS)) as connection:
        health = connection.execute(f"PRAGMA {check}(1)").fetchone()[0] if check else "ok"
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        # Other programs have the same kind of stamp.
        stamped = tables >= OURS
        stamps = connection.execute("SELECT version_num FROM alembic_version").fetchall() if stamped else []
    return health, tables, stamps[0][0] if stamps else None
