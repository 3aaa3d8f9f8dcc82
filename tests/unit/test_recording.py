"""What was seen becomes what is recorded."""

from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import Engine

from daemon.host.metrics import Tally
from daemon.model.event import Event
from tests.support.clock import Clock
from tests.support.fakes import Flows
from tests.support.kept_log import KeptLog
from tests.support.store import Store
from tests.support.values import ago


def test_one_look_in_the_second_round_is_not_enough(engine: Engine, clock: Clock, log: KeptLog, store: Store) -> None:
    """A replica that lags shows what is over as open again: in a list, by the record, and by the first look at it."""
    flows = Flows(engine, clock, log, store)
    flows.see("7")
    flows.see("7", status="Resolved", resolved_at=ago(minutes=1))
    behind = {"open 1": [1, 0], "lookup 7": [1, 1, 0]}
    flows.betterstack.behind = lambda request: behind[request].pop(0)
    flows.round()
    assert flows.recorded("7").doubted_at == clock()
    flows.round()
    assert behind == {"open 1": [], "lookup 7": []}
    assert flows.outbox("kind", "generation") == [("new", 1), ("resolved", 1)]
    assert flows.recorded("7").doubted_at is None


@dataclass
class Counted(KeptLog):
    """Also counts what it hears."""

    tally: Tally = field(default_factory=Tally)

    def __call__(self, event: Event) -> None:
        super().__call__(event)
        self.tally(event)


def test_how_late_an_incident_is_seen_and_told_is_measured(engine: Engine, clock: Clock, store: Store) -> None:
    log = Counted()
    flows = Flows(engine, clock, log, store)
    flows.see("7", started_at=ago(minutes=5))
    clock.now += timedelta(seconds=4)
    flows.drain()
    counts = log.tally.copy()
    assert (counts.detection.total, counts.telling["default"].total) == (300, 4)
    assert counts.attempts["default", "delivered"] == 1
