"""A `new` whose answer was lost, with a key: it is looked up, and what that shows is recorded as what it is."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from sqlalchemy import Engine, select

from daemon.decisions.payload import EXTERNAL_ID
from daemon.model.delivery import Answer, Scope, TryLater
from daemon.model.errors import Signl4ApiError
from daemon.model.signl4 import AlertPhase, SeenAlert
from daemon.storage.engine import transaction
from daemon.storage.schema import DESTINATIONS, HISTORY
from tests.support.clock import Clock
from tests.support.fakes import ACCEPTED, OUTAGE, WRONG_SECRET, FakeFinder, Flows
from tests.support.kept_log import KeptLog
from tests.support.outbox import NEW, RESOLVED, after, head, only, rows, tell
from tests.support.store import Store
from tests.support.values import NOW, ago

Answering = Callable[[Mapping[str, Any]], Answer]


@pytest.fixture
def finder() -> FakeFinder:
    return FakeFinder()


@pytest.fixture
def flows(engine: Engine, clock: Clock, log: KeptLog, store: Store, finder: FakeFinder) -> Flows:
    flows = Flows(engine, clock, log, store)
    flows.configure(finder=finder)
    return flows


def losing(flows: Flows, finder: FakeFinder, *lost: str) -> Answering:
    """SIGNL4 raises an alert for whatever it gets; of these incidents the answer is lost."""

    def answer(payload: Mapping[str, Any]) -> Answer:
        external_id = payload[EXTERNAL_ID]
        event_id = f"event-{len(finder.alerts)}"
        raised = SeenAlert(f"alert-{event_id}", external_id, AlertPhase.OPEN, event_id, created_at=flows.clock.now)
        finder.alerts.append(raised)
        return OUTAGE if external_id in lost else ACCEPTED

    return answer


def test_a_lost_answer_doubles_nothing(flows: Flows, finder: FakeFinder, engine: Engine, log: KeptLog) -> None:
    flows.signl4.answer = losing(flows, finder, "1")
    tell(flows.store, "1", NEW)
    flows.drain_for(minutes=1)
    assert flows.signl4.told == [("1", "new")]
    row = only(engine)
    assert (row.state, row.event_id, row.attempts, row.not_taken) == ("delivered", "event-0", 2, 0)
    with engine.connect() as connection:
        whys = connection.execute(select(HISTORY.c.why).order_by(HISTORY.c.id)).scalars().all()
    assert whys == ["SIGNL4 answered HTTP 503", "SIGNL4 had it already; event event-0"]
    [said] = log.named("SIGNL4 had it already")
    assert (said["incident"], said["attempt"], said["event_id"]) == ("1", 2, "event-0")


def test_what_follows_is_sent_behind_it(flows: Flows, finder: FakeFinder) -> None:
    flows.signl4.answer = losing(flows, finder, "1")
    tell(flows.store, "1", NEW, RESOLVED)
    flows.drain_for(minutes=1)
    assert flows.signl4.told[:2] == [("1", "new"), ("1", "resolved")]
    assert [told for told in flows.signl4.told if told[1] == "new"] == [("1", "new")]


def test_what_was_not_taken_is_sent_again(flows: Flows) -> None:
    answers = [OUTAGE]
    flows.signl4.answer = lambda _: answers.pop() if answers else ACCEPTED
    tell(flows.store, "1", NEW)
    flows.drain_for(minutes=1)
    assert flows.signl4.told == [("1", "new"), ("1", "new")]


def test_who_cannot_ask_sends_again(flows: Flows, finder: FakeFinder) -> None:
    finder.error = Signl4ApiError("HTTP 503")
    flows.signl4.answer = losing(flows, finder, "1")
    tell(flows.store, "1", NEW)
    flows.drain_for(seconds=3)
    assert flows.signl4.told == [("1", "new"), ("1", "new")]


def test_what_is_refused_is_never_looked_up(flows: Flows, finder: FakeFinder, engine: Engine) -> None:
    refused = TryLater("SIGNL4 answered HTTP 404", Scope.SECRET, not_taken=True)
    flows.signl4.answer = lambda _: Answer(refused, faulty=True)
    tell(flows.store, "1", NEW)
    flows.drain_for(minutes=3)
    assert finder.asked == []
    assert only(engine).not_taken == len(flows.signl4.sent) > 2


def test_a_claim_without_a_result_is_looked_up_no_earlier_than_the_gap_after_it(
    flows: Flows, finder: FakeFinder, engine: Engine
) -> None:
    """As after a crash: SIGNL4 may still be processing the event."""
    tell(flows.store, "1", NEW)
    flows.store.claim(head(flows.store, "1"), flows.clock())
    finder.alerts.append(SeenAlert("a", "1", AlertPhase.OPEN, "event-0", created_at=NOW))
    flows.configure(finder=finder)
    flows.drain()
    assert finder.asked == []
    assert flows.deliver.gap_ends_at() == after(seconds=2), "`once` waits for it"
    flows.clock.pass_(seconds=2)
    flows.drain()
    assert (finder.asked, flows.signl4.told, only(engine).state) == (["1"], [], "delivered")


def test_once_does_not_wait_for_what_failed(flows: Flows, finder: FakeFinder) -> None:
    flows.configure(finder=finder, delivery={"gap": "1m"})
    flows.signl4.answer = lambda _: OUTAGE
    tell(flows.store, "1", NEW)
    flows.drain_for(seconds=10)
    assert finder.asked == []
    assert flows.deliver.gap_ends_at() is None


def test_without_a_key_it_is_sent_at_once(flows: Flows) -> None:
    tell(flows.store, "1", NEW)
    flows.store.claim(head(flows.store, "1"), flows.clock())
    flows.configure()
    flows.drain()
    assert flows.signl4.told == [("1", "new")]


def test_what_was_found_does_not_show_that_signl4_accepts_anything(
    flows: Flows, finder: FakeFinder, engine: Engine
) -> None:
    """Its webhook answers nothing any more: those that wait for it go on waiting, and none fails by its own fault."""
    tell(flows.store, "1", NEW)
    flows.drain()
    before = _taken(engine)
    for incident_id in ("5", "6", "7", "8"):
        tell(flows.store, incident_id, NEW)
    lost = losing(flows, finder, "5", "6", "7")
    flows.signl4.answer = lambda payload: OUTAGE if payload[EXTERNAL_ID] == "8" else lost(payload)
    flows.drain_for(minutes=3)
    states = {incident_id: row.state for (incident_id, *_), row in rows(engine).items()}
    assert [states[one] for one in ("5", "6", "7", "8")] == ["delivered"] * 3 + ["pending"]
    assert not rows(engine)["8", 1, "new"].own_fault
    assert _taken(engine) == before


def _taken(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(select(DESTINATIONS.c.taken)).scalar_one())


def test_what_was_found_does_not_clear_a_refused_secret(flows: Flows, finder: FakeFinder, store: Store) -> None:
    flows.signl4.answer = losing(flows, finder, "1")
    tell(store, "1", NEW)
    flows.drain()
    flows.signl4.answer = lambda _: WRONG_SECRET
    tell(store, "2", NEW)
    flows.drain()
    since = store.destination_state().secret_refused_since
    flows.drain_for(minutes=5)
    assert [told for told in flows.signl4.told if told[0] == "1"] == [("1", "new")]
    assert {row.state for row in rows(flows.engine).values()} == {"delivered", "pending"}
    assert store.destination_state().secret_refused_since == since is not None


def test_what_was_found_keeps_the_payload_that_nobody_refused(flows: Flows, finder: FakeFinder, engine: Engine) -> None:
    """It was tried in its minimal form last; which of the two was taken is not known."""
    tell(flows.store, "1", NEW)
    full = only(engine).payload
    flows.store.claim(head(flows.store, "1"), ago(minutes=1))
    with transaction(engine, writes=True) as connection:
        connection.exec_driver_sql("UPDATE deliveries SET own_fault = true")
    finder.alerts.append(SeenAlert("a", "1", AlertPhase.OPEN, "event-0", created_at=NOW))
    flows.drain()
    row = only(engine)
    assert (row.state, row.payload, row.refused_payload) == ("delivered", full, None)


def test_the_alert_of_the_generation_before_is_known_by_its_event(
    flows: Flows, finder: FakeFinder, engine: Engine
) -> None:
    """It came back at once, so that times do not tell the two apart."""
    flows.configure(finder=finder, delivery={"gap": "0s"})
    flows.signl4.answer = losing(flows, finder)
    tell(flows.store, "1", NEW, RESOLVED)
    with transaction(engine, writes=True) as connection:
        connection.exec_driver_sql(
            "UPDATE deliveries SET event_id = 'event-0', state = 'delivered', delivered_at = due_at"
        )
    finder.alerts.append(SeenAlert("a", "1", AlertPhase.CLOSED, "event-0", created_at=NOW))
    tell(flows.store, "1", NEW, generation=2)
    flows.store.claim(head(flows.store, "1"), NOW)
    assert head(flows.store, "1").event_before == "event-0"
    flows.drain()
    assert (finder.asked, flows.signl4.told) == (["1"], [("1", "new")])
