"""What `status` is told of deliveries that fail on their own, and of those that wait behind them."""

from sqlalchemy import Engine

from daemon.model.delivery import Disposition, Scope, TryLater
from daemon.model.snapshot import OwnFault
from daemon.storage import queries
from daemon.storage.engine import transaction
from daemon.storage.incidents import Change
from tests.support.outbox import NEW, PENDING, RESOLVED, after, change, deliver, head, rows, settle, tell
from tests.support.store import Store
from tests.support.values import NOW, ago, recorded

OWN = Disposition(PENDING, after(minutes=5), own_fault=True)
FORBIDDEN = TryLater("HTTP 403", Scope.UNCLEAR)


def set_apart(store: Store, incident_id: str) -> None:
    settle(store, head(store, incident_id), FORBIDDEN, OWN)


def test_each_is_told_of_by_name(store: Store, engine: Engine) -> None:
    tell(store, "1", NEW, at=ago(minutes=3))
    set_apart(store, "1")
    assert queries.snapshot(engine).own_faults == (OwnFault(1, "1", "new", "HTTP 403", NOW, ago(minutes=3)),)


def test_one_that_tells_of_an_alarm_of_ours_is_marked(store: Store, engine: Engine) -> None:
    [told] = change("1", NEW).messages
    store.record([Change(recorded("1", is_alarm=True), (told,))], NOW)
    set_apart(store, "1")
    [own] = queries.snapshot(engine).own_faults
    assert own.is_alarm is True


def test_what_waits_behind_one_is_not_overdue_but_pending(store: Store, engine: Engine) -> None:
    tell(store, "1", NEW, RESOLVED, at=ago(hours=1))
    tell(store, "2", NEW, at=ago(minutes=1))
    set_apart(store, "1")
    snapshot = queries.snapshot(engine)
    assert snapshot.pending_deliveries == 3
    assert (snapshot.oldest_pending_at, snapshot.oldest_due_at) == (ago(minutes=1), ago(minutes=1))


def test_once_it_is_taken_it_is_none_any_more(store: Store, engine: Engine) -> None:
    tell(store, "1", NEW)
    set_apart(store, "1")
    deliver(store, "1", at=after(minutes=6))
    assert queries.snapshot(engine).own_faults == ()
    assert rows(engine)["1", 1, "new"].own_fault is False


def test_one_of_which_nobody_knows_since_when_it_fails_comes_first(store: Store, engine: Engine) -> None:
    for incident_id in "12":
        tell(store, incident_id, NEW)
        set_apart(store, incident_id)
    with transaction(engine, writes=True) as connection:
        connection.exec_driver_sql("UPDATE deliveries SET failing_since = NULL WHERE id = 2")
    assert [own.incident_id for own in queries.snapshot(engine).own_faults] == ["2", "1"]
