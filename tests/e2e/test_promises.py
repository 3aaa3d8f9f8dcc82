"""The promises, kept by the real process against both services on loopback. Each test names the one it holds to."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest

from daemon.sandbox import mishaps
from daemon.sandbox.exchange import Request
from daemon.sandbox.faults import Cut, Hang
from daemon.sandbox.process import isolated
from daemon.sandbox.server import Sandbox

PATIENCE = 45.0


class Operator:
    """Somebody who starts the program, kills it, and asks it questions."""

    def __init__(self, sandbox: Sandbox, directory: Path) -> None:
        self.sandbox = sandbox
        self.directory = directory
        self.environment = isolated(os.environ, directory) | sandbox.environment()
        (directory / "config.toml").touch()
        self._running: list[subprocess.Popen[str]] = []

    def run(self, **settings: str) -> subprocess.Popen[str]:
        with (self.directory / "log").open("a") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "daemon", "run"],
                env=self.environment | settings,
                cwd=self.directory,
                stderr=log,
                text=True,
            )
        self._running.append(process)
        return process

    def ask(self, *command: str, **settings: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "daemon", *command],
            env=self.environment | settings,
            cwd=self.directory,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def told(self, external_id: str) -> list[str]:
        return [str(event.payload["X-S4-Status"]) for event in self.sandbox.signl4.events if _id(event) == external_id]

    def wait(self, told: Callable[[], object], what: str) -> None:
        self.sandbox.wait_for(told, PATIENCE, what)

    def wait_for_requests(self, betterstack: int, signl4: int) -> None:
        """Waits until one of the two got so many more."""
        asked, told = len(self.sandbox.betterstack.requests), len(self.sandbox.signl4.requests)
        self.wait(
            lambda: (
                len(self.sandbox.betterstack.requests) >= asked + betterstack
                or len(self.sandbox.signl4.requests) >= told + signl4
            ),
            "the next requests",
        )

    def lines(self) -> list[str]:
        return (self.directory / "log").read_text().splitlines()

    def end(self) -> None:
        for process in self._running:
            if process.poll() is None:
                process.kill()
            process.wait()


def _id(event: Any) -> str:
    return str(event.payload["X-S4-ExternalID"])


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(event_limit=10**6, faulty_limit=None) as sandbox:
        yield sandbox


@pytest.fixture
def operator(sandbox: Sandbox, tmp_path: Path) -> Iterator[Operator]:
    operator = Operator(sandbox, tmp_path)
    yield operator
    sandbox.betterstack.faults.clear()
    sandbox.signl4.faults.clear()
    operator.end()


def test_promise_5_five_hundred_open_incidents_alert_the_first_before_the_last_page(
    operator: Operator, sandbox: Sandbox
) -> None:
    ids = {sandbox.world.open(f"Incident {number}") for number in range(500)}
    pages_at_first: list[int] = []

    def note_pages(_: Request) -> None:
        if not pages_at_first:
            pages_at_first.append(len(sandbox.betterstack.requests))

    sandbox.signl4.faults.before_answer = note_pages
    operator.run()
    operator.wait(lambda: len(sandbox.signl4.events) >= 500, "all alerts")
    assert pages_at_first[0] < 10
    assert Counter(_id(event) for event in sandbox.signl4.events) == Counter(ids)


def test_promise_3_an_incident_is_told_in_order_and_at_once(operator: Operator, sandbox: Sandbox) -> None:
    incident = sandbox.world.open("Shop front page")
    operator.run()
    operator.wait(lambda: operator.told(incident), "new")
    sandbox.world.acknowledge(incident, "Jane")
    operator.wait(lambda: len(operator.told(incident)) == 2, "acknowledged")
    sandbox.world.resolve(incident, "Jane")
    operator.wait(lambda: len(operator.told(incident)) == 3, "resolved")
    assert operator.told(incident) == ["new", "acknowledged", "resolved"]


def test_promise_2_an_outage_of_signl4_delays_and_loses_nothing(operator: Operator, sandbox: Sandbox) -> None:
    outage = sandbox.signl4.faults.arm(mishaps.status(503))
    incident = sandbox.world.open("Shop front page")
    operator.run()
    operator.wait(lambda: outage.struck >= 3, "three failed attempts")
    outage.release()
    operator.wait(lambda: operator.told(incident) == ["new"], "new")


def test_promise_2_what_is_refused_twice_is_dead_listed_and_unhealthy(operator: Operator, sandbox: Sandbox) -> None:
    sandbox.signl4.faults.arm(mishaps.status(400))
    incident = sandbox.world.open("Shop front page")
    assert operator.ask("once").returncode == 1
    (delivery,) = json.loads(operator.ask("deliveries", "--json", "--state", "dead").stdout)
    assert (delivery["incident_id"], delivery["kind"], delivery["attempts"]) == (incident, "new", 2)
    assert delivery["payload"]["Title"] == f"Better Stack incident {incident}"
    status = operator.ask("status", "--json")
    assert (status.returncode, json.loads(status.stdout)["dead_deliveries"]) == (1, 1)
    sandbox.signl4.faults.clear()
    assert operator.ask("retry", "--dead").returncode == 0
    assert operator.ask("once").returncode == 0
    assert operator.told(incident) == ["new"]
    assert operator.ask("status").returncode == 0


@pytest.mark.parametrize("service", ["after SIGNL4 took it", "while Better Stack answers"])
def test_promise_6_killed_in_the_middle_it_goes_on_where_it_was(
    operator: Operator, sandbox: Sandbox, service: str
) -> None:
    """Promise 4 too: only the message in flight may be doubled, under its own external id."""
    incidents = [sandbox.world.open(f"Incident {number}") for number in range(60)]
    process = operator.run()
    side = sandbox.signl4 if "SIGNL4" in service else sandbox.betterstack
    seen = Counter[str]()

    def kill(_: Request) -> None:
        seen["requests"] += 1
        if seen["requests"] == (5 if side is sandbox.signl4 else 2):
            process.send_signal(signal.SIGKILL)
            process.wait()

    side.faults.before_answer = kill
    operator.wait(lambda: process.returncode == -signal.SIGKILL, "the kill")
    side.faults.clear()
    operator.run()
    operator.wait(lambda: {_id(event) for event in sandbox.signl4.events} == set(incidents), "all alerts")
    times = Counter(_id(event) for event in sandbox.signl4.events)
    assert sum(times.values()) <= 60 + 4, "no more is doubled than was in flight"


def test_promise_6_killed_at_random_moments_the_final_set_of_alerts_is_right(
    operator: Operator, sandbox: Sandbox
) -> None:
    random = Random(20261123)
    incidents = [sandbox.world.open(f"Incident {number}") for number in range(30)]
    for kills in range(6):
        process = operator.run()
        operator.wait_for_requests(betterstack=random.randint(2, 5), signl4=random.randint(2, 12))
        process.kill()
        process.wait()
        sandbox.world.resolve(incidents[kills], "Jane")
    operator.run()
    over, still_open = incidents[:6], incidents[6:]
    operator.wait(lambda: all(operator.told(incident)[-1:] == ["resolved"] for incident in over), "all ends")
    operator.wait(lambda: all(operator.told(incident) for incident in still_open), "all alerts")
    assert all(set(operator.told(incident)) == {"new"} for incident in still_open)
    for incident in over:
        heard = operator.told(incident)
        assert heard == ["new"] * heard.count("new") + ["resolved"] * heard.count("resolved")


def test_promise_4_a_lost_answer_doubles_under_the_same_external_id(operator: Operator, sandbox: Sandbox) -> None:
    sandbox.signl4.faults.arm(Cut(taken=True), times=1)
    incident = sandbox.world.open("Shop front page")
    operator.run()
    operator.wait(lambda: len(operator.told(incident)) == 2, "the repetition")
    assert operator.told(incident) == ["new", "new"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_stop_while_a_request_hangs_it_is_gone_in_time(
    operator: Operator, sandbox: Sandbox, number: signal.Signals
) -> None:
    hang = sandbox.signl4.faults.arm(Hang())
    sandbox.world.open("Shop front page")
    process = operator.run(HTTP__TIMEOUT="2s")
    operator.wait(lambda: hang.struck, "the hanging request")
    process.send_signal(number)
    assert process.wait(2 + 2) == 0
    (delivery,) = json.loads(operator.ask("deliveries", "--json").stdout)
    assert (delivery["state"], delivery["attempts"]) == ("pending", 1)


def test_promise_8_neither_token_nor_secret_shows_anywhere(operator: Operator, sandbox: Sandbox) -> None:
    """SIGNL4's own 404 quotes the secret, so the secret given is a wrong one."""
    wrong = "wr0ngs3cret"
    sandbox.world.open("Shop front page")
    process = operator.run(SIGNL4__SECRET=wrong, LOG__LEVEL="debug")
    operator.wait(lambda: len(sandbox.signl4.requests) >= 1, "a refused attempt")
    operator.wait(lambda: len(sandbox.betterstack.requests) >= 4, "more rounds")
    title = Path(f"/proc/{process.pid}/cmdline").read_bytes()
    files = b"".join(path.read_bytes() for path in operator.directory.glob("state.db*"))
    process.terminate()
    process.wait(PATIENCE)
    shown = "".join(operator.ask(*command).stdout for command in (("status",), ("deliveries", "--json")))
    log = "\n".join(operator.lines())
    assert "***" in log
    for secret in (wrong, sandbox.betterstack.token):
        assert secret.encode() not in title + files
        assert secret not in log + shown
    status = operator.ask("status", "--json")
    assert status.returncode == 1
    assert "SIGNL4 refuses the secret" in json.loads(status.stdout)["problems"][0]


def test_a_mended_secret_is_tried_at_the_next_start(operator: Operator, sandbox: Sandbox) -> None:
    incident = sandbox.world.open("Shop front page")
    assert operator.ask("once", SIGNL4__SECRET="wr0ngs3cret").returncode == 1
    operator.run()
    operator.wait(lambda: operator.told(incident) == ["new"], "new")


def test_every_line_of_run_is_one_json_object(operator: Operator, sandbox: Sandbox) -> None:
    sandbox.signl4.faults.arm(mishaps.status(503), times=2)
    sandbox.betterstack.faults.arm(mishaps.status(500), times=1)
    incident = sandbox.world.open("Two\nlines")
    process = operator.run()
    operator.wait(lambda: operator.told(incident), "new")
    process.terminate()
    assert process.wait(PATIENCE) == 0
    events = [json.loads(line)["event"] for line in operator.lines()]
    assert {"started", "round failed", "transition", "not delivered yet", "delivered", "stopped"} <= set(events)


def test_an_idle_round_costs_two_requests_or_fewer_and_one_write(operator: Operator, sandbox: Sandbox) -> None:
    sandbox.world.resolve(sandbox.world.open("Old certificate"), "Jane")
    operator.run(POLL__SWEEP_INTERVAL="1h")
    operator.wait(lambda: len(sandbox.betterstack.requests) >= 4, "some rounds")
    with closing(sqlite3.connect(operator.directory / "state.db")) as database:
        version = "PRAGMA data_version"
        before, asked = database.execute(version).fetchone()[0], len(sandbox.betterstack.requests)
        writes = 0
        while len(sandbox.betterstack.requests) < asked + 3:
            operator.wait_for_requests(betterstack=1, signl4=1)
            after = database.execute(version).fetchone()[0]
            writes, before = writes + (after != before), after
    assert writes <= 3 + 1


def test_a_second_instance_is_refused(operator: Operator, sandbox: Sandbox) -> None:
    operator.run()
    operator.wait(lambda: sandbox.betterstack.requests, "the first round")
    second = operator.ask("once")
    assert second.returncode == 69
    assert "another instance" in second.stderr


def test_once_waits_for_the_gap_but_not_for_a_back_off(operator: Operator, sandbox: Sandbox) -> None:
    incident = sandbox.world.open("Shop front page")
    sandbox.world.acknowledge(incident, "Jane")
    assert operator.ask("once").returncode == 0
    assert operator.told(incident) == ["new", "acknowledged"]
    sandbox.signl4.faults.arm(mishaps.status(503), times=1)
    sandbox.world.resolve(incident, "Jane")
    assert operator.ask("once", DELIVERY__RETRY_MIN="1h", DELIVERY__RETRY_MAX="1h").returncode == 1


def test_promise_7_once_wakes_nobody_for_what_was_over_at_the_first_start(operator: Operator, sandbox: Sandbox) -> None:
    incident = sandbox.world.open("Old certificate")
    sandbox.world.resolve(incident, "Jane")
    assert operator.ask("once").returncode == 0
    assert operator.told(incident) == []


def test_a_round_that_fails_makes_once_exit_1(operator: Operator, sandbox: Sandbox) -> None:
    sandbox.betterstack.faults.arm(mishaps.status(500))
    failed = operator.ask("once")
    assert failed.returncode == 1
    assert "round failed" in failed.stderr
    assert "Traceback" not in failed.stderr
