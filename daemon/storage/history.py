"""All that is recorded of one incident, for `why`."""

from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, select

from daemon.model.delivery import DeliveryState
from daemon.model.destination import Destination
from daemon.model.history import Entry, Happening
from daemon.model.incident import IncidentState, Kind
from daemon.model.monitor import MonitorChange, MonitorKind
from daemon.model.polling import UNNAMED
from daemon.model.snapshot import RunMode
from daemon.model.story import Findings, Present, Record, RecordedDelivery
from daemon.storage import destination_rows, source_rows
from daemon.storage.engine import transaction
from daemon.storage.incident_statements import state_of
from daemon.storage.monitors import changes_of
from daemon.storage.schema import DELIVERIES, HISTORY, INCIDENTS
from daemon.storage.source_schema import PROGRESS, UNREADABLE

DIGITS = 18
"""Of the longest number that is looked up: SQLite takes no larger integer than one of 19."""


def read(engine: Engine, incident_id: str, now: datetime) -> Findings:
    """Reads it in one transaction; `present` is without the process. Raises `DatabaseBusyError`."""
    with transaction(engine, writes=False) as connection:
        names = [field.name for field in fields(IncidentState)]
        columns = [INCIDENTS.c[name].label(name) for name in names]
        query = select(*columns, INCIDENTS.c.first_seen_at).where(INCIDENTS.c.id == incident_id)
        row = connection.execute(query).one_or_none()
        present = _present(connection, now, UNNAMED if row is None else row.polled_from)
        if row is None:
            return _nothing(connection, incident_id, present)
        state = state_of({name: row._mapping[name] for name in names})
        deliveries = _rows(connection, DELIVERIES, incident_id)
        history = _rows(connection, HISTORY, incident_id)
        changes = _changes(connection, state.monitor)
    record = Record(state, row.first_seen_at, tuple(map(_delivery, deliveries)), tuple(map(_entry, history)), changes)
    return Findings(record, present)


def _changes(connection: Connection, monitor: str | None) -> tuple[MonitorChange, ...]:
    """Those of the monitor or heartbeat that raised it, or that it is about."""
    if monitor is None:
        return ()
    kind, _, monitor_id = monitor.partition(" ")
    return tuple(changes_of(connection, MonitorKind(kind), monitor_id))


def _rows(connection: Connection, table: Any, incident_id: str) -> list[Row[Any]]:
    """Those of the incident, in the order in which they were written."""
    query = select(table).where(table.c.incident_id == incident_id).order_by(table.c.id)
    return list(connection.execute(query))


def _present(connection: Connection, now: datetime, polled_from: str) -> Present:
    duty = connection.execute(select(PROGRESS.c.duty).where(source_rows.IS_UNNAMED)).scalar_one()
    tracker = connection.execute(select(PROGRESS).where(source_rows.OF_ONE), {"of_source": polled_from}).one()
    configured = (name for name, is_configured in destination_rows.known(connection).items() if is_configured)
    teams = {name: destination_rows.read(connection, Destination(name, "")) for name in configured}
    mode = None if duty is None else RunMode(duty)
    error = None if tracker.failing_since is None else tracker.last_round_error
    return Present(now, teams, run_mode=mode, round_error=error)


def _nothing(connection: Connection, incident_id: str, present: Present) -> Findings:
    """What the id may be, if it is that of no incident."""
    why = connection.execute(select(UNREADABLE.c.why).where(UNREADABLE.c.id == incident_id)).scalar()
    number = int(incident_id) if incident_id.isascii() and incident_id.isdigit() and len(incident_id) <= DIGITS else 0
    other = connection.execute(select(DELIVERIES.c.incident_id).where(DELIVERIES.c.id == number)).scalar()
    return Findings(None, present, other, why)


def _delivery(row: Row[Any]) -> RecordedDelivery:
    values = {field.name: getattr(row, field.name) for field in fields(RecordedDelivery) if field.name != "team"}
    return RecordedDelivery(
        **{**values, "kind": Kind(row.kind), "state": DeliveryState(row.state), "team": row.destination}
    )


def _entry(row: Row[Any]) -> Entry:
    values = {field.name: getattr(row, field.name) for field in fields(Entry)}
    return Entry(**{**values, "what": Happening(row.what)})
