"""What was changed about a monitor, in the story of its incidents, and the story of an alert about it."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from daemon.decisions.explain import CHANGED_BEFORE, explain
from daemon.decisions.monitor_alerts import TOLD_CAUSE, TOLD_FOR
from daemon.model.delivery import DeliveryState
from daemon.model.history import Happening
from daemon.model.incident import Kind, Phase
from daemon.model.monitor import MonitorChange, MonitorEvent, MonitorKind
from daemon.model.story import Record
from tests.support.each import each
from tests.support.outbox import after
from tests.support.story import SEEN, entry, present, record, row
from tests.support.values import NOW, ago

NEW, RESOLVED = Kind.NEW, Kind.RESOLVED
DELIVERED = DeliveryState.DELIVERED
MONITOR, HEARTBEAT = MonitorKind
BEGAN = ago(minutes=5, seconds=5)
BEFORE = BEGAN - CHANGED_BEFORE
MOMENT = timedelta(milliseconds=1)


def change(what: MonitorEvent, at: datetime = BEGAN, detail: str = "", kind: MonitorKind = MONITOR) -> MonitorChange:
    return MonitorChange(kind, "123", what, at, detail)


def with_changes(changes: Iterable[MonitorChange], **state: Any) -> Record:
    return replace(record(**{"monitor": "monitor 123", **state}), changes=tuple(changes))


def told(one: Record) -> list[str]:
    return [line.text for line in explain(one, present()).happened]


@each(
    ("one", "sentence"),
    [
        (change(MonitorEvent.CREATED), "its monitor was created"),
        (change(MonitorEvent.CREATED, detail="it is back"), "its monitor was created: it is back"),
        (change(MonitorEvent.UPDATED, detail="check_frequency, url"), "its monitor was changed: check_frequency, url"),
        (change(MonitorEvent.UPDATED), "its monitor was changed"),
        (change(MonitorEvent.PAUSED), "its monitor was paused"),
        (change(MonitorEvent.UNPAUSED, kind=HEARTBEAT), "its heartbeat was unpaused"),
        (change(MonitorEvent.DELETED, kind=HEARTBEAT), "its heartbeat was deleted"),
    ],
)
def test_each_change_is_a_sentence(one: MonitorChange, sentence: str) -> None:
    first, *others = explain(with_changes([one]), present()).happened
    assert (first.at, first.what, first.text, first.generation) == (BEGAN, "monitor", sentence, 1)
    assert (first.delivery_id, first.kind, first.team) == (None, None, None)
    assert [line.text for line in others] == ["began at Better Stack", "first seen, 5 s after it began"]


@each(
    ("at", "state", "is_told"),
    [
        (BEFORE - MOMENT, {}, False),
        (BEFORE, {}, True),
        (SEEN, {}, True),
        (NOW, {}, True),
        (NOW + MOMENT, {}, False),
        (SEEN, {"phase": Phase.RESOLVED, "resolved_at": SEEN}, True),
        (SEEN + MOMENT, {"phase": Phase.RESOLVED, "resolved_at": SEEN}, False),
        # of an earlier generation
        (SEEN + MOMENT, {"resolved_at": SEEN, "generation": 2}, True),
        # when it ended is not known
        (NOW, {"phase": Phase.RESOLVED, "resolved_at": None}, True),
        # when it began is not known
        (SEEN - CHANGED_BEFORE, {"started_at": None}, True),
        (SEEN - CHANGED_BEFORE - MOMENT, {"started_at": None}, False),
    ],
)
def test_changes_are_told_from_a_day_before_it_began_until_it_was_over(
    at: datetime, state: dict[str, Any], is_told: bool
) -> None:
    assert ("its monitor was paused" in told(with_changes([change(MonitorEvent.PAUSED, at)], **state))) is is_told


def test_a_change_stands_at_its_time() -> None:
    one = record(
        row(1, NEW, DELIVERED, attempts=1),
        history=[entry(Happening.ATTEMPT, "accepted", ago(minutes=4), 1, 0.1)],
        monitor="monitor 123",
    )
    changes = [change(MonitorEvent.UPDATED, ago(hours=2), "url"), change(MonitorEvent.PAUSED, ago(minutes=3))]
    assert told(replace(one, changes=tuple(changes))) == [
        "its monitor was changed: url",
        "began at Better Stack",
        "first seen, 5 s after it began",
        "new to team default: accepted by SIGNL4",
        "its monitor was paused",
    ]


@given(
    st.lists(st.builds(change, st.sampled_from(MonitorEvent), st.datetimes().map(lambda at: at.astimezone(NOW.tzinfo))))
)
def test_whatever_was_changed_the_story_is_in_order_of_time(changes: list[MonitorChange]) -> None:
    times = [line.at for line in explain(with_changes(changes), present()).happened]
    assert times == sorted(times)


# -- an alert about a monitor -----------------------------------------------------------------------------------------

PAUSED = "Monitor Shop is paused since 2026-11-16 09:00 UTC"
ALERT: dict[str, Any] = {"is_alarm": True, "monitor": "monitor 123", "name": PAUSED, "started_at": ago(days=7)}
EVENT: dict[str, Any] = {**ALERT, "started_at": ago(minutes=5), "cause": TOLD_CAUSE}
TAKEN = (row(1, NEW, DELIVERED, attempts=1, reason=PAUSED), row(2, RESOLVED, DELIVERED, attempts=1))


def next_of(one: Record) -> list[tuple[str, datetime | None]]:
    return [(step.text, step.at) for step in explain(one, present()).next]


def test_the_story_of_an_alert_begins_with_what_somebody_did() -> None:
    one = record(
        row(1, NEW, DELIVERED, attempts=1, reason=PAUSED),
        history=[entry(Happening.ROUTED, "no route matches", SEEN)],
        **ALERT,
    )
    assert told(replace(one, changes=(change(MonitorEvent.PAUSED, ago(days=7)),))) == [
        "its monitor was paused",
        PAUSED,
        "no route matches",
        "new to team default: accepted by SIGNL4",
    ]
    assert next_of(one) == [("it is closed as soon as its cause is over", None)]


def test_the_end_of_an_alert_that_nobody_was_told_of_is_none_of_better_stack() -> None:
    silent: dict[str, Any] = {"alerted": False, "silent_because": 'route "quiet" records only'}
    assert told(record(**ALERT, **silent, phase=Phase.RESOLVED, resolved_at=NOW)) == ["its cause is over"]
    assert next_of(record(**ALERT, **silent)) == [
        (
            'nobody is told of it: route "quiet" records only; it is closed as soon as its cause is over',
            None,
        )
    ]


def test_the_alert_of_an_event_is_closed_an_hour_after_it_was_seen() -> None:
    closed_at = TAKEN[0].created_at + TOLD_FOR
    assert next_of(record(TAKEN[0], **EVENT)) == [("it is closed", closed_at)]
    assert next_of(record(row(1, NEW, due_at=after(seconds=5)), **EVENT)) == [
        ("new to team default is sent", after(seconds=5)),
        ("it is closed", closed_at),
    ]
    assert next_of(record(*TAKEN, **EVENT, phase=Phase.RESOLVED)) == [
        ("nothing: it is over, and SIGNL4 took all of it", None)
    ]


@each("other", [{"cause": "Nobody watches it."}, {"is_alarm": False}])
def test_nothing_else_has_a_time_at_which_it_is_closed(other: dict[str, Any]) -> None:
    assert [at for _, at in next_of(record(TAKEN[0], **{**EVENT, **other}))] == [None]
