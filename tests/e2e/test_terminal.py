"""`run` on a terminal: what ends with it, what outlasts it, and what is said meanwhile."""

import os
import pty
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from select import select
from threading import Event

import pytest

from daemon.sandbox.exchange import Request
from daemon.sandbox.server import Sandbox
from tests.e2e.conftest import PATIENCE, PROGRAM, Operator, pages
from tests.support import confined, warm


class Terminal:
    """What a person sees, and the program that was started there."""

    def __init__(self, operator: Operator, settings: dict[str, str], *, under_nohup: bool) -> None:
        self.screen, theirs = pty.openpty()
        self.process = warm.started(
            [*PROGRAM, "run"],
            env=operator.environment | settings,
            cwd=operator.directory,
            first=partial(confined.at_terminal, under_nohup=under_nohup),
            stderr=theirs,
        )
        os.close(theirs)

    def shows(self, text: str) -> None:
        """Reads until that is there."""
        shown = b""
        while text.encode() not in shown:
            assert select([self.screen], [], [], PATIENCE)[0], shown[-500:]
            shown += os.read(self.screen, 65536)

    def close(self) -> None:
        os.close(self.screen)


@contextmanager
def terminal(operator: Operator, *, under_nohup: bool = False, **settings: str) -> Iterator[Terminal]:
    terminal = Terminal(operator, settings, under_nohup=under_nohup)
    try:
        yield terminal
    finally:
        terminal.process.kill()
        terminal.process.wait()


def test_a_terminal_that_closes_ends_it_in_order(operator: Operator, sandbox: Sandbox) -> None:
    incident = sandbox.world.open("Shop front page")
    with terminal(operator) as there:
        there.shows("delivered")
        there.close()
        assert there.process.wait(PATIENCE) == 0
    assert operator.told(incident) == ["new"]
    sandbox.world.resolve(incident)
    assert operator.ask("once").returncode == 0
    assert operator.told(incident) == ["new", "resolved"]


def test_at_a_terminal_that_stays_a_hangup_asks_for_the_configuration(operator: Operator, sandbox: Sandbox) -> None:
    with terminal(operator) as there:
        there.shows("started")
        there.process.send_signal(signal.SIGHUP)
        there.shows("configuration reloaded")
        seen = len(pages(sandbox))
        sandbox.wait_for(lambda: len(pages(sandbox)) > seen, PATIENCE, "a round")
        there.close()
        assert there.process.wait(PATIENCE) == 0


def test_under_nohup_it_outlasts_its_terminal_and_goes_on_without_one(operator: Operator, sandbox: Sandbox) -> None:
    with terminal(operator, under_nohup=True) as there:
        there.shows("started")
        there.close()
        incident = sandbox.world.open("Shop front page")
        sandbox.wait_for(lambda: operator.told(incident) == ["new"], PATIENCE, "the alert")
        seen = len(pages(sandbox))
        sandbox.wait_for(lambda: len(pages(sandbox)) > seen + 1, PATIENCE, "rounds")
        there.process.terminate()
        assert there.process.wait(PATIENCE) == 0


def test_output_that_was_stopped_at_the_terminal_stops_nothing_else(operator: Operator, sandbox: Sandbox) -> None:
    """As by Ctrl-S."""
    with terminal(operator, LOG__LEVEL="debug") as there:
        there.shows("started")
        os.write(there.screen, b"\x13")
        incident = sandbox.world.open("Shop front page")
        sandbox.wait_for(lambda: operator.told(incident) == ["new"], PATIENCE, "the alert")
        there.process.terminate()
        assert there.process.wait(PATIENCE) == 0
        there.close()


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_once_is_ended_in_order_by_what_ends_others(
    operator: Operator, sandbox: Sandbox, number: signal.Signals
) -> None:
    """A request that is under way is finished and noted."""
    sandbox.world.open("Shop front page")
    under_way = Event()

    def strike(_: Request) -> None:
        under_way.wait(PATIENCE)
        process.send_signal(number)

    sandbox.signl4.faults.before_answer = strike
    process = warm.started([*PROGRAM, "once"], env=operator.environment, cwd=operator.directory)
    under_way.set()
    assert process.wait(PATIENCE) >= 0
    sandbox.signl4.faults.clear()
    assert '"state": "delivered"' in operator.ask("deliveries", "--json").stdout
