"""What a host sends while another one may have taken over: nothing; and it loses nothing by that."""

import pytest
from sqlalchemy import Engine

from tests.support.clock import Clock
from tests.support.fakes import Flows
from tests.support.kept_log import KeptLog
from tests.support.store import Store


@pytest.fixture
def flows(engine: Engine, clock: Clock, log: KeptLog, store: Store) -> Flows:
    flows = Flows(engine, clock, log, store)
    flows.round(sweep=True)
    return flows


def test_nothing_is_sent_nor_claimed_without_trust(flows: Flows) -> None:
    flows.see("7", "8")
    flows.trusted = False
    flows.drain()
    assert flows.signl4.sent == []
    assert flows.outbox("attempts", "state") == [(0, "pending"), (0, "pending")]
    flows.trusted = True
    flows.drain()
    assert {incident for incident, _ in flows.signl4.told} == {"7", "8"}


def test_what_is_in_flight_when_trust_ends_is_recorded_and_nothing_follows_it(flows: Flows) -> None:
    flows.configure(delivery={"concurrency": 1})
    flows.see("7", "8")
    flows.signl4.hold("7", "8")
    with flows.draining():
        flows.signl4.wait_for(lambda: len(flows.signl4.sent) == 1)
        flows.trusted = False
    assert len(flows.signl4.sent) == 1
    assert sorted(flows.outbox("state")) == [("delivered",), ("pending",)]
    flows.trusted = True
    flows.drain()
    assert len(flows.signl4.sent) == 2
