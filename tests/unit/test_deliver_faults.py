"""A pass while something is wrong: requests that hang, a stop, a database that cannot be written, rubbish in a row."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from daemon import due_list
from daemon.model.delivery import Answer
from daemon.model.errors import DatabaseBusyError
from daemon.storage.engine import transaction
from tests.support.clock import Clock
from tests.support.fakes import ACCEPTED, OUTAGE, REFUSED, WRONG_SECRET, Flows, too_many
from tests.support.kept_log import KeptLog
from tests.support.refused import accept, refused
from tests.support.store import Store

NEW = "new"


@pytest.fixture
def flows(engine: Engine, clock: Clock, log: KeptLog, store: Store) -> Flows:
    flows = Flows(engine, clock, log, store)
    flows.round(sweep=True)
    return flows


def test_a_new_delivery_goes_out_at_once_while_others_hang(flows: Flows) -> None:
    flows.see("7", "8")
    flows.signl4.hold("7", "8")
    with flows.draining():
        flows.signl4.wait_for(lambda: len(flows.signl4.sent) == 2)
        flows.see("9")
        flows.deliver.wake()
        flows.signl4.wait_for(lambda: ("9", NEW) in flows.signl4.told)
        assert flows.outbox("incident_id", "state") != []
    assert {state for (state,) in flows.outbox("state")} == {"delivered"}


def test_no_more_requests_are_in_flight_than_configured(flows: Flows) -> None:
    flows.configure(delivery={"concurrency": 3})
    ids = [str(number) for number in range(100, 110)]
    flows.see(*ids)
    flows.signl4.hold(*ids)
    with flows.draining():
        flows.signl4.wait_for(lambda: len(flows.signl4.sent) == 3)
        flows.deliver.wake()
        flows.deliver.wake()
        assert len(flows.signl4.sent) == 3
    assert len(flows.signl4.sent) == 10


def test_a_stop_finishes_and_records_what_is_in_flight_and_begins_nothing(flows: Flows) -> None:
    flows.configure(delivery={"concurrency": 2})
    flows.see("7", "8", "9")
    flows.signl4.hold("7", "8", "9")
    with flows.draining():
        flows.signl4.wait_for(lambda: len(flows.signl4.sent) == 2)
        flows.stopped = True
        flows.deliver.wake()
    assert sorted(flows.outbox("state", "attempts")) == [("delivered", 1), ("delivered", 1), ("pending", 0)]
    assert len(flows.signl4.sent) == 2


def test_a_stop_ends_a_pass_that_only_supersedes(flows: Flows, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [str(number) for number in range(40)]
    flows.see(*ids)
    flows.see(*ids, status="Resolved", resolved_at=flows.clock())
    flows.clock.pass_(hours=1)
    put_off = flows.store.put_off

    def put_off_and_stop(*which: Any) -> None:
        put_off(*which)
        flows.stopped = True

    monkeypatch.setattr(flows.store, "put_off", put_off_and_stop)
    monkeypatch.setattr(due_list, "AHEAD", 10)
    flows.drain()
    states = [state for (state,) in flows.outbox("state")]
    assert 0 < states.count("superseded") < states.count("pending")


def test_a_stop_before_the_pass_sends_nothing(flows: Flows) -> None:
    flows.see("7")
    flows.stopped = True
    flows.drain()
    assert flows.signl4.sent == []


def results_cannot_be_recorded(engine: Engine) -> AbstractContextManager[None]:
    return refused(engine, "UPDATE OF delivered_at", "deliveries")


def test_while_a_result_cannot_be_recorded_nothing_further_is_sent(flows: Flows, engine: Engine, log: KeptLog) -> None:
    flows.configure(delivery={"concurrency": 1})
    flows.see("7", "8", "9")

    def mend() -> None:
        assert len(flows.signl4.sent) == 1
        if flows.waits == 30:
            accept(engine)

    flows.while_waiting = mend
    with results_cannot_be_recorded(engine):
        flows.drain()
    assert flows.waits == 30
    assert flows.outbox("state", "attempts") == [("delivered", 1)] * 3
    [error] = [fields["error"] for fields in log.named("result not recorded")]
    assert error.startswith("the database cannot be written now: disk full")


def test_promise_4_a_result_that_was_never_recorded_is_sent_again_under_the_same_external_id(
    flows: Flows, engine: Engine
) -> None:
    flows.see("7")
    flows.while_waiting = lambda: setattr(flows, "stopped", True)
    with results_cannot_be_recorded(engine):
        flows.drain()
    flows.stopped = False
    flows.configure()
    flows.drain()
    assert flows.signl4.told == [("7", NEW)] * 2
    assert flows.outbox("state", "attempts") == [("delivered", 2)]


def test_what_cannot_be_claimed_is_not_sent(flows: Flows, engine: Engine) -> None:
    flows.see("7")
    with refused(engine, "UPDATE OF attempts", "deliveries"), pytest.raises(DatabaseBusyError):
        flows.drain()
    assert flows.signl4.sent == []
    flows.drain()
    assert flows.outbox("state") == [("delivered",)]


def test_a_fault_of_ours_in_sending_does_not_lose_the_delivery_nor_stop_the_others(flows: Flows) -> None:
    flows.see("7", "8")

    def answer(payload: Mapping[str, Any]) -> Answer:
        if payload["X-S4-ExternalID"] == "7":
            raise ZeroDivisionError("ours")
        return ACCEPTED

    flows.signl4.answer = answer
    flows.drain()
    states = dict(flows.outbox("incident_id", "state"))
    assert states == {"7": "pending", "8": "delivered"}
    [(error,)] = {row for row in flows.outbox("last_error") if row[0]}
    assert "ZeroDivisionError" in error
    flows.signl4.answer = lambda _: ACCEPTED
    flows.drain_for(minutes=1)
    assert {state for (state,) in flows.outbox("state")} == {"delivered"}


@pytest.mark.parametrize("answer", [OUTAGE, REFUSED, WRONG_SECRET, too_many(), too_many(timedelta(0))])
def test_one_bad_item_never_loops_hot(flows: Flows, answer: Answer) -> None:
    flows.see("7", "8")

    def refuse(payload: Mapping[str, Any]) -> Answer:
        flows.stopped = len(flows.signl4.sent) == 20
        return answer if payload["X-S4-ExternalID"] == "7" else ACCEPTED

    flows.signl4.answer = refuse
    flows.drain()
    assert len(flows.signl4.sent) <= 3, "it is tried again and again while no time passes"


@pytest.mark.parametrize("rubbish", ["not json", "[]", '"text"', "null", "{}"])
def test_a_row_with_rubbish_in_it_does_not_keep_the_others_from_going(
    flows: Flows, engine: Engine, rubbish: str
) -> None:
    flows.see("7", "8")
    with transaction(engine, writes=True) as connection:
        connection.exec_driver_sql(f"UPDATE deliveries SET payload = '{rubbish}' WHERE incident_id = '7'")
    flows.signl4.answer = lambda _: ACCEPTED
    with suppress(Exception):
        flows.drain()
    assert dict(flows.outbox("incident_id", "state"))["8"] == "delivered"
