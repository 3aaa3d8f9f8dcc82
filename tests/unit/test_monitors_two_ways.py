"""With an API key: what people do in SIGNL4 to an alert about a monitor is written back nowhere."""

import pytest
from sqlalchemy import Engine

from daemon.decisions import reach
from daemon.drift import Reconciliation
from daemon.model.destination import DEFAULT
from daemon.model.drift import DriftKind
from daemon.model.signl4 import AlertPhase, EventStatus
from daemon.page_proof import PageProof
from daemon.storage import queries
from daemon.storage.alerts import Alerts
from daemon.storage.drift import DriftRecords
from daemon.storage.page_proofs import PageProofs
from tests.support.alerts import acknowledged, closed
from tests.support.clock import Clock
from tests.support.kept_log import KeptLog
from tests.support.outbox import NEW, RESOLVED, deliver, tell
from tests.support.rest import FakeApi, seen_alert
from tests.support.store import Store
from tests.support.two_way import Looks
from tests.support.watching import PAUSED

ABOUT = {"is_alarm": True, "monitor": "monitor 77"}
"""An alert about monitor 77, and no alarm of the program."""


@pytest.fixture
def told(store: Store, clock: Clock) -> Store:
    """SIGNL4 took an alert about a monitor, and one of an incident."""
    for incident_id in (PAUSED, "1"):
        tell(store, incident_id, NEW, at=clock(), **(ABOUT if incident_id == PAUSED else {}))
        deliver(store, incident_id, at=clock(), event_id=f"event {incident_id}")
    return store


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


@pytest.fixture
def drift(api: FakeApi, engine: Engine, clock: Clock, log: KeptLog) -> Reconciliation:
    return Reconciliation(api, DriftRecords(engine, [DEFAULT]), clock=clock, log=log, on_queued=lambda: None)


@pytest.mark.parametrize("done", [acknowledged, closed])
def test_what_a_person_does_is_written_back_of_the_incident_alone(
    told: Store, engine: Engine, clock: Clock, log: KeptLog, done: type
) -> None:
    assert [one.incident_id for one in Alerts(engine, [DEFAULT]).watched()] == ["1"]
    looks = Looks(engine, clock, log)
    waiting = looks.look(done(PAUSED, event_id=f"event {PAUSED}"), done("1", event_id="event 1"))
    assert {incident_id for incident_id, _ in waiting} == {"1"}
    assert all(PAUSED not in str(entry) for entry in looks.history())


def test_one_that_a_person_closed_while_its_cause_lasts_is_no_drift(
    told: Store, drift: Reconciliation, api: FakeApi, clock: Clock
) -> None:
    api.seen = [
        seen_alert(PAUSED, AlertPhase.CLOSED, event_id=f"event {PAUSED}", created_at=clock()),
        seen_alert("1", event_id="event 1", created_at=clock()),
    ]
    clock.pass_(hours=1)
    assert drift.reconcile() == []


def test_the_end_of_one_whose_alert_is_still_open_is_sent_again(
    told: Store, drift: Reconciliation, api: FakeApi, clock: Clock
) -> None:
    tell(told, PAUSED, RESOLVED, at=clock(), **ABOUT)
    deliver(told, PAUSED, at=clock(), event_id="its end")
    api.seen = [seen_alert(one, event_id=f"event {one}", created_at=clock()) for one in (PAUSED, "1")]
    clock.pass_(minutes=6)
    [found] = drift.reconcile()
    assert (found.drift.kind, found.drift.incident_id, found.mended) == (DriftKind.LEFT_OPEN, PAUSED, True)


def test_one_that_paged_nobody_is_a_problem_by_its_name(
    told: Store, api: FakeApi, engine: Engine, clock: Clock, log: KeptLog
) -> None:
    api.became(f"event {PAUSED}", EventStatus.FILTERED)
    api.became("event 1")
    clock.pass_(minutes=1)
    PageProof(api, PageProofs(engine, [DEFAULT]), clock=clock, log=log).look()
    snapshot = queries.snapshot(engine)
    [problem] = reach.problems(snapshot, None, clock())
    assert problem.startswith(f"nobody was paged for the alert {PAUSED}: ")
    said = reach.unpaged_sentence(snapshot)
    assert said is not None
    assert said.startswith(f"Nobody was paged for the alert {PAUSED}: ")
    tell(told, PAUSED, RESOLVED, at=clock(), **ABOUT)
    assert queries.snapshot(engine).unpaged == ()
