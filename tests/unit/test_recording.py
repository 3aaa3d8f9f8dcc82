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


def test_a_doubt_about_an_earlier_state_proves_nothing_of_a_later_one(
    engine: Engine, clock: Clock, log: KeptLog, store: Store
) -> None:
    """Its record lags for two rounds; meanwhile a list shows that it is over."""
    flows = Flows(engine, clock, log, store)
    flows.see("7")
    flows.see("7", status="Acknowledged", acknowledged_at=ago(minutes=2))
    flows.betterstack.hidden.add("7")
    flows.betterstack.behind = lambda request: 1 if request == "lookup 7" else 0
    flows.round()
    assert flows.recorded("7").doubted_at == clock()
    flows.betterstack.hidden.clear()
    flows.betterstack.has("7", status="Resolved", acknowledged_at=ago(minutes=2), resolved_at=ago(minutes=1))
    flows.betterstack.behind = lambda request: 2 if request == "lookup 7" else 0
    flows.round(sweep=True)
    assert flows.outbox("kind", "generation") == [("new", 1), ("acknowledged", 1), ("resolved", 1)]
    assert flows.recorded("7").doubted_at is None
    assert len(flows.betterstack.asked_for("lookup")) == 1, "the list has settled it"


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
