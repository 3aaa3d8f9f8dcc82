"""A database from before monitors is carried over whole, and its incidents name their monitor once they are seen."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from daemon.model.monitor import MonitorLooks
from daemon.storage import queries
from daemon.storage.monitors import MonitorRecords
from tests.support.clock import Clock
from tests.support.earlier import by_source, carried_over, contents, left_by
from tests.support.fakes import Flows
from tests.support.kept_log import KeptLog
from tests.support.monitors import MONITOR, state
from tests.support.outbox import rows
from tests.support.store import Store
from tests.support.values import NOW

TABLES = (
    *("incidents", "deliveries", "progress", "unreadable", "accounts", "destinations", "silences", "history"),
    *("alerts", "page_proofs", "two_way"),
)
ADDED: dict[str, dict[str, Any]] = {"incidents": {"monitor": None}}


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """Of schema 0008: each state of a delivery, three teams, an alert at SIGNL4, and that somebody was paged."""
    return left_by("0008", tmp_path / "before.db")


@pytest.fixture
def engine(before: Path) -> Iterator[Engine]:
    with carried_over(before) as engine:
        yield engine


def test_every_row_is_carried_over_as_it_was(before: Path, engine: Engine) -> None:
    file = Path(str(engine.url.database))
    for table in TABLES:
        found = by_source(before, table)
        assert found, table
        assert contents(file, table) == [{**row, **ADDED.get(table, {})} for row in found], table


def test_nothing_is_known_of_monitors_and_a_look_can_be_recorded(engine: Engine) -> None:
    file = Path(str(engine.url.database))
    assert contents(file, "monitors") == contents(file, "monitor_changes") == []
    assert queries.snapshot(engine).monitors is None
    records = MonitorRecords(engine)
    assert records.looks() == MonitorLooks()
    records.record(MONITOR, [state()], [], NOW)
    assert records.looks() == MonitorLooks(monitor_read_at=NOW)


def test_an_open_incident_names_its_monitor_once_it_is_seen_and_is_not_told_again(
    engine: Engine, clock: Clock, log: KeptLog
) -> None:
    flows, known = Flows(engine, clock, log, Store(engine)), dict(rows(engine))
    assert flows.recorded("1").monitor is None
    flows.betterstack.has("1", started_at=flows.recorded("1").started_at)
    seen = flows.betterstack.incidents["1"]
    flows.betterstack.incidents["1"] = replace(seen, source="monitor", source_id="77")
    flows.round()
    assert flows.recorded("1").monitor == "monitor 77"
    assert dict(rows(engine)).keys() == known.keys()
