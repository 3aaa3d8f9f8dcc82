"""`watch` at a real terminal: what it shows, what its keys do, and that the terminal is right afterwards."""

import os
import signal
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from sqlalchemy import Engine

from daemon.model.delivery import DeliveryState
from daemon.storage import listings, silences
from tests.support.outbox import NEW, deliver, kill, tell
from tests.support.paths import ROOT
from tests.support.screen import CURSOR, NO_CURSOR, OTHER_SCREEN, OWN_SCREEN, PATIENCE, Screen, Watched, watching
from tests.support.store import Store
from tests.support.terminal import process
from tests.support.values import NOW

KEYS = "q quit  Tab other list"
DOWN, UP = "\x1b[B", "\x1b[A"


@pytest.fixture
def filled(database: Path, store: Store) -> Path:
    for incident_id, name in (("1", "Shop front page"), ("2", "db-1 [disk]*")):
        tell(store, incident_id, NEW, name=name)
    deliver(store, "1")
    kill(store, "2")
    return database


def state_of(engine: Engine, incident_id: str) -> list[DeliveryState]:
    return [row["state"] for row in listings.deliveries(engine, incident_id=incident_id).newest_first()]


@pytest.mark.parametrize("size", [(80, 24), (200, 60)])
def test_it_shows_what_is_open_and_where_its_alerts_are(filled: Path, size: tuple[int, int]) -> None:
    with watching(filled, size=size) as there:
        shown = there.screen.shows(KEYS, "open incidents: 2", "outbox: 1 dead, 0 pending")
        assert "Shop front page" in shown
        assert "new accepted " in shown
        assert "new dead: 400" in shown
        assert max(there.screen.lines) == size[1]
        assert max(map(len, there.screen.lines.values())) <= size[0]
        there.screen.type("q")
        assert there.ends() == 0
        assert there.screen.is_right


def test_it_follows_the_database(filled: Path, store: Store) -> None:
    with watching(filled) as there:
        there.screen.shows("open incidents: 2")
        tell(store, "3", NEW, name="Mail relay")
        there.screen.shows("open incidents: 3", "Mail relay")


def test_where_there_is_no_database_it_waits_for_one(tmp_path: Path, empty_database: bytes) -> None:
    with watching(tmp_path / "state.db", size=(300, 24)) as there:
        there.screen.shows("NOT HEALTHY", "does not exist yet")
        (tmp_path / "state.db").write_bytes(empty_database)
        there.screen.until(lambda: "does not exist yet" not in there.screen.text and KEYS in there.screen.text)


def test_a_database_that_cannot_be_read_is_a_sentence_and_the_rest_stays(filled: Path) -> None:
    whole = filled.read_bytes()
    with watching(filled, size=(300, 24)) as there:
        there.screen.shows("open incidents: 2")
        filled.write_bytes(b"no database at all" * 500)
        there.screen.shows("NOT HEALTHY", "cannot be read", "open incidents: 2")
        filled.write_bytes(whole)
        there.screen.until(lambda: "cannot be read" not in there.screen.text)


def test_enter_tells_the_story_of_an_incident(filled: Path) -> None:
    with watching(filled, "watch --utc") as there:
        there.screen.shows(KEYS)
        there.screen.type(DOWN + "\r")
        there.screen.shows("(open; times: UTC)", "began at Better Stack", "next:", "Esc back")
        there.screen.type("\x1b")
        there.screen.shows(KEYS)


def test_what_is_dead_is_retried(filled: Path, engine: Engine) -> None:
    with watching(filled) as there:
        there.screen.shows(KEYS)
        there.screen.type("R")
        there.screen.shows("retry all that is dead? y/n")
        there.screen.type("y")
        there.screen.shows("delivery 2 is pending again", "outbox: 0 dead, 1 pending")
        assert state_of(engine, "2") == [DeliveryState.PENDING]
        there.screen.type("\t" + "r")
        there.screen.shows("delivery 2 is due now")


def test_an_incident_is_silenced_by_its_very_name(filled: Path, engine: Engine) -> None:
    with watching(filled) as there:
        there.screen.shows(KEYS, "> 2")
        there.screen.type("s")
        there.screen.shows("silence it for how long? 1h_")
        there.screen.type("\x7f\x7f" + "30m\r")
        there.screen.shows("why? (for whoever wonders) _")
        there.screen.type("new disks\r")
        there.screen.shows('silence 1: name "db-1 [[]disk][*]"', "it matches 1 of 2 open incidents")
        there.screen.shows("silences in force: 1")
    [(silence, _)] = silences.every(engine, NOW, over=True)
    assert (silence.comment, (silence.ends_at - silence.starts_at).total_seconds()) == ("new disks", 1800)


def test_it_reads_alone_until_a_key_asks_for_more(filled: Path) -> None:
    filled.chmod(0o444)
    before = (filled.read_bytes(), sorted(filled.parent.iterdir()))
    with watching(filled) as there:
        there.screen.shows(KEYS)
        there.screen.type("\r")
        there.screen.shows("Esc back")
        there.screen.type("q" + "q")
        assert there.ends() == 0
    assert (filled.read_bytes(), sorted(filled.parent.iterdir())) == before


def test_it_takes_the_size_of_its_window(filled: Path) -> None:
    with watching(filled) as there:
        there.screen.shows(KEYS)
        there.screen.resize(120, 40)
        there.screen.until(lambda: max(there.screen.lines, default=0) == 40 and KEYS in there.screen.text)
        there.screen.resize(20, 5)
        there.screen.until(lambda: max(there.screen.lines, default=0) == 5)
        there.screen.type("q")
        assert there.ends() == 0


ENDINGS: dict[str, tuple[str | signal.Signals, signal.Signals]] = {
    "Ctrl-C": ("\x03", signal.SIGINT),
    "Ctrl-Backslash": ("\x1c", signal.SIGQUIT),
    "kill": (signal.SIGTERM, signal.SIGTERM),
    "hangup": (signal.SIGHUP, signal.SIGHUP),
}


@pytest.mark.parametrize("how", ENDINGS)
def test_whatever_ends_it_the_terminal_is_right_and_the_parent_learns_it(filled: Path, how: str) -> None:
    cause, number = ENDINGS[how]
    with watching(filled) as there:
        there.screen.shows(KEYS)
        assert not there.screen.is_right
        if isinstance(cause, signal.Signals):
            there.send(cause)
        else:
            there.screen.type(cause)
        assert there.ends() == -number
        assert there.screen.is_right


def test_also_in_a_question(filled: Path) -> None:
    with watching(filled) as there:
        there.screen.shows(KEYS)
        there.screen.type("s")
        there.screen.shows("how long?")
        there.screen.type("\x03")
        assert there.ends() == -signal.SIGINT
        assert there.screen.is_right


def test_after_kill_9_too(filled: Path) -> None:
    with watching(filled) as there:
        there.screen.shows(KEYS)
        there.process.kill()
        there.ends()
        there.screen.until(lambda: there.screen.is_right, "the guard")


def test_it_ends_with_its_terminal(filled: Path) -> None:
    screen = Screen()
    there = Watched(
        screen, "watch", {"DATABASE__URL": f"sqlite:///{filled}", "BETTERSTACK__TOKEN": "t0ken1"}, filled.parent
    )
    os.close(screen.program)
    screen.shows(KEYS)
    os.close(screen.person)
    assert there.process.wait(PATIENCE) in {-signal.SIGHUP, 0}


def test_a_shell_suspends_it_and_takes_it_back(filled: Path) -> None:
    screen = Screen()
    environment = {
        **os.environ,
        "DATABASE__URL": f"sqlite:///{filled}",
        "TERM": "xterm",
        "PS1": "ready> ",
        "PYTHONPATH": str(ROOT),
    }
    environment |= {"BETTERSTACK__TOKEN": "a-token-of-better-stack", "SIGNL4__SECRET": "96sbq49u"}
    shell = subprocess.Popen(
        ["setsid", "--ctty", "bash", "--norc", "--noediting", "-i"],
        stdin=screen.program,
        stdout=screen.program,
        stderr=screen.program,
        env=environment,
        cwd=filled.parent,
    )
    try:
        screen.shows("ready> ")
        screen.type(f"{sys.executable} -m daemon watch\n")
        screen.until(lambda: KEYS in screen.text and screen.private[-1] == NO_CURSOR)
        screen.type("\x1a")
        screen.until(lambda: "Stopped" in screen.text and screen.private[-1] == OWN_SCREEN)
        assert screen.is_right
        screen.type("fg\n")
        screen.until(lambda: KEYS in screen.text and screen.private[-1] == NO_CURSOR)
        assert not termios.tcgetattr(screen.person)[3] & termios.ECHO
        screen.type("q")
        screen.until(lambda: screen.private[-1] == OWN_SCREEN and screen.is_right)
    finally:
        shell.kill()
        shell.wait(PATIENCE)
        os.close(screen.person)
        os.close(screen.program)
    assert screen.private[1:] == [OTHER_SCREEN, NO_CURSOR, CURSOR, OWN_SCREEN] * 2


def test_without_a_terminal_it_says_so(filled: Path) -> None:
    for line, environment in (("watch", {}), ("watch --utc", {"TERM": "dumb"})):
        said = process(filled, line, **environment)
        assert (said.returncode, said.stdout) == (2, "")
        assert said.stderr.endswith(
            "Error: this is no terminal that can show a live view; `status`, `incidents` and `deliveries` print what "
            "it shows\n"
        )
