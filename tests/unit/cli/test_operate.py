"""`retry` and `drop` as somebody at a terminal meets them, the question that `drop` asks included."""

import os
import pty
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from tests.support import warm
from tests.support.outbox import DEAD, DELIVERED, NEW, PENDING, RESOLVED, dump, postpone, put, states, tell
from tests.support.paths import ROOT
from tests.support.store import Store
from tests.support.terminal import assert_sentence, command


@pytest.fixture(autouse=True)
def _somewhere_else(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("cwd"))


def test_what_waits_is_due_now(database: Path, store: Store) -> None:
    put(store, "1", PENDING, NEW)
    put(store, "2", DEAD, NEW)
    said = command(database, "retry 1 2 2")
    assert (said.exit_code, said.stderr) == (0, "")
    assert said.stdout.splitlines() == [
        "delivery 1 is due now",
        "delivery 2 is pending again",
        "delivery 2 is due now",
    ]


@pytest.mark.parametrize("which", ["1", "--dead"])
def test_the_end_of_what_is_open_again_comes_back_only_by_force(
    database: Path, store: Store, engine: Engine, which: str
) -> None:
    put(store, "1", DEAD, RESOLVED)
    put(store, "1", DELIVERED, NEW, generation=2)
    said = command(database, f"retry {which}")
    assert (said.exit_code, said.stdout) == (1, "")
    assert_sentence(said.stderr, "delivery 1 tells `resolved` of incident 1, which was opened again", "drop 1")
    assert command(database, f"retry {which} --force").stdout == "delivery 1 is pending again\n"
    assert states(engine)["1", 1, "resolved"] == "pending"


def test_where_nothing_is_dead_that_is_said(database: Path, store: Store) -> None:
    put(store, "1", DELIVERED, NEW)
    said = command(database, "retry --dead")
    assert (said.exit_code, said.stdout, said.stderr) == (0, "no delivery is dead\n", "")


def test_what_is_dropped_is_said_line_by_line(database: Path, store: Store, engine: Engine) -> None:
    tell(store, "1", NEW, RESOLVED)
    put(store, "2", DELIVERED, NEW)
    put(store, "3", DEAD, NEW)
    said = command(database, f"drop 1 3 4 7 {10**30} --yes")
    assert said.exit_code == 1
    assert said.stdout.splitlines() == [
        "delivery 1 is dropped, and with it 2: nobody was told",
        "delivery 4 is dropped",
    ]
    assert said.stderr.splitlines() == [
        "delivery 3 is delivered, neither waiting nor dead",
        "there is no delivery 7; `deliveries` lists them",
        f"there is no delivery {10**30}; `deliveries` lists them",
    ]
    assert list(states(engine).values()) == ["superseded", "superseded", "delivered", "superseded"]
    assert "dropped by hand" in command(database, "deliveries", COLUMNS="300").stdout


def test_all_dropped_is_0(database: Path, store: Store) -> None:
    put(store, "1", DEAD, NEW)
    said = command(database, "drop --yes 1")
    assert (said.exit_code, said.stdout, said.stderr) == (0, "delivery 1 is dropped\n", "")


@pytest.mark.parametrize("line", ["drop", "drop --yes", "drop one --yes", "drop --dead", "drop 1"])
def test_what_cannot_be_asked_is_wrong_usage_and_touches_nothing(database: Path, store: Store, line: str) -> None:
    put(store, "1", DEAD, NEW)
    before = dump(database)
    said = command(database, line)
    assert (said.exit_code, said.stdout) == (2, "")
    assert "Error: " in said.stderr
    assert ("there is no terminal to ask at; add --yes" in said.stderr) is (line == "drop 1")
    assert dump(database) == before


def test_where_no_database_is_there_is_nothing_to_drop(tmp_path: Path) -> None:
    said = command(tmp_path / "state.db", "drop 1 --yes")
    assert said.exit_code == 78
    assert_sentence(said.stderr, "there is nothing to drop; run the daemon first")


@pytest.mark.parametrize("verb", ["retry 1", "drop 1 --yes"])
def test_no_id_of_an_incident_steers_the_terminal(database: Path, store: Store, verb: str) -> None:
    put(store, "1\x1b[2J\u202e", DEAD, NEW)
    tell(store, "1\x1b[2J\u202e", RESOLVED)
    said = command(database, verb)
    assert (said.stdout + said.stderr).replace("\n", "").isprintable()


# -- at a terminal ----------------------------------------------------------------------------------------------------


def at_terminal(database: Path, line: str, *keys: str) -> tuple[int, str]:
    """Runs the command at a terminal of its own, where these keys are pressed. The exit code, and what it shows."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "DATABASE__URL": f"sqlite:///{database}", "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    command = [sys.executable, "-m", "daemon", *line.split()]
    streams: dict[str, Any] = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
    process = warm.started(command, env=environment, cwd=Path.cwd(), first=os.setsid, **streams)
    os.close(theirs)
    shown = b""
    pressed = list(keys)
    with suppress(OSError):  # that is how the end looks
        while piece := os.read(ours, 4096):
            shown += piece
            if b"[y/N]: " in shown and pressed:
                os.write(ours, pressed.pop(0).encode())
    os.close(ours)
    return process.wait(30), shown.decode().replace("\r\n", "\n")


@pytest.mark.parametrize(
    ("key", "code", "state"), [("y\n", 0, "superseded"), ("n\n", 1, "dead"), ("\n", 1, "dead"), ("\x04", 1, "dead")]
)
def test_at_a_terminal_it_asks_first(
    database: Path, store: Store, engine: Engine, key: str, code: int, state: str
) -> None:
    put(store, "7", DEAD, NEW)
    tell(store, "8", NEW)
    tell(store, "9", RESOLVED)
    ended, shown = at_terminal(database, "drop 1 2 3 99", key)
    assert shown.startswith(
        "delivery 1 tells `new` of incident 7 (Better Stack incident): dead, attempts: 2; 400: a field is missing\n"
        "delivery 2 tells `new` of incident 8 (Shop front page): pending, attempts: 0; "
        "nobody will hear of it, nor of its end\n"
        "delivery 3 tells `resolved` of incident 9 (Shop front page): pending, attempts: 0; "
        "an alert of it stays open in SIGNL4\n"
        "Give up what is listed here? [y/N]: "
    )
    dropped = state == "superseded"
    assert ended == (1 if dropped else code), "99 is none"
    assert ("delivery 1 is dropped" in shown) is dropped
    assert ("Aborted!" in shown) is not dropped
    assert states(engine)["7", 1, "new"] == state


def test_at_a_terminal_nothing_is_asked_where_nothing_can_be_dropped(database: Path, store: Store) -> None:
    put(store, "7", DELIVERED, NEW)
    assert at_terminal(database, "drop 1") == (1, "delivery 1 is delivered, neither waiting nor dead\n")


def test_at_a_terminal_yes_is_not_asked(database: Path, store: Store) -> None:
    tell(store, "7", NEW)
    postpone(store, "7")
    assert at_terminal(database, "drop 1 --yes") == (0, "delivery 1 is dropped\n")
