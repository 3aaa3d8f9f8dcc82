"""What is written down about deliveries: that an attempt begins, what came of it, and what never needs one."""

from dataclasses import fields
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, insert, literal, select, update

from daemon.model.delivery import (
    Delivered,
    Delivery,
    DeliveryState,
    DestinationState,
    Disposition,
    Outcome,
    Rejected,
    Scope,
    TryLater,
)
from daemon.storage.engine import transaction
from daemon.storage.schema import DELIVERIES, DESTINATIONS
from tests.support.outbox import (
    ACKNOWLEDGED,
    DEAD,
    DELIVERED,
    MINIMAL,
    NEW,
    PENDING,
    RESOLVED,
    after,
    deliver,
    due,
    head,
    kill,
    only,
    payload,
    put,
    refuse,
    rows,
    settle,
    states,
    tell,
)
from tests.support.store import Store
from tests.support.values import NOW, ago


@pytest.mark.parametrize("state", DeliveryState)
def test_an_attempt_is_claimed_only_while_the_delivery_is_pending(
    store: Store, engine: Engine, state: DeliveryState
) -> None:
    tell(store, "1", NEW)
    tell(store, "2", NEW)
    delivery = head(store, "1")
    with transaction(engine, writes=True) as connection:
        time = "created_at" if state is DELIVERED else "NULL"
        connection.exec_driver_sql(f"UPDATE deliveries SET state = '{state}', delivered_at = {time} WHERE id = 1")
    assert [store.claim(delivery, after(seconds=n)) for n in (1, 2)] == [state is PENDING, False], "it is read once"
    row = rows(engine)["1", 1, "new"]
    claimed = (1, after(seconds=1)) if state is PENDING else (0, None)
    assert (row.state, row.attempts, row.attempted_at) == (state, *claimed)
    assert rows(engine)["2", 1, "new"].attempts == 0


LATER = after(seconds=7)
FAILED = {"failing_since": NOW, "failing_from": 0, "failures": 1, "latest_from": 0, "latest_failures": 1}
SETTLED: list[tuple[str, Outcome, Disposition, dict[str, object]]] = [
    (
        "taken, with an event id",
        Delivered("2f-e"),
        Disposition(DELIVERED, NOW),
        {"state": "delivered", "delivered_at": NOW, "event_id": "2f-e"},
    ),
    ("taken, without one", Delivered(None), Disposition(DELIVERED, NOW), {"state": "delivered", "delivered_at": NOW}),
    (
        "later",
        TryLater("503", Scope.ROW),
        Disposition(PENDING, LATER),
        {"due_at": LATER, "last_error": "503", **FAILED},
    ),
    (
        "later, through its own fault",
        TryLater("403", Scope.UNCLEAR, not_taken=True),
        Disposition(PENDING, LATER, own_fault=True),
        {"due_at": LATER, "last_error": "403", **FAILED, "own_fault": True, "not_taken": 1},
    ),
    (
        "refused once",
        Rejected("400"),
        Disposition(PENDING, NOW, minimal=True),
        {"payload": MINIMAL, "refused_payload": payload("1", NEW), "last_error": "400", **FAILED, "not_taken": 1},
    ),
    (
        "refused for good",
        Rejected("400"),
        Disposition(DEAD, LATER),
        {"state": "dead", "due_at": LATER, "last_error": "400", **FAILED, "not_taken": 1},
    ),
]


@pytest.mark.parametrize(("case", "outcome", "disposition", "expected"), SETTLED, ids=[case for case, *_ in SETTLED])
def test_each_outcome_is_written_down_and_nothing_else_of_the_row_changes(
    store: Store, engine: Engine, *, case: str, outcome: Outcome, disposition: Disposition, expected: dict[str, object]
) -> None:
    tell(store, "1", NEW)
    tell(store, "2", NEW)
    before = rows(engine)
    target = DestinationState(why=case, hold_until=LATER)
    settle(store, head(store, "1"), outcome, disposition, target=target)
    assert rows(engine)["1", 1, "new"]._asdict() == {**before["1", 1, "new"]._asdict(), **expected}
    assert rows(engine)["2", 1, "new"] == before["2", 1, "new"]
    assert store.destination_state() == target


def test_a_success_keeps_the_last_error_and_what_was_refused_for_the_audit(store: Store, engine: Engine) -> None:
    tell(store, "1", NEW)
    refuse(store, "1")
    deliver(store, "1", event_id="e")
    row = only(engine)
    assert (row.state, row.event_id, row.attempts) == ("delivered", "e", 2)
    assert (row.payload, row.refused_payload) == (MINIMAL, payload("1", NEW))
    assert row.last_error == "400: a field is missing"


def test_a_second_refusal_leaves_the_full_payload_where_it_is_kept(store: Store, engine: Engine) -> None:
    tell(store, "1", NEW)
    kill(store, "1")
    row = only(engine)
    assert (row.state, row.payload, row.refused_payload) == ("dead", MINIMAL, payload("1", NEW))


def test_an_answer_to_what_is_no_longer_pending_teaches_only_about_the_target(store: Store, engine: Engine) -> None:
    tell(store, "1", NEW)
    delivery = head(store, "1")
    store.supersede(delivery, "why")
    before = only(engine)
    settle(
        store,
        delivery,
        TryLater("503", Scope.DESTINATION),
        Disposition(PENDING, LATER),
        target=DestinationState(why="503"),
    )
    assert only(engine) == before
    assert store.destination_state() == DestinationState(why="503")


def test_superseding_takes_what_is_pending_of_one_generation_with_its_reason(store: Store, engine: Engine) -> None:
    put(store, "1", DEAD, NEW, ACKNOWLEDGED)
    tell(store, "1", NEW, RESOLVED, generation=2)
    tell(store, "2", NEW)
    store.supersede(head(store, "1"), "over too long")
    assert states(engine) == {
        ("1", 1, "new"): "dead",
        ("1", 1, "acknowledged"): "superseded",
        ("1", 2, "new"): "pending",
        ("1", 2, "resolved"): "pending",
        ("2", 1, "new"): "pending",
    }
    reasons = {key: row.reason for key, row in rows(engine).items()}
    assert reasons["1", 1, "acknowledged"] == "over too long"
    assert set(reasons.values()) == {"a reason", "over too long"}
    store.supersede(head(store, "1"), "over too long")
    assert due(store) == [("2", NEW)]


def test_superseding_takes_nothing_of_another_destination(store: Store, engine: Engine) -> None:
    tell(store, "1", NEW, RESOLVED)
    read = head(store, "1")
    with transaction(engine, writes=True) as connection:
        columns = [column for column in DESTINATIONS.columns if column.name != "name"]
        there = select(literal("another"), *columns)
        connection.execute(insert(DESTINATIONS).from_select(["name", *columns], there))
        is_end = DELIVERIES.c.kind == RESOLVED
        connection.execute(update(DELIVERIES).where(is_end).values(destination="another"))
    store.supersede(read, "over too long")
    assert states(engine) == {("1", 1, "new"): "superseded", ("1", 1, "resolved"): "pending"}


@pytest.mark.parametrize(
    ("waits", "longest", "expected"),
    [(15, 15, 15), (15.1, 15, 0), (600, 15, 0), (1, 0, 0), (0, 0, 0), (-5, 0, -5), (-5, 15, -5)],
)
def test_a_wait_longer_than_any_is_meant_to_be_is_cut(
    store: Store, engine: Engine, waits: float, longest: float, expected: float
) -> None:
    put(store, "settled", DEAD, NEW, at=ago(hours=1))
    tell(store, "1", NEW, at=after(minutes=waits))
    store.cut_waits(timedelta(minutes=longest), NOW)
    assert rows(engine)["1", 1, "new"].due_at == after(minutes=expected)
    store.cut_waits(timedelta(0), ago(hours=2))
    assert rows(engine)["settled", 1, "new"].due_at == NOW


NOBODY = Delivery(0, "", 1, NEW, "", {}, 0, refused=False, over_since=None, occurred_at=NOW, created_at=NOW)
REFUSED = DestinationState(secret_refused_since=ago(hours=1), probe_at=after(seconds=50), why="404", hold_until=LATER)
RETRIED = [
    ("refused, something waits", REFUSED, PENDING, NOW, DestinationState(LATER, ago(hours=1), NOW, "404")),
    ("refused, nothing waits", REFUSED, DELIVERED, None, DestinationState(LATER, None, None, "404")),
    ("refused, the rest is dead", REFUSED, DEAD, None, DestinationState(LATER, None, None, "404")),
    (
        "not refused, something waits",
        DestinationState(why="w"),
        PENDING,
        after(minutes=1),
        DestinationState(why="w", probe_at=NOW),
    ),
    ("not refused, nothing waits", DestinationState(why="w"), DELIVERED, None, DestinationState(why="w")),
]


@pytest.mark.parametrize(("case", "before", "state", "due_at", "expected"), RETRIED, ids=[case for case, *_ in RETRIED])
def test_after_a_start_a_refused_secret_is_tried_at_once(
    store: Store,
    engine: Engine,
    *,
    case: str,
    before: DestinationState,
    state: DeliveryState,
    due_at: datetime | None,
    expected: DestinationState,
) -> None:
    put(store, "1", state, NEW)
    if state is PENDING:
        waits = Disposition(PENDING, after(minutes=1))
        settle(store, head(store, "1"), TryLater("404", Scope.SECRET), waits, target=before)
    else:
        settle(store, NOBODY, Delivered(None), Disposition(DELIVERED, NOW), target=before)
    settled_at = only(engine).due_at
    store.try_secrets_again(NOW)
    assert store.destination_state() == expected
    assert only(engine).due_at == (due_at or settled_at)


TARGETS = [
    DestinationState(),
    DestinationState(
        NOW, ago(hours=1), after(seconds=60), "404: no such team 🚨\x00", (ago(seconds=50), NOW), (NOW,), NOW
    ),
    DestinationState(other_faults=tuple(ago(seconds=n) for n in range(100)), payload_faults=(ago(microseconds=1),)),
]


@pytest.mark.parametrize("target", TARGETS)
def test_what_is_known_of_the_target_survives(store: Store, target: DestinationState) -> None:
    assert store.destination_state() == DestinationState()
    tell(store, "1", NEW)
    settle(store, head(store, "1"), TryLater("503", Scope.ROW), Disposition(PENDING, NOW), target=target)
    found = store.destination_state()
    assert found == target
    times = [value for field in fields(found) if isinstance(value := getattr(found, field.name), datetime)]
    for moment in (*times, *found.other_faults, *found.payload_faults):
        assert moment.utcoffset() == timedelta(0)
