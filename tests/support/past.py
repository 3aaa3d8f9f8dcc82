"""A past of any length: incidents, their deliveries and alarms, written into a database at once. Seeded."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import Boolean, Engine, text

from daemon.model.alarm import Cause
from daemon.storage.engine import transaction
from daemon.storage.schema import METADATA
from tests.support.values import NOW

NAMES = (
    "Shop front page",
    "Payment provider",
    "Database (primary)",
    "Search",
    "Nightly backup heartbeat",
    "Mail queue",
    "API gateway eu-central-1",
    "Login",
    "Image service",
    "DNS",
    "VPN Munich",
    "Warehouse scanner gateway",
    "Invoice export",
    "CI runner",
    "Status page",
)
DAYS = 30
ALARM = "Better Stack cannot be polled: HTTP 502; incidents since 2026-11-19 02:12:00 UTC are unknown"
Row = dict[str, Any]


def fill(
    database: Path | Engine, count: int, names: Sequence[str] = NAMES, now: datetime = NOW, seed: int = 14
) -> None:
    """So many incidents within the last thirty days; the last three are open, one source flaps."""
    random = Random(seed)
    incidents: list[Row] = [_alarm_row(now)]
    deliveries: list[Row] = list(_alarm_deliveries(now))
    for number in range(count):
        name = names[min(int(random.expovariate(0.35)), len(names) - 1)]
        began = now - timedelta(seconds=random.uniform(60, DAYS * 86400) if number >= 3 else 600 + 3000 * number)
        if number % 5 == 4:
            began = began.replace(hour=3, minute=random.randrange(60))
        if 10 <= number < 18:
            name, began = names[-1], now - timedelta(days=9, minutes=6 * number)
        is_open = number < 3
        add(incidents, deliveries, Happened(random, str(1026000000 + number), name, min(began, now), is_open, now))
    write(database, incidents=incidents, deliveries=deliveries)


class Happened:
    """When one incident was seen, told, acknowledged and resolved."""

    def __init__(self, random: Random, incident_id: str, name: str, began: datetime, is_open: bool, now: datetime):
        self.id, self.name, self.began = incident_id, name, began
        self.seen = began + timedelta(seconds=random.uniform(2, 35))
        if random.random() < 0.01:
            self.seen += timedelta(minutes=random.uniform(15, 200))
        self.tries = 1 if random.random() < 0.95 else random.randrange(2, 12)
        self.told = self.seen + timedelta(seconds=random.uniform(0.2, 2) + 20 * (self.tries - 1) ** 1.5)
        takes = timedelta(minutes=random.lognormvariate(3.2, 1.3))
        self.acknowledged = self.told + takes * 0.3 if random.random() < 0.6 else None
        self.resolved = None if is_open else self.told + takes
        self.seen, self.told = min(self.seen, now), min(self.told, now)


def add(incidents: list[Row], deliveries: list[Row], one: Happened) -> None:
    """The rows of one incident."""
    incidents.append(
        incident(
            one.id,
            name=one.name,
            phase="resolved" if one.resolved else "acknowledged" if one.acknowledged else "open",
            started_at=one.began,
            acknowledged_at=one.acknowledged,
            resolved_at=one.resolved,
            first_seen_at=one.seen,
            changed_at=one.resolved or one.seen,
        )
    )
    deliveries.append(
        delivery(
            one.id,
            "new",
            one.began,
            one.seen,
            one.told,
            attempts=one.tries,
            last_error="SIGNL4 answered HTTP 503" if one.tries > 1 else None,
        )
    )
    for kind, at in (("acknowledged", one.acknowledged), ("resolved", one.resolved)):
        if at is not None:
            deliveries.append(delivery(one.id, kind, at, at + timedelta(seconds=9), at + timedelta(seconds=10)))


def incident(incident_id: str, **values: Any) -> Row:
    """A row of the table, with defaults."""
    return {
        "id": incident_id,
        "external_id": incident_id,
        "generation": 1,
        "phase": "open",
        "told": 1,
        "status": "",
        "name": "Shop front page",
        "cause": "Status 503",
        "url": "",
        "is_alarm": 0,
        "acknowledged_at": None,
        "resolved_at": None,
        "reopened_at": None,
        "silent_because": None,
        **values,
    }


def delivery(
    incident_id: str, kind: str, occurred: datetime, created: datetime, told: datetime | None, **more: Any
) -> Row:
    """A row of the table, with defaults; delivered if it is told."""
    return {
        "incident_id": incident_id,
        "destination": "default",
        "generation": 1,
        "kind": kind,
        "state": "delivered" if told else "pending",
        "reason": "a reason",
        "external_id": incident_id,
        "payload": json.dumps({"Title": "Shop front page"}),
        "attempts": 1,
        "occurred_at": occurred,
        "created_at": created,
        "due_at": created,
        "attempted_at": told,
        "delivered_at": told,
        "event_id": None,
        "last_error": None,
        "held_because": None,
        **more,
    }


def write(database: Path | Engine, **tables: Sequence[Row]) -> None:
    """Inserts the rows. Payloads and the like are JSON already, which may be damaged."""
    if isinstance(database, Path):
        with closing(sqlite3.connect(database)) as connection:
            for table, rows in tables.items():
                connection.executemany(_insert(table, rows), map(_spelled, rows))
            connection.commit()
        return
    with transaction(database, writes=True) as connection:
        for table, rows in tables.items():
            yes = [column.name for column in METADATA.tables[table].c if isinstance(column.type, Boolean)]
            given = [{**row, **{name: bool(row[name]) for name in yes if name in row}} for row in map(_spelled, rows)]
            connection.execute(text(_insert(table, rows)), given)


def _insert(table: str, rows: Sequence[Row]) -> str:
    assert table in METADATA.tables
    columns, marks = ", ".join(rows[0]), ", ".join(f":{name}" for name in rows[0])
    return f"INSERT INTO {table} ({columns}) VALUES ({marks})"


def _spelled(row: Row) -> Row:
    return {
        name: value.strftime("%Y-%m-%d %H:%M:%S.%f") if isinstance(value, datetime) else value
        for name, value in row.items()
    }


def _alarm_row(now: datetime) -> Row:
    closed = now - timedelta(days=4, hours=2)
    return incident(
        Cause.POLL.external_id,
        name=ALARM,
        cause="",
        phase="resolved",
        is_alarm=1,
        started_at=closed - timedelta(hours=5),
        resolved_at=closed,
        first_seen_at=now - timedelta(days=DAYS + 3),
        changed_at=closed,
    )


def _alarm_deliveries(now: datetime) -> Iterator[Row]:
    closed = now - timedelta(days=4, hours=2)
    for kind, at in (("new", closed - timedelta(hours=5)), ("resolved", closed)):
        payload = json.dumps({"Title": "Better Stack cannot be polled", "Cause": ALARM})
        yield delivery(Cause.POLL.external_id, kind, at, at, at + timedelta(seconds=1), payload=payload)
