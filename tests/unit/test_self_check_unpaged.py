"""What paged nobody: one alarm of the program's own, closed when no such incident is open, and heartbeats go on."""

import pytest
from sqlalchemy import Engine

from daemon.model.destination import DEFAULT
from daemon.model.signl4 import EventStatus
from daemon.page_proof import PageProof
from daemon.storage import queries
from daemon.storage.page_proofs import PageProofs
from tests.support.clock import Clock
from tests.support.duty import Duty
from tests.support.fakes import Flows
from tests.support.kept_log import KeptLog
from tests.support.rest import FakeApi
from tests.support.store import Store

TITLE = (
    "betterstack-signl4 on watch.example.com: Nobody was paged for incident 7: no distribution rule of SIGNL4 applies "
    "to it; add one that does"
)


@pytest.fixture
def flows(engine: Engine, clock: Clock, log: KeptLog, store: Store) -> Flows:
    return Flows(engine, clock, log, store)


@pytest.fixture
def duty(flows: Flows) -> Duty:
    return Duty(flows, heartbeat={"urls": ["https://watch.example.com/beat"], "interval": "1m"})


@pytest.fixture
def proof(flows: Flows) -> PageProof:
    """SIGNL4 pages nobody, whatever it is sent."""
    api = FakeApi()
    api.became("event", EventStatus.NO_RULE)
    return PageProof(api, PageProofs(flows.engine, [DEFAULT]), clock=flows.clock, log=flows.log)


def run(duty: Duty, proof: PageProof, minutes: int) -> None:
    for _ in range(minutes):
        duty.minutes(1)
        proof.look()


def test_it_is_told_once_and_closed_when_the_incident_is_over(duty: Duty, flows: Flows, proof: PageProof) -> None:
    flows.see("7")
    run(duty, proof, 30)
    assert duty.alarms() == [("unpaged", "new")]
    assert duty.alarm_titles() == [TITLE]
    flows.see("7", status="Resolved", resolved_at=flows.clock())
    run(duty, proof, 2)
    assert duty.alarms() == [("unpaged", "new"), ("unpaged", "resolved")]
    assert queries.snapshot(flows.engine).unpaged == ()


def test_the_alarm_that_pages_nobody_either_is_a_problem_and_no_second_alarm(
    duty: Duty, flows: Flows, proof: PageProof
) -> None:
    flows.see("7")
    run(duty, proof, 5)
    unpaged = queries.snapshot(flows.engine).unpaged
    assert [(one.incident_id, one.is_alarm) for one in unpaged] == [
        ("7", False),
        ("betterstack-signl4-alarm-unpaged", True),
    ]
    run(duty, proof, 30)
    assert duty.alarms() == [("unpaged", "new")]


def test_heartbeats_go_on(duty: Duty, flows: Flows, proof: PageProof) -> None:
    flows.see("7")
    run(duty, proof, 5)
    before = duty.watchers.beats
    run(duty, proof, 10)
    assert duty.watchers.beats - before >= 9


def test_what_is_wrong_beside_it_stops_them(duty: Duty, flows: Flows, proof: PageProof) -> None:
    flows.see("7")
    run(duty, proof, 5)
    flows.betterstack.refuses("open")
    run(duty, proof, 10)
    before = duty.watchers.beats
    run(duty, proof, 10)
    assert duty.watchers.beats == before
