"""What is read ahead of the outbox: how long it is used, and what makes it out of date."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import Engine

from daemon import due_list
from daemon.due_list import DueList
from daemon.model.delivery import (
    Answer,
    Delivered,
    Delivery,
    DeliveryState,
    Disposition,
    Failing,
    Rejected,
    Result,
    Scope,
    TryLater,
)
from daemon.model.incident import Transition
from daemon.model.silence import KnownSilences, Silence
from daemon.model.subject import Subject
from daemon.storage import silences
from daemon.storage.incidents import Change, Message
from tests.support import fakes
from tests.support.clock import Clock
from tests.support.kept_log import KeptLog
from tests.support.outbox import (
    NEW,
    PENDING,
    PROBE,
    RESOLVED,
    WIDE_OPEN,
    after,
    deliver,
    head,
    payload,
    postpone,
    states,
    tell,
)
from tests.support.store import Store
from tests.support.values import NOW, recorded, settings


@pytest.fixture
def ahead(store: Store, clock: Clock, log: KeptLog) -> DueList:
    return fakes.due_list(store, settings(), clock, log)


def taken(ahead: DueList, most: int = 100) -> list[str]:
    return [delivery.incident_id for delivery in ahead.take(WIDE_OPEN, most)]


def test_what_was_read_is_taken_bit_by_bit_without_reading_again(store: Store, ahead: DueList) -> None:
    for incident_id in ("1", "2", "3"):
        tell(store, incident_id, NEW)
    assert taken(ahead) == [], "nothing was read yet"
    assert ahead.read(WIDE_OPEN, ())
    tell(store, "4", NEW)
    assert [taken(ahead, 2), taken(ahead, 2), taken(ahead, 2)] == [["1", "2"], ["3"], []]


def test_no_more_is_read_than_can_be_used_soon(store: Store, ahead: DueList, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(due_list, "AHEAD", 2)
    monkeypatch.setattr(due_list, "MANY", 1)
    for incident_id in ("1", "2", "3"):
        tell(store, incident_id, NEW)
    assert ahead.read(WIDE_OPEN, ())
    assert taken(ahead) == ["1", "2"]


@pytest.mark.parametrize(
    ("happens", "left"),
    [
        (lambda _: None, ["1"]),
        (lambda ahead: ahead.outdate(), []),
    ],
    ids=["nothing", "something was queued"],
)
def test_something_new_makes_it_out_of_date(
    store: Store, ahead: DueList, happens: Callable[[DueList], None], left: list[str]
) -> None:
    tell(store, "1", NEW)
    ahead.read(WIDE_OPEN, ())
    happens(ahead)
    assert taken(ahead) == left


@pytest.mark.parametrize(("seconds", "left"), [(0.999, ["1"]), (1, []), (-0.001, [])])
def test_it_is_used_for_a_second_and_not_after_a_step_back(
    store: Store, ahead: DueList, clock: Clock, seconds: float, left: list[str]
) -> None:
    tell(store, "1", NEW)
    ahead.read(WIDE_OPEN, ())
    clock.now = after(seconds=seconds)
    assert taken(ahead) == left


def test_what_was_read_for_a_test_of_the_secret_is_not_sent_as_if_it_were_right(store: Store, ahead: DueList) -> None:
    tell(store, "1", NEW)
    ahead.read(PROBE, ())
    assert taken(ahead) == []
    ahead.read(PROBE, ())
    assert [delivery.incident_id for delivery in ahead.take(PROBE, 1)] == ["1"]


def test_what_may_not_start_yet_is_left_out(store: Store, ahead: DueList, clock: Clock) -> None:
    tell(store, "1", NEW)
    ahead.read(WIDE_OPEN, ())
    later = after(seconds=0.5)
    closed = type(WIDE_OPEN)(4, clean_from=later, refused_from=later)
    assert ahead.take(closed, 4) == []


def result(delivery: Delivery, outcome: Delivered | TryLater | Rejected, disposition: Disposition) -> Result:
    return Result(delivery, Answer(outcome), disposition, NOW)


FAILED = TryLater("HTTP 503", Scope.ROW)
LATER = Disposition(PENDING, after(minutes=1))
RESULTS: list[tuple[str, Delivered | TryLater | Rejected, Disposition, tuple[int, int], bool]] = [
    ("accepted", Delivered("e"), Disposition(DeliveryState.DELIVERED, NOW), (1, 0), True),
    ("failed", FAILED, LATER, (0, 1), True),
    ("failed by its own fault", FAILED, Disposition(PENDING, after(minutes=1), own_fault=True), (0, 0), True),
    (
        "refused, to be sent in another form at once",
        Rejected("400"),
        Disposition(PENDING, NOW, minimal=True),
        (0, 1),
        False,
    ),
    ("dead", Rejected("400"), Disposition(DeliveryState.DEAD, NOW), (0, 0), True),
]


@pytest.mark.parametrize(
    ("case", "outcome", "disposition", "more", "usable"), RESULTS, ids=[case for case, *_ in RESULTS]
)
def test_a_result_is_counted_in_what_was_read_before_it(
    store: Store,
    ahead: DueList,
    clock: Clock,
    *,
    case: str,
    outcome: Delivered | TryLater | Rejected,
    disposition: Disposition,
    more: tuple[int, int],
    usable: bool,
) -> None:
    tell(store, "1", NEW)
    tell(store, "2", NEW)
    postpone(store, "2")
    clock.now = after(milliseconds=1)
    ahead.read(WIDE_OPEN, ())
    [first] = ahead.take(WIDE_OPEN, 1)
    ahead.noticed(result(first, outcome, disposition))
    found = ahead.take(WIDE_OPEN, 1)
    assert bool(found) is usable, case
    for second in found:
        assert (second.incident_id, second.taken_before) == ("2", more[0])
        assert second.failing == Failing(NOW, 1, others_taken=more[0], others_failing=more[1])


def test_one_that_recovers_is_no_longer_counted_as_failing(store: Store, ahead: DueList, clock: Clock) -> None:
    for incident_id in ("1", "2"):
        tell(store, incident_id, NEW)
        postpone(store, incident_id)
    clock.now = after(milliseconds=1)
    ahead.read(WIDE_OPEN, ())
    [first] = ahead.take(WIDE_OPEN, 1)
    assert first.failing is not None
    assert first.failing.others_failing == 1
    ahead.noticed(result(first, Delivered("e"), Disposition(DeliveryState.DELIVERED, NOW)))
    [second] = ahead.take(WIDE_OPEN, 1)
    assert second.failing == Failing(NOW, 1, others_taken=1, others_failing=0)


def test_what_is_held_back_is_noted_and_the_rest_can_go(store: Store, ahead: DueList, log: KeptLog) -> None:
    tell(store, "1", NEW)
    deliver(store, "1")
    tell(store, "1", NEW, RESOLVED)
    tell(store, "2", NEW)
    assert ahead.read(WIDE_OPEN, ())
    assert taken(ahead) == ["2"]
    assert len(log.named("delivery held")) == 1
    assert head(store, "1").kind is RESOLVED
    assert ahead.read(WIDE_OPEN, ())
    assert taken(ahead) == ["2"], "the held one is no longer due"


def while_it_is_read(store: Store, monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Another thread or process writes between the look at the silences and the record of what they hold."""
    asked = store.silences

    def then(now: datetime) -> KnownSilences:
        found = asked(now)
        monkeypatch.undo()
        happens()
        return found

    monkeypatch.setattr(store, "silences", then)


def test_what_ends_while_it_is_held_is_not_told_when_that_hold_ends(
    store: Store, engine: Engine, clock: Clock, log: KeptLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = {"name": "m", "times": "09:00-09:31", "zone": "UTC"}
    ahead = fakes.due_list(store, settings(maintenance=[window]), clock, log)
    tell(store, "1", NEW)
    while_it_is_read(store, monkeypatch, lambda: tell(store, "1", RESOLVED))
    for minutes in (0, 2):
        clock.now = after(minutes=minutes)
        while ahead.read(WIDE_OPEN, ()):
            assert taken(ahead) == []
    assert set(states(engine).values()) == {DeliveryState.SUPERSEDED}


def test_a_silence_that_expires_while_it_begins_to_hold_something_holds_nothing(
    store: Store, engine: Engine, ahead: DueList, log: KeptLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = Subject({"name": ["db-2"]}).written()
    new = Message(Transition(NEW, 1, NOW, "a reason"), payload("1", NEW), subject=subject)
    store.record([Change(recorded("1"), (new,))], NOW)
    number = silences.add(engine, Silence(0, {"name": "db-*"}, NOW, after(days=30), "disks", "ada", NOW))
    while_it_is_read(store, monkeypatch, lambda: silences.expire(engine, number, NOW))
    assert ahead.read(WIDE_OPEN, ())
    assert (taken(ahead), log.named("held by a rule")) == ([], [])
    assert ahead.read(WIDE_OPEN, ())
    assert taken(ahead) == ["1"]


def test_what_takes_longer_to_read_than_it_may_be_used_is_used_all_the_same(
    store: Store, ahead: DueList, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(store, "1", NEW)
    due = store.due

    def slow(*which: Any) -> list[Delivery]:
        clock.pass_(seconds=5)
        return due(*which)

    monkeypatch.setattr(store, "due", slow)
    ahead.read(WIDE_OPEN, ())
    assert taken(ahead) == ["1"]
