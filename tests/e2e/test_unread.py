"""Nobody who reads the log, or does not, keeps the program from its duty; nor does a signal of the first moment."""

import signal
import subprocess
import sys
from functools import partial

import pytest

from daemon.sandbox.server import Sandbox
from tests.e2e.conftest import PATIENCE, Operator, pages, started


def test_a_log_that_nobody_reads_costs_no_round_no_alert_and_no_stop(
    operator: Operator, sandbox: Sandbox, full_pipe: int
) -> None:
    incident = sandbox.world.open("Shop front page")
    with started(operator, stderr=full_pipe) as process:
        sandbox.wait_for(lambda: operator.told(incident) == ["new"], PATIENCE, "the alert")
        sandbox.wait_for(lambda: len(pages(sandbox)) >= 4, PATIENCE, "rounds")
        sandbox.world.resolve(incident, "Jane")
        sandbox.wait_for(lambda: operator.told(incident) == ["new", "resolved"], PATIENCE, "the end")
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0


@pytest.mark.parametrize("closed", ["2", "0 1 2"])
def test_it_runs_without_standard_error_and_the_state_is_whole(
    operator: Operator, sandbox: Sandbox, closed: str
) -> None:
    incident = sandbox.world.open("Shop front page")
    close = f"import os, sys; [os.close(int(n)) for n in '{closed}'.split()]; os.execv(sys.executable, sys.argv[1:])"
    command = (sys.executable, "-c", close, sys.executable, "-m", "daemon")
    with started(operator, command) as process:
        sandbox.wait_for(lambda: operator.told(incident) == ["new"], PATIENCE, "the alert")
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
    assert operator.ask("incidents").returncode == 0


def test_a_hangup_in_the_first_moment_ends_nothing(operator: Operator, sandbox: Sandbox) -> None:
    incident = sandbox.world.open("Shop front page")
    usual = "import os, signal, sys; signal.signal(signal.SIGHUP, signal.SIG_DFL); from daemon.__main__ import start"
    # The signal comes right behind the first thing that the program does.
    first = f"{usual}; from daemon.host import startup as b; begin = b.begin\n"
    first += "def begun(arguments):\n    begin(arguments)\n    os.kill(os.getpid(), signal.SIGHUP)\n"
    first += "import daemon.__main__ as m; m.begin = begun; sys.argv = ['daemon', 'run']; start()"
    # Behind env(1) it starts cold, with all the imports that a signal may come into.
    with started(operator, ("env", sys.executable, "-c", first), stderr=subprocess.PIPE) as process:
        sandbox.wait_for(lambda: operator.told(incident) == ["new"], PATIENCE, "the alert")
        sandbox.wait_for(lambda: len(pages(sandbox)) >= 2, PATIENCE, "rounds")
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0


def _polled(sandbox: Sandbox, times: int) -> bool:
    return len(pages(sandbox)) >= times


def test_a_stop_waits_for_no_job_that_is_about_to_call_the_scheduler(operator: Operator, sandbox: Sandbox) -> None:
    slow = (
        "import sys, time\n"
        "from daemon.runtime.jobs import Jobs\n"
        "due = Jobs._due\n"
        "def slowly(self, job, seconds):\n"
        "    time.sleep(0.05)\n"
        "    due(self, job, seconds)\n"
        "Jobs._due = slowly\n"
        "from daemon.__main__ import start\n"
        "sys.argv = ['daemon', 'run']\n"
        "start()\n"
    )
    for _ in range(4):
        enough = len(pages(sandbox)) + 1
        with started(operator, (sys.executable, "-c", slow), stderr=subprocess.DEVNULL) as process:
            sandbox.wait_for(partial(_polled, sandbox, enough), PATIENCE, "a round")
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE) == 0
