"""The state's files in the hands of somebody else, under the real process: removed, moved, replaced, held twice."""

import json
import shutil
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from daemon.sandbox.server import Sandbox
from tests.e2e.conftest import PATIENCE, Operator, pages
from tests.support.listener import answering, listening, ok

# -- what is done to it -----------------------------------------------------------------------------------------------


def of_the_state(directory: Path) -> list[Path]:
    return [directory / name for name in ("state.db", "state.db-wal", "state.db-shm")]


def is_removed(directory: Path) -> None:
    (directory / "state.db").unlink()


def is_removed_with_all_beside_it(directory: Path) -> None:
    for path in directory.glob("state.db*"):
        path.unlink()


def is_moved(directory: Path) -> None:
    (directory / "state.db").rename(directory / "moved.db")


def is_moved_with_all_beside_it(directory: Path) -> None:
    (directory / "away").mkdir()
    for path in of_the_state(directory):
        path.rename(directory / "away" / path.name)


def is_replaced_by_an_earlier_copy(directory: Path) -> None:
    (directory / "earlier.db").replace(directory / "state.db")


CHANGES = [
    is_removed,
    is_removed_with_all_beside_it,
    is_moved,
    is_moved_with_all_beside_it,
    is_replaced_by_an_earlier_copy,
]


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("change", CHANGES, ids=[change.__name__ for change in CHANGES])
def test_what_was_told_is_known_to_the_next_start(
    operator: Operator, sandbox: Sandbox, change: Callable[[Path], None], end: signal.Signals
) -> None:
    directory = operator.directory
    daemon = operator.run()
    first = sandbox.world.open("Shop front page")
    daemon.wait_for(lambda: operator.told(first) and daemon.says('"delivered"'), "the first alert")
    assert operator.ask("db", "backup", "earlier.db").returncode == 0
    second = sandbox.world.open("Payment service")
    daemon.wait_for(lambda: sum('"delivered"' in line for line in daemon.lines) == 2, "the second alert")
    change(directory)
    daemon.wait_for(lambda: daemon.says("the database file was"), "the complaint")
    third = sandbox.world.open("Mail relay")
    daemon.wait_for(lambda: sum('"delivered"' in line for line in daemon.lines) == 3, "the third alert")
    assert operator.ask("status").returncode == 0
    if end is signal.SIGKILL:
        daemon.kill()
    else:
        assert daemon.stop(end, PATIENCE) == 0
    sandbox.world.resolve(first)
    sandbox.world.resolve(second)
    again = operator.run()
    again.wait_for(lambda: operator.told(first)[-1:] == operator.told(second)[-1:] == ["resolved"], "both ends")
    sandbox.world.resolve(third)
    again.wait_for(lambda: operator.told(third)[-1:] == ["resolved"], "the last end")
    assert [operator.told(one) for one in (first, second, third)] == [["new", "resolved"]] * 3
    assert not daemon.says("Traceback")


def test_while_it_cannot_be_put_right_nothing_is_well_and_afterwards_nothing_is_missing(
    operator: Operator, sandbox: Sandbox
) -> None:
    directory, away = operator.directory / "var", operator.directory / "away"
    directory.mkdir()
    shutil.move(operator.directory / "state.db", directory)
    operator.environment["DATABASE__URL"] = f"sqlite:///{directory}/state.db"
    alarm = "betterstack-signl4-alarm-state"
    with listening(answering(ok())) as watcher:
        beats: Any = {
            "HEARTBEAT__URLS": json.dumps([watcher.url]),
            "HEARTBEAT__INTERVAL": "1s",
            "ALARM__POLL_AFTER": "1s",
        }
        daemon = operator.run(**beats)
        first = sandbox.world.open("Shop front page")
        daemon.wait_for(lambda: operator.told(first) and daemon.says('"delivered"'), "the first alert")
        daemon.wait_for(lambda: watcher.asked, "a heartbeat")
        directory.rename(away)
        daemon.wait_for(lambda: daemon.says("the database file was moved"), "the complaint")
        daemon.wait_for(lambda: daemon.says("not healthy"), "a look at the whole")
        beaten = len(watcher.asked)
        assert operator.ask("status").returncode == 1
        second = sandbox.world.open("Payment service")
        sandbox.world.resolve(first)
        daemon.wait_for(lambda: operator.told(alarm) == ["new"], "the alarm")
        assert (len(watcher.asked), operator.told(first), operator.told(second)) == (beaten, ["new"], [])
        away.rename(directory)
        daemon.wait_for(lambda: operator.told(first) == ["new", "resolved"], "the end of the first")
        daemon.wait_for(lambda: operator.told(second) == ["new"], "the second alert")
        daemon.wait_for(lambda: operator.told(alarm) == ["new", "resolved"], "the end of the alarm")
        daemon.wait_for(lambda: len(watcher.asked) > beaten, "another heartbeat")
        assert operator.ask("status").returncode == 0
        assert daemon.stop(signal.SIGTERM, PATIENCE) == 0


# -- two daemons ------------------------------------------------------------------------------------------------------


def by_a_symbolic_link(directory: Path) -> Path:
    (directory / "link.db").symlink_to("state.db")
    return directory / "link.db"


def by_a_hard_link(directory: Path) -> Path:
    (directory / "hard.db").hardlink_to(directory / "state.db")
    return directory / "hard.db"


def without_the_lock_file(directory: Path) -> Path:
    (directory / "state.db.lock").unlink()
    return directory / "state.db"


WAYS = [by_a_symbolic_link, by_a_hard_link, without_the_lock_file]


@pytest.mark.parametrize("way", WAYS, ids=[way.__name__ for way in WAYS])
def test_a_second_daemon_on_one_database_is_refused_and_nothing_is_told_twice(
    operator: Operator, sandbox: Sandbox, way: Callable[[Path], Path]
) -> None:
    daemon = operator.run()
    daemon.wait_for(lambda: len(pages(sandbox)) > 1, "the end of the first round")
    place = way(operator.directory)
    second = operator.ask("run", DATABASE__URL=f"sqlite:///{place}")
    assert second.returncode == 69
    assert f"another instance (process {daemon.process.pid}) works on {place}" in second.stderr
    incidents = [sandbox.world.open(f"Incident {number}") for number in range(5)]
    daemon.wait_for(lambda: all(map(operator.told, incidents)), "the alerts")
    assert [operator.told(incident) for incident in incidents] == [["new"]] * 5


# -- a plain copy -----------------------------------------------------------------------------------------------------


def test_from_the_first_round_on_a_plain_copy_of_the_file_is_one(
    operator: Operator, sandbox: Sandbox, tmp_path: Path
) -> None:
    (operator.directory / "state.db").unlink()
    incident = sandbox.world.open("Shop front page")
    daemon = operator.run()
    daemon.wait_for(lambda: len(pages(sandbox)) > 1, "the end of the first round")
    shutil.copy(tmp_path / "state.db", tmp_path / "copy.db")
    with closing(sqlite3.connect(tmp_path / "copy.db")) as connection:
        assert connection.execute("SELECT id FROM incidents").fetchall() == [(incident,)]
