"""The whole demo, as a process."""

import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from daemon.model.errors import DaemonError
from daemon.sandbox import demo, process
from daemon.sandbox.display import Output
from daemon.sandbox.faults import Cut
from daemon.sandbox.history import Act
from daemon.sandbox.replay import ReplayError
from daemon.sandbox.rules import Silence
from daemon.sandbox.script import Cue, Script
from daemon.sandbox.server import Sandbox
from tests.support import warm
from tests.support.paths import DATA, ROOT
from tests.support.slowness import SLOWNESS

SMALL = DATA / "replay-small.csv"


@contextmanager
def running(*arguments: str, cwd: Path) -> Iterator[Any]:
    """A process of this Python that is gone afterwards."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error", "POLL__INTERVAL": "1d"}
    started: Any = warm.started([sys.executable, "-m", *arguments], cwd=cwd, env=environment, stdout=warm.PIPE)
    try:
        yield started
    finally:
        started.kill()
        started.wait()
        started.stdout.close()


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_scenario_is_told_without_a_flaw(tmp_path: Path) -> None:
    began = time.monotonic()
    with running("daemon", "demo", cwd=tmp_path) as started:
        code = started.wait(60)
        output = started.stdout.read()
    assert code == 0, output
    assert time.monotonic() - began < 40 * SLOWNESS
    right = r"verdict: 13 incidents, 2[678] transitions told.*;\n +0 lost, 0 doubled, 0 out of order\n"
    assert re.search(right, output)
    assert "down, answers 503" in output
    for what in (
        r"new +\+\S+  Database \(dba\)$",
        r"right; held ",
        r"right: silenced ",
        r"right; \d superseded ",
        r"\d  Jane acknowledged *$",
    ):
        assert re.search(what, output, re.MULTILINE), what
    assert_way_back(output)
    assert_story(output)
    assert_excerpt(output)
    assert max(map(len, output.splitlines())) <= 80
    for mark in ("+1.5 at SIGNL4 means", "right  ", "superseded  ", "lost, doubled, out of order"):
        assert mark in output
    for step in (
        "export BETTERSTACK__TOKEN=",
        "betterstack-signl4 check --online",
        "make install",
        "-m daemon.sandbox",
    ):
        assert step in output[output.index("verdict") :]
    assert list(tmp_path.iterdir()) == []


def assert_way_back(output: str) -> None:
    """Who acknowledges in SIGNL4 has acknowledged in Better Stack, and SIGNL4 is not told of that."""
    lines = [line for line in output.splitlines() if "Search index" in line]
    told = [" ".join(line.split()) for line in lines if re.match("Better Stack|SIGNL4", line)]
    without_times = [re.sub(r" -?\d+\.\d| \+\d+\.\d", "", line) for line in told]
    assert without_times == [
        "Better Stack opened Search index",
        "SIGNL4 new Search index",
        "SIGNL4 Jane acknowledged Search index",
        "Better Stack acknowledged Search index by Jane",
        "Better Stack resolved Search index",
        "SIGNL4 resolved Search index",
    ]
    assert "Jane acknowledges in SIGNL4: that ends the escalation at Better Stack as well." in output


def assert_story(output: str) -> None:
    """What `why` says, after the verdict: the route, the silence, and both messages."""
    story = output[output.index("$ betterstack-signl4 why ") : output.index("\nNext, with your own account")]
    assert output.index("verdict: ") < output.index(story)
    told = " ".join(story.split())
    for part in (
        'route "everything" matches',
        'route "dba" does not match: name is "CI cache", not "Database*"',
        "new to team default: held: silence 1 (upgrade)",
        "new to team default: accepted by SIGNL4; event ",
        "resolved to team default: accepted by SIGNL4; event ",
        "next: nothing: it is over, and SIGNL4 took all of it",
    ):
        assert part in told


def assert_excerpt(output: str) -> None:
    """The README quotes lines that it prints, but for the figures."""
    _, _, behind = (ROOT / "README.md").read_text().partition("`make demo` explains its marks")
    quoted = behind.split("```")[1].strip("\n").splitlines()
    printed = {without_figures(line) for line in output.splitlines()}
    assert len(quoted) > 5
    assert [line for line in quoted if line and without_figures(line) not in printed] == []


def without_figures(line: str) -> str:
    return re.sub("[0-9]", "0", line).rstrip()


def test_a_recorded_history_is_told_without_a_flaw(tmp_path: Path) -> None:
    began = time.monotonic()
    with running("daemon", "demo", "--replay", str(SMALL), "--speed", "12", cwd=tmp_path) as started:
        code = started.wait(60)
        output = started.stdout.read()
    assert code == 0, output
    assert time.monotonic() - began < 20 * SLOWNESS
    assert output.startswith("replay-small.csv: 21 alerts in 0.0 days, played 12 times as fast.\n")
    assert re.search(r"verdict: 21 incidents, \d+ transitions told.*;\n +0 lost, 0 doubled, 0 out of order\n", output)
    assert max(map(len, output.splitlines())) <= 80


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_takes_the_daemon_with_it(tmp_path: Path, number: signal.Signals) -> None:
    with running("daemon", "demo", cwd=tmp_path) as started:
        next(line for line in started.stdout if line.startswith("SIGNL4"))
        [child] = children(started.pid)
        started.send_signal(number)
        rest = started.stdout.read()
        assert started.wait(30) == 130
    assert rest.endswith("Stopped before the end; there is no verdict.\n")
    assert not is_alive(child)


def test_a_flaw_makes_the_demo_fail(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = Script((Cue(0, Act.OPENED, "Shop front page"),))
    with Sandbox() as sandbox:
        sandbox.signl4.faults.arm(Cut(taken=True), times=1)
        assert demo.Demo(script, sandbox, tmp_path, Output()).run() == 1
    output = capsys.readouterr().out
    assert "doubled: new was told 2 times; right is 1 time" in output
    assert output.endswith("verdict: 1 incident, 1 transition told;\n         0 lost, 1 doubled, 0 out of order\n")


def test_a_daemon_that_dies_is_quoted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "PACE", {**process.PACE, "POLL__INTERVAL": "never"})
    with Sandbox() as sandbox:
        assert demo.Demo(Script((Cue(0, Act.OPENED, "Shop"),)), sandbox, tmp_path, Output()).run() == 1
    output = capsys.readouterr().out
    assert output.startswith("The daemon ended before the play did, with exit code 78. Its last lines:\n")
    assert "poll.interval" in output
    assert "verdict" not in output


def test_a_daemon_that_makes_no_round_is_quoted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "START_TIME", 0.2)
    with Sandbox() as sandbox:
        assert demo.Demo(Script((Cue(0, Act.OPENED, "Shop"),)), sandbox, tmp_path, Output()).run() == 1
    assert capsys.readouterr().out.startswith("The daemon made no round within 0.2 s. Its last lines:\n")


def test_a_command_that_fails_is_a_sentence(tmp_path: Path) -> None:
    script = Script((Cue(0, Act.OPENED, "Shop"),), silence=Silence("CI*", 0, "upgrade"))
    with Sandbox() as sandbox, pytest.raises(DaemonError, match=r"ended with 2: [^$]*would be over before it begins"):
        demo.Demo(script, sandbox, tmp_path, Output()).run()


def test_what_cannot_be_played_is_told_before_anything_starts() -> None:
    with pytest.raises(ReplayError, match="cannot be read"):
        demo.run_demo(Path("/nowhere.csv"), None)
    with pytest.raises(ReplayError, match="a speed is for a recorded history"):
        demo.run_demo(None, 2.0)
