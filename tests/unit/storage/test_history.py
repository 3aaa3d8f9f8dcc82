"""The history of an incident: each attempt and each act of an operator, in the transaction that it explains."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine, delete, event

from daemon.decisions.explain import explain
from daemon.model.delivery import Answer, Delivered, DestinationState, Disposition, Outcome, Rejected, Result, Scope
from daemon.model.delivery import TryLater as Later
from daemon.model.errors import DatabaseBusyError
from daemon.model.history import Entry, Happening
from daemon.model.incident import Unreadable
from daemon.model.snapshot import RunMode
from daemon.model.story import Record
from daemon.storage import destination_rows, history, operate
from daemon.storage.engine import transaction
from daemon.storage.run_mode import record_run_mode
from daemon.storage.schema import DELIVERIES, HISTORY
from tests.support.clock import Clock
from tests.support.each import each
from tests.support.fakes import ACCEPTED, OUTAGE, Flows
from tests.support.kept_log import KeptLog
from tests.support.outbox import (
    DEAD,
    DELIVERED,
    NEW,
    PENDING,
    RESOLVED,
    deliver,
    head,
    kill,
    postpone,
    put,
    refuse,
    states,
    tell,
)
from tests.support.refused import refused
from tests.support.store import Store
from tests.support.values import NOW, ago


def kept(engine: Engine, incident_id: str) -> Record:
    """All that is recorded of an incident that there is."""
    record = history.read(engine, incident_id, NOW).record
    assert record is not None
    return record


def happened(engine: Engine, incident_id: str = "1") -> list[tuple[Happening, str, int | None]]:
    """The entries, each with the delivery that it is about."""
    return [(entry.what, entry.why, entry.delivery_id) for entry in kept(engine, incident_id).history]


# -- attempts ---------------------------------------------------------------------------------------------------------

ANSWERS: list[tuple[Outcome, str]] = [
    (Delivered("2c1d"), "accepted; event 2c1d"),
    (Delivered(None), "accepted"),
    (Later("SIGNL4 answered HTTP 503", Scope.ROW), "SIGNL4 answered HTTP 503"),
    (Rejected("SIGNL4 answered HTTP 400"), "SIGNL4 answered HTTP 400"),
]


@each(("outcome", "why"), ANSWERS)
def test_an_attempt_is_kept_with_its_time_its_delivery_what_came_of_it_and_how_long_it_took(
    store: Store, engine: Engine, outcome: Outcome, why: str
) -> None:
    with transaction(engine, writes=True) as connection:
        connection.execute(delete(HISTORY))
        connection.execute(delete(DELIVERIES))
    tell(store, "1", NEW, RESOLVED)
    read = head(store, "1")
    store.claim(read, ago(seconds=1))
    state = DELIVERED if isinstance(outcome, Delivered) else PENDING
    store.settle(Result(read, Answer(outcome), Disposition(state, NOW), NOW, seconds=0.98765), DestinationState())
    expected = Entry("1", 1, NOW, Happening.ATTEMPT, why, read.id, 0.988)
    assert kept(engine, "1").history == (expected,)


def test_an_attempt_whose_entry_cannot_be_written_is_not_settled_either(store: Store, engine: Engine) -> None:
    tell(store, "1", NEW)
    read = head(store, "1")
    store.claim(read, NOW)
    with refused(engine, "INSERT", "history"), pytest.raises(DatabaseBusyError):
        store.settle(Result(read, ACCEPTED, Disposition(DELIVERED, NOW), NOW), DestinationState())
    assert set(states(engine).values()) == {"pending"}


def test_a_commit_adds_the_entries_of_all_its_results_by_one_statement(store: Store, engine: Engine) -> None:
    for number in range(5):
        tell(store, str(number), NEW)
    results = [
        Result(head(store, str(number)), OUTAGE if number % 2 else ACCEPTED, disposition, NOW)
        for number, disposition in enumerate([Disposition(DELIVERED, NOW), Disposition(PENDING, NOW)] * 2)
    ]
    said = list[str]()
    event.listen(engine, "before_cursor_execute", lambda *given: said.append(given[2]))
    store.settle_and_claim(results, [], DestinationState(), None, NOW)
    assert sum("INTO history" in statement for statement in said) == 1
    assert [len(kept(engine, str(number)).history) for number in range(5)] == [1, 1, 1, 1, 0]


def test_the_answer_for_a_delivery_that_is_not_there_any_more_hinders_no_other(store: Store, engine: Engine) -> None:
    """As after the file of the database was replaced while a request was under way."""
    tell(store, "1", NEW)
    read = head(store, "1")
    gone = [replace(read, id=99), replace(read, incident_id="another")]
    store.settle_and_claim(
        [Result(one, ACCEPTED, Disposition(DELIVERED, NOW), NOW) for one in (*gone, read)],
        [],
        DestinationState(),
        None,
        NOW,
    )
    assert happened(engine) == [(Happening.ATTEMPT, "accepted; event event", 1)]


def test_the_flows_leave_a_story_that_can_be_told(store: Store, engine: Engine, clock: Clock, log: KeptLog) -> None:
    flows = Flows(engine, clock, log, store)
    flows.signl4.answer = lambda _: OUTAGE
    flows.see("1")
    flows.drain()
    flows.signl4.answer = lambda _: ACCEPTED
    flows.drain_for(minutes=1)
    found = history.read(engine, "1", flows.clock())
    assert found.record is not None
    story = explain(found.record, found.present)
    assert [line.text.partition(",")[0].partition(";")[0] for line in story.happened] == [
        "began at Better Stack",
        "first seen",
        "new to team default: not accepted: SIGNL4 answered HTTP 503",
        "new to team default: accepted by SIGNL4",
    ]
    assert all(line.seconds is not None and 0 <= line.seconds < 20 for line in story.happened[2:])


# -- what else is superseded, and by whom -----------------------------------------------------------------------------

RETRIED, DROPPED = Happening.RETRIED, Happening.DROPPED
ACTS: dict[str, tuple[Callable[[Store], None], Callable[[Engine], object], list[tuple[Happening, str, int]]]] = {
    "retry of what waits": (
        lambda store: tell(store, "1", NEW),
        lambda engine: operate.revive(engine, [1], force=False),
        [(RETRIED, "due now, by hand", 1)],
    ),
    "retry of what is dead": (
        lambda store: put(store, "1", DEAD, NEW),
        lambda engine: operate.revive(engine, [1], force=False),
        [(RETRIED, "pending again, by hand", 1)],
    ),
    "a retry that is refused": (
        lambda store: put(store, "1", DEAD, NEW, RESOLVED),
        lambda engine: operate.revive(engine, [1, 99], force=False),
        [],
    ),
    "retry of an alarm that is over": (
        lambda store: put(store, "1", DEAD, NEW, RESOLVED, is_alarm=True),
        lambda engine: operate.revive(engine, [1], force=False),
        [(Happening.SUPERSEDED, "the alarm is over", 1)],
    ),
    "drop with what follows": (
        lambda store: tell(store, "1", NEW, RESOLVED),
        lambda engine: operate.drop(engine, [1]),
        [(DROPPED, "dropped by hand", 1), (DROPPED, "dropped by hand with its `new`", 2)],
    ),
    "drop of what is delivered": (
        lambda store: put(store, "1", DELIVERED, NEW),
        lambda engine: operate.drop(engine, [1, 99]),
        [],
    ),
}


@pytest.mark.parametrize("act", ACTS)
def test_what_an_operator_does_is_kept(store: Store, engine: Engine, act: str) -> None:
    prepare, do, expected = ACTS[act]
    prepare(store)
    do(engine)
    assert [one for one in happened(engine) if one[0] is not Happening.ATTEMPT] == expected


def test_an_alarm_that_is_over_says_when_it_was_given_up(store: Store, engine: Engine) -> None:
    put(store, "1", DEAD, NEW, RESOLVED, is_alarm=True)
    put(store, "2", DEAD, NEW, RESOLVED)
    store.supersede_obsolete(NOW + timedelta(hours=1))
    *_, entry = kept(engine, "1").history
    assert (entry.what, entry.at, entry.delivery_id) == (Happening.SUPERSEDED, NOW + timedelta(hours=1), 1)
    assert {entry.what for entry in kept(engine, "2").history} == {Happening.ATTEMPT}


# -- what is read -----------------------------------------------------------------------------------------------------


def test_what_is_read_is_the_state_its_deliveries_and_its_entries_of_this_incident_alone(
    store: Store, engine: Engine
) -> None:
    tell(store, "1", NEW, at=ago(minutes=1))
    tell(store, "2", NEW)
    postpone(store, "1", until=NOW)
    deliver(store, "1", event_id="7")
    kill(store, "2")
    record = kept(engine, "1")
    assert (record.state, record.first_seen_at) == (store.known(["1"])["1"], ago(minutes=1))
    [row] = record.deliveries
    assert (row.id, row.kind, row.team, row.state, row.event_id) == (1, NEW, "default", DELIVERED, "7")
    assert [entry.why for entry in record.history] == ["503", "accepted; event 7"]


def test_the_present_is_the_teams_of_the_configuration_and_how_polling_goes(store: Store, engine: Engine) -> None:
    present = history.read(engine, "1", NOW).present
    assert (set(present.teams), present.process, present.run_mode, present.round_error) == (
        {"default"},
        None,
        None,
        None,
    )
    with transaction(engine, writes=True) as connection:
        destination_rows.configure(connection, ["night"])
    store.fail_round("HTTP 502", NOW)
    record_run_mode(engine, RunMode.ONCE)
    present = history.read(engine, "1", NOW).present
    assert (set(present.teams), present.run_mode, present.round_error) == ({"night"}, RunMode.ONCE, "HTTP 502")


NUMBERS = {"1": "a", "01": "a", "2": None, "": None, "a": None, "-1": None, "٣": None, "9" * 18: None, "9" * 30: None}


@each(("number", "incident"), NUMBERS.items())
def test_the_number_of_a_delivery_leads_to_its_incident(
    store: Store, engine: Engine, number: str, incident: str | None
) -> None:
    tell(store, "a", NEW)
    assert history.read(engine, "a", NOW).record is not None
    found = history.read(engine, number if number != "a" else "b", NOW)
    assert (found.record, found.incident_of_delivery) == (None, incident)


def test_an_incident_whose_record_cannot_be_read_says_why(store: Store, engine: Engine) -> None:
    store.put_aside([Unreadable("7", NOW, 1, NOW, "no started_at")])
    found = history.read(engine, "7", NOW)
    assert (found.record, found.unreadable_because) == (None, "no started_at")


def test_what_was_refused_is_kept_each_time(store: Store, engine: Engine) -> None:
    tell(store, "1", NEW)
    refuse(store, "1")
    refuse(store, "1")
    assert [why for _, why, _ in happened(engine)] == ["400: a field is missing"] * 2
