"""The verbs of polling: what is recorded, and what the outbox says then."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, select

from daemon.model.delivery import DeliveryState
from daemon.model.incident import Kind, Phase, Progress
from daemon.storage.incidents import Change, Message
from daemon.storage.schema import INCIDENTS
from tests.support.outbox import (
    ACKNOWLEDGED,
    DEAD,
    DELIVERED,
    NEW,
    PENDING,
    RESOLVED,
    SUPERSEDED,
    after,
    change,
    deliver,
    head,
    kill,
    only,
    put,
    rows,
    states,
    tell,
)
from tests.support.store import Store
from tests.support.values import NOW, ago, recorded

ODD_TEXTS = [
    "",
    " ",
    "a 👩‍💻 and a 🚨",
    "ends at NUL\x00, or does not",
    "\x1b[31mred\x1b[0m\r\n\ttab",
    "'; DROP TABLE incidents; --",
    "%s :name ? {0} $NAME",
    "ünïcödé \u202e desrever",
    "x" * 100_000,
]


@pytest.mark.parametrize("text", ODD_TEXTS, ids=range(len(ODD_TEXTS)))
def test_an_odd_text_survives_in_every_column_and_in_the_payload(store: Store, engine: Engine, text: str) -> None:
    incident_id = f"id{text}"
    whole = recorded(incident_id, external_id=text, status=text, name=text, cause=text, url=text)
    (told,) = change(incident_id, NEW).messages
    said = Message(replace(told.transition, reason=text), {text: [text, {"deep": text}]})
    store.record([Change(whole, (said,))], NOW)
    assert store.known([incident_id]) == {incident_id: whole}
    row = only(engine)
    assert (row.incident_id, row.external_id, row.reason) == (incident_id, text, text)
    assert row.payload == {text: [text, {"deep": text}]}
    assert head(store, incident_id).payload == {text: [text, {"deep": text}]}


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("told", [True, False])
def test_what_is_recorded_is_known_again_in_every_field(store: Store, phase: Phase, told: bool) -> None:
    times: dict[str, Any] = {"started_at": ago(hours=4), "acknowledged_at": ago(hours=3), "resolved_at": ago(hours=2)}
    whole = recorded(**times, phase=phase, alerted=told, generation=7, reopened_at=ago(hours=1), gone_since=NOW)
    store.record([Change(whole)], NOW)
    known = store.known([whole.id])[whole.id]
    assert known == whole
    assert type(known.phase) is Phase
    assert type(known.alerted) is bool


@pytest.mark.parametrize("hours", [-11, 0, 2, 14])
def test_a_time_of_any_zone_comes_back_as_the_same_moment_in_utc(store: Store, engine: Engine, hours: float) -> None:
    moment = datetime(2026, 3, 29, 1, 59, 59, 123456, timezone(timedelta(hours=hours)))
    store.record([change("1", NEW, occurred_at=moment, started_at=moment)], moment)
    row = only(engine)
    for time in (store.known(["1"])["1"].started_at, row.occurred_at, row.created_at, row.due_at):
        assert time is not None
        assert time == moment
        assert time.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "ids", [[], ["1"], ["1", "2"], ["1", "unheard of"], ["unheard of"], ["%"], [str(n) for n in range(5000, 0, -1)]]
)
def test_known_are_those_asked_for_that_were_ever_recorded(store: Store, ids: list[str]) -> None:
    store.record([change("1"), change("2"), change("3")], NOW)
    assert set(store.known(ids)) == {"1", "2", "3"} & set(ids)


def test_tracked_are_all_that_are_not_known_to_be_over(store: Store) -> None:
    store.record([change(str(phase), phase=phase, alerted=False) for phase in Phase], NOW)
    assert set(store.begin_round().tracked) == {"unconfirmed", "open", "acknowledged"}


def test_recording_again_changes_the_state_and_keeps_when_it_was_first_seen(store: Store, engine: Engine) -> None:
    store.record([Change(recorded(name="before", acknowledged_at=NOW))], NOW)
    store.record([Change(recorded(name="later"))], after(minutes=1))
    assert store.known(["1026034957"]) == {"1026034957": recorded(name="later")}
    with engine.connect() as connection:
        times = connection.execute(select(INCIDENTS.c.first_seen_at, INCIDENTS.c.changed_at)).one()
    assert tuple(times) == (NOW, after(minutes=1))


def test_a_transition_becomes_a_pending_row_with_everything_the_audit_needs(store: Store, engine: Engine) -> None:
    tell(store, "7", NEW, external_id="bs-7", generation=3, occurred_at=ago(minutes=2))
    row = only(engine)._asdict()
    assert row.pop("id") == 1
    assert row == {
        "incident_id": "7",
        "destination": "default",
        "generation": 3,
        "kind": "new",
        "state": "pending",
        "reason": "a reason",
        "external_id": "bs-7",
        "payload": {"Title": "Shop front page", "X-S4-ExternalID": "7", "X-S4-Status": "new"},
        "refused_payload": None,
        "attempts": 0,
        "occurred_at": ago(minutes=2),
        "created_at": NOW,
        "due_at": NOW,
        "attempted_at": None,
        "delivered_at": None,
        "event_id": None,
        "last_error": None,
        "failing_since": None,
        "failing_from": None,
        "failures": 0,
        "latest_from": None,
        "latest_failures": 0,
        "own_fault": False,
        "subject": None,
        "held_because": None,
        "not_taken": 0,
    }


@pytest.mark.parametrize("state", [PENDING, DELIVERED, SUPERSEDED, DEAD])
def test_a_transition_is_told_once_whatever_became_of_it(store: Store, engine: Engine, state: DeliveryState) -> None:
    put(store, "1", state, NEW)
    before = only(engine)
    tell(store, "1", NEW, at=after(minutes=1), external_id="another", occurred_at=after(minutes=1))
    assert only(engine) == before


def test_each_generation_and_each_kind_has_a_row_of_its_own(store: Store, engine: Engine) -> None:
    for generation in (1, 2):
        for _twice in range(2):
            tell(store, "1", *Kind, generation=generation)
    told = {(1, "new"), (1, "acknowledged"), (1, "resolved"), (2, "new"), (2, "acknowledged"), (2, "resolved")}
    assert {(generation, kind) for _, generation, kind in rows(engine)} == told


@pytest.mark.parametrize(
    ("becomes", "expected"),
    [("untouched", "superseded"), ("claimed", "pending"), ("delivered", "delivered"), ("dead", "dead")],
)
def test_an_acknowledgement_is_superseded_by_the_end_only_when_it_was_never_attempted(
    store: Store, engine: Engine, becomes: str, expected: str
) -> None:
    for incident_id in ("1", "bystander"):
        tell(store, incident_id, NEW, ACKNOWLEDGED)
        deliver(store, incident_id)
    match becomes:
        case "claimed":
            assert store.claim(head(store, "1"), NOW)
        case "delivered":
            deliver(store, "1")
        case "dead":
            kill(store, "1")
    tell(store, "1", RESOLVED)
    assert states(engine) == {
        ("1", 1, "new"): "delivered",
        ("1", 1, "acknowledged"): expected,
        ("1", 1, "resolved"): "pending",
        ("bystander", 1, "new"): "delivered",
        ("bystander", 1, "acknowledged"): "pending",
    }
    if expected == "superseded":
        assert rows(engine)["1", 1, "acknowledged"].reason == "the incident was resolved before this was sent"


def test_an_acknowledgement_that_was_seen_together_with_the_end_is_superseded_by_it(
    store: Store, engine: Engine
) -> None:
    tell(store, "1", NEW)
    tell(store, "1", ACKNOWLEDGED, RESOLVED)
    assert list(states(engine).values()) == ["pending", "superseded", "pending"]


def test_the_end_supersedes_no_alert_and_nothing_of_another_generation(store: Store, engine: Engine) -> None:
    tell(store, "1", NEW, ACKNOWLEDGED)
    tell(store, "1", NEW, ACKNOWLEDGED, generation=2)
    tell(store, "1", RESOLVED, generation=2)
    assert states(engine) == {
        ("1", 1, "new"): "pending",
        ("1", 1, "acknowledged"): "pending",
        ("1", 2, "new"): "pending",
        ("1", 2, "acknowledged"): "superseded",
        ("1", 2, "resolved"): "pending",
    }


WORK: list[tuple[str, Phase, DeliveryState | None, bool]] = [
    ("nothing recorded", Phase.RESOLVED, None, False),
    ("unconfirmed", Phase.UNCONFIRMED, None, True),
    ("open", Phase.OPEN, None, True),
    ("acknowledged", Phase.ACKNOWLEDGED, None, True),
    ("over", Phase.RESOLVED, None, False),
    ("over, its end waits", Phase.RESOLVED, PENDING, True),
    ("over, its end delivered", Phase.RESOLVED, DELIVERED, False),
    ("over, its end dead", Phase.RESOLVED, DEAD, False),
    ("over, its end superseded", Phase.RESOLVED, SUPERSEDED, False),
]


@pytest.mark.parametrize(("case", "phase", "state", "expected"), WORK, ids=[case for case, *_ in WORK])
def test_there_is_work_while_an_incident_is_open_or_a_delivery_waits(
    store: Store, case: str, phase: Phase, state: DeliveryState | None, expected: bool
) -> None:
    if state is not None:
        put(store, "1", state, RESOLVED)
    elif case != "nothing recorded":
        tell(store, "1", phase=phase, alerted=False)
    assert store.has_work() is expected


def test_a_round_that_fails_keeps_the_last_complete_one_and_the_next_complete_one_clears_the_trouble(
    store: Store,
) -> None:
    assert store.progress() == Progress(None, None, None)
    store.complete_round(NOW)
    store.fail_round("503 from Better Stack", NOW)
    store.suspect_token(ago(minutes=3))
    assert store.progress() == Progress(NOW, "503 from Better Stack", ago(minutes=3))
    store.complete_round(after(minutes=1))
    assert store.progress() == Progress(after(minutes=1), None, None)


@pytest.mark.parametrize("waits", [False, True])
def test_while_alerts_wait_the_figures_of_a_round_keep_no_result_from_being_recorded(
    store: Store, engine: Engine, *, waits: bool
) -> None:
    if waits:
        tell(store, "1", NEW)
    while_writing = list[bool]()

    def executed(connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        if "pending_deliveries" in statement:
            while_writing.append(connection.get_execution_options()["writes"])

    event.listen(engine, "before_cursor_execute", executed)
    assert store.complete_round(NOW).pending_deliveries == waits
    assert while_writing == [not waits]


def test_forgetting_the_gone_starts_every_proof_again_and_changes_nothing_else(store: Store) -> None:
    gone, there = recorded("1", gone_since=ago(minutes=1)), recorded("2")
    store.record([Change(gone), Change(there)], NOW)
    store.forget_spans(NOW)
    assert store.known(["1", "2"]) == {"1": recorded("1"), "2": there}
