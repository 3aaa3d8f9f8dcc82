"""A database from before two ways is carried over whole, and nothing is made up about what nobody asked SIGNL4."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from daemon.storage import queries
from tests.support.earlier import by_source, carried_over, contents, left_by
from tests.support.outbox import NEW, RESOLVED, after, change, deliver, due, rows, tell
from tests.support.store import Store
from tests.support.values import NOW

TABLES = ("incidents", "deliveries", "progress", "unreadable", "accounts", "destinations", "silences", "history")
ADDED: dict[str, dict[str, Any]] = {
    "incidents": {"monitor": None},
    "deliveries": {"not_taken": 0},
    "destinations": {"team_id": None, "event_source": None, "off_duty_since": None},
}


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """Of schema 0007: each state of a delivery, three teams, a silence and some history."""
    return left_by("0007", tmp_path / "before.db")


@pytest.fixture
def engine(before: Path) -> Iterator[Engine]:
    with carried_over(before) as engine:
        yield engine


def test_every_row_is_carried_over_as_it_was(before: Path, engine: Engine) -> None:
    file = Path(str(engine.url.database))
    for table in TABLES:
        added = ADDED.get(table, {})
        found = by_source(before, table)
        assert found, table
        assert contents(file, table) == [{**row, **added} for row in found], table


def test_nothing_is_known_of_what_signl4_made_of_it(engine: Engine) -> None:
    file = Path(str(engine.url.database))
    assert contents(file, "alerts") == contents(file, "page_proofs") == []
    [two_way] = contents(file, "two_way")
    assert {name for name, value in two_way.items() if value is not None} == {"id", "drift"}
    assert (two_way["id"], two_way["drift"]) == (1, "[]")


def test_an_attempt_from_before_may_have_been_taken(engine: Engine) -> None:
    assert (rows(engine)["2", 1, "new"].attempts, rows(engine)["2", 1, "new"].not_taken) == (1, 0)


def test_what_waited_goes_on_waiting_and_nothing_is_told_twice(before: Path, engine: Engine) -> None:
    store, known = Store(engine), dict(rows(engine))
    assert sorted(due(store, now=after(hours=1))) == [("2", "new"), ("3", "acknowledged"), ("8", "resolved")]
    store.record([change(incident_id, NEW) for incident_id in ("1", "2", "4", "5")], NOW)
    assert dict(rows(engine)).keys() == known.keys()
    tell(store, "1", RESOLVED)
    assert rows(engine)["1", 1, "resolved"].id > max(row["id"] for row in contents(before, "deliveries"))
    deliver(store, "1", event_id="8")
    assert queries.snapshot(engine).pending_deliveries == len(known) - 9 + 1
