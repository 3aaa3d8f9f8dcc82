"""Puts a copy in the place of the database: checked first, and the file from before is kept beside it.

1. The copy is prepared in a private directory: read whole, checked, brought to the newest schema. So what is wrong with
   it is found before anything is changed.
2. All commits are in the file in place, none in SQLite's log beside it. (Where SQLite cannot read the file, the log is
   kept with it.) What it knows is merged into the copy, so that nothing is told again. Where that is not possible, the
   result says so.
3. The last step is one rename. A crash before it leaves the file in place as it was.
"""

import os
import sqlite3
import stat
import tempfile
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path

from daemon.model.errors import DatabaseBusyError, DatabaseUnusableError
from daemon.model.progress import Report, silent
from daemon.storage import queries
from daemon.storage.backup import PAGES, by_pages, written
from daemon.storage.engine import open_engine
from daemon.storage.instance import locked
from daemon.storage.lock import Lock
from daemon.storage.merge import merge
from daemon.storage.place import is_postgresql, shown
from daemon.storage.revision import REVISIONS, content_of, file_of, found_at
from daemon.storage.safe_path import BESIDE, MEND, check_beside, link_open_file, resolved, same_file, status_of
from daemon.storage.sqlite import BUSY_SECONDS, WRITING, connected, read_only, why
from daemon.storage.upgrade import run_migrations


@dataclass(frozen=True, slots=True)
class Restored:
    """What became of it."""

    as_of: datetime | None
    """The last complete round that the copy knows."""
    kept: Path | None
    """The file from before; `None` if there was none."""
    unknown_because: str | None
    """Why it is not known what was told since the copy was made; `None` if it is."""


def restore(url: str, copy: Path, report: Report = silent) -> Restored:
    """Replaces the database by the copy.

    Raises `AnotherInstanceError`, `ConfigError` for its directory, `DatabaseUnusableError` for the copy or the place,
    and `DatabaseBusyError` while another process has the database open.
    """
    if is_postgresql(url):
        raise DatabaseUnusableError(
            f"{shown(url)} is on a server, where no file takes its place; make an empty database there, then: "
            f"betterstack-signl4 db copy sqlite:///{copy.absolute()} postgresql+psycopg://USER@HOST/NEW, and name that "
            "one in database.url. A dump of pg_dump is put back with pg_restore, while nothing runs"
        )
    _, before = found_at(url)
    try:
        source = _source(copy, before)
        with tempfile.TemporaryDirectory(prefix="betterstack-signl4-") as directory:
            prepared = Path(directory, "state.db")
            as_of = _prepared(copy, source, prepared, report)
            with locked(url) as lock:
                return _put_in_place(prepared, lock, before, as_of, report)
    except (OSError, sqlite3.Error) as error:
        raise DatabaseUnusableError(f"{copy} cannot be restored to {file_of(url)} ({why(error)}); {MEND}") from None


def _source(copy: Path, before: os.stat_result | None) -> Path:
    """The file to read, with links resolved. Raises `OSError`, and `DatabaseUnusableError` if it cannot be a copy."""
    source = resolved(copy.absolute())
    status = status_of(source)
    if status is None or not stat.S_ISREG(status.st_mode):
        raise DatabaseUnusableError(f"{copy} is no file; name a copy that db backup made")
    if same_file(before, status):
        raise DatabaseUnusableError(f"{copy} is the database itself; name a copy that db backup made")
    check_beside(source)
    return source


def _prepared(copy: Path, source: Path, prepared: Path, report: Report) -> datetime | None:
    """Makes a checked copy at the newest schema; returns its last complete round.

    Raises `DatabaseUnusableError`, `OSError` and SQLite's errors.
    """
    try:
        with closing(read_only(source, BUSY_SECONDS)) as opened:
            os.close(written(opened, prepared, PAGES, by_pages(report, f"reading {copy.name}")))
        report(f"checking {copy.name}", None)
        health, tables, revision = content_of(prepared, "integrity_check")
    except sqlite3.DatabaseError as error:
        # An operational error means a fault of the machine, not of the copy.
        mend = MEND if isinstance(error, sqlite3.OperationalError) else "restore another copy"
        raise DatabaseUnusableError(f"{copy} cannot be read ({why(error)}); {mend}") from None
    if health != "ok":
        raise DatabaseUnusableError(f"{copy} is damaged ({' '.join(health.split())}); restore another copy")
    if revision is None:
        what = "the database of another program" if tables else "empty"
        raise DatabaseUnusableError(f"{copy} is {what}; name a copy that db backup made")
    if revision not in REVISIONS:
        raise DatabaseUnusableError(
            f"{copy} was written by a newer version (schema {revision}, known here up to {REVISIONS[-1]}); "
            "install that version, or restore an older copy"
        )
    url = f"sqlite:///{prepared}"
    if revision != REVISIONS[-1]:
        try:
            run_migrations(url, lambda: report(f"bringing {copy.name} up to date", None))
        except DatabaseUnusableError as error:
            raise DatabaseUnusableError(str(error).replace(str(prepared), str(copy))) from None
    engine = open_engine(url)
    try:
        return queries.snapshot(engine).last_complete_round_at
    finally:
        engine.dispose()


def _put_in_place(
    prepared: Path, lock: Lock, before: os.stat_result | None, as_of: datetime | None, report: Report
) -> Restored:
    """Raises what `restore` raises."""
    report("keeping what was told since then", None)
    is_there = os.fstat(lock.descriptor).st_size > 0
    unknown_because = _merged(lock.file, prepared) if is_there else "there was no database in its place"
    part = lock.file.with_name(f"{lock.file.name}.restored.part")
    # Left by a crash during an earlier one. No other file has this name.
    part.unlink(missing_ok=True)
    with ExitStack() as undo:
        with closing(connected(prepared, WRITING, BUSY_SECONDS)) as source:
            descriptor = written(source, part, PAGES, by_pages(report, f"writing {lock.file.name}"))
        undo.callback(part.unlink, missing_ok=True)
        try:
            _give(descriptor, before or lock.file.parent.stat())
            kept = _keep(lock, undo, is_there=is_there)
            part.replace(lock.file)
        finally:
            os.close(descriptor)
        undo.pop_all()
    _flush(lock.file.parent)
    return Restored(as_of, kept if is_there else None, unknown_because)


def _merged(file: Path, prepared: Path) -> str | None:
    """Merges the file in place into the prepared one; returns why that is not possible, or `None`.

    Raises `DatabaseBusyError` if somebody else reads or writes it: the result would not hold what they commit.
    """
    try:
        health, _, revision = content_of(file, "quick_check")
        if health != "ok":
            return f"the file in place is damaged: {' '.join(health.split())}"
        with closing(connected(file, WRITING, BUSY_SECONDS)) as old:
            _empty_log(old, file)
            if revision != REVISIONS[-1]:
                return f"the file in place cannot be used: its schema is {revision or 'none of ours'}"
            with closing(connected(prepared, WRITING, BUSY_SECONDS)) as new:
                old.isolation_level = new.isolation_level = None
                merge(old, new)
    except sqlite3.Error as error:
        return f"the file in place cannot be read: {why(error)}"
    return None


def _empty_log(old: sqlite3.Connection, file: Path) -> None:
    """Takes all commits into the file. Raises `DatabaseBusyError` if somebody reads from the log.

    Not for a damaged file: SQLite would write into it before it finds that out.
    """
    ((busy, *_),) = old.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    if busy:
        raise DatabaseBusyError(f"another process has {file} open; end it first, then restore")


def _give(descriptor: int, owner: os.stat_result) -> None:
    """Gives the file to the owner of the one before it, else of its directory: root restores what a service uses."""
    if os.geteuid() == 0:
        os.fchown(descriptor, owner.st_uid, owner.st_gid)


def _keep(lock: Lock, undo: ExitStack, *, is_there: bool) -> Path:
    """Gives the file in place a second name, and moves SQLite's files beside it away under that name.

    SQLite would take a log that is left there for that of the new file, also where its own file is gone.
    `undo` gets what puts all back.
    """
    name = f"{lock.file.name}.before-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    names = chain([name], (f"{name}-{n}" for n in count(2)))
    kept = next(free for free in map(lock.file.with_name, names) if status_of(free) is None)
    if is_there:
        link_open_file(lock.descriptor, kept)
        undo.callback(kept.unlink)
    for suffix in BESIDE:
        beside = lock.file.with_name(f"{lock.file.name}{suffix}")
        if status_of(beside) is not None:
            undo.callback(beside.rename(kept.with_name(f"{kept.name}{suffix}")).rename, beside)
    return kept


def _flush(directory: Path) -> None:
    """Makes the new names durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
