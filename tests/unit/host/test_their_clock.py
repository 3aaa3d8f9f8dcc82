"""How long something has been over is judged by Better Stack's own clock, whatever this machine's says."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from daemon.host.clock import SteadyClock, TheirClock
from daemon.storage import queries
from tests.support.clock import Clock
from tests.support.fakes import Flows
from tests.support.kept_log import KeptLog
from tests.support.store import Store
from tests.support.values import NOW


class Apart(Flows):
    """The clock of this machine is off, Better Stack's is right."""

    def __init__(self, engine: Engine, clock: Clock, log: KeptLog, store: Store, off: timedelta) -> None:
        self.off = off
        super().__init__(engine, clock, log, store)

    def configure(self, *args: Any, **sections: Any) -> None:
        super().configure(*args, **sections)
        for each in (self.poll, self.poll._recording, self.poll._deletions, self.deliver._due):
            each._their_clock = lambda: self.clock.now - self.off


OFF = [timedelta(0), timedelta(minutes=15), timedelta(minutes=-15), timedelta(days=40), timedelta(days=-40)]


@pytest.fixture(params=OFF, ids=str)
def flows(request: pytest.FixtureRequest, engine: Engine, clock: Clock, log: KeptLog, store: Store) -> Flows:
    clock.now = NOW + request.param
    flows = Apart(engine, clock, log, store, request.param)
    flows.round(sweep=True)
    return flows


def test_what_is_over_for_a_second_alerts_and_what_is_over_for_long_does_not(flows: Flows) -> None:
    flows.betterstack.has("7", status="Resolved", resolved_at=NOW - timedelta(seconds=1))
    flows.betterstack.has("8", status="Resolved", resolved_at=NOW - timedelta(minutes=11))
    flows.round(sweep=True)
    assert flows.outbox() == [("7", "new"), ("7", "resolved")]


def test_an_alert_that_waited_is_superseded_by_how_long_it_was_over_there(flows: Flows) -> None:
    flows.betterstack.has("7", started_at=NOW)
    flows.round()
    flows.clock.pass_(seconds=60)
    flows.betterstack.has("7", started_at=NOW, status="Resolved", resolved_at=NOW + timedelta(seconds=50))
    flows.round()
    flows.clock.pass_(minutes=9)
    flows.drain_for(seconds=10)
    assert flows.signl4.told == [("7", "new"), ("7", "resolved")]
    flows.betterstack.has("8", started_at=NOW)
    flows.round()
    flows.betterstack.has("8", started_at=NOW, status="Resolved", resolved_at=NOW + timedelta(minutes=10))
    flows.round()
    flows.clock.pass_(minutes=11)
    flows.drain_for(seconds=10)
    assert len(flows.signl4.told) == 2


def test_a_deletion_is_over_since_their_now(flows: Flows) -> None:
    flows.see("7")
    flows.betterstack.had("7")
    for _ in range(2):
        flows.round()
        flows.clock.pass_(minutes=2)
    flows.drain_for(seconds=10)
    assert flows.signl4.told == [("7", "new"), ("7", "resolved")]


def test_another_time_than_was_known_takes_two_answers_in_a_row() -> None:
    ours = SteadyClock()
    theirs = TheirClock(ours)

    def heard(*minutes: float) -> float:
        for ahead in minutes:
            theirs.is_ahead(timedelta(minutes=ahead))
        return round((theirs() - ours()) / timedelta(minutes=1), 1)

    assert heard(15) == 15, "the first one that was ever heard"
    assert heard(-99) == 15, "a portal's perhaps"
    assert heard(15) == 15
    assert heard(-99, 15, 600, -99) == 15
    assert heard(-99) == -99
    assert heard(-98.5) == -98.5
    assert heard(-97.4) == -98.5


def test_how_far_it_is_ahead_is_kept_for_the_next_start(flows: Flows) -> None:
    assert queries.snapshot(flows.engine).ahead == -flows.off  # type: ignore[attr-defined]


def test_their_clock_is_ours_until_an_answer_says_otherwise() -> None:
    ours = SteadyClock()
    theirs = TheirClock(ours)
    assert abs(theirs() - ours()) < timedelta(seconds=5)
    theirs.is_ahead(timedelta(hours=3))
    assert abs(theirs() - ours() - timedelta(hours=3)) < timedelta(seconds=5)
    assert abs(TheirClock(ours, timedelta(hours=-2))() - ours() + timedelta(hours=2)) < timedelta(seconds=5)
