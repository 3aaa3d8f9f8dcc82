"""What people did in SIGNL4 goes to Better Stack by the same rules as alerts go to SIGNL4."""

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import Engine, insert

from daemon.betterstack_writer import ANYBODY, BY, BetterStackWriter
from daemon.deliver import Deliver
from daemon.model.delivery import Answer, Delivered, DeliveryState, Rejected, Scope, TryLater
from daemon.model.destination import BETTER_STACK, Destination
from daemon.model.incident import Kind
from daemon.outcome_log import naming
from daemon.storage.engine import transaction
from daemon.storage.schema import DELIVERIES
from tests.support.clock import Clock
from tests.support.fakes import due_list
from tests.support.kept_log import KeptLog
from tests.support.outbox import ACKNOWLEDGED, NEW, RESOLVED, deliver, tell
from tests.support.store import Store
from tests.support.values import NOW, settings

IT_IS_SO = Answer(Delivered(None))
JANE = "Jane via SIGNL4"
READ_ONLY = Answer(TryLater("Better Stack refuses to let the token write: HTTP 403", Scope.SECRET, not_taken=True))
DOWN = Answer(TryLater("Better Stack answered HTTP 503", Scope.ROW))
REFUSED = Answer(Rejected("Better Stack answered HTTP 422"))


class Writing:
    """Two incidents that were told of, and the deliveries to a Better Stack that answers as told."""

    def __init__(self, engine: Engine, clock: Clock, log: KeptLog, store: Store) -> None:
        self.engine, self.clock, self.log = engine, clock, log
        for incident_id in ("7", "8"):
            tell(store, incident_id, NEW)
            deliver(store, incident_id)
        self.store = Store(engine, Destination(BETTER_STACK, "https://uptime.example.com"))
        self.store.configure(["default", BETTER_STACK])
        self.answer: Callable[[str], Answer] = lambda _: IT_IS_SO
        self.changes: list[tuple[str, Kind, str]] = []
        self.deliver = Deliver(
            BetterStackWriter(self),
            self.store,
            due_list(self.store, settings(), clock, log),
            settings().delivery,
            clock=clock,
            rng=Random(1),
            wait=lambda _: False,
            log=naming(BETTER_STACK, log),
            team=BETTER_STACK,
        )

    def send(self, incident_id: str, kind: Kind, by: str) -> Answer:
        self.changes.append((incident_id, kind, by))
        return self.answer(by)

    def queue(self, incident_id: str, kind: Kind, payload: object = None) -> None:
        """As the flow does that looks at SIGNL4."""
        values: dict[str, Any] = {
            "incident_id": incident_id,
            "destination": BETTER_STACK,
            "generation": 1,
            "kind": kind,
            "state": DeliveryState.PENDING,
            "reason": "acknowledged in SIGNL4 by Jane",
            "external_id": incident_id,
            "payload": {BY: JANE} if payload is None else payload,
            "attempts": 0,
            **dict.fromkeys(("occurred_at", "created_at", "due_at"), NOW),
        }
        with transaction(self.engine, writes=True) as connection:
            connection.execute(insert(DELIVERIES).values(values))

    def drain_until(self, at: datetime) -> None:
        while True:
            self.deliver.drain()
            next_at = self.deliver.next_at()
            if next_at is None or next_at > at:
                return
            self.clock.now = max(next_at, self.clock.now)

    def states(self) -> list[str]:
        to_betterstack = DELIVERIES.c.destination == BETTER_STACK
        with self.engine.connect() as connection:
            found = connection.execute(DELIVERIES.select().where(to_betterstack).order_by(DELIVERIES.c.id))
            return [row.state for row in found]


@pytest.fixture
def writing(engine: Engine, clock: Clock, log: KeptLog, store: Store) -> Writing:
    return Writing(engine, clock, log, store)


def test_both_are_done_in_order_and_in_the_name_of_who_did_it(writing: Writing) -> None:
    writing.queue("7", ACKNOWLEDGED)
    writing.queue("7", RESOLVED)
    writing.drain_until(NOW + timedelta(seconds=10))
    assert writing.changes == [("7", ACKNOWLEDGED, JANE), ("7", RESOLVED, JANE)]
    assert writing.states() == ["delivered", "delivered"]


@pytest.mark.parametrize("payload", [{}, {BY: ""}, {BY: None}, {BY: 7}])
def test_what_says_no_name_is_done_by_signl4(writing: Writing, payload: object) -> None:
    writing.queue("7", ACKNOWLEDGED, payload)
    writing.drain_until(NOW)
    assert writing.changes == [("7", ACKNOWLEDGED, ANYBODY)]


def test_what_is_refused_is_tried_once_more_without_the_name(writing: Writing) -> None:
    writing.answer = lambda by: IT_IS_SO if by == ANYBODY else REFUSED
    writing.queue("7", ACKNOWLEDGED)
    writing.drain_until(NOW)
    assert [by for _, _, by in writing.changes] == [JANE, ANYBODY]
    assert writing.states() == ["delivered"]


def test_what_is_refused_twice_is_dead(writing: Writing) -> None:
    writing.answer = lambda _: REFUSED
    writing.queue("7", ACKNOWLEDGED)
    writing.drain_until(NOW + timedelta(hours=1))
    assert (len(writing.changes), writing.states()) == (2, ["dead"])


def test_with_a_token_that_may_not_write_it_rests_but_for_one_probe_a_minute(writing: Writing) -> None:
    writing.answer = lambda _: READ_ONLY
    for incident_id in ("7", "8"):
        writing.queue(incident_id, ACKNOWLEDGED)
    writing.drain_until(NOW)
    at_first = len(writing.changes)
    writing.drain_until(NOW + timedelta(minutes=10, seconds=30))
    assert len(writing.changes) == at_first + 10
    assert writing.states() == ["pending", "pending"]
    assert writing.store.destination_state().secret_refused_since is not None
    writing.answer = lambda _: IT_IS_SO
    writing.drain_until(NOW + timedelta(minutes=13))
    assert writing.states() == ["delivered", "delivered"]
    assert writing.store.destination_state().secret_refused_since is None


def test_an_outage_is_waited_for_and_its_end_is_said_of_better_stack(writing: Writing, log: KeptLog) -> None:
    writing.answer = lambda _: DOWN
    writing.queue("7", ACKNOWLEDGED)
    writing.drain_until(NOW + timedelta(minutes=2))
    assert writing.states() == ["pending"]
    writing.answer = lambda _: IT_IS_SO
    writing.drain_until(NOW + timedelta(minutes=10))
    assert writing.states() == ["delivered"]
    assert {fields["team"] for _, _, fields in log.events} == {BETTER_STACK}
    assert [name for _, name, _ in log.events][-2:] == ["Better Stack takes changes again", "delivered"]
