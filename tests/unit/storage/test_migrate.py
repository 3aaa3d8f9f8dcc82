"""An existing database is carried over whole: tests/data holds one as each earlier version left it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from daemon.model.destination import DEFAULT, Destination
from daemon.storage import queries
from tests.support.earlier import by_source, carried_over, contents, left_by
from tests.support.outbox import NEW, after, change, due, rows, tell
from tests.support.store import Store
from tests.support.values import NOW

SIGNL4 = "https://connect.signl4.com"
TABLES = ("incidents", "deliveries", "progress", "unreadable")


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """A database of the version before destinations: each state of a delivery, a hold, a limit, a pruned row."""
    return left_by("0002", tmp_path / "before.db")


@pytest.fixture
def engine(before: Path) -> Iterator[Engine]:
    with carried_over(before) as engine:
        yield engine


def test_every_row_is_carried_over_as_it_was(before: Path, engine: Engine) -> None:
    file = Path(str(engine.url.database))
    added: dict[str, dict[str, Any]] = {
        "deliveries": {"destination": DEFAULT, "subject": None, "held_because": None, "not_taken": 0},
        "incidents": {"silent_because": None, "routing": None, "source": None, "monitor": None},
    }
    for table in TABLES:
        assert contents(file, table) == [{**row, **added.get(table, {})} for row in by_source(before, table)], table
    assert {row["state"] for row in contents(file, "deliveries")} == {"pending", "delivered", "superseded", "dead"}


def test_what_is_known_of_signl4_is_known_of_the_default_destination_and_its_account(
    before: Path, engine: Engine
) -> None:
    [target] = contents(before, "targets")
    [destination] = contents(Path(str(engine.url.database)), "destinations")
    limit, _ = target.pop("event_limit"), target.pop("name")
    unknown = {"team_id": None, "event_source": None, "off_duty_since": None}
    assert destination == {**target, "name": DEFAULT, "account": SIGNL4, "configured": 1, **unknown}
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
