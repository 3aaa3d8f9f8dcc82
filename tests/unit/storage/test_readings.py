"""What the metrics show of the database."""

from pathlib import Path

import pytest
from sqlalchemy import Engine, update

from daemon.model.admission import Held
from daemon.model.destination import BETTER_STACK, Destination
from daemon.model.readings import TeamOutbox
from daemon.model.two_way import Finding, WriteBack
from daemon.storage import queries, readings
from daemon.storage.alerts import Alerts
from daemon.storage.engine import transaction
from daemon.storage.incidents import Message
from daemon.storage.schema import DELIVERIES
from daemon.storage.two_way import TwoWayProgress
from tests.support.alerts import acknowledged
from tests.support.engines import engine_at, engine_on
from tests.support.outbox import ACKNOWLEDGED, DELIVERED, NEW, after, change, head, kill, put, tell
from tests.support.store import Store
from tests.support.values import NOW


def test_an_empty_outbox_has_no_teams(engine: Engine, store: Store) -> None:
    put(store, "1", DELIVERED, NEW)
    assert readings.read(engine) == (queries.snapshot(engine), {})


def test_each_team_has_what_is_pending_held_and_dead(engine: Engine, store: Store) -> None:
    """What a rule holds, and what waits behind it, has no age."""
    store.configure(["default", "night"])
    tell(store, "1", NEW)
    tell(store, "2", NEW, ACKNOWLEDGED)
    tell(store, "3", NEW)
    kill(store, "3")
    [message] = change("4", NEW).messages
    night = Store(engine, Destination("night", "https://signl4.example.com"))
    at = after(minutes=5)
    changed = change("4")
    night.record([type(changed)(changed.after, (Message(message.transition, message.payload, "night"),))], at)
    store.put_off([Held(head(store, "2"), after(hours=1), "silence 1")], [], NOW)
    snapshot, outboxes = readings.read(engine)
    assert (snapshot.pending_deliveries, snapshot.held_deliveries, snapshot.dead_deliveries) == (4, 1, 1)
    assert outboxes == {
        "default": TeamOutbox(3, 1, 1, snapshot.oldest_pending_at),
        "night": TeamOutbox(1, 0, 0, at),
    }
    assert snapshot.oldest_pending_at == NOW


@pytest.mark.parametrize(("state", "expected"), [("pending", TeamOutbox(1)), ("dead", TeamOutbox(dead=1))])
def test_what_is_written_back_is_there_though_nothing_waits_for_a_team(
    engine: Engine, store: Store, state: str, expected: TeamOutbox
) -> None:
    put(store, "1", DELIVERED, NEW)
    store.configure(["default", BETTER_STACK])
    act = WriteBack(ACKNOWLEDGED, "Jane via SIGNL4", "a reason", NOW)
    Alerts(engine, ["default"]).record(
        [Finding("1", 1, "1", acknowledged("1"), "default", True, write_backs=(act,))], NOW
    )
    TwoWayProgress(engine).looked(NOW, NOW)
    with transaction(engine, writes=True) as connection:
        connection.execute(update(DELIVERIES).where(DELIVERIES.c.destination == BETTER_STACK).values(state=state))
    snapshot, outboxes = readings.read(engine)
    assert (snapshot.pending_deliveries, snapshot.dead_deliveries) == (0, 0)
    assert outboxes == {BETTER_STACK: expected}


def test_the_sizes_are_those_of_the_files(engine: Engine, store: Store, database: Path) -> None:
    tell(store, "1", NEW)
    log = Path(f"{database}-wal")
    assert log.stat().st_size > 0
    assert readings.sizes(engine) == (database.stat().st_size, log.stat().st_size)


def test_behind_a_link_the_log_is_found(engine: Engine, store: Store, database: Path, tmp_path: Path) -> None:
    tell(store, "1", NEW)
    link = tmp_path / "elsewhere" / "link.db"
    link.parent.mkdir()
    link.symlink_to(database)
    linked = engine_on(link)
    assert readings.sizes(linked) == readings.sizes(engine)


@pytest.mark.usefixtures("store")
def test_a_log_that_is_missing_is_empty_and_a_file_that_is_missing_has_no_size(engine: Engine, database: Path) -> None:
    size = database.stat().st_size
    Path(f"{database}-wal").unlink(missing_ok=True)
    assert readings.sizes(engine) == (size, 0)
    database.unlink()
    assert readings.sizes(engine) == (None, None)


def test_a_server_tells_the_size_of_the_database(server_engine: Engine) -> None:
    size, log = readings.sizes(server_engine)
    assert size is not None
    assert 2**20 < size < 2**30
    assert log is None


def test_a_server_that_is_not_there_tells_none() -> None:
    assert readings.sizes(engine_at("postgresql+psycopg://daemon@127.0.0.1:1/alerts")) == (None, None)
