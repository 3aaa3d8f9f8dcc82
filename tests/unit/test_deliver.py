"""The due deliveries: in which order they go, and what comes of them."""

import pytest
from sqlalchemy import Engine

from daemon.model.delivery import Answer, Delivered
from tests.support.clock import Clock
from tests.support.fakes import ACCEPTED, OUTAGE, REFUSED, Flows
from tests.support.kept_log import KeptLog
from tests.support.store import Store
from tests.support.values import NOW, ago

NEW, ACK, OVER = "new", "acknowledged", "resolved"
ENDED = {"status": "Resolved", "resolved_at": NOW}
LOOKED_AFTER = {"status": "Acknowledged", "acknowledged_at": NOW}


@pytest.fixture
def flows(engine: Engine, clock: Clock, log: KeptLog, store: Store) -> Flows:
    flows = Flows(engine, clock, log, store)
    flows.round(sweep=True)
    return flows


def test_what_is_due_is_sent_and_noted_with_its_event_id(flows: Flows) -> None:
    flows.see("7")
    flows.signl4.answer = lambda _: Answer(Delivered("event 1"))
    flows.drain()
    assert flows.outbox("state", "attempts", "event_id", "delivered_at") == [("delivered", 1, "event 1", NOW)]


def test_promise_3_new_then_acknowledged_then_resolved_each_after_the_one_before(flows: Flows) -> None:
    flows.see("7", **LOOKED_AFTER)
    flows.drain()
    flows.see("7", **{**LOOKED_AFTER, **ENDED})
    assert flows.signl4.told == [("7", NEW)]
    flows.drain_for(minutes=1)
    assert flows.signl4.told == [("7", NEW), ("7", OVER)]
    assert flows.outbox("kind", "state") == [(NEW, "delivered"), (ACK, "superseded"), (OVER, "delivered")]


def test_promise_3_nothing_overtakes_what_is_not_settled(flows: Flows) -> None:
    flows.see("7", **LOOKED_AFTER)
    flows.see("7", **ENDED)
    flows.see("7", reopened_at=NOW)
    answers: list[Answer] = [OUTAGE, OUTAGE, ACCEPTED, OUTAGE, ACCEPTED, OUTAGE, ACCEPTED]
    flows.signl4.answer = lambda _: answers.pop(0)
    flows.drain_for(hours=1)
    assert flows.signl4.told == [("7", NEW)] * 3 + [("7", OVER)] * 2 + [("7", NEW)] * 2


def test_paused_it_sends_nothing_until_it_is_resumed(flows: Flows) -> None:
    flows.see("7", **LOOKED_AFTER)
    flows.deliver.pause()
    flows.deliver.drain()
    assert flows.signl4.told == []
    flows.deliver.resume()
    flows.deliver.drain()
    assert flows.signl4.told == [("7", NEW)]


def test_promise_3_incidents_do_not_wait_for_each_other(flows: Flows) -> None:
    flows.see("7", "8", "9")
    flows.signl4.answer = lambda payload: OUTAGE if payload["X-S4-ExternalID"] == "8" else ACCEPTED
    flows.see("7", "8", "9", **LOOKED_AFTER)
    flows.drain_for(minutes=10)
    assert sorted(flows.outbox("incident_id", "kind", "state")) == [
        ("7", ACK, "delivered"),
        ("7", NEW, "delivered"),
        ("8", ACK, "pending"),
        ("8", NEW, "pending"),
        ("9", ACK, "delivered"),
        ("9", NEW, "delivered"),
    ]


def test_between_two_accepted_deliveries_of_one_incident_there_is_a_gap(flows: Flows) -> None:
    flows.see("7", "8", **LOOKED_AFTER)
    flows.drain_for(minutes=1)
    assert flows.signl4.times == [0, 0, 2, 2]


def test_the_gap_holds_for_a_transition_that_is_seen_after_the_delivery(flows: Flows) -> None:
    flows.see("7")
    flows.drain()
    flows.clock.pass_(seconds=0.5)
    flows.see("7", **ENDED)
    flows.drain_for(minutes=1)
    assert flows.signl4.times == [0, 2]


def test_the_gap_is_counted_from_the_answer_and_not_from_the_request(flows: Flows) -> None:
    flows.see("7", **LOOKED_AFTER)

    def slowly(_: object) -> Answer:
        flows.clock.pass_(seconds=10)
        return ACCEPTED

    flows.signl4.answer = slowly
    flows.drain_for(minutes=1)
    assert flows.signl4.times == [0, 12]


def test_promise_2_an_outage_never_ends_a_delivery_and_is_asked_ever_less_often(flows: Flows) -> None:
    flows.see("7")
    flows.signl4.answer = lambda _: OUTAGE
    flows.drain_for(hours=2)
    assert flows.outbox("state") == [("pending",)]
    waits = [later - sooner for sooner, later in zip(flows.signl4.times, flows.signl4.times[1:], strict=False)]
    assert 2 <= waits[0] <= 4
    assert all(150 <= wait <= 300 for wait in waits[10:])
    flows.signl4.answer = lambda _: ACCEPTED
    flows.drain_for(minutes=5)
    assert flows.outbox("state") == [("delivered",)]


def test_a_payload_refused_twice_is_dead_the_second_time_in_its_minimal_form(flows: Flows, log: KeptLog) -> None:
    flows.see("7")
    flows.signl4.answer = lambda _: REFUSED
    flows.drain_for(hours=1)
    [full, least] = flows.signl4.sent
    assert full["Title"] == "Shop front page"
    assert least == {
        "Title": "Better Stack incident 7",
        "X-S4-ExternalID": "7",
        "X-S4-SourceSystem": "Better Stack",
        "X-S4-Status": "new",
    }
    assert flows.outbox("state", "attempts", "last_error", "refused_payload") == [
        ("dead", 2, "SIGNL4 answered HTTP 400", full)
    ]
    assert flows.deliver.deaths == 1
    assert len(log.named("delivery dead")) == 1


def test_a_minimal_payload_that_is_taken_is_delivered(flows: Flows) -> None:
    flows.see("7")
    flows.signl4.answer = lambda payload: REFUSED if "Cause" in payload else ACCEPTED
    flows.drain()
    assert flows.outbox("state", "attempts") == [("delivered", 2)]


def test_an_outage_between_two_refusals_neither_forgives_nor_condemns(flows: Flows) -> None:
    flows.see("7")
    answers = [OUTAGE, REFUSED, OUTAGE, OUTAGE, REFUSED]
    flows.signl4.answer = lambda _: answers.pop(0)
    flows.drain_for(hours=1)
    assert flows.outbox("state", "attempts") == [("dead", 5)]


def test_after_a_dead_new_its_resolved_is_sent_all_the_same(flows: Flows) -> None:
    flows.see("7")
    flows.signl4.answer = lambda payload: REFUSED if payload["X-S4-Status"] == NEW else ACCEPTED
    flows.drain_for(minutes=1)
    flows.see("7", **ENDED)
    flows.drain_for(minutes=1)
    assert flows.outbox("kind", "state") == [(NEW, "dead"), (OVER, "delivered")]


@pytest.mark.parametrize(
    ("attempt", "over_for", "told"),
    [
        pytest.param(False, 9, [NEW, OVER], id="recent: new, then resolved"),
        pytest.param(False, 10, [], id="stale and never attempted: nobody is woken"),
        pytest.param(True, 10, [NEW, NEW, OVER], id="stale but attempted: somebody may have been woken"),
    ],
)
def test_promise_7_what_is_over_too_long_is_superseded_only_if_it_was_never_attempted(
    flows: Flows, attempt: bool, over_for: int, told: list[str]
) -> None:
    flows.see("7")
    if attempt:
        flows.signl4.answer = lambda _: OUTAGE
        flows.drain()
        flows.signl4.answer = lambda _: ACCEPTED
    flows.see("7", **ENDED)
    flows.clock.pass_(minutes=over_for)
    flows.drain_for(seconds=30)
    assert [kind for _, kind in flows.signl4.told] == told
    assert {state for (state,) in flows.outbox("state")} == {"delivered" if told else "superseded"}


def test_promise_7_superseding_a_stale_generation_spares_the_next_one(flows: Flows) -> None:
    flows.see("7", "8")
    flows.see("7", "8", **ENDED)
    flows.see("7", resolved_at=NOW, reopened_at=NOW)
    flows.clock.pass_(minutes=11)
    flows.drain_for(minutes=1)
    assert flows.signl4.told == [("7", NEW)]
    assert flows.outbox("generation", "state")[-1] == (2, "delivered")


def test_promise_7_an_acknowledged_never_attempted_is_superseded_by_the_end_and_an_attempted_one_is_not(
    flows: Flows,
) -> None:
    flows.see("7", "8", **LOOKED_AFTER)
    flows.drain()
    flows.clock.pass_(seconds=2)
    flows.signl4.answer = lambda _: OUTAGE
    flows.signl4.hold("8")
    flows.configure(delivery={"concurrency": 1})
    with flows.draining():
        flows.signl4.wait_for(lambda: len(flows.signl4.sent) == 3)
        flows.see("7", "8", **ENDED)
    flows.signl4.answer = lambda _: ACCEPTED
    flows.drain_for(minutes=1)
    states = {(incident_id, kind): state for incident_id, kind, state in flows.outbox("incident_id", "kind", "state")}
    attempted = flows.signl4.told[2][0]
    assert states[attempted, ACK] == "delivered"
    assert states["7" if attempted == "8" else "8", ACK] == "superseded"


def test_promise_7_alerts_for_incidents_that_are_still_open_go_first(flows: Flows) -> None:
    flows.configure(delivery={"concurrency": 1})
    flows.see("1", "2", **LOOKED_AFTER)
    flows.drain()
    flows.see("3", "4", started_at=ago(minutes=1))
    flows.see("3", "4", **ENDED)
    flows.see("5", "6")
    flows.clock.pass_(seconds=10)
    flows.drain()
    assert {incident_id for incident_id, _ in flows.signl4.told[2:4]} == {"5", "6"}
    assert len(flows.signl4.told) == 8
