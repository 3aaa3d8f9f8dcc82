"""The script of the daily copy: a copy a weekday, and each is whole."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Engine

from daemon.storage.backup import backup
from tests.support.outbox import NEW, dump, tell
from tests.support.paths import ROOT
from tests.support.store import Store

WEEK = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


class Backup:
    """The script, with its places below a directory of the test, and a day of the week by hand."""

    def __init__(self, place: Path, database: Path, instance: str, url: str) -> None:
        self.place = place
        self.copies = place / "copies"
        self.instance = instance
        for directory in (self.copies, place / "bin", place / "etc"):
            directory.mkdir()
        state = place / "state" if instance == "config" else place / f"state-{instance}"
        state.mkdir()
        database.rename(state / "state.db")
        self.database = state / "state.db"
        (place / "etc" / f"{instance}.toml").write_text(f'[database]\nurl = "{url.format(state)}"\n')
        script = (ROOT / "systemd" / "back-up").read_text()
        for old, new in (
            ("/opt/betterstack-signl4/bin/python -I", f"env PYTHONPATH={ROOT} {sys.executable}"),
            ("/etc/betterstack-signl4", place / "etc"),
            ("/var/lib/betterstack-signl4", place / "state"),
        ):
            assert old in script
            script = script.replace(old, str(new))
        (place / "back-up").write_text(script)

    def run(self, day: str) -> "subprocess.CompletedProcess[str]":
        date = self.place / "bin" / "date"
        date.write_text(f'#!/bin/sh\n[ "$LC_ALL $*" = "C +%A" ] && echo {day}\n')
        date.chmod(0o755)
        environment = {
            "PATH": f"{date.parent}:{os.environ['PATH']}",
            "INSTANCE": self.instance,
            "STATE_DIRECTORY": str(self.copies),
        }
        command = ["sh", str(self.place / "back-up")]
        return subprocess.run(command, check=False, capture_output=True, text=True, env=environment, timeout=60)


@pytest.mark.parametrize(
    ("instance", "url"),
    [("config", "sqlite:///state.db"), ("ops", "sqlite:///state.db"), ("config", "sqlite:///{}/state.db")],
)
def test_a_copy_is_made_of_the_database_of_the_instance(
    tmp_path: Path, database: Path, instance: str, url: str
) -> None:
    place = tmp_path / "host"
    place.mkdir()
    made = Backup(place, database, instance, url)
    done = made.run("Monday")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"written to {made.copies}/Monday.db\n", "")
    assert dump(made.copies / "Monday.db") == dump(made.database)


def test_a_copy_replaces_that_of_a_week_ago_and_no_other(
    tmp_path: Path, database: Path, store: Store, engine: Engine
) -> None:
    place = tmp_path / "host"
    place.mkdir()
    tell(store, "1", NEW)
    engine.dispose()
    made = Backup(place, database, "config", "sqlite:///state.db")
    earlier = {}
    for day in WEEK:
        backup(f"sqlite:///{made.database}", made.copies / f"{day}.db")
        earlier[day] = (made.copies / f"{day}.db").stat().st_ino
    assert made.run("Monday").returncode == 0
    now = {day: (made.copies / f"{day}.db").stat().st_ino for day in WEEK}
    assert [day for day in WEEK if now[day] != earlier[day]] == ["Monday"]
    assert sorted(path.name for path in made.copies.iterdir()) == sorted(f"{day}.db" for day in WEEK)


def test_a_database_that_is_missing_costs_no_earlier_copy(tmp_path: Path, database: Path) -> None:
    place = tmp_path / "host"
    place.mkdir()
    made = Backup(place, database, "config", "sqlite:///state.db")
    assert made.run("Monday").returncode == 0
    before = (made.copies / "Monday.db").read_bytes()
    made.database.unlink()
    failed = made.run("Monday")
    assert failed.returncode == 78
    assert "does not exist yet, so there is nothing to copy" in failed.stderr
    assert (made.copies / "Monday.db").read_bytes() == before
