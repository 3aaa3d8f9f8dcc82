"""Through both flows: whoever asks why nobody was told of an incident finds the reason in the listing."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from daemon.model.incident import Untold
from daemon.storage import operate
from tests.support.clock import Clock
from tests.support.fakes import OUTAGE, REFUSED, Flows
from tests.support.kept_log import KeptLog
from tests.support.store import Store
from tests.support.terminal import command
from tests.support.values import NOW, ago

OVER: dict[str, Any] = {"status": "Resolved", "resolved_at": NOW}
LONG_OVER: dict[str, Any] = {"status": "Resolved", "started_at": ago(minutes=30), "resolved_at": ago(minutes=20)}
UNCONFIRMED: dict[str, Any] = {"status": "Unconfirmed"}


@pytest.fixture
def flows(engine: Engine, clock: Clock, log: KeptLog, store: Store) -> Flows:
    return Flows(engine, clock, log, store)


def reasons(database: Path) -> dict[str, str | None]:
    """By incident, for whoever is told nothing else."""
    rows = json.loads(command(database, "incidents --json").stdout)
    assert all(row["told"] is (row["silent_because"] is None) for row in rows)
    return {row["id"]: row["silent_because"] for row in rows}


def test_at_the_first_start_what_is_over_and_what_is_a_baseline_is_silent(database: Path, flows: Flows) -> None:
    flows.configure(poll={"initial": "baseline"})
    flows.betterstack.has("1", **OVER)
    flows.betterstack.has("2")
    flows.round(sweep=True)
    assert reasons(database) == {"1": Untold.OVER_AT_FIRST_START, "2": Untold.BASELINE}


def test_what_is_not_confirmed_is_silent_until_it_is(database: Path, flows: Flows) -> None:
    flows.round(sweep=True)
    for incident_id in "12":
        flows.betterstack.has(incident_id, **UNCONFIRMED)
    flows.round(sweep=True)
    assert reasons(database) == {"1": Untold.UNCONFIRMED, "2": Untold.UNCONFIRMED}
    flows.see("1")
    flows.drain()
    flows.see("2", **OVER)
    assert reasons(database) == {"1": None, "2": Untold.ENDED_UNCONFIRMED}


def test_what_was_over_too_long_is_silent_whether_it_was_seen_late_or_signl4_was_down(
    database: Path, flows: Flows, clock: Clock
) -> None:
    flows.round(sweep=True)
    flows.betterstack.has("1", **LONG_OVER)
    flows.see("2")
    flows.see("2", **OVER)
    clock.pass_(minutes=11)
    flows.drain()
    assert flows.signl4.told == []
    assert reasons(database) == {
        "1": Untold.STALE,
        "2": "the incident was over too long before this could first be sent",
    }


def test_what_waits_is_refused_or_was_given_up_is_silent_so_far(
    database: Path, flows: Flows, engine: Engine, clock: Clock
) -> None:
    flows.round(sweep=True)
    flows.see("1")
    assert reasons(database) == {"1": "not delivered yet"}
    flows.signl4.answer = lambda _: OUTAGE
    flows.drain()
    assert reasons(database) == {"1": "not delivered yet after 1 try (SIGNL4 answered HTTP 503)"}
    flows.signl4.answer = lambda _: REFUSED
    flows.drain_for(minutes=10)
    assert reasons(database) == {"1": "refused by SIGNL4 (SIGNL4 answered HTTP 400)"}
    operate.drop(engine, [1])
    assert reasons(database) == {"1": "dropped by hand after 3 tries"}


def test_a_generation_that_alerts_after_a_silent_one_has_no_reason(database: Path, flows: Flows, clock: Clock) -> None:
    flows.configure(poll={"initial": "baseline"})
    flows.see("1")
    flows.see("1", **OVER)
    assert reasons(database) == {"1": Untold.BASELINE}
    clock.pass_(minutes=5)
    flows.see("1", resolved_at=NOW, reopened_at=NOW + timedelta(minutes=4))
    flows.drain()
    assert flows.signl4.told == [("1", "new")]
    assert reasons(database) == {"1": None}
