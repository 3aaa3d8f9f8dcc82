"""Results that come together are recorded together, with the claims of what is sent next; much is read ahead."""

from collections.abc import Mapping
from threading import current_thread
from typing import Any

import pytest
from sqlalchemy import Engine, event

from daemon.in_flight import Attempt, Finished, InFlight
from daemon.model.delivery import Answer
from daemon.pager import Pager
from tests.support.clock import Clock
from tests.support.fakes import ACCEPTED, LONG, Flows
from tests.support.kept_log import KeptLog
from tests.support.outbox import ACKNOWLEDGED, NEW, after, change, deliver, head, tell
from tests.support.refused import accept, refuse
from tests.support.store import Store
from tests.support.values import NOW


@pytest.fixture
def flows(engine: Engine, clock: Clock, log: KeptLog, store: Store) -> Flows:
    return Flows(engine, clock, log, store, delivery={"concurrency": 1, "gap": "0s"})


def queue(flows: Flows, *incident_ids: str) -> None:
    flows.store.record([change(incident_id, NEW) for incident_id in incident_ids], NOW)


def test_a_result_and_the_next_claim_are_one_commit(flows: Flows, engine: Engine) -> None:
    queue(flows, *map(str, range(10)))
    commits: list[None] = []
    event.listen(engine, "commit", lambda connection: commits.extend([None] * _writes(connection)))
    flows.drain()
    assert len(flows.signl4.sent) == 10
    assert len(commits) == 11, "one claim, then a result with a claim each time, then a result"


def _writes(connection: Any) -> bool:
    return bool(connection.get_execution_options().get("writes"))


def test_answers_that_have_come_are_taken_at_once(store: Store) -> None:
    class Receiver:
        def send(self, _: Mapping[str, Any]) -> Answer:
            return ACCEPTED

    for incident_id in "123":
        tell(store, incident_id, NEW)
    in_flight = InFlight(Pager(Receiver()), lambda: False)
    in_flight.need(3)
    for incident_id in "123":
        in_flight.send(Attempt(head(store, incident_id), NOW, 0))
    answered = list[Finished]()
    while len(answered) < 3:
        found = in_flight.next(LONG)
        assert found
        answered += found
    assert {attempt.delivery.incident_id for attempt, *_ in answered} == set("123")
    assert in_flight.threads == 3
    in_flight.close()
    assert in_flight.threads == 0


def test_a_pass_needs_no_more_threads_than_requests_at_a_time(flows: Flows) -> None:
    queue(flows, *map(str, range(10)))
    names = set[str]()

    def answer(_: Mapping[str, Any]) -> Answer:
        names.add(current_thread().name)
        return ACCEPTED

    flows.signl4.answer = answer
    flows.drain()
    assert len(names) == 1


def test_what_was_chosen_while_a_result_could_not_be_recorded_is_chosen_anew(flows: Flows, engine: Engine) -> None:
    queue(flows, "1", "2", "3")
    older = change("0", NEW, occurred_at=NOW.replace(year=2025))

    def answer(_: Mapping[str, Any]) -> Answer:
        if len(flows.signl4.sent) == 1:
            refuse(engine, "UPDATE OF state", "deliveries")
        return ACCEPTED

    def mend() -> None:
        assert len(flows.signl4.sent) == 1, "nothing is sent meanwhile"
        accept(engine)
        flows.store.record([older], NOW)

    flows.signl4.answer, flows.while_waiting = answer, mend
    flows.drain()
    assert [incident_id for incident_id, _ in flows.signl4.told] == ["1", "0", "2", "3"]


def test_what_is_more_urgent_overtakes_what_was_read_ahead(flows: Flows) -> None:
    queue(flows, "1", "2", "3")
    older = change("0", NEW, occurred_at=NOW.replace(year=2025))

    def answer(_: Mapping[str, Any]) -> Answer:
        if len(flows.signl4.sent) == 1:
            flows.store.record([older], NOW)
            flows.deliver.wake()
        return ACCEPTED

    flows.signl4.answer = answer
    flows.drain()
    assert [incident_id for incident_id, _ in flows.signl4.told] == ["1", "0", "2", "3"]


def test_the_next_message_of_an_incident_waits_a_second_at_most_for_what_was_read_ahead(flows: Flows) -> None:
    for incident_id in "6789":
        tell(flows.store, incident_id, NEW)
        deliver(flows.store, incident_id)
        tell(flows.store, incident_id, ACKNOWLEDGED, occurred_at=after(minutes=1))
    flows.store.record([change("1", NEW, ACKNOWLEDGED)], NOW)

    def answer(_: Mapping[str, Any]) -> Answer:
        flows.clock.pass_(seconds=0.4)
        return ACCEPTED

    flows.signl4.answer = answer
    flows.drain()
    assert [incident_id for incident_id, _ in flows.signl4.told] == ["1", "6", "7", "1", "8", "9"]
