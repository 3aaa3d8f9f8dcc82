"""What the metrics show of the database: the figures of `status`, the outbox of each team, the sizes of the files."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Select, func, select

from daemon.model.errors import DatabaseBusyError
from daemon.model.readings import TeamOutbox
from daemon.model.snapshot import Snapshot
from daemon.model.two_way import TwoWay
from daemon.storage import delivery_rows as rows
from daemon.storage.engine import transaction
from daemon.storage.queries import figures, unobstructed
from daemon.storage.revision import file_of
from daemon.storage.schema import DELIVERIES

_TEAM = DELIVERIES.c.destination


def read(engine: Engine) -> tuple[Snapshot, Mapping[str, TeamOutbox]]:
    """The figures of `status`, and by team what is not settled, of one moment. Raises `DatabaseBusyError`."""
    with transaction(engine, writes=False) as connection:
        snapshot = figures(connection)
        return snapshot, _outboxes(connection, snapshot)


def sizes(engine: Engine) -> tuple[int | None, int | None]:
    """The bytes of the database and of its log. `None` for both if the file cannot be seen; no log has 0 bytes.

    A server has one log for all its databases, and `None` is said of that.
    """
    if engine.dialect.name == "postgresql":
        return _size_on_server(engine), None
    file = file_of(str(engine.url))
    try:
        size = file.stat().st_size
    except OSError:
        return None, None
    try:
        # SQLite keeps its files beside the target of a link.
        return size, Path(f"{file.resolve()}-wal").stat().st_size
    except OSError:
        return size, 0


def _size_on_server(engine: Engine) -> int | None:
    try:
        with transaction(engine, writes=False) as connection:
            size: int = connection.execute(select(func.pg_database_size(func.current_database()))).scalar_one()
            return size
    except DatabaseBusyError:
        return None


def _outboxes(connection: Connection, snapshot: Snapshot) -> Mapping[str, TeamOutbox]:
    """Asks only for what there is: mostly the outbox is empty. The snapshot counts what is written back by itself."""
    back = snapshot.two_way or TwoWay()
    has_pending = snapshot.pending_deliveries or back.pending_write_backs
    has_dead = snapshot.dead_deliveries or back.dead_write_backs
    pending = _by_team(connection, _count(rows.PENDING)) if has_pending else {}
    held = _by_team(connection, _count(rows.HELD)) if snapshot.held_deliveries else {}
    dead = _by_team(connection, _count(rows.DEAD)) if has_dead else {}
    oldest: Mapping[str, datetime] = _by_team(connection, _oldest()) if snapshot.pending_deliveries else {}
    return {
        team: TeamOutbox(pending.get(team, 0), held.get(team, 0), dead.get(team, 0), oldest.get(team))
        for team in pending.keys() | dead.keys()
    }


def _by_team(connection: Connection, query: "Select[*tuple[Any, ...]]") -> Mapping[str, Any]:
    return {row[0]: row[1] for row in connection.execute(query)}


def _count(which: ColumnElement[bool]) -> "Select[*tuple[Any, ...]]":
    return select(_TEAM, func.count()).where(which).group_by(_TEAM)


@cache
def _oldest() -> "Select[*tuple[Any, ...]]":
    return select(_TEAM, func.min(DELIVERIES.c.created_at)).where(unobstructed()).group_by(_TEAM)
