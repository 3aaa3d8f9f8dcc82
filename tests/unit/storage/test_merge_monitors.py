"""After a restore each monitor is as the later side knows it, and what was changed is told once."""

import pytest
from sqlalchemy import Engine, text

from daemon.model.monitor import MonitorEvent
from daemon.storage.engine import transaction
from daemon.storage.monitors import MonitorRecords
from tests.support.earlier import contents
from tests.support.monitors import HEARTBEAT, MONITOR, change, state
from tests.support.outbox import after
from tests.support.store import Store
from tests.unit.storage.conftest import merged

CREATED, UPDATED, PAUSED = MonitorEvent.CREATED, MonitorEvent.UPDATED, MonitorEvent.PAUSED
SHARED = change(CREATED, after(minutes=1))


@pytest.fixture
def both(engine: Engine, restored: Engine) -> tuple[Engine, Engine]:
    """The file in place and the copy: both know one monitor and its creation."""
    for one in (engine, restored):
        MonitorRecords(one).record(MONITOR, [state("77", name="once")], [SHARED], after(minutes=2))
    return engine, restored


@pytest.mark.parametrize("later", [0, 1])
def test_a_monitor_is_as_the_side_of_the_later_round_knows_it(both: tuple[Engine, Engine], later: int) -> None:
    for number, engine in enumerate(both):
        MonitorRecords(engine).record(MONITOR, [state("77", name=f"that of {number}")], [], after(minutes=3 + number))
        Store(engine).complete_round(after(hours=2 if number == later else 1))
    for _ in ("once", "and again"):
        file = merged(*both)
        assert [row["name"] for row in contents(file, "monitors")] == [f"that of {later}"]
        [looks] = contents(file, "monitor_looks")
        assert looks["monitor_read_at"].endswith(f"09:3{3 + later}:00.000000")


@pytest.mark.parametrize("later", [0, 1])
def test_what_one_side_alone_knows_is_kept_with_what_was_changed(both: tuple[Engine, Engine], later: int) -> None:
    Store(both[later]).complete_round(after(hours=1))
    MonitorRecords(both[0]).record(HEARTBEAT, [state("5", HEARTBEAT)], [], after(minutes=3))
    MonitorRecords(both[0]).record(MONITOR, [state("78")], [change(PAUSED, monitor_id="78")], after(minutes=4))
    MonitorRecords(both[1]).record(
        MONITOR, [state("79")], [change(UPDATED, detail="url", monitor_id="79")], after(minutes=5)
    )
    for _ in ("once", "and again"):
        file = merged(*both)
        assert sorted(row["id"] for row in contents(file, "monitors")) == ["5", "77", "78", "79"]
        changes = [(row["id"], row["what"], row["detail"]) for row in contents(file, "monitor_changes")]
        assert sorted(changes) == [("77", "created", ""), ("78", "paused", ""), ("79", "updated", "url")]
    with transaction(both[1], writes=False) as connection:
        assert connection.execute(text("PRAGMA foreign_key_check")).all() == []


def test_two_changes_that_differ_in_their_time_are_two(both: tuple[Engine, Engine]) -> None:
    for number, engine in enumerate(both):
        MonitorRecords(engine).record(MONITOR, [], [change(PAUSED, after(minutes=number))], after(minutes=5))
    file = merged(*both)
    assert [row["what"] for row in contents(file, "monitor_changes")] == ["created", "paused", "paused"]
