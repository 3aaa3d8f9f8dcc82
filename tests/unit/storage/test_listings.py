"""The listings: which rows, in which order, how many are left out, and that nothing waits while they are read."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, delete, event

from daemon.model.delivery import Alert, DeliveryState
from daemon.model.incident import Phase
from daemon.storage import listings, report
from daemon.storage.engine import transaction
from daemon.storage.listings import Listing
from daemon.storage.schema import DELIVERIES, INCIDENTS
from tests.support.outbox import (
    ACKNOWLEDGED,
    DEAD,
    DELIVERED,
    NEW,
    PENDING,
    RESOLVED,
    SUPERSEDED,
    after,
    change,
    deliver,
    only,
    payload,
    postpone,
    put,
    refuse,
    tell,
)
from tests.support.store import Store
from tests.support.values import NOW, ago, recorded


def ids(rows: Iterable[dict[str, Any]]) -> list[object]:
    return [row["id"] for row in rows]


def newest_first(listing: Listing) -> list[object]:
    """The ids, which are the same from the other end."""
    listed = ids(listing.newest_first())
    assert ids(listing.newest_last()) == listed[::-1]
    assert len(listing) == len(listed)
    return listed


# -- incidents --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("open_only", "expected"), [(False, "cdba"), (True, "dba")])
def test_incidents_are_listed_by_their_latest_change(
    store: Store, engine: Engine, open_only: bool, expected: str
) -> None:
    for n, (incident_id, phase) in enumerate(zip("abcd", Phase, strict=True)):
        tell(store, incident_id, phase=phase, at=after(minutes=n), alerted=False)
    tell(store, "d", at=after(minutes=2))
    tell(store, "c", phase=Phase.RESOLVED, at=after(minutes=9))
    assert newest_first(listings.incidents(engine, open_only=open_only)) == list(expected)


def test_incidents_that_changed_together_are_listed_from_the_highest_id(store: Store, engine: Engine) -> None:
    store.record([change(incident_id) for incident_id in "2413"], NOW)
    assert newest_first(listings.incidents(engine)) == list("4321")


def test_an_incident_is_listed_with_all_that_is_recorded_and_when(store: Store, engine: Engine) -> None:
    tell(store, "1", at=ago(minutes=1))
    tell(store, "1", at=NOW)
    (listed,) = listings.incidents(engine).newest_first()
    whole = recorded("1")
    assert listed.keys() == {column.name for column in INCIDENTS.c} | {"alert"}
    for name, value in listed.items():
        expected = {"first_seen_at": ago(minutes=1), "changed_at": NOW, "told": whole.alerted, "alert": None}
        assert value == (expected[name] if name in expected else getattr(whole, name))


def test_an_incident_is_listed_with_the_alert_of_its_own_generation(store: Store, engine: Engine) -> None:
    put(store, "1", DELIVERED, NEW, ACKNOWLEDGED)
    put(store, "2", DELIVERED, NEW)
    tell(store, "2", RESOLVED)
    tell(store, "2", NEW, generation=2)
    put(store, "3", DEAD, NEW)
    tell(store, "4")
    assert {row["id"]: row["alert"] for row in listings.incidents(engine).newest_first()} == {
        "1": Alert(DELIVERED, 1, "a reason", None),
        "2": Alert(PENDING, 0, "a reason", None),
        "3": Alert(DEAD, 2, "a reason", "400: a field is missing"),
        "4": None,
    }


@pytest.mark.parametrize(("since", "expected"), [(ago(minutes=2), "cb"), (ago(minutes=1), "c"), (after(), "")])
def test_since_compares_with_the_latest_change(store: Store, engine: Engine, since: datetime, expected: str) -> None:
    for n, incident_id in enumerate("abc"):
        tell(store, incident_id, at=ago(minutes=3 - n, seconds=-1))
        tell(store, incident_id, at=ago(minutes=3 - n))
    assert newest_first(listings.incidents(engine, since=since)) == list(expected)


def test_names_and_limit_go_together(store: Store, engine: Engine) -> None:
    for n in range(6):
        tell(store, str(n), name="Depot" if n % 2 else "Shop", at=after(minutes=n))
    for limit, expected, left_out in ((0, ["4", "2", "0"], 0), (2, ["4", "2"], 1), (3, ["4", "2", "0"], 0)):
        listing = listings.incidents(engine, named=lambda name: name == "Shop", limit=limit)
        assert (newest_first(listing), listing.left_out) == (expected, left_out), limit


def test_a_single_incident_is_found_by_its_id_and_own_alarms_are_none(store: Store, engine: Engine) -> None:
    for incident_id in ("1", "2"):
        tell(store, incident_id)
    tell(store, "an alarm", is_alarm=True)
    assert newest_first(listings.incidents(engine, incident_id="2")) == ["2"]
    assert newest_first(listings.incidents(engine, incident_id="an alarm")) == []


# -- deliveries -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "expected"),
    [(None, [5, 4, 3, 2, 1]), (PENDING, [5]), (DELIVERED, [4, 1]), (SUPERSEDED, [3]), (DEAD, [2])],
)
def test_the_outbox_is_listed_from_the_newest(
    store: Store, engine: Engine, state: DeliveryState | None, expected: list[int]
) -> None:
    for n, becomes in enumerate([DELIVERED, DEAD, SUPERSEDED, DELIVERED, PENDING]):
        put(store, str(n), becomes, NEW, at=ago(minutes=n))
    assert newest_first(listings.deliveries(engine, state=state)) == expected


def test_a_delivery_is_listed_with_its_whole_row_and_the_name_of_its_incident(store: Store, engine: Engine) -> None:
    tell(store, "1", NEW, name="Depot")
    refuse(store, "1")
    (listed,) = listings.deliveries(engine).newest_first()
    assert listed == {**only(engine)._asdict(), "incident_name": "Depot"}
    assert listed["refused_payload"] == payload("1", NEW)


def test_a_delivery_whose_incident_is_missing_is_listed_all_the_same(
    store: Store, engine: Engine, database: Path
) -> None:
    """As after a repair by hand."""
    tell(store, "1", NEW)
    with closing(sqlite3.connect(database)) as other:
        other.execute("DELETE FROM incidents")
        other.commit()
    assert [row["incident_name"] for row in listings.deliveries(engine).newest_first()] == [None]


def test_those_of_one_incident_are_its_own(store: Store, engine: Engine) -> None:
    tell(store, "1", NEW)
    tell(store, "11", NEW)
    tell(store, "1", RESOLVED)
    assert newest_first(listings.deliveries(engine, incident_id="1")) == [3, 1]


@pytest.mark.parametrize(
    ("since", "expected"),
    [(ago(minutes=9), [3, 2, 1]), (ago(minutes=3), [2, 1]), (ago(seconds=30), [1]), (after(), [])],
)
def test_since_compares_with_the_creation_and_the_latest_attempt(
    store: Store, engine: Engine, since: datetime, expected: list[int]
) -> None:
    """What waited for hours and then went belongs to what happened lately."""
    for n, minutes in enumerate((60, 2, 5), 1):
        tell(store, str(n), NEW, at=ago(minutes=minutes))
    postpone(store, "1", attempt_at=ago(minutes=50), until=ago(minutes=1))
    deliver(store, "1", at=ago(seconds=20))
    assert newest_first(listings.deliveries(engine, since=since)) == expected


@pytest.mark.parametrize(("limit", "left_out"), [(0, 0), (1, 4), (4, 1), (5, 0), (6, 0), (10**9, 0)])
def test_the_limit_keeps_the_newest_and_what_it_leaves_out_is_counted(
    store: Store, engine: Engine, limit: int, left_out: int
) -> None:
    for n in range(5):
        tell(store, str(n), NEW, at=after(minutes=n))
        tell(store, f"other {n}", at=ago(minutes=n + 1))
    for listing, newest in (
        (listings.deliveries(engine, limit=limit), [5, 4, 3, 2, 1]),
        (listings.incidents(engine, limit=limit, since=NOW, named=lambda name: True), ["4", "3", "2", "1", "0"]),
        (listings.deliveries(engine, limit=limit, since=NOW), [5, 4, 3, 2, 1]),
        (listings.deliveries(engine, limit=limit, state=PENDING), [5, 4, 3, 2, 1]),
    ):
        assert (newest_first(listing)[:5], listing.left_out) == (newest[: limit or None], left_out)


# -- while somebody reads ---------------------------------------------------------------------------------------------


@pytest.fixture
def batches_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listings, "BATCH", 2)


def test_what_is_read_in_batches_is_whole_and_in_order(store: Store, engine: Engine, batches_of_two: None) -> None:
    for n in range(5):
        tell(store, str(n), NEW, at=after(minutes=n))
    assert newest_first(listings.deliveries(engine)) == [5, 4, 3, 2, 1]
    assert newest_first(listings.incidents(engine)) == ["4", "3", "2", "1", "0"]


def test_what_changes_meanwhile_is_listed_once_and_what_is_pruned_is_not(
    store: Store, engine: Engine, batches_of_two: None
) -> None:
    for n in range(6):
        tell(store, str(n), NEW, at=after(minutes=n))
    reading = listings.incidents(engine).newest_first()
    assert ids(islice(reading, 2)) == ["5", "4"]
    tell(store, "0", RESOLVED, at=after(hours=1))
    tell(store, "new", NEW, at=after(hours=1))
    with transaction(engine, writes=True) as connection:
        connection.execute(delete(DELIVERIES).where(DELIVERIES.c.incident_id == "2"))
        connection.execute(delete(INCIDENTS).where(INCIDENTS.c.id == "2"))
    assert [(row["id"], row["phase"]) for row in reading] == [("3", "open"), ("1", "open"), ("0", "resolved")]


def test_between_two_batches_nothing_keeps_the_write_ahead_log_from_being_emptied(
    store: Store, engine: Engine, database: Path, batches_of_two: None
) -> None:
    """However long a pager stays open, the log does not grow because of it."""
    for n in range(6):
        tell(store, str(n), NEW)
    for listing in (listings.incidents(engine), listings.deliveries(engine)):
        reading = listing.newest_first()
        next(reading)
        tell(store, "another", NEW)
        store.checkpoint()
        assert database.with_name(f"{database.name}-wal").stat().st_size == 0
        assert len(list(reading)) == len(listing) - 1


def test_of_a_long_result_memory_holds_no_more_than_a_part(server_engine: Engine) -> None:
    """SQLite gives one row after the other. The driver of PostgreSQL would keep them all."""
    store = Store(server_engine)
    for n in range(3):
        tell(store, str(n), NEW)
    kinds = list[str]()
    event.listen(server_engine, "before_cursor_execute", lambda _c, cursor, *_: kinds.append(type(cursor).__name__))
    for reading in (
        lambda: listings.incidents(server_engine),
        lambda: listings.incidents(server_engine, named=lambda _: True),
        lambda: listings.deliveries(server_engine),
        lambda: report.Openings(server_engine, ago(days=1), after(days=1)),
    ):
        kinds.clear()
        assert len(reading()) == 3
        assert kinds == ["ServerCursor"]
