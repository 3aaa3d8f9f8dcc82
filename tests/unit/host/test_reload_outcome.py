"""Whoever asks for a reload learns how it ended: from what was read after the question, and from nothing older."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from daemon.host import reload_outcome
from daemon.host.reload_outcome import PATIENCE, REFUSED, ReloadOutcome, reload
from tests.support.paths import ROOT

LONG = 60.0
"""Seconds that nobody waits."""
ANSWERS = """
import os, signal, sys, time
from daemon.host.reload_outcome import ReloadOutcome
# A handler could be called just before a wait for the next signal begins, which would not end then.
signal.pthread_sigmask(signal.SIG_BLOCK, {{signal.SIGHUP}})
print("up", flush=True)
while signal.sigwait({{signal.SIGHUP}}):
    ReloadOutcome(os.environ).leave(time.monotonic() - {age}, refused={refused})
    {then}
"""


@contextmanager
def program(directory: Path, age: float = 0.0, refused: bool = False, then: str = "pass") -> Iterator[int]:
    """A process that leaves an outcome when it is hung up; its pid."""
    with subprocess.Popen(
        [sys.executable, "-c", ANSWERS.format(age=age, refused=refused, then=then)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        env={"RUNTIME_DIRECTORY": str(directory)},
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        try:
            yield process.pid
        finally:
            process.kill()


@pytest.fixture
def outcome(tmp_path: Path) -> ReloadOutcome:
    return ReloadOutcome({"RUNTIME_DIRECTORY": str(tmp_path)})


@pytest.mark.parametrize(("refused", "code"), [(False, 0), (True, REFUSED)])
def test_what_was_read_after_the_question_is_the_answer(
    tmp_path: Path, outcome: ReloadOutcome, refused: bool, code: int
) -> None:
    outcome.leave(time.monotonic(), refused=not refused)
    with program(tmp_path, refused=refused) as pid:
        assert reload(pid, outcome, LONG) == code


def test_what_was_read_before_the_question_is_none(tmp_path: Path, outcome: ReloadOutcome) -> None:
    with program(tmp_path, age=LONG) as pid:
        assert "not in force after 0.2 s" in str(reload(pid, outcome, 0.2))


def test_a_program_that_ends_meanwhile_is_not_waited_for(tmp_path: Path, outcome: ReloadOutcome) -> None:
    with program(tmp_path, age=LONG, then="os._exit(1)") as pid:
        assert "ended before" in str(reload(pid, outcome, LONG))


def test_a_program_that_is_gone_is_named(outcome: ReloadOutcome) -> None:
    with subprocess.Popen(["true"]) as process:
        process.wait()
    assert reload(process.pid, outcome, LONG) == "the program does not run"


def test_two_who_ask_at_once_both_get_it(tmp_path: Path, outcome: ReloadOutcome) -> None:
    with program(tmp_path, refused=True) as pid:
        command = [sys.executable, "-m", "daemon.host.reload_outcome", str(pid)]
        asking = [subprocess.Popen(command, cwd=ROOT, env={"RUNTIME_DIRECTORY": str(tmp_path)}) for _ in range(3)]
        assert [process.wait() for process in asking] == [REFUSED] * 3


def test_as_a_command_it_ends_with_a_sentence_for_the_journal(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "daemon.host.reload_outcome", str(2**22 + 1)]
    done = subprocess.run(command, cwd=ROOT, env={"RUNTIME_DIRECTORY": str(tmp_path)}, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (1, b"<3>the program does not run\n")


def test_an_outcome_is_never_seen_half_written(tmp_path: Path, outcome: ReloadOutcome) -> None:
    for text in ("", "12.5", "12.5 ", "x 0", "12.5 0 0"):
        (tmp_path / reload_outcome.NAME).write_text(text)
        assert outcome.exit_code(0) is None, text
    outcome.leave(12.5, refused=False)
    assert [outcome.exit_code(since) for since in (12.5, 12.6)] == [0, None]


@pytest.mark.parametrize("environ", [{}, {"RUNTIME_DIRECTORY": ""}, {"RUNTIME_DIRECTORY": "/nonexistent"}])
def test_without_a_directory_nothing_is_left_and_nothing_fails(environ: dict[str, str]) -> None:
    outcome = ReloadOutcome(environ)
    outcome.leave(1, refused=False)
    assert outcome.exit_code(0) is None


def test_the_first_of_several_directories_counts(tmp_path: Path, outcome: ReloadOutcome) -> None:
    ReloadOutcome({"RUNTIME_DIRECTORY": f"{tmp_path}:/nonexistent"}).leave(5, refused=True)
    assert outcome.exit_code(5) == REFUSED


def test_systemd_waits_longer_than_the_question_does() -> None:
    unit = (ROOT / "systemd" / "betterstack-signl4.service").read_text()
    assert "\nTimeoutStartSec=1min\n" in unit
    assert PATIENCE < 60 - 5
