"""A database from before reasons were recorded is carried over whole, and what it does not say is not made up."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from daemon.decisions.reconcile import Policy, reconcile
from daemon.model.incident import Untold
from daemon.storage import listings
from daemon.storage.incidents import Change
from tests.support.earlier import by_source, carried_over, contents, left_by
from tests.support.outbox import NEW, after, due, rows, tell
from tests.support.store import Store
from tests.support.values import NOW, incident

TABLES = ("incidents", "deliveries", "progress", "unreadable", "accounts", "destinations")


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """Of schema 0003: each state of a delivery, a reopened incident, and three that nobody was told of."""
    return left_by("0003", tmp_path / "before.db")


@pytest.fixture
def engine(before: Path) -> Iterator[Engine]:
    with carried_over(before) as engine:
        yield engine


ADDED: dict[str, dict[str, Any]] = {
    "incidents": {"silent_because": None, "routing": None, "source": None, "monitor": None},
    "deliveries": {"subject": None, "held_because": None, "not_taken": 0},
    "destinations": {"configured": 1, "team_id": None, "event_source": None, "off_duty_since": None},
}


def test_every_row_is_carried_over_as_it_was(before: Path, engine: Engine) -> None:
    file = Path(str(engine.url.database))
    for table in TABLES:
        added = ADDED.get(table, {})
        assert contents(file, table) == [{**row, **added} for row in by_source(before, table)], table
    assert {row["state"] for row in contents(file, "deliveries")} == {"pending", "delivered", "superseded", "dead"}
    assert {row["phase"] for row in contents(file, "incidents")} == {"unconfirmed", "open", "acknowledged", "resolved"}


def test_what_was_not_recorded_is_unknown(engine: Engine) -> None:
    untold = {row["id"]: row["silent_because"] for row in listings.incidents(engine).newest_first() if not row["told"]}
    assert untold == {"6": None, "7": None, "8": None}


def test_what_is_seen_again_is_told_as_before_and_gets_its_reason_where_that_can_be_seen(engine: Engine) -> None:
    store = Store(engine)
    policy = Policy(first_start=False, baseline=False, stale_after=after(minutes=10) - NOW, acknowledged=True)
    for incident_id, status, why in (("6", "Started", None), ("7", "Unconfirmed", Untold.UNCONFIRMED)):
        before = store.known([incident_id])[incident_id]
        decision = reconcile(before, incident(incident_id, status=status, name=before.name), "", policy, NOW)
        store.record([Change(decision.after)], NOW)
        assert (decision.transitions, store.known([incident_id])[incident_id].silent_because) == ((), why)


def test_no_id_is_given_twice_and_what_waited_goes_on_waiting(before: Path, engine: Engine) -> None:
    latest = max(row["id"] for row in contents(before, "deliveries"))
    assert [incident_id for incident_id, _ in due(Store(engine), now=NOW)] == ["2", "1"]
    tell(Store(engine), "9", NEW)
    assert rows(engine)["9", 1, "new"].id == latest + 1
