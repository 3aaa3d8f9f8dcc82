"""More alerts than SIGNL4 takes: its limit is spent and never walked into, and what is open and old goes first."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from threading import Lock
from typing import Any

import pytest
from sqlalchemy import Engine

from daemon.model.delivery import Answer, RateLimit, Scope, TryLater
from daemon.sandbox.throttle import Throttle
from tests.support.clock import Clock
from tests.support.fakes import ACCEPTED, Flows
from tests.support.kept_log import KeptLog
from tests.support.store import Store
from tests.support.values import ago

WINDOW = timedelta(seconds=15)


@pytest.fixture
def flows(engine: Engine, clock: Clock, log: KeptLog, store: Store) -> Flows:
    return Flows(engine, clock, log, store)


def throttled(flows: Flows, limit: int) -> list[Answer]:
    """SIGNL4 with its limit; the blocked answers are noted."""
    throttle, blocked, one_by_one = Throttle(limit, WINDOW), list[Answer](), Lock()

    def answer(_: Mapping[str, Any]) -> Answer:
        with one_by_one:
            # Which answer was given first shows in their times, as no two events happen at one moment.
            flows.clock.pass_(microseconds=1)
            now = flows.clock()
            said = throttle.spend(now)
        rate_limit = RateLimit(said.limit, said.remaining, said.reset - now)
        if said.granted:
            return replace(ACCEPTED, rate_limit=rate_limit)
        blocked.append(Answer(TryLater("SIGNL4 answered HTTP 429", Scope.DESTINATION), said.reset - now))
        return blocked[-1]

    flows.signl4.answer = answer
    return blocked


def open_many(flows: Flows, count: int) -> list[str]:
    """So many open incidents, the oldest with the highest id; their ids, oldest first."""
    ids = [str(1000 + number) for number in range(count)]
    for number, incident_id in enumerate(ids):
        flows.betterstack.has(incident_id, started_at=ago(minutes=number))
    flows.round()
    return ids[::-1]


@pytest.mark.parametrize(("limit", "count"), [(10, 45), (40, 200), (150, 400)])
def test_nothing_is_lost_nothing_is_blocked_and_what_is_allowed_is_spent(flows: Flows, limit: int, count: int) -> None:
    blocked = throttled(flows, limit)
    ids = open_many(flows, count)
    began = flows.clock()
    while {state for (state,) in flows.outbox("state")} != {"delivered"}:
        flows.drain_for(seconds=5)
        assert flows.clock() - began < (count / limit + 2) * WINDOW, "slower than SIGNL4 allows"
    assert blocked == []
    assert sorted(told for told, _ in flows.signl4.told) == sorted(ids)


def test_alerts_go_oldest_first(flows: Flows) -> None:
    flows.configure(delivery={"concurrency": 1})
    throttled(flows, 10)
    ids = open_many(flows, 45)
    flows.drain_for(minutes=2)
    assert [told for told, _ in flows.signl4.told] == ids


def test_what_is_open_goes_before_what_is_over(flows: Flows) -> None:
    flows.configure(delivery={"concurrency": 1})
    throttled(flows, 10)
    ids = open_many(flows, 40)
    for incident_id in ids[:20]:
        flows.betterstack.has(incident_id, status="Resolved", resolved_at=flows.clock())
    flows.round(sweep=True)
    flows.drain_for(minutes=3)
    told = flows.signl4.told
    assert [incident_id for incident_id, _ in told[:20]] == ids[20:]
    assert sorted(told) == sorted([*((one, "new") for one in ids), *((one, "resolved") for one in ids[:20])])


def test_a_restart_remembers_what_was_sent_and_what_is_allowed(flows: Flows) -> None:
    blocked = throttled(flows, 40)
    open_many(flows, 120)
    for _ in range(8):
        flows.drain_for(seconds=6)
        flows.configure()
    assert blocked == []
    assert {state for (state,) in flows.outbox("state")} == {"delivered"}
