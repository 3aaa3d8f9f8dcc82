"""Copies a state from one database to another that holds none, of whatever kind both are.

1. Nothing works on either, and nothing can begin to, until it is over.
2. All is written in one transaction of the target, and compared before that is committed. So whenever this process
   ends, the source is as it was, and the target has the whole state or none.
"""

from collections.abc import Callable, Mapping

from sqlalchemy import Connection, Engine, delete, func, inspect, select

from daemon.model.errors import DatabaseUnusableError
from daemon.model.progress import Report, silent
from daemon.storage.copy_rows import compare_rows, write_rows
from daemon.storage.create import ALWAYS_THERE, STAMP, create, make
from daemon.storage.engine import open_engine, reader, transaction
from daemon.storage.held import held
from daemon.storage.place import is_postgresql, shown
from daemon.storage.revision import REVISIONS, named, nothing_to, revision_of
from daemon.storage.schema import METADATA
from daemon.storage.source_schema import PROGRESS


def copy(
    source: str, target: str, report: Report = silent, on_warning: Callable[[str], None] = lambda _: None
) -> Mapping[str, int]:
    """Copies everything from the database at one URL to that at another; returns how many rows, by table.

    `on_warning`: as of `held`. Raises `DatabaseUnusableError`, also for a target that holds a state;
    `AnotherInstanceError` and `DatabaseBusyError` where somebody works on either; and `ConfigError` for a directory.
    """
    report("looking at both", None)
    # Before either is held: both may be the same one, under two names.
    if not _state_at(source):
        raise DatabaseUnusableError(f"{named(source)} holds no state yet, so there is nothing to copy; name another")
    if found := _state_at(target):
        raise _holds(target, found)
    with held(source, on_warning) as ours, held(target, on_warning) as theirs:
        if not inspect(theirs).has_table(STAMP.name):
            make(theirs)
        elif found := _state(theirs):
            raise _holds(target, found)
        _forget(theirs)
        counts = copied(ours, theirs, report)
        if is_postgresql(target):
            _analyze(theirs)
        return counts


def to_file(source: str, file: str, report: Report = silent) -> None:
    """Copies the state of one moment to a new file, also while somebody works on it.

    `file`: its URL. Raises `DatabaseUnusableError`, `DatabaseBusyError` and `OSError`.
    """
    ours = reader(source)
    if ours is None:
        raise DatabaseUnusableError(nothing_to("copy", source))
    create(file)
    theirs = open_engine(file)
    try:
        with transaction(ours, writes=False) as here, transaction(theirs, writes=True) as there:
            _forget(there)
            copied(here, there, report)
    finally:
        theirs.dispose()


def copied(source: Connection, target: Connection, report: Report = silent) -> Mapping[str, int]:
    """The same where both are open, and the target has all tables and no row. Raises `DatabaseUnusableError`."""
    counts = write_rows(source, target, report)
    compare_rows(source, target, report)
    report("writing to the disk", None)
    return counts


def _analyze(connection: Connection) -> None:
    """Without this a server plans as for empty tables, until it counts by itself, a minute later or more."""
    for table in METADATA.sorted_tables:
        connection.exec_driver_sql(f"ANALYZE {table.name}")


def _forget(connection: Connection) -> None:
    """Deletes the rows of a database that was just made."""
    for table in ALWAYS_THERE:
        connection.execute(delete(table))


def _state_at(url: str) -> str:
    """Raises `DatabaseUnusableError` for another schema, and what `revision_of` raises."""
    revision = revision_of(url)
    if revision not in {None, REVISIONS[-1]}:
        command = f"DATABASE__URL='{shown(url)}' betterstack-signl4 db upgrade"
        raise DatabaseUnusableError(f"{named(url)} is of an older version; run first: {command}")
    engine: Engine | None = reader(url, checked=False) if revision else None
    if engine is None:
        return ""
    with transaction(engine, writes=False) as connection:
        return _state(connection)


def _state(connection: Connection) -> str:
    """What there is besides the rows of a database that was just made."""
    tables = [table for table in METADATA.sorted_tables if table not in ALWAYS_THERE]
    filled = [table.name for table in tables if connection.execute(select(*table.primary_key).limit(1)).first()]
    if filled:
        return f"a state (rows in {', '.join(filled)})"
    polled = connection.execute(select(func.max(PROGRESS.c.last_complete_round_at))).scalar()
    return f"the state of a daemon that polled at {polled:%Y-%m-%d %H:%M:%S} UTC" if polled else ""


def _holds(url: str, found: str) -> DatabaseUnusableError:
    return DatabaseUnusableError(
        f"{named(url)} holds {found}, and a copy is written to a new or empty database alone; name another one"
    )
