"""One round: what is asked, in which order, and what a failure costs."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from daemon.model.errors import BetterStackError, DatabaseBusyError
from tests.support.clock import Clock
from tests.support.fakes import Flows
from tests.support.kept_log import KeptLog
from tests.support.refused import refused
from tests.support.store import Store
from tests.support.values import NOW, ago

NEW, OVER = "new", "resolved"


@pytest.fixture
def flows(engine: Engine, clock: Clock, log: KeptLog, store: Store) -> Flows:
    return Flows(engine, clock, log, store)


@pytest.mark.parametrize("age", [timedelta(minutes=1), timedelta(days=3), timedelta(days=400)])
def test_an_incident_that_is_open_is_told_whatever_its_age(flows: Flows, age: timedelta) -> None:
    """Promise 5: no incident that is open during a round is missed, whatever its age."""
    flows.betterstack.has("7", started_at=NOW - age)
    flows.round()
    assert flows.outbox() == [("7", NEW)]


def test_promise_1_the_transition_and_the_state_are_committed_when_the_round_counts_as_done(flows: Flows) -> None:
    flows.betterstack.has("7")
    flows.round()
    assert flows.outbox("incident_id", "kind", "state", "attempts") == [("7", NEW, "pending", 0)]
    assert flows.phases() == {"7": "open"}
    assert flows.store.progress().last_complete_round_at == NOW


def test_promise_1_a_transition_that_cannot_be_written_leaves_no_state_behind(flows: Flows, engine: Engine) -> None:
    flows.betterstack.has("7")
    with refused(engine, "INSERT", "deliveries"):
        with pytest.raises(DatabaseBusyError, match="disk full"):
            flows.round()
        assert flows.phases() == {}
        assert flows.store.progress().last_complete_round_at is None
    flows.round()
    assert flows.outbox() == [("7", NEW)]


def test_a_database_that_cannot_count_the_round_done_loses_nothing_of_it(flows: Flows, engine: Engine) -> None:
    flows.betterstack.has("7")
    with refused(engine, "UPDATE", "progress"), pytest.raises(DatabaseBusyError):
        flows.round()
    flows.betterstack.has("7", status="Resolved", resolved_at=NOW)
    flows.round()
    assert flows.outbox() == [("7", NEW), ("7", OVER)]


def test_a_second_round_that_sees_nothing_new_writes_and_tells_nothing(flows: Flows) -> None:
    flows.betterstack.has("7")
    flows.round(sweep=True)
    flows.round(sweep=True)
    assert (flows.outbox(), flows.told) == ([("7", NEW)], 1)


def test_each_page_is_committed_before_the_next_is_asked_for(flows: Flows) -> None:
    flows.betterstack.per_page = 2
    for incident_id in "12345":
        flows.betterstack.has(incident_id)
    seen: dict[str, tuple[int, int]] = {}
    flows.betterstack.before = lambda request: seen.update({request: (len(flows.outbox()), flows.told)})
    flows.round()
    assert seen == {"open 1": (0, 0), "open 2": (2, 1), "open 3": (4, 2)}
    assert len(flows.outbox()) == 5


@pytest.mark.parametrize(
    ("last_round", "day"),
    [
        pytest.param(None, "2026-11-22", id="empty database: from yesterday"),
        pytest.param(timedelta(minutes=5), "2026-11-22", id="the day before the last complete round"),
        pytest.param(timedelta(days=9), "2026-11-13", id="a long stop is made up for"),
        pytest.param(-timedelta(days=9), "2026-11-22", id="a last round in the future is a wrong clock"),
    ],
)
def test_the_sweep_starts_the_day_before_the_last_complete_round(
    flows: Flows, last_round: timedelta | None, day: str
) -> None:
    if last_round is not None:
        flows.store.complete_round(NOW - last_round)
    flows.round(sweep=True)
    assert flows.betterstack.asked == ["open 1", f"since {day} 1"]


def test_a_round_without_a_sweep_asks_for_the_open_set_alone(flows: Flows) -> None:
    flows.round()
    assert flows.betterstack.asked == ["open 1"]


def test_the_sweep_finds_what_opened_and_closed_between_two_rounds(flows: Flows) -> None:
    flows.round(sweep=True)
    flows.betterstack.has("7", status="Resolved", started_at=ago(minutes=2), resolved_at=ago(minutes=1))
    flows.round(sweep=True)
    assert flows.outbox() == [("7", NEW), ("7", OVER)]


def test_a_failed_round_does_not_move_the_start_of_the_next_sweep(flows: Flows) -> None:
    flows.store.complete_round(ago(days=5))
    flows.betterstack.refuses("since")
    with pytest.raises(BetterStackError):
        flows.round(sweep=True)
    flows.betterstack.refuses()
    flows.round(sweep=True)
    assert flows.betterstack.asked_for("since") == ["since 2026-11-17 1"] * 2


def test_what_vanished_from_the_lists_is_looked_up_and_nothing_else(flows: Flows) -> None:
    for incident_id in "123":
        flows.betterstack.has(incident_id)
    flows.round()
    flows.betterstack.has("2", status="Resolved", resolved_at=NOW)
    flows.betterstack.asked.clear()
    flows.round()
    assert flows.betterstack.asked == ["open 1", "lookup 2"]
    assert flows.outbox()[3:] == [("2", OVER)]


@pytest.mark.parametrize("whole_list", [True, False])
def test_being_absent_from_a_list_ends_nothing(flows: Flows, whole_list: bool) -> None:
    for incident_id in "123":
        flows.betterstack.has(incident_id)
    flows.round()
    flows.betterstack.hidden = set("123") if whole_list else {"2"}
    for _ in range(3):
        flows.clock.pass_(hours=1)
        flows.round(sweep=True)
    assert flows.phases() == dict.fromkeys("123", "open")
    assert [kind for _, kind in flows.outbox()] == [NEW] * 3


def test_a_lookup_that_cannot_be_read_ends_nothing(flows: Flows) -> None:
    flows.betterstack.has("7")
    flows.round()
    flows.betterstack.hidden = flows.betterstack.unreadable = {"7"}
    for _ in range(3):
        flows.clock.pass_(hours=1)
        flows.round()
    assert (flows.phases(), flows.outbox()) == ({"7": "open"}, [("7", NEW)])


@pytest.mark.parametrize(("vanished", "lookups"), [(10, 10), (11, 0)])
def test_when_many_vanish_at_once_a_list_from_the_oldest_of_them_is_read_first(
    flows: Flows, vanished: int, lookups: int
) -> None:
    ids = [str(number) for number in range(100, 100 + vanished)]
    for incident_id in ids:
        flows.betterstack.has(incident_id, started_at=ago(days=3 if incident_id == "105" else 1))
    flows.round()
    for incident_id in ids:
        flows.betterstack.has(incident_id, started_at=ago(days=3), status="Resolved", resolved_at=NOW)
    flows.betterstack.asked.clear()
    flows.round()
    assert len(flows.betterstack.asked_for("lookup")) == lookups
    assert flows.betterstack.asked_for("since") == ([] if lookups else ["since 2026-11-20 1"])
    assert set(flows.phases().values()) == {"resolved"}


def test_the_list_for_many_is_given_up_when_it_is_more_work_than_lookups(flows: Flows) -> None:
    flows.betterstack.per_page = 1
    for number in range(100, 140):
        flows.betterstack.has(str(number), started_at=ago(days=2))
    flows.betterstack.hidden = {str(number) for number in range(111, 140)}
    flows.round()
    flows.betterstack.hidden = {str(number) for number in range(100, 111)}
    for number in range(111, 140):
        flows.betterstack.has(str(number), status="Resolved", resolved_at=ago(minutes=30), started_at=ago(days=2))
    flows.betterstack.asked.clear()
    flows.round()
    assert len(flows.betterstack.asked_for("since")) == 11
    assert len(flows.betterstack.asked_for("lookup")) == 11


@pytest.mark.parametrize("failing", ["open", "open 2", "since"])
def test_a_request_that_fails_does_not_keep_the_others_from_being_made_and_fails_the_round(
    flows: Flows, failing: str
) -> None:
    flows.betterstack.per_page = 2
    for incident_id in "56":
        flows.betterstack.has(incident_id, started_at=ago(days=9))
    flows.round()
    complete = flows.store.progress().last_complete_round_at
    flows.betterstack.has("5", started_at=ago(days=9), status="Resolved", resolved_at=NOW)
    flows.betterstack.hidden = {"6"}
    for incident_id in ("20", "21", "22"):
        flows.betterstack.has(incident_id)
    flows.clock.pass_(seconds=30)
    flows.betterstack.refuses(failing)
    with pytest.raises(BetterStackError, match=f"{failing}.* failed"):
        flows.round(sweep=True)
    assert flows.store.progress().last_complete_round_at == complete
    assert flows.store.progress().last_round_error is not None
    assert ("5", OVER) in flows.outbox(), "the lookups were not made"
    assert failing.startswith("since") or flows.betterstack.asked_for("since"), "the sweep was not made"
    flows.betterstack.refuses()
    flows.round(sweep=True)
    assert flows.store.progress().last_round_error is None
    assert set(flows.outbox()) == {("5", OVER), *((incident_id, NEW) for incident_id in ("5", "6", "20", "21", "22"))}


def test_when_better_stack_asks_to_be_left_alone_nothing_more_is_asked(flows: Flows) -> None:
    for incident_id in "123":
        flows.betterstack.has(incident_id)
    flows.round()
    flows.betterstack.hidden = set("123")
    flows.betterstack.asked.clear()
    flows.betterstack.refuses("lookup 1", retry_after=timedelta(seconds=30))
    with pytest.raises(BetterStackError) as failure:
        flows.round()
    assert failure.value.retry_after == timedelta(seconds=30)
    assert flows.betterstack.asked == ["open 1", "lookup 1"]


def test_lookups_that_failed_come_last_in_the_next_round_and_three_end_the_asking(flows: Flows) -> None:
    ids = [str(number) for number in range(10, 18)]
    for incident_id in ids:
        flows.betterstack.has(incident_id)
    flows.round()
    flows.betterstack.hidden = set(ids)
    flows.betterstack.asked.clear()
    flows.betterstack.refuses("lookup 10", "lookup 12", "lookup 13")
    asked = []
    for _ in range(2):
        flows.betterstack.asked.clear()
        with pytest.raises(BetterStackError):
            flows.round()
        asked.append([request.removeprefix("lookup ") for request in flows.betterstack.asked_for("lookup")])
    assert asked == [["10", "11", "12", "13"], ["11", "14", "15", "16", "17", "10", "12", "13"]]


def test_page_after_page_may_shift_while_they_are_read(flows: Flows) -> None:
    """What slides onto the next page is told once, and what slides past it is looked up and not ended."""
    flows.betterstack.per_page = 2
    for incident_id in ("10", "11", "12", "13"):
        flows.betterstack.has(incident_id)
    flows.round()

    def shift(request: str) -> None:
        if request == "open 2":
            flows.betterstack.has("14")
            flows.betterstack.has("13", status="Resolved", resolved_at=NOW)
            flows.betterstack.has("12", status="Resolved", resolved_at=NOW)

    flows.betterstack.before = shift
    flows.round()
    assert flows.betterstack.asked_for("lookup") == ["lookup 11"]
    assert flows.phases()["11"] == "open"
    flows.round()
    told = flows.outbox()
    assert told.count(("14", NEW)) == told.count(("13", OVER)) == told.count(("12", OVER)) == 1
    assert len(told) == 7


def test_an_incident_that_two_pages_repeat_is_told_once(flows: Flows) -> None:
    flows.betterstack.per_page = 2
    for incident_id in ("10", "11", "12"):
        flows.betterstack.has(incident_id)
    flows.betterstack.before = lambda request: flows.betterstack.has("20") if request == "open 2" else None
    flows.round()
    assert sorted(flows.outbox()) == [("10", NEW), ("11", NEW), ("12", NEW)]


def test_a_template_that_fails_is_replaced_by_the_minimal_one_with_a_warning(flows: Flows, log: KeptLog) -> None:
    class Failing:
        def external_id(self, _: object) -> str:
            return "7"

        def payload(self, *_: object) -> dict[str, str]:
            raise ZeroDivisionError("a template's")

    flows.poll._recording._telling._templates = Failing()  # type: ignore[assignment]
    flows.betterstack.has("7")
    flows.round()
    assert [fields["error"] for fields in log.named("template failed")] == ['ZeroDivisionError("a template\'s")']
    minimal = {
        "Title": "Better Stack incident 7",
        "X-S4-ExternalID": "7",
        "X-S4-SourceSystem": "Better Stack",
        "X-S4-Status": "new",
    }
    assert flows.outbox("payload") == [(minimal,)]
