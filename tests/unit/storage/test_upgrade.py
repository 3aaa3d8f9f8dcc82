"""Before a database is changed it is copied; a long change says that it gets on, and ends with whoever asked for it."""

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from daemon.model.errors import DatabaseUnusableError
from daemon.storage import backup, upgrade
from daemon.storage.backup import copy_before_upgrade
from daemon.storage.revision import REVISIONS
from tests.support.earlier import left_by
from tests.support.outbox import dump
from tests.support.paths import ROOT
from tests.support.service_manager import managing

OLDER = "0000"


@pytest.fixture
def older(database: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A database that calls itself older than it is, and a program that knows that revision."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (OLDER,))
        connection.commit()
    monkeypatch.setattr("daemon.storage.revision.REVISIONS", [OLDER, *REVISIONS])
    return database


def url(file: Path) -> str:
    return f"sqlite:///{file}"


def copies(file: Path) -> list[str]:
    return sorted(
        path.name.removeprefix(f"{file.name}.schema-") for path in file.parent.glob(f"{file.name}.schema-*.bak")
    )


def test_a_database_that_is_to_be_changed_is_put_by_first(older: Path) -> None:
    before = dump(older)
    with pytest.raises(DatabaseUnusableError, match="cannot be brought up to date"):
        upgrade.upgrade(url(older))  # no migration leads from that revision, so the change fails
    assert copies(older) == [f"{OLDER}.bak"]
    assert dump(older.with_name(f"{older.name}.schema-{OLDER}.bak")) == before == dump(older)


def test_neither_a_new_database_nor_one_that_is_up_to_date_is_copied(tmp_path: Path, database: Path) -> None:
    for file in (tmp_path / "new.db", database):
        upgrade.upgrade(url(file))
        assert copies(file) == []


def test_a_database_that_cannot_be_copied_is_not_changed(older: Path) -> None:
    older.with_name(f"{older.name}.schema-{OLDER}.bak.part").mkdir()
    before = dump(older)
    with pytest.raises(DatabaseUnusableError, match=r"cannot be copied to .* before its upgrade"):
        upgrade.upgrade(url(older))
    assert dump(older) == before


def test_the_last_three_are_kept_and_nothing_else_is_touched(database: Path) -> None:
    others = [
        database.with_name(name) for name in ("other.db.schema-0000.bak", "state.db.bak", "state.db.schema-1.old")
    ]
    for other in others:
        other.touch()
    for revision in ("0001", "0002", "0003", "0003", "0004", "0005"):
        copy_before_upgrade(database, revision, lambda: None)
    assert copies(database) == ["0003.bak", "0004.bak", "0005.bak"]
    assert all(other.exists() for other in others)


def test_a_long_copy_says_that_it_gets_on(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup, "PAGES", 1)
    signs: list[None] = []
    copy_before_upgrade(database, "0001", lambda: signs.append(None))
    assert len(signs) > 5


SLOW = """
import sys
from daemon.storage import migrate
from daemon.storage.migrate import command

whole = command.upgrade

def slow(config, target):
    connection = config.attributes["connection"]
    connection.exec_driver_sql(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500000) SELECT sum(i) FROM n"
    )
    whole(config, target)

vars(migrate).update(REPORT_SECONDS=0.01)
vars(command).update(upgrade=slow)
migrate.migrate(sys.argv[1])
"""


def test_a_long_migration_says_that_it_gets_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "slow.py"
    script.write_text(SLOW)
    monkeypatch.setattr(upgrade, "MIGRATION", (str(script),))
    signs: list[None] = []
    upgrade.run_migrations(url(tmp_path / "state.db"), lambda: signs.append(None))
    assert len(signs) > 5


ALONE = """
import sys
from daemon.storage import upgrade

upgrade.MIGRATION = (sys.argv[1],)
upgrade.upgrade(sys.argv[2], lambda: print("it gets on", flush=True))
"""


def test_a_migration_whose_starter_was_killed_gives_up(tmp_path: Path) -> None:
    script, file = tmp_path / "slow.py", left_by("0002", tmp_path / "state.db")
    script.write_text(SLOW.replace("1500000", "3000000000"))
    starter = subprocess.Popen(
        [sys.executable, "-c", ALONE, str(script), url(file)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    with starter:
        assert starter.stdout is not None
        assert starter.stdout.readline() == "it gets on\n"
        starter.kill()
    # That the migration is gone too shows in the lock on the database.
    with closing(sqlite3.connect(file, timeout=20, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")


STOPPED = """
import sys
from daemon.storage import upgrade
from daemon.cli.main import main

upgrade.MIGRATION = (sys.argv.pop(1),)
main(prog_name="betterstack-signl4")
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_lets_a_migration_end_though_everybody_hears_of_it(tmp_path: Path, number: signal.Signals) -> None:
    script = tmp_path / "slow.py"
    script.write_text(SLOW)
    left_by("0002", tmp_path / "state.db")
    settings = {"BETTERSTACK__TOKEN": "a-token-of-better-stack", "SIGNL4__SECRET": "wr0ngs3cret"}
    away = {f"{service}__BASE_URL": "http://127.0.0.1:9" for service in ("BETTERSTACK", "SIGNL4")}
    with managing(tmp_path / "notify") as manager:
        running = subprocess.Popen(
            [sys.executable, "-c", STOPPED, str(script), "run"],
            cwd=tmp_path,
            env={"PYTHONPATH": str(ROOT), "NOTIFY_SOCKET": manager.address, **settings, **away},
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        with running:
            try:
                manager.wait_for("EXTEND_TIMEOUT_USEC")
                os.killpg(running.pid, number)
                _, said = running.communicate(timeout=60)
            finally:
                running.kill()
    assert (running.returncode, said.splitlines()[-1].endswith("stopped")) == (0, True), said
    assert dump(tmp_path / "state.db")


def test_no_password_is_on_the_command_line_of_a_migration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All users of the machine see it there."""
    script, seen = tmp_path / "migration.py", tmp_path / "seen"
    script.write_text(
        "import os, sys\nopen(os.environ['SEEN'], 'w').write(f'{sys.argv[1:]} ' + os.environ['DATABASE__URL'])"
    )
    monkeypatch.setattr(upgrade, "MIGRATION", (str(script),))
    monkeypatch.setenv("SEEN", str(seen))
    server = "postgresql+psycopg://daemon:hunter2@db.test/alerts"
    upgrade.run_migrations(server, lambda: None)
    assert seen.read_text() == f"[] {server}"
