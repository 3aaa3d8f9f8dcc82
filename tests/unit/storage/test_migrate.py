"""An existing database is carried over whole: tests/data holds one as each earlier version left it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from daemon.model.destination import DEFAULT, Destination
from daemon.storage import queries
from daemon.storage.engine import open_engine
from daemon.storage.instance import locked
from daemon.storage.upgrade import upgrade
from tests.support.outbox import NEW, after, change, due, rows, tell
from tests.support.paths import DATA
from tests.support.store import Store
from tests.support.values import NOW

SIGNL4 = "https://connect.signl4.com"
TABLES = ("incidents", "deliveries", "progress", "unreadable")


def contents(file: Path, table: str) -> list[dict[str, Any]]:
    """Each row by the names of its columns."""
    with closing(sqlite3.connect(file)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(f"SELECT * FROM {table} ORDER BY 1")]


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """A database of the version before destinations: each state of a delivery, a hold, a limit, a pruned row."""
    file = tmp_path / "before.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript((DATA / "state-0002.sql").read_text("utf-8"))
    return file


@pytest.fixture
def engine(before: Path, tmp_path: Path) -> Iterator[Engine]:
    file = tmp_path / "state.db"
    file.write_bytes(before.read_bytes())
    url = f"sqlite:///{file}"
    with locked(url):
        assert upgrade(url)
    engine = open_engine(url)
    yield engine
    engine.dispose()


def test_every_row_is_carried_over_as_it_was(before: Path, engine: Engine) -> None:
    file = Path(str(engine.url.database))
    added: dict[str, dict[str, Any]] = {"deliveries": {"destination": DEFAULT}, "incidents": {"silent_because": None}}
    for table in TABLES:
        assert contents(file, table) == [{**row, **added.get(table, {})} for row in contents(before, table)], table
    assert {row["state"] for row in contents(file, "deliveries")} == {"pending", "delivered", "superseded", "dead"}


def test_what_is_known_of_signl4_is_known_of_the_default_destination_and_its_account(
    before: Path, engine: Engine
) -> None:
    [target] = contents(before, "targets")
    [destination] = contents(Path(str(engine.url.database)), "destinations")
    limit, _ = target.pop("event_limit"), target.pop("name")
    assert destination == {**target, "name": DEFAULT, "account": SIGNL4}
    assert Store(engine, Destination(DEFAULT, SIGNL4)).event_limit() == limit == 150
    assert Store(engine, Destination(DEFAULT, "https://signl4.example.com")).event_limit() is None
    assert queries.snapshot(engine).event_limit == 150


def test_no_id_is_given_twice_even_after_the_latest_row_was_pruned(before: Path, engine: Engine) -> None:
    latest = max(row["id"] for row in contents(before, "deliveries"))
    tell(Store(engine), "8", NEW)
    assert rows(engine)["8", 1, "new"].id > latest + 1


def test_a_transition_that_was_told_is_not_told_again(engine: Engine) -> None:
    store, told = Store(engine), dict(rows(engine))
    store.record([change(incident_id, NEW) for incident_id in ("1", "3", "4", "gone")], NOW)
    assert dict(rows(engine)).keys() == told.keys()


def test_what_waited_goes_on_waiting_and_then_goes(engine: Engine) -> None:
    assert [incident_id for incident_id, _ in due(Store(engine), now=NOW)] == ["2", "3"]
    assert {incident_id for incident_id, _ in due(Store(engine), now=after(minutes=2))} == {"1", "2", "3", "6"}
