"""Whoever asks for a reload waits for its end, as `ExecReload=` of the unit does; the listings outlast a bad file."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.host.reload_outcome import REFUSED
from daemon.sandbox.server import Sandbox
from tests.e2e.conftest import PATIENCE, Operator
from tests.e2e.test_reload import BAD, Setting
from tests.support.each import each
from tests.support.paths import ROOT
from tests.support.service_manager import managing

NEVER_LOOKS = (
    sys.executable,
    "-c",
    "from daemon.runtime import run; run.TICK = 1e6; from daemon import __main__ as m; m.start()",
)
"""The program whose main thread looks at nothing unless it is woken."""


@pytest.fixture
def setting(operator: Operator, sandbox: Sandbox) -> Iterator[Setting]:
    with managing(operator.directory / "notify", sandbox.context.notify) as manager:
        setting = Setting(operator, sandbox, manager)
        (operator.directory / "runtime").mkdir()
        operator.environment["RUNTIME_DIRECTORY"] = str(operator.directory / "runtime")
        yield setting


def asking(setting: Setting) -> subprocess.Popen[str]:
    """`ExecReload=`, under way."""
    command = [sys.executable, "-m", "daemon.host.reload_outcome", str(setting.daemon.process.pid)]
    environment = setting.operator.environment
    return subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)


def asked(setting: Setting) -> int:
    """Its exit code."""
    with asking(setting) as process:
        process.communicate(timeout=PATIENCE)
    return process.returncode


def test_when_the_question_is_answered_the_new_configuration_is_in_force(setting: Setting) -> None:
    setting.start()
    for number in range(2, 12):
        setting.change(f'interval = "{number - 1}s"', f'interval = "{number}s"')
        assert asked(setting) == 0
        setting.wait(lambda: len(setting.changed()) == number - 1, "the line of it")  # noqa: B023 - called at once
    assert [change.split("; ")[0] for change in setting.changed()] == [
        f'poll.interval from "{number - 1}s" to "{number}s"' for number in range(2, 12)
    ]


def test_a_refusal_is_the_answer_whatever_is_refused(setting: Setting) -> None:
    setting.start()
    for old, new, _ in BAD:
        setting.change(old, new)
        assert asked(setting) == REFUSED, new
        setting.change(new, old)
        assert asked(setting) == 0, new


def test_the_answer_waits_for_what_is_in_flight(setting: Setting) -> None:
    setting.start()
    with setting.in_flight():
        with asking(setting) as process:
            setting.wait(lambda: setting.manager.said("RELOADING"), "the reload")
            setting.pass_looks()
            assert not (setting.operator.directory / "runtime" / "reload").exists()
            process.kill()
    setting.wait(setting.changed, "the end")


def test_a_program_that_is_killed_meanwhile_is_no_reload(setting: Setting) -> None:
    setting.start()
    with setting.in_flight():
        with asking(setting) as process:
            setting.wait(lambda: setting.manager.said("RELOADING"), "the reload")
            setting.daemon.kill()
            assert "ended before" in process.communicate()[1]
        assert process.returncode == 1


def test_systemd_hears_of_a_reload_at_once(setting: Setting) -> None:
    """And not at the next look of the main thread, which here never comes."""
    setting.start(NEVER_LOOKS)
    os.kill(setting.daemon.process.pid, signal.SIGHUP)
    setting.manager.wait_for("RELOADING", PATIENCE)


LISTINGS = ("status", "incidents", "deliveries", "retry --dead", "db backup copy.db")


@each("flaw", [flaw for flaw in BAD if flaw[2] not in {"betterstack.token is missing", "database.url cannot change"}])
def test_while_the_file_is_bad_the_running_daemon_is_looked_at(setting: Setting, flaw: tuple[str, str, str]) -> None:
    old, new, why = flaw
    if not hasattr(setting, "daemon"):
        setting.start()
        setting.told(setting.sandbox.world.open("Shop front page"))
        setting.wait(lambda: setting.operator.ask("status").returncode == 0, "health")
    setting.change(old, new)
    for line in LISTINGS:
        said = setting.operator.ask(*line.split())
        assert said.returncode == 0, (line, said.stderr)
        assert f"process {setting.daemon.process.pid} goes on with the one before it" in said.stderr
        assert why in said.stderr
        (Path(setting.operator.directory) / "copy.db").unlink(missing_ok=True)
    assert "Shop front page" in setting.operator.ask("incidents").stdout
    setting.change(new, old)


def test_without_a_daemon_a_bad_file_is_refused_as_before(setting: Setting) -> None:
    setting.change('interval = "1s"', 'interval = "soon"')
    for line in LISTINGS:
        said = setting.operator.ask(*line.split())
        assert said.returncode == 78, line
        assert said.stderr.startswith("poll.interval ('soon') is not a duration")
