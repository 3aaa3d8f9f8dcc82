"""`db copy` and what the other commands on a database say where it is on a server."""

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine

from daemon.cli.main import main
from daemon.storage.create import create
from daemon.storage.instance import locked
from daemon.storage.lease import Contender
from daemon.storage.place import for_libpq
from daemon.storage.revision import REVISIONS, revision_of
from tests.support import warm
from tests.support.each import each
from tests.support.outbox import NEW, tell
from tests.support.paths import ROOT
from tests.support.postgresql import PASSWORD, Server
from tests.support.read_here import read_here
from tests.support.store import Store
from tests.support.terminal import SECRETS, assert_sentence


@pytest.fixture(autouse=True)
def _somewhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BETTERSTACK_SIGNL4_CONFIG", raising=False)


@pytest.fixture
def source(file_engine: Engine) -> str:
    """The URL of a file in which an incident is open."""
    tell(Store(file_engine), "1026034957", NEW)
    url = str(file_engine.url)
    file_engine.dispose()
    return url


def command(url: str, *line: str) -> Result:
    """Runs one command in this process, with this `database.url`."""
    with read_here():
        return CliRunner().invoke(main, ["--config", "/dev/null", *line], env={"DATABASE__URL": url})


def dump(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as connection:
        return sorted(connection.iterdump())


@each("group", ["db", "database"])
def test_a_state_moves_to_a_server_and_back(group: str, source: str, postgresql: Server, tmp_path: Path) -> None:
    url, file = postgresql.create(f"moved_{group}"), tmp_path / f"{group}.db"
    said = command(source, group, "copy", "configured", url)
    assert said.exit_code == 0, said.output
    copied, then = said.stdout.splitlines()
    path = source.removeprefix("sqlite:///")
    assert copied.startswith(f"copied {path} to {url}; all rows were compared: destinations 1, incidents 1, ")
    assert then == f'next: write url = "{url}" into [database], and start the service'
    said = command(url, group, "copy", "configured", f"sqlite:///{file}")
    assert said.exit_code == 0
    assert dump(file) == dump(Path(path))
    assert "1026034957" in command(url, "incidents").stdout
    postgresql.drop(f"moved_{group}")


def test_to_the_database_of_the_configuration_only_the_start_is_left(source: str, bare_url: str) -> None:
    said = command(bare_url, "db", "copy", source, "configured")
    assert (said.exit_code, said.stdout.splitlines()[-1]) == (0, "next: start the service")


def test_no_password_is_printed(source: str) -> None:
    with Server(auth="scram-sha-256") as server:
        url = server.create("secret")
        said = command(source, "db", "copy", "configured", url)
        assert said.exit_code == 0
        assert PASSWORD not in said.output
        assert "%3Aword" not in said.output
        assert "with its password, or into the credential file database.url" in said.output
        for line in (["status"], ["db", "upgrade"], ["db", "restore", "x.db"], ["db", "copy", url, url]):
            said = command(url, *line)
            assert PASSWORD not in said.output, line
            assert "%3Aword" not in said.output, line
        refused = command(url.replace("pass%3Aword", "hunter2"), "status")
        assert refused.exit_code == 78
        assert_sentence(refused.stderr, "password authentication failed", "correct user and password in database.url")
        assert "hunter2" not in refused.output
        # As libpq finds one: none of it is on the command line.
        bare = url.replace(url[url.index("://") + 3 : url.index("@")], "postgres")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PGPASSWORD", PASSWORD)
            assert command(source, "db", "copy", bare, f"sqlite:///{Path.cwd()}/from.db").exit_code == 0


@each(
    ("line", "code", "sentence"),
    [
        (("configured", "state.db"), 2, "TO must name an SQLite file or a database of PostgreSQL; write it like "),
        (("mysql://x/y", "configured"), 2, "FROM must name an SQLite file or a database of PostgreSQL; write it "),
        (("postgresql+psycopg://x", "configured"), 2, "FROM names no database; write it like postgresql+psycopg://"),
        (("configured", "configured"), 2, "FROM and TO are the same: sqlite:///"),
        (("configured",), 2, "Missing argument 'TO'"),
        (("sqlite:///none.db", "sqlite:///other.db"), 78, "holds no state yet, so there is nothing to copy; name "),
        (("configured", "sqlite:////nowhere/at/all.db"), 78, "database.url names /nowhere/at/all.db, whose directory"),
        (
            ("configured", "postgresql+psycopg://x@127.0.0.1:1/x"),
            1,
            "port 1 failed: Connection refused; start the server",
        ),
    ],
)
def test_a_mistake_is_a_sentence_with_the_mend(source: str, line: tuple[str, ...], code: int, sentence: str) -> None:
    said = command(source, "db", "copy", *line)
    assert (said.exit_code, sentence in said.stderr) == (code, True), said.output
    assert "Traceback" not in said.output


def test_a_daemon_on_either_is_named(source: str, bare_url: str, tmp_path: Path) -> None:
    with locked(source):
        said = command(source, "db", "copy", "configured", bare_url)
    assert said.exit_code == 69
    create(bare_url)
    with closing(Contender(bare_url, 30.0, "alpha")) as contender:
        contender.look()
        term = contender.take_over()
        assert term is not None
        said = command(source, "db", "copy", "configured", bare_url)
        assert said.exit_code == 69
        assert_sentence(said.stderr, f"process {os.getpid()} on alpha works on ", "stop it first")
        term.close()


def test_killed_in_the_middle_it_can_be_run_again(source: str, bare_url: str, tmp_path: Path) -> None:
    script = tmp_path / "killed.py"
    script.write_text(
        "import os, signal, sys\n"
        "from daemon.storage.copy import copy\n"
        "copy(*sys.argv[1:], lambda doing, _: doing == 'writing to the disk' and os.kill(os.getpid(), signal.SIGKILL))"
    )
    line: list[str] = [sys.executable, str(script), source, bare_url]
    ended = subprocess.run(line, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert revision_of(bare_url) is None
    assert command(source, "db", "copy", "configured", bare_url).exit_code == 0


def test_a_copy_that_is_on_one_server_alone_is_told_as_that(source: str) -> None:
    with Server() as server:
        url = server.create("alone")
        server.configure(synchronous_standby_names="gone")
        server.reload()
        with server.connect() as session:
            while session.execute("SHOW synchronous_standby_names").fetchall() != [("gone",)]:
                pass
        said = command(source, "db", "copy", "configured", url)
        assert said.exit_code == 0
        assert_sentence(said.stderr, "warning: the last commit reached one server alone (", "canceling wait for sync")
        assert "1026034957" in command(url, "incidents").stdout


# -- copies of a server's database ------------------------------------------------------------------------------------


def test_a_backup_is_a_file_with_all_of_it_also_while_a_daemon_works(bare_url: str, tmp_path: Path) -> None:
    create(bare_url)
    with closing(Contender(bare_url, 30.0)) as contender:
        contender.look()
        term = contender.take_over()
        assert term is not None
        tell(Store(term.engine), "1026034957", NEW)
        for _ in range(2):  # the second takes the place of the first
            said = command(bare_url, "db", "backup", "copy.db")
            assert (said.exit_code, said.output) == (0, "written to copy.db\n")
        term.close()
    assert [file.name for file in tmp_path.iterdir()] == ["copy.db"]
    assert (tmp_path / "copy.db").read_bytes()[18:20] == b"\x01\x01", "it needs no log beside it"
    assert "1026034957" in command(f"sqlite:///{tmp_path}/copy.db", "incidents").stdout


def test_there_is_nothing_to_back_up_before_the_first_start(bare_url: str, tmp_path: Path) -> None:
    said = command(bare_url, "db", "backup", "copy.db")
    assert said.exit_code == 78
    assert_sentence(said.stderr, "has no tables yet, so there is nothing to copy; run the daemon first")
    assert list(tmp_path.iterdir()) == []


def test_a_backup_replaces_nothing_else(bare_url: str, tmp_path: Path) -> None:
    create(bare_url)
    (tmp_path / "notes.txt").write_text("mine")
    said = command(bare_url, "db", "backup", "notes.txt")
    assert said.exit_code == 78
    assert_sentence(said.stderr, "notes.txt is in use or no earlier backup, and is left alone")
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_file_is_not_put_in_the_place_of_a_server(bare_url: str, source: str) -> None:
    said = command(bare_url, "db", "restore", "state.db")
    assert said.exit_code == 78
    assert_sentence(said.stderr, "db copy sqlite:////", "pg_restore")


def test_a_dry_run_works_on_a_copy_of_its_own(bare_url: str, source: str) -> None:
    assert command(source, "db", "copy", "configured", bare_url).exit_code == 0
    before = _all(bare_url)
    settings = {**SECRETS, "BETTERSTACK__BASE_URL": "http://127.0.0.1:1", "SIGNL4__BASE_URL": "http://127.0.0.1:1"}
    settings |= {"DELIVERY__STALE_AFTER": "365d"}
    line = [sys.executable, "-m", "daemon", "--config", "/dev/null", "once", "--dry-run"]
    environment = {**os.environ, "DATABASE__URL": bare_url, **settings}
    said = warm.run(line, env=environment, cwd=ROOT, timeout=30)
    assert "new of 1026034957, to team default:" in said.stdout
    assert "1 would have been sent" in said.stdout
    assert _all(bare_url) == before


def _all(url: str) -> list[Any]:
    with psycopg.connect(for_libpq(url)) as session:
        return session.execute("SELECT * FROM deliveries, incidents, progress").fetchall()


def test_it_is_brought_up_to_date_and_then_is(bare_url: str) -> None:
    for was in ("was brought", "is"):
        said = command(bare_url, "db", "upgrade")
        assert (said.exit_code, said.output) == (0, f"{bare_url} {was} up to date\n")
    assert revision_of(bare_url) == REVISIONS[-1]
