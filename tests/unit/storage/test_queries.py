"""What the database tells people, and how a dead delivery comes back."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from daemon.model.delivery import DeliveryState, DestinationState, Disposition, Scope, TryLater
from daemon.model.errors import DatabaseBusyError
from daemon.model.incident import Kind, Phase
from daemon.model.snapshot import Snapshot
from daemon.storage import queries
from daemon.storage.queries import Revival
from daemon.storage.schema import NO_FAILURES
from tests.support.outbox import (
    ACKNOWLEDGED,
    DEAD,
    DELIVERED,
    MINIMAL,
    NEW,
    PENDING,
    RESOLVED,
    SUPERSEDED,
    after,
    change,
    deliver,
    head,
    only,
    payload,
    postpone,
    put,
    refuse,
    rows,
    settle,
    states,
    tell,
)
from tests.support.store import Store
from tests.support.values import NOW, ago, recorded


def ids(listed: list[dict[str, Any]]) -> list[object]:
    return [row["id"] for row in listed]


# -- listings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("open_only", "expected"), [(False, "cdba"), (True, "dba")])
def test_incidents_are_listed_by_their_latest_change(
    store: Store, engine: Engine, open_only: bool, expected: str
) -> None:
    for n, (incident_id, phase) in enumerate(zip("abcd", Phase, strict=True)):
        tell(store, incident_id, phase=phase, at=after(minutes=n), alerted=False)
    tell(store, "d", at=after(minutes=2))
    tell(store, "c", phase=Phase.RESOLVED, at=after(minutes=9))
    assert ids(queries.incidents(engine, open_only=open_only)) == list(expected)


def test_incidents_that_changed_together_are_listed_from_the_highest_id(store: Store, engine: Engine) -> None:
    store.record([change(incident_id) for incident_id in "2413"], NOW)
    assert ids(queries.incidents(engine, open_only=False)) == list("4321")


def test_an_incident_is_listed_with_all_that_is_recorded_and_when(store: Store, engine: Engine) -> None:
    tell(store, "1", at=ago(minutes=1))
    tell(store, "1", at=NOW)
    (listed,) = queries.incidents(engine, open_only=False)
    whole = recorded("1")
    for name, value in listed.items():
        expected = {"first_seen_at": ago(minutes=1), "changed_at": NOW, "told": whole.alerted}
        assert value == (expected[name] if name in expected else getattr(whole, name))


@pytest.mark.parametrize(
    ("state", "expected"),
    [(None, [5, 4, 3, 2, 1]), (PENDING, [5]), (DELIVERED, [4, 1]), (SUPERSEDED, [3]), (DEAD, [2])],
)
def test_the_outbox_is_listed_from_the_newest(
    store: Store, engine: Engine, state: DeliveryState | None, expected: list[int]
) -> None:
    for n, becomes in enumerate([DELIVERED, DEAD, SUPERSEDED, DELIVERED, PENDING]):
        put(store, str(n), becomes, NEW, at=ago(minutes=n))
    assert ids(queries.deliveries(engine, state)) == expected


def test_a_delivery_is_listed_with_its_whole_row(store: Store, engine: Engine) -> None:
    tell(store, "1", NEW)
    refuse(store, "1")
    assert queries.deliveries(engine, None) == [only(engine)._asdict()]
    assert queries.deliveries(engine, None)[0]["refused_payload"] == payload("1", NEW)


# -- snapshot ---------------------------------------------------------------------------------------------------------


def test_the_figures_of_an_empty_database_are_those_of_none(engine: Engine) -> None:
    assert queries.snapshot(engine) == Snapshot()


def refused(store: Store) -> None:
    tell(store, "1", NEW, at=ago(hours=1))
    answer = TryLater("404: no such team", Scope.SECRET)
    target = DestinationState(secret_refused_since=ago(minutes=3), why="404: no such team")
    settle(store, head(store, "1"), answer, Disposition(PENDING, after(minutes=1)), target=target)


def settled(store: Store) -> None:
    for state in (DELIVERED, SUPERSEDED, DEAD):
        put(store, state, state, RESOLVED)


def waiting(store: Store) -> None:
    tell(store, "1", RESOLVED, at=ago(hours=2))
    postpone(store, "1", until=after(hours=1))
    tell(store, "2", RESOLVED, at=ago(hours=1))
    put(store, "3", DEAD, RESOLVED, at=ago(hours=3))


def refused_twice(store: Store) -> None:
    for minutes in (0, 1):
        store.fail_round("401", after(minutes=minutes), token_refused=True)


def well_again(store: Store) -> None:
    refused_twice(store)
    store.complete_round(NOW)


def clock_set(store: Store) -> None:
    store.fail_round("503", NOW)
    store.forget_spans(ago(days=30))


FIGURES: dict[str, tuple[Callable[[Store], object], Snapshot]] = {
    "a complete round": (lambda store: store.complete_round(NOW), Snapshot(last_complete_round_at=NOW)),
    "a failed round": (
        lambda store: store.fail_round("503", NOW),
        Snapshot(last_round_error="503", failing_since=NOW),
    ),
    "a token refused twice": (refused_twice, Snapshot(last_round_error="401", failing_since=NOW, refused_rounds=2)),
    "a complete round after failures": (well_again, Snapshot(last_complete_round_at=NOW)),
    "a clock that was set": (clock_set, Snapshot(last_round_error="503", failing_since=ago(days=30))),
    "a suspected token": (lambda store: store.suspect_token(NOW), Snapshot(token_suspect_since=NOW)),
    "open incidents": (
        lambda store: store.record([change(phase, phase=phase, alerted=False) for phase in Phase], NOW),
        Snapshot(open_incidents=3),
    ),
    "a refused secret": (
        refused,
        Snapshot(
            secret_refused_since=ago(minutes=3),
            refused_because="404: no such team",
            open_incidents=1,
            pending_deliveries=1,
            oldest_pending_at=ago(hours=1),
            oldest_due_at=after(minutes=1),
        ),
    ),
    "settled deliveries": (settled, Snapshot(dead_deliveries=1, dead_alerts=1)),
    "waiting deliveries": (
        waiting,
        Snapshot(
            pending_deliveries=2,
            dead_deliveries=1,
            dead_alerts=1,
            oldest_pending_at=ago(hours=2),
            oldest_due_at=ago(hours=1),
        ),
    ),
}


@pytest.mark.parametrize("case", FIGURES)
def test_the_figures_say_how_things_stand(store: Store, engine: Engine, case: str) -> None:
    happens, expected = FIGURES[case]
    happens(store)
    assert queries.snapshot(engine) == expected


# -- revival ----------------------------------------------------------------------------------------------------------


def revive(engine: Engine, *delivery_ids: int, force: bool = False) -> list[str | None]:
    """What was said of each."""
    revivals = queries.revive(engine, delivery_ids, force=force)
    assert [revival.id for revival in revivals] == list(delivery_ids)
    return [revival.refusal for revival in revivals]


def test_a_dead_delivery_comes_back_with_the_full_payload_due_now(store: Store, engine: Engine) -> None:
    put(store, "other", DEAD, NEW)
    put(store, "1", DEAD, NEW, at=ago(days=3))
    before = rows(engine)["1", 1, "new"]._asdict()
    began = datetime.now(UTC)
    assert queries.revive(engine, [2], force=False) == [Revival(2, None)]
    row = rows(engine)["1", 1, "new"]._asdict()
    assert began <= row["due_at"] <= datetime.now(UTC)
    full = {
        "state": "pending",
        "payload": payload("1", NEW),
        "refused_payload": None,
        "due_at": row["due_at"],
        **NO_FAILURES,
    }
    assert row == {**before, **full}
    assert states(engine)["other", 1, "new"] == "dead"


def test_a_revived_delivery_may_be_refused_all_over_again(store: Store, engine: Engine) -> None:
    put(store, "1", DEAD, NEW)
    revive(engine, 1)
    assert head(store, "1").refused is False
    refuse(store, "1", at=datetime.now(UTC))
    assert (only(engine).state, only(engine).payload, only(engine).refused_payload) == (
        "pending",
        MINIMAL,
        payload("1", NEW),
    )


def test_what_died_without_a_minimal_payload_keeps_the_one_it_has(store: Store, engine: Engine) -> None:
    tell(store, "1", NEW)
    delivery = head(store, "1")
    settle(store, delivery, TryLater("never", Scope.ROW), Disposition(DEAD, NOW))
    revive(engine, 1)
    assert only(engine).payload == payload("1", NEW)


def test_a_revived_delivery_goes_before_what_waits_behind_it(store: Store, engine: Engine) -> None:
    put(store, "1", DEAD, NEW)
    tell(store, "1", ACKNOWLEDGED)
    revive(engine, 1)
    assert head(store, "1").kind is NEW


OVER = (
    "delivery 1 tells `{}` of incident 1, which is over, and nothing would close the alert; "
    "--force sends it all the same"
)


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("end", [None, *DeliveryState])
@pytest.mark.parametrize("kind", Kind)
def test_what_would_wake_somebody_for_an_incident_that_is_over_is_refused_unless_forced(
    store: Store, engine: Engine, kind: Kind, end: DeliveryState | None, force: bool
) -> None:
    put(store, "1", DEAD, kind)
    if end is not None and kind is not RESOLVED:
        put(store, "1", end, RESOLVED)
    refused = kind is not RESOLVED and end is not None and not force
    assert revive(engine, 1, force=force) == [OVER.format(kind) if refused else None]
    assert states(engine)["1", 1, kind] == ("dead" if refused else "pending")


@pytest.mark.parametrize(("incident_id", "generation"), [("1", 2), ("2", 1)])
def test_the_end_of_another_generation_or_incident_does_not_hinder(
    store: Store, engine: Engine, incident_id: str, generation: int
) -> None:
    put(store, "1", DEAD, NEW)
    tell(store, incident_id, RESOLVED, generation=generation)
    assert revive(engine, 1) == [None]


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("state", [DELIVERED, SUPERSEDED])
def test_what_is_settled_is_not_revived(store: Store, engine: Engine, state: DeliveryState, force: bool) -> None:
    put(store, "1", state, NEW)
    before = rows(engine)
    assert revive(engine, 1, force=force) == [f"delivery 1 is {state}, not dead"]
    assert rows(engine) == before


def test_each_wish_is_answered_on_its_own(store: Store, engine: Engine) -> None:
    put(store, "1", DEAD, NEW)
    put(store, "2", DELIVERED, NEW)
    put(store, "3", DEAD, NEW)
    assert revive(engine, 3, 7, 2, 1) == [
        None,
        "there is no delivery 7; `deliveries` lists them",
        "delivery 2 is delivered, not dead",
        None,
    ]
    assert list(states(engine).values()) == ["pending", "delivered", "pending"]


@pytest.mark.parametrize("unheard_of", [0, -1, 2**63 - 1, 2**63, 10**30])
def test_there_is_no_delivery_of_an_outlandish_id(engine: Engine, unheard_of: int) -> None:
    assert revive(engine, unheard_of) == [f"there is no delivery {unheard_of}; `deliveries` lists them"]


def test_the_dead_are_found_oldest_first(store: Store, engine: Engine) -> None:
    for n, state in enumerate([DEAD, PENDING, DEAD, DELIVERED, SUPERSEDED, DEAD]):
        put(store, str(n), state, NEW)
    assert queries.dead_ids(engine) == [1, 3, 6]


QUESTIONS: dict[str, Callable[[Engine], object]] = {
    "snapshot": queries.snapshot,
    "incidents": lambda engine: queries.incidents(engine, open_only=False),
    "deliveries": lambda engine: queries.deliveries(engine, None),
    "dead_ids": queries.dead_ids,
    "revive": lambda engine: queries.revive(engine, [1], force=False),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_database_that_cannot_answer_is_said_to_be_so(engine: Engine, question: str) -> None:
    with engine.begin() as connection:
        for table in ("deliveries", "incidents"):
            connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO lost_{table}")
    with pytest.raises(DatabaseBusyError, match=r"^the database cannot be (read|written) now: no such table"):
        QUESTIONS[question](engine)


def test_an_attempt_that_is_revived_is_delivered_like_any_other(store: Store, engine: Engine) -> None:
    put(store, "1", DEAD, NEW)
    revive(engine, 1)
    moment = datetime.now(UTC)
    deliver(store, "1", at=moment, event_id="e")
    assert (only(engine).state, only(engine).event_id, only(engine).delivered_at) == ("delivered", "e", moment)
    assert moment - only(engine).due_at < timedelta(minutes=1)
