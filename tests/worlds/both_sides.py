"""Both services at the seams of all three flows: people act on either side, and messages get through or get lost."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine

from daemon.model.delivery import Answer, Delivered, Delivery, Disposition, Result, Scope, TryLater
from daemon.model.incident import Kind, Phase
from daemon.model.signl4 import NOBODY, AlertPhase, SeenAlert
from tests.support.alerts import JANE
from tests.support.clock import Clock
from tests.support.fakes import Flows
from tests.support.kept_log import KeptLog
from tests.support.outbox import DELIVERED, PENDING, WIDE_OPEN
from tests.support.store import Store
from tests.support.two_way import Looks

Act = tuple[str, int, Kind]
"""Incident, generation and kind."""
WHO = {"nobody": (), "SIGNL4": (NOBODY,), "a person": (JANE,)}
"""Whom SIGNL4 may show for what a message of ours did."""


@dataclass
class Raised:
    """An alert at SIGNL4, and which message raised it."""

    seen: SeenAlert
    generation: int


class BothSides:
    """One database, three flows, two services. Deliveries are sent here, one at a time."""

    def __init__(self, engine: Engine) -> None:
        self.clock, log = Clock(), KeptLog()
        self.store = Store(engine)
        self.flows = Flows(engine, self.clock, log, self.store)
        self.looks = Looks(engine, self.clock, log)
        self.raised: list[Raised] = []
        self.acts = set[Act]()
        """What people did at SIGNL4."""
        self.written: list[Act] = []
        """What was sent to Better Stack, in this order."""
        self.shown_as = "nobody"
        self._count = 0

    # -- Better Stack -------------------------------------------------------------------------------------------------

    def is_at_better_stack(self, incident_id: str, status: str, **times: Any) -> None:
        """From now on its record says so."""
        self._pass()
        self.flows.betterstack.has(incident_id, status=status, **times)

    def phase(self, incident_id: str) -> Phase:
        """The truth."""
        return self.flows.betterstack.incidents[incident_id].phase

    def write(self, delivery: Delivery) -> None:
        """A request to Better Stack; 409, if it is so already, is a success."""
        self.written.append((delivery.incident_id, delivery.generation, delivery.kind))
        phase, found = self.phase(delivery.incident_id), self.flows.betterstack.incidents[delivery.incident_id]
        reopened_at = found.reopened_at
        if delivery.kind is Kind.ACKNOWLEDGED and phase is Phase.OPEN:
            self.is_at_better_stack(
                delivery.incident_id, "Acknowledged", acknowledged_at=self.clock(), reopened_at=reopened_at
            )
        if delivery.kind is Kind.RESOLVED and phase is not Phase.RESOLVED:
            self.is_at_better_stack(delivery.incident_id, "Resolved", resolved_at=self.clock(), reopened_at=reopened_at)

    # -- SIGNL4 -------------------------------------------------------------------------------------------------------

    def take(self, delivery: Delivery) -> str | None:
        """A message reaches SIGNL4; the id of its event."""
        self._pass()
        if delivery.kind is Kind.NEW:
            self._count += 1
            event = f"event {self._count}"
            seen = SeenAlert(f"alert {self._count}", delivery.external_id, AlertPhase.OPEN, event, None, self.clock())
            self._show(len(self.raised), Raised(seen, delivery.generation))
            return event
        for number, one in enumerate(self.raised):
            if one.seen.external_id == delivery.external_id and one.seen.phase is not AlertPhase.CLOSED:
                self._change(number, delivery.kind, WHO[self.shown_as])
        return None

    def act(self, number: int, kind: Kind) -> None:
        """A person does that to an alert; whoever closes one has taken notice of it."""
        one = self.raised[number]
        if one.seen.phase is AlertPhase.CLOSED or (one.seen.is_acknowledged and kind is Kind.ACKNOWLEDGED):
            return
        self._pass()
        for done in {kind, Kind.ACKNOWLEDGED}:
            self.acts.add((one.seen.external_id, one.generation, done))
        self._change(number, kind, (JANE,))

    def close_by_itself(self, number: int) -> None:
        """SIGNL4 closes an alert, after hours or by a rule."""
        self._pass()
        if self.raised[number].seen.phase is not AlertPhase.CLOSED:
            self._change(number, Kind.RESOLVED, (NOBODY,))

    def _change(self, number: int, kind: Kind, who: tuple[str, ...]) -> None:
        one = self.raised[number]
        if kind is Kind.ACKNOWLEDGED:
            if one.seen.is_acknowledged:
                return
            seen = replace(one.seen, phase=AlertPhase.ACKNOWLEDGED, acknowledged_at=self.clock(), acknowledged_by=who)
        else:
            closed_by = who[0] if who else None
            seen = replace(one.seen, phase=AlertPhase.CLOSED, closed_at=self.clock(), closed_by=closed_by)
        self._show(number, replace(one, seen=seen))

    def _show(self, number: int, one: Raised) -> None:
        self.raised[number:] = [one, *self.raised[number + 1 :]]
        self.looks.signl4.has(one.seen)

    # -- deliveries ---------------------------------------------------------------------------------------------------

    def deliver(self, store: Store, *, lost: bool = False, killed: bool = False) -> bool:
        """Sends what is due first. Whether anything was. `lost`: the answer is; `killed`: nothing of it is recorded."""
        due = store.due(WIDE_OPEN, (), 1, self.clock() + timedelta(days=1))
        if not due:
            return False
        (delivery,) = due
        assert store.claim(delivery, self.clock())
        to_better_stack = store is self.looks.betterstack
        event = None
        if to_better_stack:
            self.write(delivery)
        else:
            event = self.take(delivery)
        if killed:
            return True
        state = PENDING if lost else DELIVERED
        answer = Answer(TryLater("the answer was lost", Scope.ITEM) if lost else Delivered(event))
        disposition, (known, limit, _) = Disposition(state, self.clock()), store.look()
        store.settle_and_claim([Result(delivery, answer, disposition, self.clock())], [], known, limit, self.clock())
        return True

    def settle_down(self) -> None:
        """Nobody does anything any more: all flows run until nothing is left to do."""
        for _ in range(12):
            before = len(self.written), len(self.looks.rows()), self.flows.outbox("id")
            self.flows.round(sweep=True)
            self._pass(61)
            self.looks.look()
            moved = [self.deliver(store) for store in (self.store, self.looks.betterstack) for _ in range(4)]
            if not any(moved) and before == (len(self.written), len(self.looks.rows()), self.flows.outbox("id")):
                return
        raise AssertionError("it never comes to rest: an echo goes round")

    def _pass(self, seconds: float = 10) -> None:
        self.clock.pass_(seconds=seconds)
