"""What a report reads: openings, retries, alarms, and traces of rounds."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event

from daemon.model.alarm import Cause
from daemon.model.destination import BETTER_STACK
from daemon.model.report import Alarm, Episode
from daemon.storage import report
from tests.support.clock import Clock
from tests.support.fakes import ACCEPTED, OUTAGE, Flows
from tests.support.kept_log import KeptLog
from tests.support.outbox import (
    ACKNOWLEDGED,
    DEAD,
    DELIVERED,
    NEW,
    PENDING,
    RESOLVED,
    SUPERSEDED,
    after,
    deliver,
    postpone,
    put,
    tell,
)
from tests.support.past import delivery, fill, incident, write
from tests.support.store import Store
from tests.support.values import NOW, ago

SINCE, UNTIL = ago(days=30), after(days=1)


def read(engine: Engine, since: datetime = SINCE, until: datetime = UNTIL) -> list[Episode]:
    openings = report.Openings(engine, since, until)
    return [one for _, batch in openings.batches() for one in batch]


def test_an_opening_has_the_times_of_its_messages(store: Store, engine: Engine) -> None:
    began = ago(minutes=5)
    tell(store, "1", NEW, occurred_at=began, at=ago(minutes=4))
    deliver(store, "1", at=ago(minutes=3))
    tell(store, "1", ACKNOWLEDGED, occurred_at=ago(minutes=2), acknowledged_at=ago(minutes=2))
    deliver(store, "1", at=ago(minutes=1))
    tell(store, "1", RESOLVED, occurred_at=NOW, acknowledged_at=ago(minutes=2), resolved_at=NOW)
    assert read(engine) == [
        Episode(
            "1",
            1,
            "Shop front page",
            "Status 503",
            began,
            ago(minutes=4),
            ago(minutes=3),
            ago(minutes=2),
            NOW,
            tries=2,
        )
    ]


def test_each_opening_of_an_incident_counts(store: Store, engine: Engine) -> None:
    tell(store, "1", NEW, RESOLVED, occurred_at=ago(hours=2))
    tell(store, "1", NEW, generation=2, occurred_at=ago(hours=1), reopened_at=ago(hours=1), at=ago(minutes=50))
    found = [(one.generation, one.began_at, one.seen_at, one.resolved_at) for one in read(engine)]
    assert found == [(1, ago(hours=2), NOW, ago(hours=2)), (2, ago(hours=1), ago(minutes=50), None)]


def test_an_opening_that_nobody_was_told_of_has_the_times_of_its_record(engine: Engine) -> None:
    write(
        engine,
        incidents=[
            incident("1", phase="resolved", told=0, started_at=ago(hours=2), acknowledged_at=ago(hours=1.5),
                     resolved_at=ago(hours=1), first_seen_at=NOW, changed_at=NOW, silent_because="a reason"),
            incident("2", generation=2, told=0, started_at=ago(days=9), acknowledged_at=ago(days=8),
                     reopened_at=ago(hours=3), first_seen_at=ago(days=9), changed_at=ago(hours=2)),
            incident("3", phase="resolved", told=0, started_at=None, first_seen_at=ago(hours=2),
                     changed_at=ago(hours=1)),
        ],
    )  # fmt: skip
    assert read(engine) == [
        Episode("1", 1, "Shop front page", "Status 503", ago(hours=2), NOW, None, ago(hours=1.5), ago(hours=1),
                untold_because="a reason"),
        Episode("2", 2, "Shop front page", "Status 503", ago(hours=3), ago(hours=2), None, None, None),
        Episode("3", 1, "Shop front page", "Status 503", ago(hours=2), ago(hours=2), None, None, ago(hours=1)),
    ]  # fmt: skip


STATES = {
    PENDING: "pending: a reason",
    DEAD: "dead: a reason",
    SUPERSEDED: "superseded: nobody needs it",
    DELIVERED: None,
}


@pytest.mark.parametrize("state", STATES)
def test_an_alert_that_was_not_accepted_says_why(store: Store, engine: Engine, state: Any) -> None:
    put(store, "1", state, NEW)
    [one] = read(engine)
    assert one.untold_because == STATES[state]


def test_of_several_teams_the_first_that_was_told_counts(engine: Engine) -> None:
    rows = [
        delivery("1", "new", ago(hours=1), ago(hours=1), told, destination=team, held_because=held)
        for team, told, held in (("default", None, "silence 3"), ("night", NOW, None))
    ]
    write(engine, destinations=[{"name": "night", "why": "", "other_faults": "[]", "payload_faults": "[]"}])
    write(
        engine,
        incidents=[incident("1", started_at=ago(hours=1), first_seen_at=NOW, changed_at=NOW)],
        deliveries=rows,
    )
    [one] = read(engine)
    assert (one.told_at, one.was_held, one.untold_because) == (NOW, True, None)


def test_who_closes_an_alert_in_signl4_has_acknowledged_it_and_not_ended_the_incident(engine: Engine) -> None:
    began, closed, ended = ago(hours=2), ago(hours=1), ago(minutes=1)
    back = {"destination": BETTER_STACK, "state": "dead", "attempts": 7}
    write(
        engine,
        destinations=[{"name": BETTER_STACK, "why": "", "other_faults": "[]", "payload_faults": "[]"}],
        incidents=[incident("1", phase="resolved", started_at=began, resolved_at=ended, first_seen_at=began,
                            changed_at=ended)],
        deliveries=[
            delivery("1", "new", began, began, began),
            delivery("1", "acknowledged", closed, closed, None, **back),
            delivery("1", "resolved", closed, closed, None, **back),
            delivery("1", "resolved", ended, ended, ended),
        ],
    )  # fmt: skip
    [one] = read(engine)
    assert (one.acknowledged_at, one.resolved_at, one.tries) == (closed, ended, 2)


def test_a_period_holds_what_lies_in_it_be_it_in_part(engine: Engine) -> None:
    def row(name: str, began: datetime, ended: datetime | None) -> dict[str, Any]:
        phase = "open" if ended is None else "resolved"
        times = {"started_at": began, "resolved_at": ended, "first_seen_at": began, "changed_at": ended or began}
        return incident(name, phase=phase, **times)

    since, until = ago(days=2), ago(days=1)
    before, within, behind = ago(days=3), ago(days=1.5), ago(hours=1)
    spans = {
        "over before": (before, ago(days=2, minutes=1)),
        "open before": (before, None),
        "begins before": (before, within),
        "within": (within, within),
        "ends behind": (within, behind),
        "begins behind": (behind, None),
    }
    write(engine, incidents=[row(name, *span) for name, span in spans.items()])
    found = {one.incident_id for one in read(engine, since, until)}
    assert found == {"open before", "begins before", "within", "ends behind"}


def test_alarms_are_no_incidents_and_are_listed_with_each_time_they_were_open(engine: Engine) -> None:
    fill(engine, 4)
    assert len(read(engine)) == 4
    [alarm] = report.alarms(engine, SINCE, UNTIL)
    assert (alarm.incident_id, alarm.closed_at) == (Cause.POLL.external_id, ago(days=4, hours=2))
    assert alarm == Alarm(alarm.incident_id, alarm.name, ago(days=4, hours=7), ago(days=4, hours=2))
    assert report.alarms(engine, ago(days=4), UNTIL) == []
    assert report.alarms(engine, SINCE, ago(days=5)) == []


def test_that_a_monitor_is_paused_is_no_alarm_of_the_program(engine: Engine) -> None:
    row = incident("monitor-7-paused", is_alarm=1, monitor="monitor 7", first_seen_at=ago(days=1), changed_at=NOW)
    write(engine, incidents=[row], deliveries=[delivery("monitor-7-paused", "new", ago(days=1), NOW, NOW)])
    assert report.alarms(engine, SINCE, UNTIL) == []


def test_an_alarm_has_the_sentence_of_its_own_time(engine: Engine) -> None:
    row = incident("a", is_alarm=1, generation=2, name="latest", first_seen_at=ago(days=9), changed_at=NOW)
    rows = [
        delivery("a", "new", ago(days=9 - number), NOW, NOW, generation=number, payload=payload)
        for number, payload in ((1, '{"Title": "a", "Cause": "first"}'), (2, '"damaged"'))
    ]
    write(engine, incidents=[row], deliveries=rows)
    assert [(one.name, one.closed_at) for one in report.alarms(engine, SINCE, UNTIL)] == [
        ("first", None),
        ("latest", None),
    ]


def test_however_many_there_are_no_transaction_reads_more_than_a_batch(engine: Engine) -> None:
    fill(engine, 1005)
    begun = list[str]()
    event.listen(engine, "begin", lambda _: begun.append("begun"))
    openings = report.Openings(engine, SINCE, UNTIL)
    found = [(done, len(batch)) for done, batch in openings.batches()]
    assert [done for done, _ in found] == [500, 1000, 1005]
    assert sum(count for _, count in found) == len(openings) == 1005
    assert len(begun) == 4


def test_deliveries_that_needed_retries_are_counted_and_the_worst_are_named(store: Store, engine: Engine) -> None:
    put(store, "1", DELIVERED, NEW)
    put(store, "2", DEAD, NEW)
    tell(store, "3", NEW)
    for _ in range(3):
        postpone(store, "3")
    tell(store, "4", NEW)
    postpone(store, "4")
    found = report.retries(engine, SINCE, UNTIL)
    assert (found.deliveries, found.retried, found.dead, found.pending) == (4, 2, 1, 2)
    assert [(one.incident_id, one.tries, one.state, one.waited) for one in found.worst] == [
        ("3", 3, "pending", None),
        ("2", 2, "dead", None),
    ]
    assert found.worst[0].last_error == "503"
    assert report.retries(engine, after(seconds=1), UNTIL).deliveries == 0


def test_what_was_accepted_in_the_end_says_how_long_it_waited(
    store: Store, engine: Engine, clock: Clock, log: KeptLog
) -> None:
    flows = Flows(engine, clock, log, store)
    flows.signl4.answer = lambda _: OUTAGE
    flows.see("1")
    flows.drain()
    flows.signl4.answer = lambda _: ACCEPTED
    flows.drain_for(minutes=1)
    [one] = report.retries(engine, SINCE, flows.clock() + timedelta(days=1)).worst
    assert (one.state, one.tries, one.team) == ("delivered", 2, "default")
    assert one.waited is not None
    assert 1 < one.waited < 60


def test_of_rounds_the_last_and_the_earliest_trace_are_known(store: Store, engine: Engine) -> None:
    assert report.rounds(engine).first_record_at is None
    tell(store, "1", NEW, at=ago(hours=2))
    tell(store, "2", NEW, at=ago(hours=1))
    store.complete_round(ago(minutes=3))
    store.fail_round("HTTP 502", NOW)
    found = report.rounds(engine)
    assert (found.first_record_at, found.last_complete_at, found.failing_since) == (ago(hours=2), ago(minutes=3), NOW)
