"""A database as a checkout makes it, filled with years of history or with a storm that waits in the outbox."""

import sqlite3
import subprocess
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.bench.program import Checkout

NOW = datetime.now(UTC).replace(tzinfo=None)


def empty(checkout: Checkout, directory: Path) -> Path:
    """A new database of this checkout, without any row."""
    (directory / "config.toml").touch()
    make = "import sys; from daemon.storage.instance import locked; from daemon.storage.upgrade import upgrade\n"
    make += "with locked(sys.argv[1]): upgrade(sys.argv[1])"
    file = directory / "state.db"
    command = [checkout.python, "-c", make, f"sqlite:///{file}"]
    subprocess.run(command, env=checkout.environment(directory), cwd=directory, check=True)
    return file


def fill(file: Path, count: int, *, waiting: bool = False) -> None:
    """So many incidents that are over, with a delivery each: told long ago, or an alert that waits."""
    at = NOW if waiting else NOW - timedelta(days=30)
    numbers = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) "
    incident = {
        "id": "cast(i AS TEXT)",
        "external_id": "cast(i AS TEXT)",
        "generation": "1",
        # Also where an alert waits: what is open and not in Better Stack's lists would be looked up one by one.
        "phase": "'resolved'",
        "told": "1",
        "status": "'Started'" if waiting else "'Resolved'",
        "name": "'Shop front page'",
        "cause": "'Status 503'",
        "url": "'https://shop.example.com/'",
        "started_at": f"'{at}'",
        "resolved_at": "NULL" if waiting else f"'{at}'",
        "is_alarm": "0",
        "first_seen_at": f"'{at}'",
        "changed_at": f"'{at}'",
        "deleted": "0",
    }
    delivery = {
        "incident_id": "cast(i AS TEXT)",
        "destination": "'default'",
        "generation": "1",
        "kind": "'new'",
        "state": "'pending'" if waiting else "'delivered'",
        "reason": "'first seen open'",
        "external_id": "cast(i AS TEXT)",
        "payload": '\'{"Title": "Shop front page", "Cause": "Status 503"}\'',
        "attempts": "0" if waiting else "1",
        "occurred_at": f"'{at}'",
        "created_at": f"'{at}'",
        "due_at": f"'{at}'",
        "attempted_at": "NULL" if waiting else f"'{at}'",
        "delivered_at": "NULL" if waiting else f"'{at}'",
    }
    with closing(sqlite3.connect(file)) as connection:
        for table, columns in (("incidents", incident), ("deliveries", delivery)):
            names, values = ", ".join(columns), ", ".join(columns.values())
            connection.execute(f"INSERT INTO {table} ({names}) {numbers} SELECT {values} FROM n")
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
