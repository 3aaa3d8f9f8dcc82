"""Progress at a terminal, and nowhere else."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from daemon.cli import progress
from daemon.model.progress import Report
from daemon.storage.backup import PAGES, backup
from daemon.storage.restore import restore
from tests.support.outbox import NEW, tell
from tests.support.paths import ROOT
from tests.support.screen import Screen
from tests.support.store import Store
from tests.support.terminal import process

PROGRAM = """
import sys
from threading import Event
from daemon.cli import progress
progress.LATER = float(sys.argv[1])
with progress.progress() as report:
    report("copying", 0.25)
    Event().wait(float(sys.argv[2]))
    report("copying", None)
print("done")
"""


def run(screen: Screen, later: float, lasts: float, **streams: int) -> subprocess.CompletedProcess[bytes]:
    environment = {"TERM": "xterm", "PYTHONPATH": str(ROOT), "COLUMNS": "80"}
    command = [sys.executable, "-c", PROGRAM, str(later), str(lasts)]
    done = subprocess.run(command, env=environment, cwd=ROOT, stdin=screen.program, check=True, **streams)  # type: ignore[call-overload]
    screen.read_to_end()
    result: subprocess.CompletedProcess[bytes] = done
    return result


def test_what_takes_a_while_shows_how_far_it_is_and_leaves_nothing_behind() -> None:
    screen = Screen()
    seen = run(screen, 0, 0.5, stdout=subprocess.PIPE, stderr=screen.program)
    assert "copying" in screen.raw
    assert "25%" in screen.raw
    assert screen.is_right
    assert seen.stdout == b"done\n"


def test_what_is_quick_shows_nothing() -> None:
    screen = Screen()
    run(screen, 30, 0, stdout=subprocess.PIPE, stderr=screen.program)
    assert screen.raw == ""


def test_a_pipe_gets_nothing(tmp_path: Path, database: Path) -> None:
    said = process(database, f"db backup {tmp_path}/copy.db", TERM="xterm")
    assert (said.returncode, said.stderr) == (0, "")


def steps() -> tuple[Report, list[tuple[str, float | None]]]:
    seen = list[tuple[str, float | None]]()
    return lambda doing, done: seen.append((doing, done)), seen


def grown(database: Path) -> None:
    """By a few thousand pages."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE ballast (it BLOB)")
        connection.executemany("INSERT INTO ballast VALUES (zeroblob(4000))", [()] * 3 * PAGES)
        connection.commit()


def test_a_backup_says_how_far_it_is(database: Path, tmp_path: Path) -> None:
    grown(database)
    report, seen = steps()
    backup(f"sqlite:///{database}", tmp_path / "copy.db", report)
    assert seen[0] == ("checking state.db", None)
    parts = [done for doing, done in seen if doing == "copying to copy.db" and done is not None]
    assert len(parts) >= 3
    assert parts == sorted(parts)
    assert parts[-1] == 1


def test_a_backup_in_steps_is_that_of_one_moment_and_is_not_begun_again_by_a_commit(
    database: Path, store: Store, tmp_path: Path
) -> None:
    grown(database)
    tell(store, "before", NEW)
    seen = list[float | None]()

    def report(_: str, done: float | None) -> None:
        seen.append(done)
        assert len(seen) < 50, "it is begun again and again"
        tell(store, f"meanwhile {len(seen)}", NEW)

    backup(f"sqlite:///{database}", tmp_path / "copy.db", report)
    parts = [done for done in seen if done is not None]
    assert parts == sorted(parts)
    with closing(sqlite3.connect(tmp_path / "copy.db")) as connection:
        told = connection.execute("SELECT incident_id FROM deliveries ORDER BY id").fetchall()
    # The first report comes before the copy begins.
    assert told == [("before",), ("meanwhile 1",)]


def test_a_restore_says_what_it_does(database: Path, tmp_path: Path) -> None:
    backup(f"sqlite:///{database}", tmp_path / "copy.db")
    report, seen = steps()
    restore(f"sqlite:///{database}", tmp_path / "copy.db", report)
    doing = list(dict.fromkeys(one for one, _ in seen))
    assert doing == ["reading copy.db", "checking copy.db", "keeping what was told since then", "writing state.db"]


def test_it_begins_after_a_second() -> None:
    assert pytest.approx(1.0) == progress.LATER
