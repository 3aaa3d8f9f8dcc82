"""The figures of the looks at monitors, and what housekeeping does with their tables."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, delete, exists, func, or_, select, tuple_, update

from daemon.model.incident import Phase
from daemon.model.monitor import MonitorFigures, MonitorKind
from daemon.storage.columns import constant
from daemon.storage.monitor_schema import MONITOR_CHANGES, MONITOR_LOOKS, MONITORS
from daemon.storage.schema import INCIDENTS, OPEN

READ_AT = {kind: MONITOR_LOOKS.c[f"{kind}_read_at"] for kind in MonitorKind}
OPEN_ALERT = and_(
    INCIDENTS.c.is_alarm,
    INCIDENTS.c.monitor.is_not(None),
    INCIDENTS.c.source.is_(None),
    INCIDENTS.c.phase != constant(Phase.RESOLVED),
)
USED = (
    READ_AT[MonitorKind.MONITOR].is_not(None)
    | READ_AT[MonitorKind.HEARTBEAT].is_not(None)
    | (MONITOR_LOOKS.c.failing_since.is_not(None))
)
"""A list was ever read, or cannot be."""
WORKS = {"last_error": None, "failing_since": None}
"""Column values while the lists can be read."""


def any_alerts(connection: Connection) -> bool:
    """Whether an alert about a monitor is open, or may be by the next moment: its list is looked at."""
    return bool(connection.execute(select(or_(exists().where(OPEN_ALERT), exists().where(USED)))).scalar_one())


def figures(connection: Connection) -> MonitorFigures:
    """Of this flow."""

    def count(kind: MonitorKind) -> Any:
        there = (MONITORS.c.kind == kind, MONITORS.c.deleted_at.is_(None))
        return select(func.count()).select_from(MONITORS).where(*there).scalar_subquery()

    query = select(
        *READ_AT.values(),
        MONITOR_LOOKS.c.last_error,
        MONITOR_LOOKS.c.failing_since,
        count(MonitorKind.MONITOR),
        count(MonitorKind.HEARTBEAT),
        select(func.count()).select_from(INCIDENTS).where(OPEN_ALERT).scalar_subquery(),
    )
    first, second, *others = connection.execute(query).one()
    return MonitorFigures(max(filter(None, (first, second)), default=None), *others)


def follow(connection: Connection, kinds: Collection[MonitorKind]) -> None:
    """Forgets how far the looks have come at what is not looked at any more."""
    off = {READ_AT[kind]: None for kind in MonitorKind if kind not in kinds}
    if off:
        connection.execute(update(MONITOR_LOOKS).values(off if kinds else {**off, **WORKS}))


def prune(connection: Connection, before: datetime) -> None:
    """Deletes changes, and monitors that were deleted, from before then; not one of which an incident is still open."""
    is_asked_for = exists().where(OPEN, INCIDENTS.c.monitor == MONITORS.c.kind.concat(" ").concat(MONITORS.c.id))
    gone = and_(MONITORS.c.deleted_at.is_not(None), MONITORS.c.deleted_at < before, ~is_asked_for)
    of_gone = tuple_(MONITOR_CHANGES.c.kind, MONITOR_CHANGES.c.id).in_(
        select(MONITORS.c.kind, MONITORS.c.id).where(gone)
    )
    for old in (MONITOR_CHANGES.c.seen_at < before, of_gone):
        connection.execute(delete(MONITOR_CHANGES).where(old))
    connection.execute(delete(MONITORS).where(gone))


def restart(connection: Connection, now: datetime) -> None:
    """Durations begin anew: the clock was set."""
    connection.execute(update(MONITORS).where(MONITORS.c.gone_since.is_not(None)).values(gone_since=None))
    for column in (MONITORS.c.status_since, MONITORS.c.first_seen_at):
        connection.execute(update(MONITORS).where(column > now).values({column: now}))
    # What was seen in the future would count as news until then.
    seen_at = MONITOR_CHANGES.c.seen_at
    connection.execute(update(MONITOR_CHANGES).where(seen_at > now).values({seen_at: now}))
    for column in READ_AT.values():
        connection.execute(update(MONITOR_LOOKS).where(column > now).values({column: now}))
    failing = MONITOR_LOOKS.c.failing_since.is_not(None)
    connection.execute(update(MONITOR_LOOKS).where(failing).values(failing_since=now))
