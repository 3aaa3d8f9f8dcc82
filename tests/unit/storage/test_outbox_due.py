"""What may go now, and in which order: `due` and `waiting`."""

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import Engine

from daemon.model.admission import Admission, NextDue
from daemon.model.delivery import Delivery, DeliveryState, Disposition, Failing, Scope, TryLater
from daemon.model.incident import Kind
from daemon.storage.engine import transaction
from tests.support.outbox import (
    ACKNOWLEDGED,
    DEAD,
    DELIVERED,
    LONG_AGO,
    MINIMAL,
    NEW,
    PROBE,
    RESOLVED,
    SUPERSEDED,
    after,
    deliver,
    due,
    head,
    kill,
    payload,
    postpone,
    put,
    refuse,
    settle,
    tell,
)
from tests.support.store import Store
from tests.support.values import NOW, ago


@pytest.mark.parametrize("ends", [DELIVERED, SUPERSEDED, DEAD])
def test_an_incident_is_told_in_order_and_nothing_overtakes_what_is_unsettled(
    store: Store, engine: Engine, ends: DeliveryState
) -> None:
    tell(store, "1", NEW, ACKNOWLEDGED, at=ago(hours=1))
    for kind in Kind:
        assert due(store) == [("1", kind)]
        postpone(store, "1", until=after(seconds=1))
        assert due(store) == []
        assert due(store, now=after(seconds=1)) == [("1", kind)]
        if kind is ACKNOWLEDGED:
            tell(store, "1", RESOLVED, at=ago(hours=1))
        if ends is SUPERSEDED:
            with transaction(engine, writes=True) as connection:
                connection.exec_driver_sql(f"UPDATE deliveries SET state = 'superseded' WHERE kind = '{kind}'")
        elif ends is DEAD:
            kill(store, "1")
        else:
            deliver(store, "1", at=ago(minutes=1))
    assert due(store, now=after(days=1)) == []


def test_generations_of_an_incident_follow_each_other(store: Store) -> None:
    for generation in (1, 2):
        tell(store, "1", NEW, RESOLVED, generation=generation, at=ago(hours=1))
    seen = []
    for _ in range(4):
        delivery = head(store, "1")
        seen.append((delivery.generation, delivery.kind))
        deliver(store, "1", at=ago(minutes=1))
    assert seen == [(1, NEW), (1, RESOLVED), (2, NEW), (2, RESOLVED)]


def test_incidents_do_not_wait_for_each_other(store: Store) -> None:
    for incident_id in "123":
        tell(store, incident_id, NEW)
    postpone(store, "1", until=after(hours=1))
    assert due(store) == [("2", NEW), ("3", NEW)]


@pytest.mark.parametrize(
    ("busy", "expected"), [((), "123"), ("2", "13"), ({"1", "3"}, "2"), ({"1": 1, "2": 2, "3": 3}, ""), (["4"], "123")]
)
def test_an_incident_with_a_request_in_flight_is_left_out(store: Store, busy: str, expected: str) -> None:
    for incident_id in "123":
        tell(store, incident_id, NEW, RESOLVED)
    assert [incident_id for incident_id, _ in due(store, busy=busy)] == list(expected)
    assert bool(store.waiting(busy)) is bool(expected)


@pytest.mark.parametrize(("limit", "expected"), [(1, "1"), (2, "12"), (3, "123"), (64, "123")])
def test_no_more_are_due_than_there_is_room_for(store: Store, limit: int, expected: str) -> None:
    for incident_id in "123":
        tell(store, incident_id, NEW)
    assert [incident_id for incident_id, _ in due(store, limit=limit)] == list(expected)


@pytest.mark.parametrize(("seconds", "expected"), [(-1, True), (0, True), (0.000001, False), (3600, False)])
def test_a_delivery_is_due_from_the_very_moment(store: Store, seconds: float, expected: bool) -> None:
    tell(store, "1", NEW, at=after(seconds=seconds))
    assert bool(due(store)) is expected
    assert store.waiting(()) == [NextDue(after(seconds=seconds), refused=False, attempted=False)]


def test_alerts_of_what_is_still_open_go_first_then_the_oldest(store: Store) -> None:
    tell(store, "over", NEW, RESOLVED)
    put(store, "ending", DELIVERED, NEW, RESOLVED)
    put(store, "taken", DELIVERED, NEW, ACKNOWLEDGED)
    tell(store, "open", NEW)
    tell(store, "taken and open", NEW, ACKNOWLEDGED)
    tell(store, "reopened", NEW, RESOLVED, generation=1)
    tell(store, "reopened", NEW, generation=2)
    later = after(seconds=2)
    assert due(store, now=later) == [
        ("open", NEW),
        ("taken and open", NEW),
        ("over", NEW),
        ("ending", RESOLVED),
        ("taken", ACKNOWLEDGED),
        ("reopened", NEW),
    ]
    deliver(store, "reopened", at=ago(minutes=2))
    deliver(store, "reopened", at=ago(minutes=1))
    assert due(store, now=later)[:3] == [("open", NEW), ("taken and open", NEW), ("reopened", NEW)]


def test_what_fails_on_its_own_has_its_turn_in_a_probe(store: Store) -> None:
    """Else one that is refused for ever would be tried for ever, and nothing could show the secret to be right."""
    tell(store, "1", NEW)
    delivery = head(store, "1")
    store.claim(delivery, ago(minutes=6))
    settle(
        store, delivery, TryLater("200", Scope.ITEM), Disposition(DeliveryState.PENDING, ago(minutes=1), own_fault=True)
    )
    tell(store, "2", NEW)
    postpone(store, "2", attempt_at=ago(minutes=5))
    assert [incident_id for incident_id, _ in due(store, PROBE)] == ["1", "2"]
    assert [incident_id for incident_id, _ in due(store)] == ["2", "1"]


def test_what_was_tried_by_a_clock_that_was_ahead_has_its_turn_in_a_probe(store: Store) -> None:
    for incident_id in ("1", "2"):
        tell(store, incident_id, NEW)
    postpone(store, "1", attempt_at=ago(minutes=1))
    postpone(store, "2", attempt_at=after(days=30))
    assert [incident_id for incident_id, _ in due(store, PROBE)] == ["2", "1"]


def test_a_probe_of_the_secret_takes_what_was_tried_longest_ago(store: Store) -> None:
    tell(store, "tried lately", NEW)
    tell(store, "tried long ago", NEW)
    tell(store, "over, never tried", NEW, RESOLVED)
    tell(store, "open, never tried", NEW)
    postpone(store, "tried lately", attempt_at=ago(minutes=1))
    postpone(store, "tried long ago", attempt_at=ago(minutes=2))
    order = ["over, never tried", "open, never tried", "tried long ago", "tried lately"]
    assert [incident_id for incident_id, _ in due(store, PROBE)] == order
    assert [incident_id for incident_id, _ in due(store, PROBE, limit=1)] == order[:1]


OPENINGS = [
    ("both at once", NOW, NOW, ["clean", "refused"]),
    ("only what was never refused", NOW, after(seconds=1), ["clean"]),
    ("only what was refused", after(seconds=1), NOW, ["refused"]),
    ("nothing", after(seconds=1), after(seconds=1), []),
    ("both, for long", LONG_AGO, LONG_AGO, ["clean", "refused"]),
]


@pytest.mark.parametrize(("case", "clean", "refused", "expected"), OPENINGS, ids=[case for case, *_ in OPENINGS])
def test_only_what_the_target_admits_is_due(
    store: Store, *, case: str, clean: datetime, refused: datetime, expected: list[str]
) -> None:
    tell(store, "clean", NEW)
    tell(store, "refused", NEW)
    refuse(store, "refused")
    assert [incident_id for incident_id, _ in due(store, Admission(4, clean, refused))] == expected


def test_a_delivery_carries_all_that_the_sender_needs(store: Store) -> None:
    tell(store, "1", NEW, RESOLVED, generation=2, external_id="bs-1", occurred_at=ago(minutes=3))
    tell(store, "2", NEW)
    same: dict[str, Any] = {"over_since": ago(minutes=3), "occurred_at": ago(minutes=3), "created_at": NOW}
    whole = Delivery(1, "1", 2, NEW, "bs-1", payload("1", NEW), 0, refused=False, **same)
    assert head(store, "1") == whole
    assert type(head(store, "1").kind) is Kind
    assert head(store, "2").over_since is None
    refuse(store, "1")
    failing = Failing(NOW, times=1, others_taken=0, others_failing=0)
    refused = Delivery(1, "1", 2, NEW, "bs-1", MINIMAL, 1, refused=True, failing=failing, all_failing=1, **same)
    assert head(store, "1") == refused
    deliver(store, "1")
    assert head(store, "1").over_since is None


def test_the_end_of_another_generation_or_incident_ends_nothing(store: Store) -> None:
    tell(store, "1", NEW, generation=2)
    tell(store, "1", RESOLVED, generation=1)
    tell(store, "2", RESOLVED, generation=2)
    assert head(store, "1").over_since is None


def test_what_waits_is_summed_up_by_what_it_waits_for(store: Store) -> None:
    assert store.waiting(()) == []
    put(store, "delivered", DELIVERED, NEW)
    for minutes in (3, 2):
        tell(store, f"fresh {minutes}", NEW, RESOLVED, at=after(minutes=minutes))
        tell(store, f"tried {minutes}", NEW)
        postpone(store, f"tried {minutes}", until=after(minutes=10 + minutes))
        tell(store, f"refused {minutes}", NEW)
        refuse(store, f"refused {minutes}", at=after(minutes=20 + minutes))
    put(store, "dead", DEAD, NEW)
    put(store, "superseded", SUPERSEDED, NEW)
    expected = [(2, False, False), (12, False, True), (22, True, True)]
    found = sorted(store.waiting(()), key=lambda waiting: waiting.due_at)
    assert found == [NextDue(after(minutes=minutes), refused, tried) for minutes, refused, tried in expected]
    assert {type(value) for waiting in found for value in (waiting.refused, waiting.attempted)} == {bool}
    assert NextDue(after(minutes=3), refused=False, attempted=False) in store.waiting(["fresh 2"])


def test_behind_its_head_an_incident_does_not_wait_on_its_own(store: Store) -> None:
    tell(store, "1", NEW, at=after(minutes=5))
    tell(store, "1", RESOLVED, at=NOW)
    assert store.waiting(()) == [NextDue(after(minutes=5), refused=False, attempted=False)]
    assert due(store) == []
