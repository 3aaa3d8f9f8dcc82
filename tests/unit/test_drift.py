"""Reconciliation on a real database: what is sent again, what is reported, and what is left alone."""

import json
from contextlib import suppress
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import Engine, insert, select, update

from daemon.decisions.explain import explain
from daemon.drift import AT_ONCE, Reconciliation
from daemon.model.destination import DEFAULT, Destination
from daemon.model.drift import Drift, DriftKind, Reconciled
from daemon.model.errors import Signl4ApiError
from daemon.model.incident import Phase
from daemon.model.signl4 import AlertPhase, SeenAlert
from daemon.storage import history, queries
from daemon.storage.drift import DriftRecords
from daemon.storage.engine import transaction
from daemon.storage.schema import DELIVERIES
from daemon.storage.two_way_schema import ALERTS, PAGE_PROOFS, TWO_WAY
from tests.support.clock import Clock
from tests.support.kept_log import KeptLog
from tests.support.outbox import ACKNOWLEDGED, NEW, RESOLVED, deliver, head, kill, rows, states, tell
from tests.support.rest import FakeApi, seen_alert
from tests.support.store import Store

LEFT_OPEN, MISSING = DriftKind


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


@pytest.fixture
def woken() -> list[bool]:
    return []


@pytest.fixture
def drift(api: FakeApi, engine: Engine, clock: Clock, log: KeptLog, woken: list[bool]) -> Reconciliation:
    records = DriftRecords(engine, [DEFAULT])
    return Reconciliation(api, records, clock=clock, log=log, on_queued=lambda: woken.append(True))


def told(store: Store, clock: Clock, incident_id: str, generation: int = 1) -> None:
    """SIGNL4 took the `new` of an incident."""
    tell(store, incident_id, NEW, at=clock(), generation=generation)
    again = "" if generation == 1 else f", time {generation}"
    deliver(store, incident_id, at=clock(), event_id=f"event {incident_id}{again}")


def ended(store: Store, clock: Clock, incident_id: str, **changes: Any) -> None:
    """SIGNL4 took that it is over."""
    tell(store, incident_id, RESOLVED, at=clock(), **changes)
    deliver(store, incident_id, at=clock(), event_id=f"end of {incident_id}")


def raised(incident_id: str, at: datetime, phase: AlertPhase = AlertPhase.OPEN) -> SeenAlert:
    return seen_alert(incident_id, phase, event_id=f"event {incident_id}", created_at=at)


def over_but_open_in_signl4(api: FakeApi, store: Store, clock: Clock) -> None:
    """SIGNL4 took both, the beginning and the end, and its alert is still open."""
    told(store, clock, "1")
    api.seen = [raised("1", clock())]
    ended(store, clock, "1")


def found(done: list[Reconciled]) -> list[tuple[str, str, bool]]:
    return [(one.drift.kind, one.drift.incident_id, one.mended) for one in done]


def story(engine: Engine, incident_id: str, clock: Clock) -> list[str]:
    what = history.read(engine, incident_id, clock())
    assert what.record is not None
    return [line.text for line in explain(what.record, what.present).happened]


# -- an alert that is still open --------------------------------------------------------------------------------------


def test_the_end_of_what_is_over_is_sent_again_once_each_time(
    drift: Reconciliation,
    api: FakeApi,
    store: Store,
    engine: Engine,
    clock: Clock,
    log: KeptLog,
    woken: list[bool],
) -> None:
    over_but_open_in_signl4(api, store, clock)
    clock.pass_(minutes=4)
    assert found(drift.reconcile()) == []
    clock.pass_(minutes=2)
    assert found(drift.reconcile()) == [(LEFT_OPEN, "1", True)]
    row = rows(engine)["1", 1, "resolved"]
    assert (row.state, row.due_at, row.event_id, woken) == ("pending", clock(), None, [True])
    again = "resolved to team default: its alert is still open in SIGNL4, so it is sent again"
    assert again in story(engine, "1", clock)
    assert log.named("alert left open") == [{"incident": "1", "team": "default", "times": 1}]
    assert found(drift.reconcile()) == [], "it waits"
    deliver(store, "1", at=clock())
    assert found(drift.reconcile()) == [], "SIGNL4 took it just now"
    assert story(engine, "1", clock).count(again) == 1


def test_an_alert_that_stays_open_is_a_problem_the_second_time(
    drift: Reconciliation, api: FakeApi, store: Store, engine: Engine, clock: Clock
) -> None:
    over_but_open_in_signl4(api, store, clock)
    for figure in (0, 1):
        clock.pass_(hours=1)
        drift.look()
        assert len(queries.snapshot(engine).drift) == figure
        deliver(store, "1", at=clock())
    api.seen = []
    clock.pass_(hours=1)
    drift.look()
    assert queries.snapshot(engine).drift == ()


def test_the_end_is_not_sent_again_where_the_incident_is_open_again(
    drift: Reconciliation, api: FakeApi, store: Store, engine: Engine, clock: Clock
) -> None:
    over_but_open_in_signl4(api, store, clock)
    clock.pass_(minutes=6)

    def reopened(what: str) -> None:
        if what == "alerts":
            told(store, clock, "1", generation=2)

    api.before = reopened
    assert found(drift.reconcile()) == []
    assert states(engine)["1", 1, "resolved"] == "delivered"


def test_the_end_of_an_earlier_time_is_not_sent_again_for_the_alert_of_a_later_one(
    drift: Reconciliation, api: FakeApi, store: Store, engine: Engine, clock: Clock
) -> None:
    told(store, clock, "1")
    ended(store, clock, "1")
    clock.pass_(minutes=6)
    told(store, clock, "1", generation=2)
    api.seen = [seen_alert("1", event_id="event 1, time 2", created_at=clock())]
    tell(store, "1", RESOLVED, at=clock(), generation=2)
    assert found(drift.reconcile()) == []
    assert states(engine)["1", 1, "resolved"] == "delivered"


def test_while_anything_waits_no_end_is_sent_again(
    drift: Reconciliation, api: FakeApi, store: Store, engine: Engine, clock: Clock
) -> None:
    over_but_open_in_signl4(api, store, clock)
    clock.pass_(minutes=6)
    tell(store, "1", NEW, RESOLVED, at=clock(), generation=2)
    assert found(drift.reconcile()) == [(LEFT_OPEN, "1", False)]
    assert states(engine)["1", 1, "resolved"] == "delivered"


def test_what_changes_while_signl4_answers_is_left_as_it_is(
    drift: Reconciliation, api: FakeApi, store: Store, engine: Engine, clock: Clock, woken: list[bool]
) -> None:
    told(store, clock, "1")
    told(store, clock, "2")
    api.seen = [raised("1", clock())]
    ended(store, clock, "1")
    clock.pass_(minutes=6)

    def changes(what: str) -> None:
        if what == "alerts of 2":
            told(store, clock, "1", generation=2)
            tell(store, "2", RESOLVED, at=clock())

    api.before = changes
    done = drift.reconcile(at_once=True, repair=True)
    assert found(done) == [(LEFT_OPEN, "1", False), (MISSING, "2", False)]
    assert (states(engine)["1", 1, "resolved"], states(engine)["2", 1, "new"]) == ("delivered", "delivered")
    assert (woken, queries.snapshot(engine).drift) == ([], ())


def test_an_alert_without_an_external_id_is_known_by_its_event(
    drift: Reconciliation, api: FakeApi, store: Store, clock: Clock
) -> None:
    told(store, clock, "1")
    api.seen = [seen_alert("", event_id="event 1", created_at=None)]
    ended(store, clock, "1")
    clock.pass_(minutes=6)
    assert found(drift.reconcile()) == [(LEFT_OPEN, "1", True)]


def test_alerts_of_others_are_none_of_ours(drift: Reconciliation, api: FakeApi, engine: Engine, clock: Clock) -> None:
    api.seen = [seen_alert(str(number), event_id=f"theirs {number}") for number in range(1200)]
    assert drift.reconcile() == []


# -- an incident without an alert -------------------------------------------------------------------------------------


def test_what_signl4_knows_nothing_of_is_reported_the_second_time_and_not_sent_again(
    drift: Reconciliation, api: FakeApi, store: Store, engine: Engine, clock: Clock, log: KeptLog, woken: list[bool]
) -> None:
    told(store, clock, "1")
    for figure in (0, 1, 1):
        clock.pass_(hours=1)
        drift.look()
        assert len(queries.snapshot(engine).drift) == figure
    assert api.asked == ["alerts", "alerts of 1"] * 3
    assert log.named("alert missing") == [{"incident": "1", "team": "default", "sent_again": False}]
    assert [text for text in story(engine, "1", clock) if "no alert" in text] == [
        "SIGNL4 has no alert of it for team default"
    ]
    assert (states(engine)["1", 1, "new"], woken) == ("delivered", [])
    ended(store, clock, "1")
    assert queries.snapshot(engine).drift == ()


def test_one_time_between_two_proves_that_it_was_not_missing(
    drift: Reconciliation, api: FakeApi, store: Store, engine: Engine, clock: Clock
) -> None:
    told(store, clock, "1")
    for there in ([], [raised("1", clock())], []):
        api.seen = list(there)
        clock.pass_(hours=1)
        drift.look()
    assert queries.snapshot(engine).drift == ()


def test_the_command_is_certain_at_once_and_repairs_only_if_asked_to(
    drift: Reconciliation, api: FakeApi, store: Store, engine: Engine, clock: Clock, log: KeptLog, woken: list[bool]
) -> None:
    told(store, clock, "1")
    tell(store, "1", ACKNOWLEDGED, at=clock(), phase=Phase.ACKNOWLEDGED)
    deliver(store, "1", at=clock())
    clock.pass_(minutes=6)
    assert found(drift.reconcile(at_once=True)) == [(MISSING, "1", False)]
    assert queries.snapshot(engine).drift == (Drift(MISSING, "1", 1, "default", 2),)
    assert woken == []
    assert found(drift.reconcile(at_once=True, repair=True)) == [(MISSING, "1", True)]
    assert (states(engine)["1", 1, "new"], states(engine)["1", 1, "acknowledged"]) == ("pending", "pending")
    assert (queries.snapshot(engine).drift, woken) == ((), [True])
    assert head(store, "1").kind == NEW
    assert log.named("alert missing")[-1] == {"incident": "1", "team": "default", "sent_again": True}
    texts = story(engine, "1", clock)
    assert "new to team default: accepted by SIGNL4; event event 1" in texts
    assert "new to team default: SIGNL4 has no alert of it, so it is sent again" in texts


def test_what_is_sent_again_is_proven_again(drift: Reconciliation, store: Store, engine: Engine, clock: Clock) -> None:
    told(store, clock, "1")
    proof = {"delivery_id": rows(engine)["1", 1, "new"].id, "incident_id": "1", "generation": 1}
    with transaction(engine, writes=True) as connection:
        values = {**proof, "asked": 1, "due_at": clock(), "verdict": "not paged", "why": "filtered"}
        connection.execute(insert(PAGE_PROOFS).values(values))
    assert len(queries.snapshot(engine).unpaged) == 1
    clock.pass_(minutes=6)
    drift.reconcile(at_once=True, repair=True)
    assert queries.snapshot(engine).unpaged == ()


def closed_by_a_person(engine: Engine, incident_id: str, clock: Clock) -> None:
    about = {"id": f"alert of {incident_id}", "incident_id": incident_id, "generation": 1, "destination": DEFAULT}
    with transaction(engine, writes=True) as connection:
        connection.execute(
            insert(ALERTS).values(**about, phase=AlertPhase.CLOSED, acknowledged=True, looked_at=clock())
        )


def test_what_a_person_closed_is_no_drift_and_costs_no_request(
    drift: Reconciliation, api: FakeApi, store: Store, engine: Engine, clock: Clock
) -> None:
    told(store, clock, "1")
    told(store, clock, "2")
    closed_by_a_person(engine, "1", clock)
    api.seen = [raised("2", clock(), AlertPhase.CLOSED)]
    clock.pass_(minutes=6)
    assert drift.reconcile(at_once=True, repair=True) == []
    assert api.asked == ["alerts", "alerts of 2"]


def test_what_was_not_told_is_no_drift(drift: Reconciliation, api: FakeApi, store: Store, clock: Clock) -> None:
    tell(store, "1", NEW, at=clock())
    tell(store, "2", NEW, at=clock())
    kill(store, "2")
    tell(store, "3", NEW, at=clock())
    store.supersede(head(store, "3"), "nobody needs it")
    tell(store, "4", at=clock(), phase=Phase.UNCONFIRMED, alerted=False)
    tell(store, "betterstack-signl4-alarm-poll", NEW, at=clock(), is_alarm=True)
    deliver(store, "betterstack-signl4-alarm-poll", at=clock())
    clock.pass_(minutes=6)
    assert drift.reconcile(at_once=True, repair=True) == []
    assert api.asked == ["alerts"]


def test_a_team_of_another_account_is_left_out(
    drift: Reconciliation, api: FakeApi, store: Store, engine: Engine, clock: Clock
) -> None:
    Store(engine, Destination("night", "elsewhere")).configure([DEFAULT, "night"])
    told(store, clock, "1")
    with transaction(engine, writes=True) as connection:
        connection.execute(update(DELIVERIES).values(destination="night"))
    clock.pass_(minutes=6)
    assert (drift.reconcile(at_once=True), api.asked) == ([], ["alerts"])


# -- when -------------------------------------------------------------------------------------------------------------


def test_it_is_done_once_an_hour_also_after_a_restart_and_a_wrong_clock(
    drift: Reconciliation, api: FakeApi, engine: Engine, clock: Clock, log: KeptLog
) -> None:
    for _ in range(120):
        drift.look()
        records = DriftRecords(engine, [DEFAULT])
        Reconciliation(api, records, clock=clock, log=log, on_queued=lambda: None).look()
        clock.pass_(minutes=1)
    assert api.asked == ["alerts"] * 2
    clock.pass_(days=-1)
    drift.look()
    assert len(api.asked) == 3


def test_one_that_always_fails_is_not_begun_again_at_each_look(
    drift: Reconciliation, api: FakeApi, store: Store, clock: Clock
) -> None:
    told(store, clock, "1")
    clock.pass_(minutes=6)
    api.fails = lambda asked: Signl4ApiError("500") if asked == "alerts of 1" else None
    for _ in range(60):
        with suppress(Signl4ApiError):
            drift.look()
        clock.pass_(minutes=0.5)
    assert len(api.asked) == 3 * 2
    clock.pass_(days=-1)
    drift.look()
    assert len(api.asked) == 3 * 2 + 1


def test_a_look_asks_for_some_and_the_command_for_all(
    drift: Reconciliation, api: FakeApi, store: Store, clock: Clock
) -> None:
    for number in range(AT_ONCE + 5):
        told(store, clock, str(number))
    clock.pass_(minutes=6)
    drift.look()
    assert len(api.asked) == 1 + AT_ONCE
    assert len(drift.reconcile(at_once=True)) == AT_ONCE + 5


@pytest.mark.parametrize("what", ["alerts", "alerts of 1"])
def test_a_failure_changes_nothing(
    drift: Reconciliation, api: FakeApi, store: Store, engine: Engine, clock: Clock, what: str
) -> None:
    told(store, clock, "1")
    clock.pass_(minutes=6)
    drift.reconcile(at_once=True)
    before = queries.snapshot(engine).drift
    api.fails = lambda asked: Signl4ApiError("500") if asked == what else None
    with pytest.raises(Signl4ApiError):
        drift.reconcile(at_once=True, repair=True)
    assert queries.snapshot(engine).drift == before
    assert states(engine)["1", 1, "new"] == "delivered"


def test_what_is_recorded_is_a_list_that_anybody_can_read(
    drift: Reconciliation, store: Store, engine: Engine, clock: Clock
) -> None:
    told(store, clock, "1")
    clock.pass_(minutes=6)
    drift.look()
    with engine.connect() as connection:
        recorded = connection.execute(select(TWO_WAY.c.drift)).scalar_one()
    assert json.loads(json.dumps(recorded)) == [
        {"kind": "missing", "incident_id": "1", "generation": 1, "team": "default", "times": 1}
    ]
