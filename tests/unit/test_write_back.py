"""What people do in SIGNL4 comes into the outbox towards Better Stack, once, and with its reason."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from daemon.model.destination import Destination
from daemon.model.errors import Signl4ApiError
from daemon.model.incident import Kind, Phase, Transition
from daemon.model.signl4 import NOBODY
from daemon.storage import queries
from daemon.storage.engine import transaction
from daemon.storage.incidents import Change, Message
from daemon.write_back import NOW_AND_THEN
from tests.support.alerts import JANE, acknowledged, alert, closed
from tests.support.clock import Clock
from tests.support.kept_log import KeptLog
from tests.support.outbox import (
    ACKNOWLEDGED,
    DELIVERED,
    NEW,
    RESOLVED,
    after,
    change,
    deliver,
    payload,
    put,
    rows,
    states,
    tell,
)
from tests.support.store import Store
from tests.support.two_way import Looks
from tests.support.values import NOW

ACK, END = ("1", "acknowledged"), ("1", "resolved")


@pytest.fixture
def looks(engine: Engine, clock: Clock, log: KeptLog) -> Looks:
    return Looks(engine, clock, log)


@pytest.fixture
def told(store: Store, looks: Looks) -> Looks:
    """With an open incident of which SIGNL4 was told."""
    put(store, "1", DELIVERED, NEW)
    return looks


def test_an_acknowledgement_is_written_back_in_the_name_of_the_person(told: Looks) -> None:
    assert told.look(acknowledged()) == [ACK]
    (row,) = told.rows()
    assert (row.payload, row.reason) == ({"by": "Jane Doe via SIGNL4"}, "Jane Doe acknowledged the alert in SIGNL4")
    assert (row.external_id, row.occurred_at, row.due_at, row.attempts) == ("1", NOW, NOW, 0)
    assert told.history() == [("acknowledged in SIGNL4", "Jane Doe acknowledged the alert of team default in SIGNL4")]
    assert told.queued == 1


def test_what_was_found_before_is_written_once_however_often_it_is_seen(told: Looks) -> None:
    for _ in range(3):
        assert told.look(acknowledged()) == [ACK]
    told.begin()
    assert told.look() == [ACK]
    assert (told.queued, len(told.history())) == (1, 1)


def test_acknowledged_and_closed_between_two_looks_is_both_in_order(told: Looks) -> None:
    found = acknowledged("1", phase=closed().phase, closed_at=after(minutes=-1), closed_by=JANE)
    assert told.look(found) == [ACK, END]
    assert [what for what, _ in told.history()] == ["acknowledged in SIGNL4", "closed in SIGNL4"]


def test_closed_without_an_acknowledgement_is_both_in_order(told: Looks) -> None:
    assert told.look(closed()) == [ACK, END]
    assert {row.reason for row in told.rows()} == {"Jane Doe closed the alert in SIGNL4"}


def test_a_close_that_is_not_written_back_says_so(told: Looks) -> None:
    told.begin(Kind.ACKNOWLEDGED)
    assert told.look(closed()) == [ACK]
    ((_, why),) = told.history()
    assert why.endswith("; that resolves nothing in Better Stack, since write_back.resolve is off")


def test_what_signl4_closes_by_itself_is_told_but_not_written_back(told: Looks) -> None:
    assert told.look(closed(by=NOBODY)) == []
    ((what, why),) = told.history()
    assert (what, "by no person" in why) == ("closed in SIGNL4", True)


def test_a_person_without_a_name_is_somebody(told: Looks) -> None:
    told.look(acknowledged(acknowledged_by=()))
    assert [row.payload for row in told.rows()] == [{"by": "somebody via SIGNL4"}]
    assert "members" not in told.signl4.asked


def test_nothing_waits_for_a_name(told: Looks) -> None:
    told.signl4.fails = lambda what: Signl4ApiError("down") if what == "members" else None
    assert told.look(acknowledged()) == [ACK]
    assert told.rows()[0].payload == {"by": "somebody via SIGNL4"}


def test_a_name_is_in_the_log_at_the_level_debug_alone(told: Looks, log: KeptLog) -> None:
    told.look(closed())
    assert [level for level, *rest in log.events if "Jane" in str(rest)] == ["debug"]


def test_nothing_is_asked_while_nothing_of_ours_is_open(store: Store, looks: Looks) -> None:
    looks.look()
    tell(store, "waits", NEW)
    put(store, "over", DELIVERED, NEW, RESOLVED)
    put(store, "an alarm of ours", DELIVERED, NEW, is_alarm=True)
    put(store, "of nobody", DELIVERED, NEW, alerted=False)
    looks.look()
    assert looks.signl4.asked == []


def test_a_team_of_another_account_is_not_watched(engine: Engine, looks: Looks, clock: Clock, log: KeptLog) -> None:
    looks.betterstack.configure(["default", "other"])
    put(Store(engine, Destination("default", "")), "1", DELIVERED, NEW)
    other = Looks(engine, clock, log, "other")
    other.look(acknowledged())
    assert other.signl4.asked == []


def test_a_look_begins_a_minute_before_the_end_of_the_last_one(told: Looks, clock: Clock) -> None:
    told.look()
    clock.pass_(seconds=15)
    told.look()
    told.begin()
    clock.pass_(seconds=15)
    told.look()
    assert told.signl4.asked == ["alerts", "alerts since 09:29:00", "alerts since 09:29:15"]
    assert told.progress.read().last_look_at == after(seconds=30)


def test_what_others_did_while_nothing_was_open_is_not_asked_for(store: Store, told: Looks, clock: Clock) -> None:
    told.look()
    tell(store, "1", RESOLVED)
    clock.pass_(hours=3)
    told.signl4.ahead = timedelta(minutes=-10)
    put(store, "2", DELIVERED, NEW, at=clock())
    told.look()
    assert told.signl4.asked[-1] == "alerts since 12:19:00"


def test_a_beginning_that_a_wrong_clock_stamped_hides_nothing(store: Store, looks: Looks, clock: Clock) -> None:
    put(store, "1", DELIVERED, NEW, at=after(hours=1))
    looks.look()
    looks.look()
    assert looks.signl4.asked == ["alerts", "alerts since 09:29:00"]


def test_a_failure_begins_anew_when_the_clock_is_set(looks: Looks, clock: Clock) -> None:
    looks.betterstack.forget_spans(after(minutes=5))
    assert looks.progress.read().failing_since is None
    looks.progress.failed("down", clock())
    looks.betterstack.forget_spans(after(hours=5))
    assert looks.progress.read().failing_since == after(hours=5)


def test_a_look_that_fails_leaves_the_next_one_to_begin_where_it_began(told: Looks, clock: Clock) -> None:
    told.look()
    told.signl4.fails = lambda _: Signl4ApiError("down")
    clock.pass_(minutes=5)
    with pytest.raises(Signl4ApiError):
        told.look(acknowledged())
    assert told.waiting() == []
    told.signl4.fails = lambda _: None
    assert told.look() == [ACK]
    assert told.signl4.asked[-2:] == ["alerts since 09:29:00", "members"]


def test_where_closed_alerts_are_not_listed_the_missing_ones_are_looked_up(store: Store, told: Looks) -> None:
    told.signl4.with_closed = False
    for number in range(2, 9):
        put(store, str(number), DELIVERED, NEW)
    told.look(*(closed(str(number)) for number in range(1, 9)), alert("3"))
    first = told.signl4.asked[1:]
    asked = [one for one in first if one.startswith("alerts of")]
    assert asked == [f"alerts of {number}" for number in (1, 2, 4, 5, 6)]
    told.signl4.asked.clear()
    told.look()
    assert told.signl4.asked[1:] == ["alerts of 7", "alerts of 8"]
    told.signl4.asked.clear()
    told.look()
    assert told.signl4.asked[1:] == []
    assert {incident for incident, _ in told.waiting()} == set("1245678")


def test_those_of_which_there_is_no_alert_take_turns(store: Store, told: Looks) -> None:
    told.signl4.with_closed = False
    for number in range(2, 8):
        put(store, str(number), DELIVERED, NEW)
    told.look()
    told.look()
    asked = [one for one in told.signl4.asked if one.startswith("alerts of")]
    assert asked == [f"alerts of {number}" for number in (1, 2, 3, 4, 5, 6, 7, 1, 2, 3)]


def test_what_a_long_list_leaves_out_is_looked_up(told: Looks) -> None:
    told.signl4.most = 1
    told.look(acknowledged(), alert("2"))
    assert told.waiting() == [ACK]


def test_what_the_first_list_does_not_show_is_looked_up_over_the_looks_that_follow(store: Store, told: Looks) -> None:
    told.signl4.with_closed = False
    for number in range(2, 14):
        put(store, str(number), DELIVERED, NEW)
    told.look(*(closed(str(number)) for number in range(1, 14)))
    told.signl4.with_closed, told.signl4.is_whole, told.signl4.most = True, True, 0
    told.look()
    told.look()
    assert {incident for incident, _ in told.waiting()} == {str(number) for number in range(1, 14)}
    told.signl4.asked.clear()
    told.look()
    assert [one for one in told.signl4.asked if one.startswith("alerts of")] == []


def test_now_and_then_what_no_list_of_changes_shows_is_looked_up(told: Looks) -> None:
    told.signl4.has(acknowledged())
    told.signl4.most = 0
    told.signl4.is_whole = True
    for _ in range(NOW_AND_THEN - 1):
        told.look()
    assert told.waiting() == []
    told.look()
    assert told.waiting() == [ACK]


def test_of_two_teams_the_one_whose_alert_is_not_listed_is_looked_up(
    engine: Engine, clock: Clock, log: KeptLog
) -> None:
    looks = Looks(engine, clock, log, "a", "b")
    looks.begin(Kind.RESOLVED)
    looks.signl4.with_closed = False
    both = tuple(Message(Transition(NEW, 1, NOW, "a reason"), payload("1", NEW), team) for team in ("a", "b"))
    Store(engine).record([Change(change("1").after, both)], NOW)
    for team in ("a", "b"):
        deliver(Store(engine, Destination(team, "")), "1", event_id=f"of {team}")
    one, other = alert(id="x", event_id="of a"), alert(id="y", event_id="of b")
    assert looks.look(one, other) == []
    assert looks.signl4.asked == ["alerts"]
    assert looks.look(closed(id="x", event_id="of a")) == [END]
    assert looks.signl4.asked[-2:] == ["alerts of 1", "members"]


def test_what_was_looked_up_is_kept_when_a_later_look_up_fails(store: Store, told: Looks) -> None:
    told.signl4.with_closed = False
    put(store, "2", DELIVERED, NEW)
    told.signl4.fails = lambda what: Signl4ApiError("down") if what == "alerts of 2" else None
    with pytest.raises(Signl4ApiError):
        told.look(closed("1"), closed("2"))
    assert told.waiting() == [ACK, END]


def test_the_alert_of_a_message_that_is_sent_during_a_look_is_seen(store: Store, told: Looks) -> None:
    def send(what: str) -> None:
        if what == "alerts":
            put(store, "2", DELIVERED, NEW)

    told.signl4.before = send
    assert told.look(acknowledged("2")) == [("2", "acknowledged")]


def test_what_better_stack_learns_during_a_look_is_not_written_back(store: Store, told: Looks) -> None:
    """A round may come between the decision and its record: the record looks again."""

    def round_(what: str) -> None:
        if what == "members":
            store.record([change("1", phase=Phase.ACKNOWLEDGED)], NOW)

    told.signl4.before = round_
    assert told.look(closed()) == [END]


def test_what_was_opened_again_during_a_look_is_not_written_back(store: Store, told: Looks) -> None:
    def round_(what: str) -> None:
        if what == "members":
            store.record([change("1", generation=2)], NOW)

    told.signl4.before = round_
    assert told.look(closed()) == []


def test_the_alert_of_an_earlier_generation_says_nothing_of_this_one(store: Store, looks: Looks) -> None:
    tell(store, "1", NEW)
    deliver(store, "1", event_id="first")
    tell(store, "1", RESOLVED)
    deliver(store, "1")
    tell(store, "1", NEW, generation=2, at=after(hours=1))
    deliver(store, "1", at=after(hours=1), event_id="second")
    assert looks.look(closed(event_id="first"), closed(id="old", created_at=after(minutes=59))) == []
    assert looks.look(acknowledged(event_id="second", created_at=None)) == [ACK]
    assert [row.generation for row in looks.rows()] == [2]


# -- what follows at Better Stack -------------------------------------------------------------------------------------


def at_better_stack(looks: Looks, phase: Phase, *kinds: Kind, generation: int = 1) -> None:
    """A round sees that."""
    Store(looks.engine).record([change("1", *kinds, phase=phase, generation=generation)], looks.clock())


def test_once_a_round_sees_it_what_waits_is_superseded(told: Looks) -> None:
    told.look(closed())
    at_better_stack(told, Phase.ACKNOWLEDGED)
    assert told.waiting() == [END]
    at_better_stack(told, Phase.RESOLVED)
    assert told.waiting() == []
    assert [row.reason for row in told.rows()] == [
        "Better Stack's incident is acknowledged",
        "Better Stack's incident is resolved",
    ]
    assert [what for what, _ in told.history()].count("superseded") == 2


def test_an_end_supersedes_all_that_waits_attempted_or_dead(told: Looks) -> None:
    told.look(closed())
    store = told.betterstack
    deliver(store, "1")
    with transaction(told.engine, writes=True) as connection:
        connection.exec_driver_sql("UPDATE deliveries SET state = 'dead', attempts = 2 WHERE kind = 'resolved'")
    at_better_stack(told, Phase.RESOLVED)
    assert [row.state for row in told.rows()] == ["delivered", "superseded"]


def test_what_was_opened_again_is_not_closed_by_what_somebody_did_before(told: Looks) -> None:
    told.look(closed())
    at_better_stack(told, Phase.OPEN, NEW, generation=2)
    assert told.waiting() == []


def test_the_team_in_whose_alert_a_person_acknowledged_is_not_told_so(told: Looks) -> None:
    told.look(acknowledged())
    at_better_stack(told, Phase.ACKNOWLEDGED, ACKNOWLEDGED)
    row = rows(told.engine)["1", 1, "acknowledged"]
    assert (row.destination, row.state, row.reason) == ("default", "superseded", "acknowledged in SIGNL4 first")


@pytest.mark.parametrize(
    "seen",
    [
        (),
        (alert(),),
        (closed(by=NOBODY),),
        (acknowledged(), alert(id="a second page of the same")),
        (acknowledged("1", NOBODY),),
    ],
    ids=["no alert", "an open one", "one that SIGNL4 closed", "one of two", "by SIGNL4"],
)
def test_a_team_is_told_that_somebody_acknowledged_unless_its_people_did(told: Looks, seen: tuple[object, ...]) -> None:
    told.look(*seen)
    with transaction(told.engine, writes=True) as connection:
        connection.exec_driver_sql("DELETE FROM deliveries WHERE destination = 'Better Stack'")
    at_better_stack(told, Phase.ACKNOWLEDGED, ACKNOWLEDGED)
    assert states(told.engine)["1", 1, "acknowledged"] == "pending"


def test_an_end_is_told_whoever_closed_the_alert(told: Looks) -> None:
    told.look(closed())
    at_better_stack(told, Phase.RESOLVED, RESOLVED)
    assert [row.state for row in [rows(told.engine)["1", 1, "resolved"]]] == ["pending"]


def test_an_echo_of_our_own_acknowledged_is_written_back_to_nobody(store: Store, told: Looks) -> None:
    """Somebody acknowledges at Better Stack; SIGNL4 shows that as done by whomever it likes."""
    at_better_stack(told, Phase.ACKNOWLEDGED, ACKNOWLEDGED)
    deliver(store, "1")
    assert told.look(acknowledged()) == []
    assert told.history() == []


def test_a_person_stays_the_first_although_a_message_of_ours_follows(store: Store, told: Looks) -> None:
    at_better_stack(told, Phase.ACKNOWLEDGED, ACKNOWLEDGED)
    told.look(acknowledged())
    deliver(store, "1")
    told.look(acknowledged(phase=closed().phase, closed_by=JANE))
    with told.engine.connect() as connection:
        (row,) = connection.exec_driver_sql("SELECT acknowledged, acknowledged_by, closed_by FROM alerts").all()
    assert tuple(row) == (1, "Jane Doe", "Jane Doe")


# -- figures and upkeep -----------------------------------------------------------------------------------------------


def test_the_figures_of_paging_leave_out_what_is_written_back(told: Looks) -> None:
    before = queries.snapshot(told.engine)
    told.look(closed())
    snapshot = queries.snapshot(told.engine)
    figures = snapshot.two_way
    assert before.two_way is None
    assert figures is not None
    assert (snapshot.pending_deliveries, snapshot.oldest_pending_at, snapshot.oldest_due_at) == (0, None, None)
    assert (figures.pending_write_backs, figures.oldest_write_back_at, figures.last_look_at) == (2, NOW, NOW)
    with transaction(told.engine, writes=True) as connection:
        connection.exec_driver_sql(
            "UPDATE deliveries SET state = 'dead', own_fault = true WHERE destination = 'Better Stack'"
        )
        connection.exec_driver_sql(
            "UPDATE destinations SET secret_refused_since = '2026-11-23 09:30:00', why = 'read-only' "
            "WHERE name = 'Better Stack'"
        )
    snapshot = queries.snapshot(told.engine)
    assert snapshot.two_way is not None
    assert (snapshot.dead_deliveries, snapshot.dead_alerts, snapshot.dead_incident, snapshot.too_late) == (
        0,
        0,
        None,
        (),
    )
    assert (snapshot.refused, snapshot.own_faults, snapshot.strays) == ((), (), {})
    assert (snapshot.two_way.dead_write_backs, snapshot.two_way.refused_since) == (2, NOW)
    assert snapshot.two_way.refused_because == "read-only"


def test_what_waits_while_nothing_is_written_back_is_no_stray(told: Looks) -> None:
    told.look(closed())
    told.betterstack.configure(["default"])
    assert queries.snapshot(told.engine).strays == {}


def test_what_is_switched_off_is_given_up(told: Looks) -> None:
    told.look(closed())
    told.betterstack.follow_two_way({Kind.ACKNOWLEDGED}, NOW, has_key=True)
    assert told.waiting() == [ACK]
    assert told.rows()[1].reason == "writing this back is switched off"
    told.betterstack.follow_two_way((), NOW, has_key=True)
    assert told.waiting() == []
    assert queries.snapshot(told.engine).two_way is not None


def test_what_was_given_up_while_it_was_switched_off_is_written_back_once_it_is_switched_on(told: Looks) -> None:
    told.look(closed())
    told.betterstack.follow_two_way((), NOW, has_key=False)
    told.begin(Kind.ACKNOWLEDGED)
    assert told.look(closed()) == [ACK]
    told.begin()
    assert told.look(closed()) == [ACK, END]
    assert [row.reason for row in told.rows()] == ["Jane Doe closed the alert in SIGNL4"] * 2


def test_without_a_key_nothing_is_left_of_what_signl4_told(told: Looks) -> None:
    told.look(closed())
    told.progress.failed("401", NOW, key_refused=True)
    told.betterstack.follow_two_way((), NOW, has_key=False)
    assert queries.snapshot(told.engine).two_way is None


def test_an_old_incident_goes_with_its_alerts(told: Looks) -> None:
    told.look(closed())
    at_better_stack(told, Phase.RESOLVED)
    assert told.betterstack.prune(after(days=400)) == 1
    with told.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM alerts").scalar() == 0


def test_the_first_failure_is_kept_until_it_works_again(looks: Looks, clock: Clock) -> None:
    looks.progress.failed("down", clock())
    clock.pass_(minutes=1)
    looks.progress.failed("401", clock(), key_refused=True)
    state = looks.progress.read()
    assert (state.last_error, state.failing_since, state.key_refused_since) == ("401", NOW, after(minutes=1))
    looks.progress.works()
    state = looks.progress.read()
    assert (state.last_error, state.failing_since, state.key_refused_since) == (None, None, None)
