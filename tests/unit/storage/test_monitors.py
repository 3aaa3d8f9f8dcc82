"""What is recorded of monitors: written as a whole, read as it was written, and forgotten when it is over."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from daemon.model.errors import DatabaseBusyError
from daemon.model.incident import Phase
from daemon.model.monitor import MonitorEvent, MonitorFigures, MonitorKind, MonitorLooks
from daemon.storage import queries
from daemon.storage.engine import transaction
from daemon.storage.monitors import MonitorRecords, changes_of, listing
from tests.support.monitors import HEARTBEAT, MONITOR, change, state
from tests.support.outbox import NEW, RESOLVED, after, impatient, tell
from tests.support.store import Store
from tests.support.values import NOW, ago

CREATED, UPDATED, PAUSED, UNPAUSED, DELETED = MonitorEvent
ALERT = "monitor-77-paused"


@pytest.fixture
def records(engine: Engine) -> MonitorRecords:
    return MonitorRecords(engine)


def put_alert(store: Store, identity: str = ALERT, **values: Any) -> None:
    """An own alert about monitor 77, which is open."""
    tell(store, identity, NEW, **{"is_alarm": True, "monitor": "monitor 77", **values})


def test_what_is_recorded_is_read_as_it_was(records: MonitorRecords) -> None:
    whole = state(gone_since=ago(minutes=1), deleted_at=NOW, configuration={"url": "1", "ö": "2"})
    bare = state("78", name="", url="", created_at=None, updated_at=None, configuration={}, first_seen_at=None)
    beat = state("77", HEARTBEAT)
    records.record(MONITOR, [whole, bare], [change(PAUSED, ago(hours=3))], NOW)
    records.record(HEARTBEAT, [beat], [], after(minutes=1))
    assert records.known(MONITOR) == {"77": whole, "78": bare}
    assert records.known(HEARTBEAT) == {"77": beat}
    assert records.looks() == MonitorLooks(NOW, after(minutes=1))
    assert records.latest(MONITOR, ago(hours=1)) == {"77": {PAUSED: change(PAUSED, ago(hours=3))}}


def test_a_state_takes_the_place_of_the_one_before(records: MonitorRecords) -> None:
    records.record(MONITOR, [state(), state("78")], [], NOW)
    later = state(name="Another", status="paused", status_since=NOW, updated_at=NOW, configuration={"url": "9"})
    records.record(MONITOR, [later], [], NOW)
    assert records.known(MONITOR) == {"77": later, "78": state("78")}


def test_states_and_changes_are_written_together_or_not_at_all(records: MonitorRecords) -> None:
    with pytest.raises(DatabaseBusyError):
        # A change of a monitor that is not there.
        records.record(MONITOR, [state()], [change(PAUSED, monitor_id="404")], NOW)
    assert records.known(MONITOR) == {}
    assert records.looks() == MonitorLooks()


def test_of_each_sort_the_latest_counts_as_long_as_it_was_seen_since_then(records: MonitorRecords) -> None:
    records.record(MONITOR, [state(), state("78")], [change(UPDATED, ago(days=9), "url")], ago(hours=2))
    seen = [change(UPDATED, ago(minutes=3), "name"), change(UPDATED, ago(minutes=9)), change(PAUSED, ago(hours=9))]
    records.record(MONITOR, [], [*seen, change(DELETED, NOW, monitor_id="78")], ago(minutes=2))
    assert records.latest(MONITOR, ago(hours=1)) == {
        "77": {UPDATED: seen[0], PAUSED: seen[2]},
        "78": {DELETED: change(DELETED, NOW, monitor_id="78")},
    }
    assert records.latest(MONITOR, ago(minutes=2)) == {}
    assert records.latest(HEARTBEAT, ago(days=9)) == {}


def test_only_open_alerts_about_monitors_are_its_open_alerts(records: MonitorRecords, store: Store) -> None:
    put_alert(store)
    put_alert(store, "monitor-78-paused", phase=Phase.RESOLVED)
    tell(store, "1", NEW, monitor="monitor 77")
    tell(store, "betterstack-signl4-alarm-poll", NEW, is_alarm=True)
    put_alert(store, "flap", source="monitor 77")
    assert records.open_alerts().keys() == {ALERT}
    assert records.open_alerts()[ALERT].monitor == "monitor 77"


def test_incidents_that_are_open_are_counted_by_their_monitor(records: MonitorRecords, store: Store) -> None:
    for incident_id in ("1", "2"):
        tell(store, incident_id, NEW, monitor="monitor 77")
    tell(store, "3", NEW, monitor="heartbeat 77")
    tell(store, "4", NEW, RESOLVED, monitor="monitor 77")
    tell(store, "5", NEW)
    put_alert(store)
    assert records.open_incidents(["monitor 77", "monitor 78"]) == {"monitor 77": 2}
    assert records.open_incidents(["heartbeat 77"]) == {"heartbeat 77": 1}


def test_a_failure_is_known_from_its_first_moment_until_its_end(records: MonitorRecords) -> None:
    assert records.failure() is None
    records.failed("down", NOW)
    records.failed("slow", after(hours=1))
    assert records.failure() == ("slow", False)
    assert records.looks().failing_since == NOW
    records.works()
    assert records.failure() is None
    assert records.looks() == MonitorLooks()


def test_the_listing_is_in_the_order_of_names_and_has_all_changes(records: MonitorRecords, engine: Engine) -> None:
    states = [state("1", name="b"), state("2", name="a")]
    records.record(MONITOR, states, [change(PAUSED, NOW, monitor_id="1")], NOW)
    records.record(HEARTBEAT, [state("3", HEARTBEAT, name="c")], [], NOW)
    records.record(MONITOR, [], [change(CREATED, ago(days=1), monitor_id="1")], NOW)
    found, _ = listing(engine)
    assert [one.state.id for one in found] == ["2", "1", "3"]
    changes = list(found[1].changes)
    assert [one.what for one in changes] == [CREATED, PAUSED]
    with transaction(engine, writes=False) as connection:
        assert changes_of(connection, MONITOR, "1") == changes
        assert changes_of(connection, HEARTBEAT, "1") == []


def test_status_counts_what_is_there_and_says_nothing_where_nobody_looks(
    records: MonitorRecords, store: Store, engine: Engine
) -> None:
    put_alert(store)
    assert queries.snapshot(engine).monitors is None
    records.record(MONITOR, [state("1"), state("2"), state("3", deleted_at=NOW)], [], NOW)
    records.record(HEARTBEAT, [state("1", HEARTBEAT)], [], after(minutes=1))
    records.failed("down", NOW)
    assert queries.snapshot(engine).monitors == MonitorFigures(after(minutes=1), "down", NOW, 2, 1, 1)


def test_a_failure_before_the_first_look_is_in_status(records: MonitorRecords, engine: Engine) -> None:
    records.failed("down", NOW)
    assert queries.snapshot(engine).monitors == MonitorFigures(None, "down", NOW)


@pytest.mark.parametrize("kinds", [(), (MONITOR,), (HEARTBEAT,), (MONITOR, HEARTBEAT)])
def test_what_is_not_looked_at_any_more_was_never_read(
    records: MonitorRecords, store: Store, kinds: tuple[MonitorKind, ...]
) -> None:
    for kind in MonitorKind:
        records.record(kind, [state("1", kind)], [], NOW)
    records.failed("down", NOW)
    store.follow_monitors(kinds)
    looks = records.looks()
    assert {kind for kind in MonitorKind if looks.read_at(kind) is not None} == set(kinds)
    assert (looks.failing_since is None) == (not kinds)
    assert records.known(MONITOR)


def test_an_alert_may_be_open_while_one_is_or_a_list_is_read(records: MonitorRecords, store: Store) -> None:
    assert not store.any_monitor_alerts()
    put_alert(store)
    assert store.any_monitor_alerts()
    tell(store, ALERT, RESOLVED, is_alarm=True, monitor="monitor 77")
    assert not store.any_monitor_alerts()
    records.record(MONITOR, [], [], NOW)
    assert store.any_monitor_alerts()
    store.follow_monitors(())
    assert not store.any_monitor_alerts()


def test_an_open_alert_about_a_monitor_is_no_alarm_of_the_program(store: Store, engine: Engine) -> None:
    put_alert(store)
    snapshot = queries.snapshot(engine)
    assert (snapshot.open_incidents, dict(snapshot.open_alarms)) == (0, {})


def test_changes_are_kept_as_long_as_incidents_and_deleted_monitors_as_well(
    records: MonitorRecords, store: Store, engine: Engine
) -> None:
    states = [state("1"), state("2", deleted_at=ago(days=8)), state("3", deleted_at=ago(days=1))]
    old = [change(PAUSED, ago(days=400), monitor_id=one.id) for one in states]
    records.record(MONITOR, states, old, ago(days=8))
    records.record(MONITOR, [], [change(UPDATED, ago(days=400), monitor_id=one.id) for one in states], ago(days=6))
    store.prune(ago(days=7))
    assert records.known(MONITOR).keys() == {"1", "3"}
    assert [(change.id, change.what) for one in listing(engine)[0] for change in one.changes] == [
        ("1", UPDATED),
        ("3", UPDATED),
    ]


def test_a_deleted_monitor_is_kept_as_long_as_an_incident_of_it_is_open(records: MonitorRecords, store: Store) -> None:
    for identity, kind in (("2", NEW), ("3", NEW), ("3", RESOLVED)):
        tell(store, f"of {identity}", kind, monitor=f"monitor {identity}")
    records.record(MONITOR, [state("2", deleted_at=ago(days=8)), state("3", deleted_at=ago(days=8))], [], NOW)
    store.prune(ago(days=7))
    assert records.known(MONITOR).keys() == {"2"}


def test_durations_begin_anew_when_the_clock_was_set(records: MonitorRecords, store: Store) -> None:
    ahead = state("1", status_since=after(days=1), first_seen_at=after(days=1), gone_since=after(hours=1))
    records.record(MONITOR, [ahead, state("2")], [change(PAUSED, NOW, monitor_id="1")], after(days=1))
    records.failed("down", after(days=1))
    store.forget_spans(NOW)
    assert (records.latest(MONITOR, NOW), records.looks().monitor_read_at) == ({}, NOW)
    assert records.known(MONITOR) == {"1": state("1", status_since=NOW, first_seen_at=NOW), "2": state("2")}
    assert records.looks().failing_since == NOW


VERBS: dict[str, Callable[[MonitorRecords], object]] = {
    "record": lambda records: records.record(MONITOR, [state()], [change(PAUSED)], NOW),
    "works": MonitorRecords.works,
    "failed": lambda records: records.failed("why", NOW),
}


@pytest.mark.parametrize("verb", VERBS)
def test_what_cannot_be_written_raises_and_has_changed_nothing(
    records: MonitorRecords, engine: Engine, verb: str
) -> None:
    database = Path(str(engine.url.database))
    with impatient(database) as other, transaction(engine, writes=True):
        with pytest.raises(DatabaseBusyError):
            VERBS[verb](MonitorRecords(other))
    assert (records.known(MONITOR), records.looks()) == ({}, MonitorLooks())
