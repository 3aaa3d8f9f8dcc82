"""Stops at random moments, a machine without threads, and a configuration file that hangs."""

import json
import os
import signal
import sys
from functools import partial
from random import Random

import pytest

from daemon.sandbox.server import Sandbox
from daemon.sandbox.verdict import judge
from tests.e2e.conftest import PATIENCE, Operator, pages

STOPS = 12
LATE = (
    "import random, sys, time\n"
    "from apscheduler.schedulers.background import BackgroundScheduler\n"
    "modify = BackgroundScheduler.modify_job\n"
    "def late(*a, **k):\n"
    "    time.sleep(random.random() / 20)\n"
    "    return modify(*a, **k)\n"
    "BackgroundScheduler.modify_job = late\n"
    "from daemon.__main__ import start\n"
    "sys.argv = ['daemon', 'run']\n"
    "start()\n"
)
"""The program, in which each call into the scheduler comes a little after it was decided on."""
NO_THREADS = (
    "import sys, threading\n"
    "whole, none = threading.Thread.start, threading.Event()\n"
    "def start(self):\n"
    '    if none.is_set() and self is not listener: raise RuntimeError("can\'t start new thread")\n'
    "    whole(self)\n"
    "def listen():\n"
    "    for line in sys.stdin: none.clear() if line.strip() == 'threads' else none.set()\n"
    "listener = threading.Thread(target=listen, daemon=True)\n"
    "threading.Thread.start = start\n"
    "if sys.argv.pop(1) == 'later': listener.start()\n"
    "else: none.set()\n"
    "from daemon.__main__ import start as begin\n"
    "begin()\n"
)
"""The program on a machine that has no thread to give, from the start or from when it is told so."""


def as_many_requests(sandbox: Sandbox, number: int) -> bool:
    return len(sandbox.betterstack.requests) >= number


def test_stops_at_random_moments_end_in_order_and_lose_nothing(operator: Operator, sandbox: Sandbox) -> None:
    """Promise 6, with a pause before each call that a job makes into the scheduler."""
    rng = Random(8)
    for number in range(STOPS):
        incident = sandbox.world.open(f"Incident {number}")
        daemon = operator.run(program=(sys.executable, "-c", LATE), HTTP__TIMEOUT="2s")
        enough = len(sandbox.betterstack.requests) + rng.randrange(1, 6)
        daemon.wait_for(partial(as_many_requests, sandbox, enough), "requests")
        assert daemon.stop(rng.choice((signal.SIGTERM, signal.SIGINT)), within=2 + 2) == 0
        assert not daemon.says("Traceback")
        sandbox.world.resolve(incident)
    assert operator.ask("once").returncode == 0
    verdict = judge(sandbox.world.history, sandbox.world.showings, sandbox.signl4.events)
    assert verdict.good, [case for case in verdict.cases if case.findings]


def test_many_signals_are_one_stop(operator: Operator, sandbox: Sandbox) -> None:
    daemon = operator.run()
    daemon.wait_for(lambda: len(pages(sandbox)) > 1, "rounds")
    for _ in range(1000):
        os.kill(daemon.process.pid, signal.SIGTERM)
    assert daemon.process.wait(PATIENCE) == 0


def test_a_machine_without_a_thread_for_the_start_is_told_of_in_a_sentence(operator: Operator) -> None:
    done = operator.ask(program=(sys.executable, "-c", NO_THREADS, "now", "run"))
    assert done.returncode == 1
    assert json.loads(done.stderr.splitlines()[-1])["event"].startswith("no thread can be started now")


def test_a_machine_without_threads_for_a_while_loses_nothing_and_stops_in_order(
    operator: Operator, sandbox: Sandbox
) -> None:
    """Rounds go on, deliveries wait, and a reload is not forgotten."""
    daemon = operator.run(program=(sys.executable, "-c", NO_THREADS, "later"))
    daemon.wait_for(lambda: len(pages(sandbox)) > 1, "rounds")
    daemon.command("no threads")
    incident = sandbox.world.open("Shop front page")
    daemon.process.send_signal(signal.SIGHUP)
    seen = len(pages(sandbox))
    daemon.wait_for(lambda: len(pages(sandbox)) > seen + 3, "rounds")
    assert not daemon.says("configuration reloaded")
    assert sum("Traceback" in line for line in daemon.lines) < 10
    daemon.command("threads")
    daemon.wait_for(lambda: operator.told(incident) == ["new"], "the alert")
    daemon.wait_for(partial(daemon.says, "configuration reloaded"), "the reload")
    daemon.command("no threads")
    assert daemon.stop(signal.SIGTERM, PATIENCE) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_configuration_that_hangs_holds_up_neither_rounds_nor_a_stop(
    operator: Operator, sandbox: Sandbox, number: signal.Signals
) -> None:
    """As on a file system whose server is gone."""
    daemon = operator.run()
    daemon.wait_for(lambda: len(pages(sandbox)) > 1, "rounds")
    file = operator.directory / "config.toml"
    file.unlink()
    os.mkfifo(file)
    daemon.process.send_signal(signal.SIGHUP)
    incident = sandbox.world.open("Shop front page")
    daemon.wait_for(lambda: operator.told(incident) == ["new"], "the alert")
    seen = len(pages(sandbox))
    daemon.wait_for(lambda: len(pages(sandbox)) > seen + 4, "rounds")
    assert daemon.stop(number, PATIENCE) == 0
