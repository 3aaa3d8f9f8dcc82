"""The clock is set while the process runs, the machine sleeps, or the process stands still.

An incident is open, another's alert waits for SIGNL4, a third vanished and its deletion is half proven. Whatever the
clock does, rounds go on at their pace, everything is told soon and once, and no time that did not pass proves anything.
"""

import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta

import pytest

from daemon.sandbox import mishaps
from daemon.sandbox.context import Context
from daemon.sandbox.exchange import Request, json_answer
from daemon.sandbox.faults import Armed, Cut, Hang, Instead
from daemon.sandbox.server import Sandbox
from daemon.sandbox.verdict import judge
from tests.e2e.clockwork import SET
from tests.e2e.conftest import PATIENCE, Daemon, Operator, WorldTime, clockwork, pages
from tests.support.slowness import SLOWNESS

MINUTE, HOUR, MONTH, DECADE = 60, 3600, 30 * 86400, 3652 * 86400
SOON = 10.0 * SLOWNESS
"""Seconds in which everything goes on after a step."""


@pytest.fixture
def world_time() -> WorldTime:
    return WorldTime()


@pytest.fixture
def sandbox(world_time: WorldTime) -> Iterator[Sandbox]:
    with Sandbox(context=Context(now=world_time), event_limit=10**6, faulty_limit=None) as sandbox:
        yield sandbox


@dataclass(frozen=True)
class Case:
    """What happens to the clock of the machine, which is `off` by so many seconds at first.

    `world`: the time really passes, and every connection is cut.
    """

    seconds: int
    expected: str
    world: bool = False
    off: int = 0


GOES_ON = "says so, goes on at once, and counts no time that did not pass"
STEPS = {
    "clock set ahead by a minute": Case(MINUTE, GOES_ON),
    "clock set back by a minute": Case(-MINUTE, GOES_ON),
    "clock set ahead by a month": Case(MONTH, GOES_ON),
    "clock set back by a month": Case(-MONTH, GOES_ON),
    "clock ten years behind, then set right": Case(DECADE, GOES_ON, off=-DECADE),
    "suspended for an hour": Case(HOUR, "goes on at once over new connections, and starts proofs again", world=True),
}
NO_PROOF = "believes no deletion before the time for it has really passed"
MOMENTS = {
    "clock set ahead in the middle of a round": Case(MINUTE, NO_PROOF),
    "clock set ahead as a round begins": Case(MINUTE, NO_PROOF),
    "clock set ahead while the database is locked": Case(MINUTE, NO_PROOF),
}
SUSPECT = {"clock set ahead while the token is suspect": Case(2 * HOUR, "suspects it for another hour")}
STOPPED = {
    "process stopped for an hour": Case(HOUR, "goes on once it is continued, and takes it for no hang", world=True)
}
CASES = {**STEPS, **MOMENTS, **SUSPECT, **STOPPED}


def vanish(sandbox: Sandbox, *incidents: str) -> Armed:
    """For a client the incidents are gone, although they are not. Returns the fault that their lookups meet."""
    sandbox.betterstack.faults.arm(mishaps.hiding(*incidents), when=mishaps.lists)
    no_record = Instead(json_answer(404, {"errors": "Resource with provided ID was not found"}))
    return sandbox.betterstack.faults.arm(no_record, when=lambda request: request.path.endswith(incidents))


def half_proven(operator: Operator, sandbox: Sandbox, daemon: Daemon) -> tuple[str, Armed]:
    """An incident that was told and then vanished, and the fault that its lookups meet."""
    incident = sandbox.world.open("Database replica")
    daemon.wait_for(lambda: operator.told(incident), "the alert of what will vanish")
    lookups = vanish(sandbox, incident)
    # The answer to the first one is written down when the second one is asked.
    daemon.wait_for(lambda: lookups.struck >= 2, "two lookups")
    return incident, lookups


def set_clock(daemon: Daemon, command: str) -> None:
    daemon.command(command)
    daemon.wait_for(lambda: daemon.says(f"{SET}: {command}"), "the step")


def sweeps(sandbox: Sandbox) -> int:
    """How many sweeps Better Stack has answered well."""
    return sum("from" in one.query and one.status == 200 for one in sandbox.betterstack.requests)


def assert_all_is_right(daemon: Daemon, sandbox: Sandbox) -> None:
    """Stops the process, and judges what it told."""
    sandbox.betterstack.faults.clear()
    seen = len(pages(sandbox))
    daemon.wait_for(lambda: len(pages(sandbox)) > seen + 1, "a round that sees all", SOON)
    assert daemon.stop(signal.SIGTERM, PATIENCE) == 0
    assert not daemon.says("Traceback")
    verdict = judge(sandbox.world.history, sandbox.world.showings, sandbox.signl4.events)
    assert verdict.good, [case for case in verdict.cases if case.findings]


@pytest.mark.parametrize("name", STEPS)
def test_a_clock_that_steps_delays_nothing_and_proves_nothing(
    operator: Operator, sandbox: Sandbox, world_time: WorldTime, name: str
) -> None:
    case = STEPS[name]
    daemon = operator.run(
        program=clockwork(case.off),
        POLL__GONE_AFTER="45s",
        POLL__SWEEP_INTERVAL="1s",
        # The next attempt is further off than the next round, so that only the step can bring it forward.
        DELIVERY__RETRY_MIN="5s",
        DELIVERY__RETRY_MAX="5s",
    )
    is_open = sandbox.world.open("Shop front page")
    vanished, _ = half_proven(operator, sandbox, daemon)
    outage = sandbox.signl4.faults.arm(mishaps.status(503))
    pending = sandbox.world.open("Payment service")
    daemon.wait_for(lambda: daemon.says("not delivered yet"), "a delivery that waits")

    set_clock(daemon, f"between {case.seconds}")
    if case.world:
        world_time.ahead += timedelta(seconds=case.seconds)
        sandbox.betterstack.faults.arm(Cut(), times=1)
        sandbox.signl4.faults.arm(Cut(), times=1)
    rounds, swept = len(pages(sandbox)), sweeps(sandbox)
    outage.release()
    daemon.wait_for(lambda: daemon.says("the clock was set"), "the notice of it", SOON)
    daemon.wait_for(lambda: operator.told(pending) == ["new"], "what was pending", SOON)
    later = sandbox.world.open("Mail relay")
    sandbox.world.resolve(is_open)
    daemon.wait_for(lambda: operator.told(later) == ["new"], "the next alert", SOON)
    daemon.wait_for(lambda: operator.told(is_open) == ["new", "resolved"], "the end", SOON)
    daemon.wait_for(lambda: len(pages(sandbox)) > rounds + 1, "rounds at their pace", SOON)
    daemon.wait_for(lambda: sweeps(sandbox) > swept + 1, "sweeps at their pace", SOON)
    assert operator.told(vanished) == ["new"]
    status = operator.ask("status", program=clockwork(case.off + case.seconds))
    assert status.returncode == 0, status.stdout
    assert_all_is_right(daemon, sandbox)


@pytest.mark.parametrize("name", MOMENTS)
def test_a_step_proves_nothing_at_whatever_moment_it_comes(operator: Operator, sandbox: Sandbox, name: str) -> None:
    daemon = operator.run(program=clockwork(), POLL__GONE_AFTER="45s")
    sandbox.world.open("Shop front page")
    vanished, lookups = half_proven(operator, sandbox, daemon)

    def set_clock_before_the_answer(request: Request) -> None:
        if request.path.endswith(f"/{vanished}") or (name.endswith("begins") and mishaps.lists(request)):
            sandbox.betterstack.faults.before_answer = None
            set_clock(daemon, f"now {CASES[name].seconds}")

    if name.endswith("locked"):
        with closing(sqlite3.connect(operator.directory / "state.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            set_clock(daemon, f"between {CASES[name].seconds}")
            daemon.wait_for(lambda: daemon.says("the database cannot be written"), "the complaint", SOON)
    else:
        sandbox.betterstack.faults.before_answer = set_clock_before_the_answer
    daemon.wait_for(lambda: daemon.says("the clock was set"), "the notice of it", SOON)
    seen = lookups.struck
    daemon.wait_for(lambda: lookups.struck > seen + 2 or len(operator.told(vanished)) > 1, "more lookups", PATIENCE)
    assert operator.told(vanished) == ["new"]
    assert_all_is_right(daemon, sandbox)


@pytest.mark.parametrize("name", SUSPECT)
def test_a_step_does_not_end_the_suspicion_of_the_token(operator: Operator, sandbox: Sandbox, name: str) -> None:
    daemon = operator.run(program=clockwork(), POLL__GONE_AFTER="1s")
    incidents = [sandbox.world.open(f"Incident {number}") for number in range(3)]
    daemon.wait_for(lambda: all(map(operator.told, incidents)), "the alerts")
    lookups = vanish(sandbox, *incidents)
    daemon.wait_for(lambda: daemon.says('answer \\"no such record\\"'), "the suspicion")
    set_clock(daemon, f"between {CASES[name].seconds}")
    daemon.wait_for(lambda: daemon.says("the clock was set"), "the notice of it", SOON)
    seen = lookups.struck
    daemon.wait_for(lambda: lookups.struck > seen + 9 or len(operator.events) > 3, "more lookups", PATIENCE)
    assert [operator.told(incident) for incident in incidents] == [["new"]] * 3
    assert_all_is_right(daemon, sandbox)


@pytest.mark.parametrize("name", STOPPED)
def test_a_process_that_stood_still_goes_on(
    operator: Operator, sandbox: Sandbox, world_time: WorldTime, name: str
) -> None:
    """Both clocks went on meanwhile, and a request was in flight."""
    daemon = operator.run(program=clockwork(), HTTP__TIMEOUT="4s")
    first = sandbox.world.open("Shop front page")
    daemon.wait_for(lambda: operator.told(first) and sweeps(sandbox), "the first alert and the first round")
    outage = sandbox.signl4.faults.arm(mishaps.status(503))
    second = sandbox.world.open("Payment service")
    daemon.wait_for(lambda: outage.struck, "a delivery that waits")
    in_flight = sandbox.betterstack.faults.arm(Hang(), times=1)
    daemon.wait_for(lambda: in_flight.struck, "a request in flight")
    struck = outage.struck
    # By then the round is waiting for its answer, and it shows no life before its request has timed out.
    daemon.wait_for(lambda: outage.struck > struck, "another attempt")
    daemon.process.send_signal(signal.SIGSTOP)
    world_time.ahead += timedelta(seconds=CASES[name].seconds)
    third = sandbox.world.open("Mail relay")
    sandbox.world.resolve(first)
    outage.release()
    daemon.command(f"stopped {CASES[name].seconds}")
    daemon.process.send_signal(signal.SIGCONT)
    for incident, kinds in ((second, ["new"]), (third, ["new"]), (first, ["new", "resolved"])):
        daemon.wait_for(lambda incident=incident, kinds=kinds: operator.told(incident) == kinds, "all of it", SOON)  # type: ignore[misc]
    assert_all_is_right(daemon, sandbox)
