"""After a restore the history of an incident is that of both files, each entry once."""

from datetime import UTC, datetime

from sqlalchemy import Engine

from daemon.model.history import Entry, Happening
from daemon.storage import history
from daemon.storage.engine import transaction
from daemon.storage.history_rows import add
from tests.support.outbox import NEW, RESOLVED, after, deliver, postpone, tell
from tests.support.store import Store
from tests.support.values import NOW
from tests.unit.storage.conftest import merged


def told(engine: Engine, incident_id: str) -> list[tuple[str, str | None]]:
    """The entries, each with the kind of the delivery that it is about."""
    record = history.read(engine, incident_id, NOW).record
    assert record is not None
    kinds = {row.id: str(row.kind) for row in record.deliveries}
    return [
        (entry.why, None if entry.delivery_id is None else kinds[entry.delivery_id])
        for entry in sorted(record.history, key=lambda entry: entry.at)
    ]


def route(engine: Engine, why: str, second: int) -> None:
    """An entry that is about no delivery."""
    with transaction(engine, writes=True) as connection:
        add(connection, [Entry("1", 1, after(seconds=second), Happening.ROUTED, why)])


def test_it_has_the_entries_of_both_about_the_deliveries_that_they_were_about(
    store: Store, engine: Engine, restored: Engine
) -> None:
    copy = Store(restored)
    # Incident 2 is in one file alone, so the same delivery has another number in each.
    tell(store, "2", NEW)
    deliver(store, "2", at=after(seconds=9))
    for file, database in ((store, engine), (copy, restored)):
        tell(file, "1", NEW)
        route(database, "which route", 0)
        postpone(file, "1", attempt_at=after(seconds=1))
    postpone(copy, "1", attempt_at=after(seconds=2))
    deliver(store, "1", at=after(seconds=3), event_id="7")
    tell(store, "1", RESOLVED)
    deliver(store, "1", at=after(seconds=4), event_id="8")
    route(engine, "another route", 5)
    for _ in ("once", "and again"):
        merged(engine, restored)
        assert told(restored, "1") == [
            ("which route", None),
            ("503", "new"),
            ("503", "new"),
            ("accepted; event 7", "new"),
            ("accepted; event 8", "resolved"),
            ("another route", None),
        ]
        assert told(restored, "2") == [("accepted", "new")]


def test_of_two_alike_at_different_times_none_is_lost(store: Store, engine: Engine, restored: Engine) -> None:
    tell(store, "1", NEW)
    for second in range(3):
        postpone(store, "1", attempt_at=after(seconds=second))
    merged(engine, restored)
    assert told(restored, "1") == [("503", "new")] * 3


def test_what_is_given_up_says_so_and_when(store: Store, engine: Engine, restored: Engine) -> None:
    store.complete_round(after(hours=1))
    tell(Store(restored), "1", NEW, RESOLVED)
    before = datetime.now(UTC)
    merged(engine, restored)
    why = "over, by what was known before the restore"
    assert told(restored, "1") == [(why, "new"), (why, "resolved")]
    record = history.read(restored, "1", NOW).record
    assert record is not None
    for entry in record.history:
        assert (entry.what, entry.generation) == (Happening.SUPERSEDED, 1)
        assert abs((entry.at - before).total_seconds()) < 60
