"""The recorded monitors and heartbeats, what was changed about them, and how far the looks have come.

Each method is one short transaction. It raises `DatabaseBusyError` if it fails, and then has changed nothing.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Insert, RowMapping, Select, func, insert, select, update

from daemon.model.incident import IncidentState
from daemon.model.monitor import (
    MonitorChange,
    MonitorEvent,
    MonitorKind,
    MonitorListed,
    MonitorLooks,
    MonitorState,
    monitor_key,
)
from daemon.storage.columns import moment
from daemon.storage.engine import transaction
from daemon.storage.incident_statements import STATES, state_of
from daemon.storage.monitor_figures import OPEN_ALERT, READ_AT, WORKS
from daemon.storage.monitor_schema import MONITOR_CHANGES, MONITOR_LOOKS, MONITORS
from daemon.storage.parts import in_parts
from daemon.storage.schema import INCIDENTS, OPEN
from daemon.storage.upsert import by_dialect


@by_dialect
def _put(insert: Callable[..., Any]) -> Insert:
    new = insert(MONITORS)
    statement: Insert = new.on_conflict_do_update(
        index_elements=["kind", "id"], set_={field.name: new.excluded[field.name] for field in fields(MonitorState)}
    )
    return statement


class MonitorRecords:
    """Called by the thread of the job `monitors`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def looks(self) -> MonitorLooks:
        """How far the looks have come."""
        with transaction(self._engine, writes=False) as connection:
            return _looks(connection)

    def known(self, kind: MonitorKind) -> dict[str, MonitorState]:
        """All of that kind, also those that are deleted, by their ids."""
        with transaction(self._engine, writes=False) as connection:
            rows = connection.execute(select(MONITORS).where(MONITORS.c.kind == kind)).all()
        return {row.id: monitor_of(row._mapping) for row in rows}

    def record(
        self,
        kind: MonitorKind,
        states: Collection[MonitorState],
        changes: Collection[MonitorChange],
        read_at: datetime,
    ) -> None:
        """Writes states and changes. `read_at`: when the list was read to its end."""
        with transaction(self._engine, writes=True) as connection:
            if states:
                connection.execute(_put(connection), [asdict(one) for one in states])
            if changes:
                connection.execute(insert(MONITOR_CHANGES), [{**asdict(one), "seen_at": read_at} for one in changes])
            connection.execute(update(MONITOR_LOOKS).values({READ_AT[kind]: read_at}))

    def latest(self, kind: MonitorKind, since: datetime) -> dict[str, dict[MonitorEvent, MonitorChange]]:
        """The latest change of each sort that was seen since then, by monitor."""
        found = dict[str, dict[MonitorEvent, MonitorChange]]()
        query = _changes().where(MONITOR_CHANGES.c.kind == kind, MONITOR_CHANGES.c.seen_at > since)
        with transaction(self._engine, writes=False) as connection:
            for row in connection.execute(query):
                change = change_of(row._mapping)
                found.setdefault(change.id, {})[change.what] = change
        return found

    def open_alerts(self) -> dict[str, IncidentState]:
        """The alerts about monitors that are open, by their ids."""
        with transaction(self._engine, writes=False) as connection:
            rows = connection.execute(STATES.where(OPEN_ALERT)).all()
        return {row.id: state_of(row._mapping) for row in rows}

    def open_incidents(self, monitors: Collection[str]) -> Counter[str]:
        """How many incidents of each of these monitors are open, by the monitor's key."""
        query = select(INCIDENTS.c.monitor, func.count()).where(OPEN).group_by(INCIDENTS.c.monitor)
        with transaction(self._engine, writes=False) as connection:
            of_parts = (query.where(INCIDENTS.c.monitor.in_(part)) for part in in_parts(monitors))
            return Counter({monitor: count for one in of_parts for monitor, count in connection.execute(one)})

    # -- the state of the looks, for the job --------------------------------------------------------------------------

    def failure(self) -> tuple[str, bool] | None:
        """Why the lists cannot be read; `None`: they can."""
        why = self.looks().last_error
        return None if why is None else (why, False)

    def works(self) -> None:
        """The lists can be read."""
        self._write(**WORKS)

    def failed(self, why: str, now: datetime, *, key_refused: bool = False) -> None:  # noqa: ARG002 - there is no key
        """They cannot be read."""
        self._write(last_error=why, failing_since=func.coalesce(MONITOR_LOOKS.c.failing_since, moment(now)))

    def _write(self, **values: Any) -> None:
        with transaction(self._engine, writes=True) as connection:
            connection.execute(update(MONITOR_LOOKS).values(values))


def listing(engine: Engine, ids: Collection[str] = ()) -> tuple[list[MonitorListed], MonitorLooks]:
    """All that is recorded, monitors first, in the order of their names; and how far the looks have come.

    `ids`: of these alone. Raises `DatabaseBusyError`.
    """
    states = select(MONITORS).order_by(MONITORS.c.kind.desc(), MONITORS.c.name, MONITORS.c.id)
    changes, alerts = _changes(), select(INCIDENTS.c.monitor, INCIDENTS.c.id).where(OPEN_ALERT).order_by(INCIDENTS.c.id)
    if ids:
        states, changes = states.where(MONITORS.c.id.in_(ids)), changes.where(MONITOR_CHANGES.c.id.in_(ids))
    changed, alerting = defaultdict[str, list[MonitorChange]](list), defaultdict[str, list[str]](list)
    with transaction(engine, writes=False) as connection:
        for change in (change_of(row._mapping) for row in connection.execute(changes)):
            changed[monitor_key(change.kind, change.id)].append(change)
        for monitor, alert in connection.execute(alerts):
            alerting[monitor].append(alert)
        found = [monitor_of(row._mapping) for row in connection.execute(states)]
        looks = _looks(connection)
    return [MonitorListed(one, tuple(changed[one.key]), tuple(alerting[one.key])) for one in found], looks


def changes_of(connection: Connection, kind: MonitorKind, monitor_id: str) -> Sequence[MonitorChange]:
    """What was changed about one monitor, oldest first."""
    query = _changes().where(MONITOR_CHANGES.c.kind == kind, MONITOR_CHANGES.c.id == monitor_id)
    return [change_of(row._mapping) for row in connection.execute(query)]


def _looks(connection: Connection) -> MonitorLooks:
    columns = [MONITOR_LOOKS.c[field.name] for field in fields(MonitorLooks)]
    return MonitorLooks(*connection.execute(select(*columns)).one())


def monitor_of(row: RowMapping) -> MonitorState:
    """From the columns that are its fields."""
    return MonitorState(**{**row, "kind": MonitorKind(row["kind"])})


def change_of(row: RowMapping) -> MonitorChange:
    """From the columns that are its fields."""
    return MonitorChange(**{**row, "kind": MonitorKind(row["kind"]), "what": MonitorEvent(row["what"])})


def _changes() -> "Select[*tuple[Any, ...]]":
    columns = (MONITOR_CHANGES.c[field.name] for field in fields(MonitorChange))
    return select(*columns).order_by(MONITOR_CHANGES.c.at, MONITOR_CHANGES.c.number)
