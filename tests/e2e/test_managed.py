"""The real process under a service manager, whose end of the protocol the test holds."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.sandbox import mishaps
from daemon.sandbox.faults import Hang
from daemon.sandbox.server import Sandbox
from tests.e2e.conftest import PATIENCE, WRAPPED, Operator, pages
from tests.support.service_manager import Manager, managing


@pytest.fixture
def manager(operator: Operator, sandbox: Sandbox, tmp_path: Path) -> Iterator[Manager]:
    with managing(tmp_path / "notify", sandbox.context.notify) as manager:
        operator.environment["NOTIFY_SOCKET"] = manager.address
        yield manager


def test_it_is_ready_once_it_can_work_whether_or_not_better_stack_answers(
    operator: Operator, sandbox: Sandbox, manager: Manager
) -> None:
    hang = sandbox.betterstack.faults.arm(Hang())
    daemon = operator.run(HTTP__TIMEOUT="100s")
    daemon.wait_for(lambda: manager.said("READY"), "that it is ready, though the first round is under way")
    assert sandbox.signl4.events == ()
    hang.release()
    assert daemon.stop(signal.SIGTERM, PATIENCE) == 0
    assert manager.said("READY") == ["1"]
    assert manager.said("STOPPING") == ["1"]


def test_with_a_bad_configuration_it_is_never_ready_and_its_line_says_why(operator: Operator, manager: Manager) -> None:
    assert operator.ask("run", POLL__INTERVAL="soon").returncode == 78
    (said,) = manager.said("STATUS")
    assert said.startswith("poll.interval ('soon') is not a duration")
    assert manager.said("READY") == []


def test_beside_another_instance_it_is_never_ready_and_its_line_says_why(operator: Operator, manager: Manager) -> None:
    first = operator.run()
    first.wait_for(lambda: manager.said("READY"), "the first one")
    assert operator.ask("run").returncode == 69
    assert any(line.startswith("another instance (process") for line in manager.said("STATUS"))
    assert manager.said("READY") == ["1"]


def test_its_line_says_how_it_gets_on(operator: Operator, sandbox: Sandbox, manager: Manager) -> None:
    daemon = operator.run()
    sandbox.world.open("Shop front page")
    sandbox.world.open("Payment service")
    daemon.wait_for(
        lambda: any(line.startswith("2 open, 0 pending, last round ") for line in manager.said("STATUS")), "both"
    )
    refusal = sandbox.signl4.faults.arm(mishaps.status(403))
    sandbox.world.open("Mail relay")
    daemon.wait_for(lambda: "; SIGNL4 refuses the secret since " in manager.said("STATUS")[-1], "what is wrong")
    assert manager.said("STATUS")[-1].startswith("3 open, 1 pending, last round ")
    refusal.release()


@pytest.mark.parametrize("job", ["poll", "deliver"])
def test_the_watchdog_is_fed_from_progress_and_never_again_once_a_job_hangs(
    operator: Operator, sandbox: Sandbox, manager: Manager, job: str
) -> None:
    daemon = operator.run(program=WRAPPED, HTTP__TIMEOUT="1s")
    daemon.wait_for(lambda: len(manager.said("WATCHDOG")) > 1, "signs of life while all is quiet")
    daemon.command(f"{job} hangs")
    sandbox.world.open("Shop front page")
    daemon.wait_for(lambda: daemon.process.poll() is not None, "the end of it")
    assert daemon.process.returncode == 70
    assert list(manager.told[-1]) != ["WATCHDOG"]


def test_an_outage_of_both_services_is_progress(operator: Operator, sandbox: Sandbox, manager: Manager) -> None:
    daemon = operator.run()
    sandbox.world.open("Shop front page")
    daemon.wait_for(lambda: sandbox.signl4.events, "the first alert")
    for service in (sandbox.betterstack, sandbox.signl4):
        service.faults.arm(mishaps.status(503))
    sandbox.world.open("Payment service")
    seen, fed = len(pages(sandbox)), len(manager.said("WATCHDOG"))
    daemon.wait_for(lambda: len(pages(sandbox)) > seen + 1 and len(manager.said("WATCHDOG")) > fed + 2, "signs of life")


def test_frozen_it_gives_no_sign_of_life(operator: Operator, manager: Manager) -> None:
    daemon = operator.run()
    daemon.wait_for(lambda: manager.said("WATCHDOG"), "a sign of life")
    os.kill(daemon.process.pid, signal.SIGSTOP)
    fed = len(manager.said("WATCHDOG"))
    with pytest.raises(TimeoutError):
        daemon.wait_for(lambda: len(manager.said("WATCHDOG")) > fed + 1, "another one", 3)
    os.kill(daemon.process.pid, signal.SIGCONT)
    daemon.wait_for(lambda: len(manager.said("WATCHDOG")) > fed + 1, "another one")


def test_a_stop_says_how_long_it_may_take(operator: Operator, sandbox: Sandbox, manager: Manager) -> None:
    daemon = operator.run(HTTP__TIMEOUT="2s")
    hang = sandbox.signl4.faults.arm(Hang())
    sandbox.world.open("Shop front page")
    daemon.wait_for(lambda: hang.struck, "a request that hangs")
    assert daemon.stop(signal.SIGTERM, PATIENCE) == 0
    (stopping,) = [message for message in manager.told if "STOPPING" in message]
    assert 2 < int(stopping["EXTEND_TIMEOUT_USEC"]) / 1_000_000 < 2 + 4
