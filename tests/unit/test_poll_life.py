"""What a round makes of the life of an incident: what is told of it, in which order, and what is not."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from tests.support.clock import Clock
from tests.support.fakes import Flows
from tests.support.kept_log import KeptLog
from tests.support.store import Store
from tests.support.values import NOW, ago

NEW, ACK, OVER = "new", "acknowledged", "resolved"
Look = Mapping[str, Any] | None
OPEN: Look = {}
UNCONFIRMED: Look = {"status": "Unconfirmed"}
VALIDATING: Look = {"status": "Validating"}
ACKNOWLEDGED: Look = {"status": "Acknowledged", "acknowledged_at": ago(minutes=4)}
RESOLVED: Look = {"status": "Resolved", "resolved_at": ago(minutes=3)}
OVER_AGAIN: Look = {"status": "Resolved", "resolved_at": ago(minutes=1)}
LONG_OVER: Look = {"status": "Resolved", "resolved_at": ago(minutes=11)}
REOPENED_KEEPS: Look = {"resolved_at": ago(minutes=3), "reopened_at": ago(minutes=2)}
REOPENED_AGAIN: Look = {"resolved_at": ago(minutes=1), "reopened_at": ago(seconds=30)}


@pytest.fixture
def flows(engine: Engine, clock: Clock, log: KeptLog, store: Store) -> Flows:
    """Past the first start."""
    flows = Flows(engine, clock, log, store)
    flows.round(sweep=True)
    return flows


def look(flows: Flows, *looks: Look) -> list[tuple[Any, ...]]:
    """Shows the incident in one state per round; what is told of it: kind and generation."""
    for attributes in looks:
        flows.betterstack.has("7", **attributes or {})
        flows.round(sweep=True)
    return flows.outbox("kind", "generation")


@pytest.mark.parametrize(
    ("looks", "told"),
    [
        ([OPEN], [(NEW, 1)]),
        ([OPEN, ACKNOWLEDGED, RESOLVED], [(NEW, 1), (ACK, 1), (OVER, 1)]),
        ([ACKNOWLEDGED], [(NEW, 1), (ACK, 1)]),
        ([OPEN, VALIDATING, OPEN], [(NEW, 1)]),
        ([OPEN, ACKNOWLEDGED, VALIDATING, ACKNOWLEDGED], [(NEW, 1), (ACK, 1)]),
        ([RESOLVED], [(NEW, 1), (OVER, 1)]),
        ([LONG_OVER], []),
        ([{"status": "Resolved", "resolved_at": ago(minutes=10)}], []),
        ([{"status": "Something new"}], [(NEW, 1)]),
        ([UNCONFIRMED], []),
        ([UNCONFIRMED, OPEN], [(NEW, 1)]),
        ([UNCONFIRMED, ACKNOWLEDGED], [(NEW, 1), (ACK, 1)]),
        ([UNCONFIRMED, RESOLVED], []),
        ([OPEN, UNCONFIRMED, RESOLVED], [(NEW, 1), (OVER, 1)]),
        ([OPEN, RESOLVED, RESOLVED], [(NEW, 1), (OVER, 1)]),
    ],
)
def test_each_life_is_told_as_it_is_seen(flows: Flows, looks: list[Look], told: list[tuple[str, int]]) -> None:
    assert look(flows, *looks) == told


@pytest.mark.parametrize("reopened", [pytest.param(REOPENED_KEEPS, id="times kept"), pytest.param(OPEN, id="afresh")])
def test_promise_5_a_reopened_incident_alerts_again_under_the_same_external_id(flows: Flows, reopened: Look) -> None:
    assert look(flows, OPEN, RESOLVED, reopened, reopened) == [(NEW, 1), (OVER, 1), (NEW, 2)]
    assert look(flows, RESOLVED) == [(NEW, 1), (OVER, 1), (NEW, 2)], "that is the end from before"
    assert look(flows, OVER_AGAIN) == [(NEW, 1), (OVER, 1), (NEW, 2), (OVER, 2)]
    assert set(flows.outbox("external_id")) == {("7",)}


def test_resolved_and_reopened_between_two_rounds_is_told_as_both(flows: Flows) -> None:
    told = look(flows, OPEN, REOPENED_KEEPS, REOPENED_KEEPS)
    assert told == [(NEW, 1), (OVER, 1), (NEW, 2)]
    assert look(flows, REOPENED_AGAIN) == [*told, (OVER, 2), (NEW, 3)]


def test_an_acknowledgement_of_a_reopened_incident_is_told_again(flows: Flows) -> None:
    again = {"status": "Acknowledged", "acknowledged_at": ago(seconds=10), "reopened_at": ago(minutes=2)}
    told = look(flows, OPEN, ACKNOWLEDGED, RESOLVED, REOPENED_KEEPS, again)
    assert told == [(NEW, 1), (ACK, 1), (OVER, 1), (NEW, 2), (ACK, 2)]


def test_acknowledgements_are_left_out_where_they_are_switched_off(flows: Flows) -> None:
    flows.configure(delivery={"acknowledged": False})
    assert look(flows, ACKNOWLEDGED, OPEN, ACKNOWLEDGED, RESOLVED) == [(NEW, 1), (OVER, 1)]


def test_a_stale_time_of_nothing_means_never_an_alert_for_what_is_over(flows: Flows) -> None:
    flows.configure(delivery={"stale_after": "0s"})
    assert look(flows, {"status": "Resolved", "resolved_at": NOW}) == []


def test_the_external_id_stays_what_it_was_when_the_setting_changes(flows: Flows) -> None:
    look(flows, OPEN)
    flows.configure(signl4={"external_id": "shop-$INCIDENT_ID"})
    look(flows, RESOLVED)
    assert flows.outbox("external_id") == [("7",), ("7",)]


@pytest.fixture
def first(engine: Engine, clock: Clock, log: KeptLog, store: Store) -> Flows:
    """At the first start, on an empty database."""
    return Flows(engine, clock, log, store)


@pytest.mark.parametrize(
    ("initial", "seen", "told"),
    [
        ("open", OPEN, [(NEW, 1)]),
        ("open", ACKNOWLEDGED, [(NEW, 1), (ACK, 1)]),
        ("open", RESOLVED, []),
        ("open", UNCONFIRMED, []),
        ("baseline", OPEN, []),
        ("baseline", ACKNOWLEDGED, []),
        ("baseline", RESOLVED, []),
        ("baseline", UNCONFIRMED, []),
    ],
)
def test_a_first_start_tells_what_is_open_or_records_it_alone(
    first: Flows, initial: str, seen: Look, told: list[tuple[str, int]]
) -> None:
    first.configure(poll={"initial": initial})
    assert look(first, seen) == told
    assert list(first.phases()) == ["7"]


def test_a_baseline_incident_stays_silent_until_it_is_reopened(first: Flows) -> None:
    first.configure(poll={"initial": "baseline"})
    assert look(first, OPEN, ACKNOWLEDGED, RESOLVED) == []
    assert look(first, REOPENED_KEEPS) == [(NEW, 2)]


def test_what_is_unconfirmed_at_a_baseline_alerts_once_it_is_confirmed(first: Flows) -> None:
    first.configure(poll={"initial": "baseline"})
    assert look(first, UNCONFIRMED, OPEN) == [(NEW, 1)]


def test_a_first_start_lasts_until_a_round_is_complete(first: Flows) -> None:
    first.betterstack.refuses("since")
    first.betterstack.has("7", **RESOLVED or {})
    with pytest.raises(Exception, match="failed"):
        first.round(sweep=True)
    first.betterstack.refuses()
    first.round(sweep=True)
    assert first.outbox() == []


@pytest.mark.parametrize(
    ("look_at", "occurred_at"),
    [(OPEN, ago(minutes=5)), ({"started_at": NOW + timedelta(hours=1)}, NOW), ({"started_at": None}, NOW)],
)
def test_a_transition_carries_when_it_happened_but_never_a_time_to_come(
    flows: Flows, look_at: Look, occurred_at: datetime
) -> None:
    look(flows, look_at)
    [(at,)] = flows.outbox("occurred_at")
    assert at == occurred_at
