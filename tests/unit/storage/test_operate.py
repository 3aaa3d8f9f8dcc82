"""How a dead delivery comes back."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from daemon.model.delivery import DeliveryState, Disposition, Scope, TryLater
from daemon.model.incident import Kind
from daemon.storage import operate
from daemon.storage.delivery_rows import NO_FAILURES
from daemon.storage.operate import Revival
from tests.support.outbox import (
    ACKNOWLEDGED,
    DEAD,
    DELIVERED,
    MINIMAL,
    NEW,
    PENDING,
    RESOLVED,
    SUPERSEDED,
    deliver,
    head,
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


def revive(engine: Engine, *delivery_ids: int, force: bool = False) -> list[str | None]:
    """What was said of each."""
    revivals = operate.revive(engine, delivery_ids, force=force)
    assert [revival.id for revival in revivals] == list(delivery_ids)
    return [revival.refusal for revival in revivals]


def test_a_dead_delivery_comes_back_with_the_full_payload_due_now(store: Store, engine: Engine) -> None:
    put(store, "other", DEAD, NEW)
    put(store, "1", DEAD, NEW, at=ago(days=3))
    before = rows(engine)["1", 1, "new"]._asdict()
    began = datetime.now(UTC)
    assert operate.revive(engine, [2], force=False) == [Revival(2, None)]
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
    assert operate.dead_ids(engine) == [1, 3, 6]


def test_an_attempt_that_is_revived_is_delivered_like_any_other(store: Store, engine: Engine) -> None:
    put(store, "1", DEAD, NEW)
    revive(engine, 1)
    moment = datetime.now(UTC)
    deliver(store, "1", at=moment, event_id="e")
    assert (only(engine).state, only(engine).event_id, only(engine).delivered_at) == ("delivered", "e", moment)
    assert moment - only(engine).due_at < timedelta(minutes=1)
