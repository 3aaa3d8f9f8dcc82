"""A database from before rules is carried over whole: who was told is told of the end, and `why` makes nothing up."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from daemon.decisions.explain import explain
from daemon.model.destination import DEFAULT, Destination
from daemon.model.routing import Routing
from daemon.storage import history
from tests.support.earlier import by_source, carried_over, contents, left_by
from tests.support.outbox import NEW, RESOLVED, change, deliver, due, rows, tell
from tests.support.store import Store
from tests.support.values import NOW

TABLES = ("incidents", "deliveries", "progress", "unreadable", "accounts", "destinations")
ADDED: dict[str, dict[str, Any]] = {
    "incidents": {"source": None, "monitor": None},
    "deliveries": {"subject": None, "held_because": None, "not_taken": 0},
    "destinations": {"team_id": None, "event_source": None, "off_duty_since": None},
}
NIGHT, GONE = "betterstack-signl4-alarm-poll", "betterstack-signl4-alarm-delivery"
TEAMS = {NIGHT: "night", GONE: "day"}
"""The alarms that were routed to a team; the second to one that the configuration does not have any more."""
SIGNL4 = "https://connect.signl4.com"


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """Of schema 0006: incidents in each phase, each state of a delivery, and alarms of three teams."""
    return left_by("0006", tmp_path / "before.db")


@pytest.fixture
def engine(before: Path) -> Iterator[Engine]:
    with carried_over(before) as engine:
        yield engine


def as_migrated(table: str, row: dict[str, Any]) -> dict[str, Any]:
    """A row of 0006, as it is to be."""
    team = TEAMS.get(row.get("id", ""))
    routing = {"routing": {"recipients": [{"team": team}]}} if team else {}
    return {**row, **ADDED.get(table, {}), **routing}


def test_every_row_is_carried_over_as_it_was_but_for_who_is_told(before: Path, engine: Engine) -> None:
    file = Path(str(engine.url.database))
    for table in TABLES:
        found = contents(file, table)
        for row in found:
            if row.get("routing"):
                row["routing"] = json.loads(row["routing"])
        assert found == [as_migrated(table, row) for row in by_source(before, table)], table
    assert {row["state"] for row in contents(file, "deliveries")} == {"pending", "delivered", "superseded", "dead"}
    assert {row["phase"] for row in contents(file, "incidents")} == {"unconfirmed", "open", "acknowledged", "resolved"}
    assert {row["configured"] for row in contents(file, "destinations")} == {0, 1}
    assert contents(file, "history") == contents(file, "silences") == []


def test_open_incidents_go_to_the_team_default_and_alarms_to_theirs(engine: Engine) -> None:
    store = Store(engine)
    known = store.known([str(number) for number in range(1, 9)] + [NIGHT, GONE, "betterstack-signl4-alarm-dead"])
    assert len(known) == 11
    for incident_id, state in known.items():
        team = TEAMS.get(incident_id, DEFAULT)
        assert [one.team for one in state.recipients] == [team]
        assert state.routing == (Routing.to(team) if team != DEFAULT else None)


def test_what_waited_goes_on_waiting_each_at_its_team(engine: Engine) -> None:
    later = NOW.replace(hour=23)
    assert sorted(due(Store(engine), now=later)) == [("2", "new"), ("3", "acknowledged"), ("8", "resolved")]
    assert due(Store(engine, Destination("day", SIGNL4)), now=later) == [(GONE, "new")]
    assert due(Store(engine, Destination("night", SIGNL4)), now=later) == []


def test_nothing_is_told_twice_and_no_id_is_given_twice(before: Path, engine: Engine) -> None:
    store, known = Store(engine), dict(rows(engine))
    latest = max(row["id"] for row in contents(before, "deliveries"))
    store.record([change(incident_id, NEW) for incident_id in ("1", "2", "4", "5")], NOW)
    assert dict(rows(engine)).keys() == known.keys()
    tell(store, "1", RESOLVED)
    assert rows(engine)["1", 1, "resolved"].id > latest


STORIES: dict[str, list[str]] = {
    "1": ["new to team default: accepted by SIGNL4"],
    "2": ["new to team default: an attempt without a recorded answer; the last error: 503"],
    "5": [
        "resolved",
        "new to team default: superseded: nobody needs it",
        "resolved to team default: superseded: nobody needs it",
    ],
    "7": ["resolved at Better Stack"],
}


@pytest.mark.parametrize("incident_id", STORIES)
def test_of_what_has_no_history_its_rows_tell_the_story(engine: Engine, incident_id: str) -> None:
    found = history.read(engine, incident_id, NOW)
    assert found.record is not None
    _, first_seen, *others = [line.text for line in explain(found.record, found.present).happened]
    assert (first_seen, others) == ("first seen, 5 min 0 s after it began", STORIES[incident_id])


def test_what_happens_from_now_on_is_kept(engine: Engine) -> None:
    store = Store(engine)
    tell(store, "1", RESOLVED)
    deliver(store, "1", event_id="8")
    found = history.read(engine, "1", NOW)
    assert found.record is not None
    assert [entry.why for entry in found.record.history] == ["accepted; event 8"]
