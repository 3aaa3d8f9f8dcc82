"""The commands and the database: what each does to it, and how it says that it cannot."""

import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine

from daemon.storage.instance import locked
from tests.support.outbox import DEAD, DELIVERED, NEW, RESOLVED, dump, put, states, tell
from tests.support.paths import ROOT
from tests.support.store import Store
from tests.support.terminal import SECRETS, assert_sentence, command, process
from tests.support.warm import started

OFFLINE = [
    "status",
    "incidents",
    "deliveries",
    "retry --dead",
    "retry 1",
    "drop 1 --yes",
    "db upgrade",
    "db backup copy.db",
]
LOOKING = ["status", "status --json", "incidents", "deliveries", "retry --dead", "db backup copy.db"]
WORKING = ["run", "once"]


@pytest.fixture(autouse=True)
def _somewhere_else(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may have a config.toml in the working directory."""
    monkeypatch.chdir(tmp_path_factory.mktemp("cwd"))
    monkeypatch.delenv("BETTERSTACK_SIGNL4_CONFIG", raising=False)


def is_text(database: Path) -> None:
    database.write_text("a text\n" * 1000)


def is_newer(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()


def is_a_directory(database: Path) -> None:
    database.unlink()
    database.mkdir()


def is_another_programs(database: Path) -> None:
    database.unlink()
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")


@pytest.mark.parametrize("spoil", [is_text, is_newer, is_a_directory, is_another_programs])
def test_a_database_that_cannot_serve_is_78_and_left_as_it_is(database: Path, spoil: Callable[[Path], None]) -> None:
    spoil(database)
    before = database.read_bytes() if database.is_file() else None
    for line in [*OFFLINE, *WORKING, "check"]:
        said = command(database, line, **SECRETS)
        assert said.exit_code == 78, line
        assert_sentence(said.stderr, str(database))
        assert (database.read_bytes() if database.is_file() else None) == before, line
        assert not Path("copy.db").exists(), line


@pytest.mark.parametrize("line", ["run", "once", "db upgrade", "check"])
@pytest.mark.parametrize("place", ["missing/state.db", "a file/state.db"])
def test_a_place_where_no_database_can_be_is_78(tmp_path: Path, line: str, place: str) -> None:
    (tmp_path / "a file").touch()
    said = command(tmp_path / place, line, **SECRETS)
    assert said.exit_code == 78
    assert_sentence(said.stderr, f"database.url names {tmp_path / place}, whose directory cannot be written")


@pytest.mark.parametrize("line", ["run", "once", "db upgrade"])
def test_a_second_instance_is_69(database: Path, line: str) -> None:
    with locked(f"sqlite:///{database}"):
        said = command(database, line, **SECRETS)
    assert said.exit_code == 69
    assert_sentence(said.stderr, "another instance (process ", f") works on {database}; stop it first")


@pytest.mark.parametrize("line", LOOKING)
def test_what_only_looks_does_not_mind_a_daemon_at_work(database: Path, line: str) -> None:
    with locked(f"sqlite:///{database}"), closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN" if line.startswith("retry") else "BEGIN IMMEDIATE")
        said = command(database, line)
    assert (said.exit_code, said.stderr) == (1 if line.startswith("status") else 0, "")


def test_what_must_write_into_a_locked_database_is_1(
    database: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("engine", "revision"):
        monkeypatch.setattr(f"daemon.storage.{module}.BUSY_SECONDS", 0)
    put(store, "1", DEAD, NEW)
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        said = command(database, "retry 1")
    assert said.exit_code == 1
    assert_sentence(said.stderr, "the database cannot be written now: database is locked")


@pytest.mark.parametrize(
    ("line", "stdout"),
    [
        ("incidents", "none\n"),
        ("deliveries", "none\n"),
        ("incidents --json", "[]\n"),
        ("deliveries --json", "[]\n"),
    ],
)
def test_of_an_empty_database_nothing_is_listed(database: Path, line: str, stdout: str) -> None:
    said = command(database, line)
    assert (said.exit_code, said.stdout, said.stderr) == (0, stdout, "")


@pytest.mark.parametrize("line", ["incidents", "deliveries", "incidents --json", "deliveries --json --state dead"])
def test_where_no_database_is_the_file_that_was_looked_for_is_named(tmp_path: Path, line: str) -> None:
    said = command(tmp_path / "state.db", line)
    assert (said.exit_code, said.stdout) == (1, "")
    mend = "run the daemon first, or name another file in database.url"
    assert_sentence(said.stderr, f"{tmp_path}/state.db does not exist yet, so there is nothing to list; {mend}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("line", ["retry --dead", "retry 1", "db backup copy.db"])
def test_where_no_database_is_there_is_nothing_to_retry_or_copy(tmp_path: Path, line: str) -> None:
    said = command(tmp_path / "state.db", line)
    assert said.exit_code == 78
    assert_sentence(
        said.stderr, f"{tmp_path}/state.db does not exist yet, so there is nothing to", "run the daemon first"
    )
    assert list(tmp_path.iterdir()) == []


# -- retry ------------------------------------------------------------------------------------------------------------


def test_all_the_dead_come_back_at_once(database: Path, store: Store, engine: Engine) -> None:
    for n, state in enumerate([DEAD, DELIVERED, DEAD]):
        put(store, str(n), state, NEW)
    said = command(database, "retry --dead")
    assert (said.exit_code, said.stderr) == (0, "")
    assert said.stdout == "delivery 1 is pending again\ndelivery 3 is pending again\n"
    assert list(states(engine).values()) == ["pending", "delivered", "pending"]


def test_what_cannot_come_back_is_said_and_the_rest_comes_back(database: Path, store: Store, engine: Engine) -> None:
    for n, state in enumerate([DEAD, DELIVERED]):
        put(store, str(n), state, NEW)
    said = command(database, f"retry 2 1 7 {10**30}")
    assert said.exit_code == 1
    assert said.stdout == "delivery 1 is pending again\n"
    assert said.stderr.splitlines() == [
        "delivery 2 is delivered, not dead",
        "there is no delivery 7; `deliveries` lists them",
        f"there is no delivery {10**30}; `deliveries` lists them",
    ]
    assert list(states(engine).values()) == ["pending", "delivered"]


@pytest.mark.parametrize("which", ["1", "--dead"])
def test_an_alert_for_what_is_over_comes_back_only_by_force(
    database: Path, store: Store, engine: Engine, which: str
) -> None:
    put(store, "1", DEAD, NEW)
    tell(store, "1", RESOLVED)
    said = command(database, f"retry {which}")
    assert said.exit_code == 1
    assert_sentence(said.stderr, "delivery 1 tells `new` of incident 1, which is over", "--force sends it all the same")
    assert states(engine)["1", 1, "new"] == "dead"
    assert command(database, f"retry {which} --force").exit_code == 0
    assert states(engine)["1", 1, "new"] == "pending"


# -- db ---------------------------------------------------------------------------------------------------------------


def test_an_upgrade_says_what_it_did(tmp_path: Path, database: Path) -> None:
    assert command(database, "db upgrade").stdout == f"{database} is up to date\n"
    made = process(tmp_path / "fresh.db", "db upgrade")
    assert (made.returncode, made.stdout, made.stderr) == (0, f"{tmp_path}/fresh.db was brought up to date\n", "")


def test_a_backup_is_written_where_it_was_wanted(database: Path, store: Store) -> None:
    put(store, "1", DEAD, NEW)
    said = command(database, "db backup", "my copy.db")
    assert (said.exit_code, said.stdout, said.stderr) == (0, "written to my copy.db\n", "")
    assert dump(Path("my copy.db")) == dump(database)


@pytest.mark.parametrize("place", ["", ".", "/", "missing/copy.db", "x" * 300, "state.db/copy.db", "/proc/copy.db"])
def test_a_backup_that_cannot_be_written_is_78(database: Path, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(database.parent)
    said = command(database, "db backup", place)
    assert said.exit_code == 78
    assert_sentence(said.stderr)


def test_a_copy_is_put_back_and_each_file_is_named(database: Path, store: Store, engine: Engine) -> None:
    put(store, "1", DEAD, NEW)
    engine.dispose()
    command(database, "db backup copy.db")
    before = dump(database)
    said = command(database, "db restore copy.db")
    assert (said.exit_code, said.stderr) == (0, "")
    done, kept, known = said.stdout.splitlines()
    assert done == f"{database} is restored from copy.db (no round was complete yet)"
    assert dump(Path(kept.removeprefix("the file from before is kept as "))) == before
    assert known == "what was told since then is known, and is not told again"


def test_where_it_is_not_known_what_was_told_since_the_copy_that_is_said(database: Path) -> None:
    command(database, "db backup copy.db")
    database.unlink()
    *_, last = command(database, "db restore copy.db").stdout.splitlines()
    assert last == "what was told since then may be told again: there was no database in its place"


def test_a_copy_is_not_put_back_under_a_daemon(database: Path) -> None:
    command(database, "db backup copy.db")
    with locked(f"sqlite:///{database}"):
        said = command(database, "db restore copy.db")
    assert said.exit_code == 69
    assert_sentence(said.stderr, "another instance (process ", f") works on {database}; stop it first")


@pytest.mark.parametrize("line", ["db backup", "db restore"])
def test_a_copy_in_a_stream_is_refused_and_makes_no_file_of_that_name(database: Path, line: str) -> None:
    said = command(database, line, "-")
    assert said.exit_code == 2
    assert "`-` is no file" in said.stderr
    assert list(Path().iterdir()) == []


def test_a_backup_onto_the_database_itself_is_78(database: Path) -> None:
    before = dump(database)
    said = command(database, "db backup", str(database))
    assert said.exit_code == 78
    assert_sentence(said.stderr, f"{database} is in use or no earlier backup, and is left alone; name another file")
    assert dump(database) == before


# -- a few of these for real ------------------------------------------------------------------------------------------


REAL: list[tuple[str, dict[str, str], int, str]] = [
    (
        "run",
        {"SIGNL4__BASE_URL": "http://example.com"},
        78,
        "signl4.base_url ('http://example.com') would send a secret",
    ),
    ("once", {"DATABASE__URL": "sqlite:///missing/state.db"}, 78, "whose directory cannot be written (No such file"),
    ("run", {"DATABASE__URL": "sqlite:///{}/text.db"}, 78, "text.db cannot be read (file is not a database)"),
    ("once", {}, 69, "another instance (process "),
]


@pytest.mark.parametrize(("line", "environment", "code", "sentence"), REAL)
def test_the_real_process_ends_with_the_code_and_the_sentence(
    database: Path, *, line: str, environment: dict[str, str], code: int, sentence: str
) -> None:
    is_text(database.with_name("text.db"))
    environment = {key: value.format(database.parent) for key, value in environment.items()}
    with locked(f"sqlite:///{database}"):
        ended = process(database, line, **environment)
    assert ended.returncode == code
    assert_sentence(ended.stderr, sentence)


def test_a_reader_that_goes_away_leaves_no_traceback(database: Path, store: Store) -> None:
    for n in range(200):
        tell(store, str(n), NEW, name="x" * 1000)
    for line in ("deliveries --limit 0", "deliveries --json --limit 0", "incidents --limit 0"):
        left = subprocess.run(
            ["/bin/sh", "-c", f'"{sys.executable}" -m daemon {line} | head -n 1'],
            env={**os.environ, "DATABASE__URL": f"sqlite:///{database}", "PYTHONPATH": str(ROOT)},
            check=False,
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert left.stdout
        assert left.stderr == ""


PRINTING = [
    *("status", "status --json", "incidents", "incidents --json", "deliveries", "deliveries --json"),
    *("check", "retry 1", "drop 1 --yes", "db upgrade", "db backup copy.db", "--help", "--version", "db --help"),
]
FULL = ("/dev/full", os.O_WRONLY, "No space left on device")
READ_ONLY = ("/dev/null", os.O_RDONLY, "Bad file descriptor")


@pytest.mark.parametrize(
    ("line", "place"), [*((line, FULL) for line in PRINTING), ("status", READ_ONLY), ("status --json", READ_ONLY)]
)
def test_output_that_cannot_be_written_is_a_sentence(
    database: Path, store: Store, line: str, place: tuple[str, int, str]
) -> None:
    put(store, "1", DEAD, NEW)
    name, flags, why = place
    with os.fdopen(os.open(name, flags), "rb") as out, tempfile.TemporaryFile() as errors:
        process = started(
            [sys.executable, "-m", "daemon", *line.split()],
            cwd=Path(),
            env={**os.environ, **SECRETS, "DATABASE__URL": f"sqlite:///{database}"},
            stdout=out.fileno(),
            stderr=errors.fileno(),
        )
        assert process.wait(30) == 1
        errors.seek(0)
        assert_sentence(errors.read().decode(), f"what was to be shown could not be written ({why})")
