"""`run` as a process: how fast it tells, what it costs at rest, how it stops, and where it can live."""

import json
import os
import shutil
import signal
import struct
from itertools import pairwise
from pathlib import Path

import pytest

from daemon.sandbox import mishaps
from daemon.sandbox.exchange import Request
from daemon.sandbox.faults import Hang
from daemon.sandbox.server import Sandbox
from tests.e2e.conftest import Daemon, Operator, pages
from tests.support.paths import ROOT
from tests.support.slowness import SLOWNESS


def test_a_transition_is_delivered_at_once_after_the_page_that_showed_it(operator: Operator, sandbox: Sandbox) -> None:
    """Promise 2, without waiting: neither for the end of the round nor for the next interval."""
    incident_id = sandbox.world.open("Shop front page")
    daemon = operator.run(POLL__INTERVAL="30s", POLL__ACTIVE_INTERVAL="30s")
    daemon.wait_for(lambda: operator.told(incident_id), "the alert")
    assert (operator.events[0].at - pages(sandbox)[0].at).total_seconds() < 5
    assert len(pages(sandbox)) == 1


def test_a_request_that_hangs_does_not_hold_up_the_alerts_of_a_later_round(
    operator: Operator, sandbox: Sandbox
) -> None:
    """Promise 3: incidents do not wait for each other."""
    first = sandbox.world.open("Shop front page")
    sandbox.signl4.faults.arm(Hang(), when=lambda request: request.external_id == first)
    daemon = operator.run(HTTP__TIMEOUT="60s")
    daemon.wait_for(lambda: sandbox.signl4.requests, "the hanging request")
    second = sandbox.world.open("Payment service")
    daemon.wait_for(lambda: operator.told(second), "the other alert")
    assert operator.told(first) == []


SIGNAL_AND_TROUBLE = [
    (signal.SIGTERM, "nothing"),
    (signal.SIGINT, "nothing"),
    (signal.SIGTERM, "SIGNL4 is down"),
    (signal.SIGTERM, "SIGNL4 hangs"),
    (signal.SIGTERM, "Better Stack hangs"),
    (signal.SIGINT, "both hang"),
]


@pytest.mark.parametrize(("number", "trouble"), SIGNAL_AND_TROUBLE)
def test_asked_to_stop_it_is_gone_in_time_whatever_is_wrong(
    operator: Operator, sandbox: Sandbox, number: signal.Signals, trouble: str
) -> None:
    sandbox.world.open("Shop front page")
    daemon = operator.run(HTTP__TIMEOUT="2s")
    daemon.wait_for(lambda: operator.events, "the first alert")
    armed = []
    if trouble.startswith("SIGNL4") or trouble == "both hang":
        fault = mishaps.status(503) if "down" in trouble else Hang()
        armed.append(sandbox.signl4.faults.arm(fault))
        sandbox.world.open("Payment service")
    if trouble in {"Better Stack hangs", "both hang"}:
        daemon.wait_for(lambda: all(fault.struck for fault in armed), "the first trouble")
        armed.append(sandbox.betterstack.faults.arm(Hang()))
    daemon.wait_for(lambda: all(fault.struck for fault in armed), "the trouble")
    assert daemon.stop(number, within=2 + 2) == 0
    daemon.end()
    events = [json.loads(line)["event"] for line in daemon.lines]
    assert events[-2:] == ["stopping", "stopped"] or events[-1] == "stopped"
    assert not daemon.says("Traceback")


def test_what_is_in_flight_at_a_stop_is_finished_and_noted(operator: Operator, sandbox: Sandbox) -> None:
    """Promise 6: a restart does not alert again for what was delivered."""
    incident_id = sandbox.world.open("Shop front page")
    asked: list[Daemon] = []

    def stop(_: Request) -> None:
        asked[0].process.send_signal(signal.SIGTERM)

    sandbox.signl4.faults.before_answer = stop
    asked.append(operator.run())
    assert asked[0].process.wait(20 * SLOWNESS) == 0
    sandbox.signl4.faults.clear()
    [delivery] = json.loads(operator.ask("deliveries", "--json").stdout)
    assert (delivery["incident_id"], delivery["state"], delivery["attempts"]) == (incident_id, "delivered", 1)


def commits(file: Path) -> int:
    """How many transactions the write-ahead log holds: each ends with a frame that names the size of the database."""
    log = file.read_bytes()
    page_size, _, *salt = struct.unpack(">2I2I", log[8:24])
    frames = [struct.unpack(">4I", log[at : at + 16]) for at in range(32, len(log), page_size + 24)]
    return sum(size > 0 for _, size, *of in frames if of == salt)


def test_at_rest_a_round_costs_two_requests_at_most_and_one_write_transaction(
    operator: Operator, sandbox: Sandbox
) -> None:
    sandbox.world.resolve(sandbox.world.open("Old certificate"))
    written: list[int] = []

    def count(request: Request) -> None:
        if "resolved" in request.query:
            written.append(commits(operator.directory / "state.db-wal"))

    operator.run().wait_for(lambda: len(pages(sandbox)) >= 2, "two rounds")
    sandbox.betterstack.faults.before_answer = count
    sandbox.wait_for(lambda: len(written) >= 6, 45 * SLOWNESS, "six rounds at rest")
    sandbox.betterstack.faults.before_answer = None
    assert [later - sooner for sooner, later in pairwise(written[:6])] == [1] * 5
    first, *_, last = pages(sandbox)
    asked = [one for one in sandbox.betterstack.requests if first.at <= one.at < last.at]
    rounds = len(pages(sandbox)) - 1
    assert len(asked) <= 2 * rounds
    assert any("from" in one.query for one in asked)
    assert sandbox.signl4.requests == ()


def test_a_wrong_secret_rests_and_all_is_told_after_a_start_with_the_right_one(
    operator: Operator, sandbox: Sandbox
) -> None:
    """Promise 2: a wrong secret drops nothing."""
    ids = [sandbox.world.open(f"Incident {number}") for number in range(9)]
    daemon = operator.run(SIGNL4__SECRET="wr0ngs3cret")
    daemon.wait_for(lambda: len(pages(sandbox)) >= 4, "four rounds")
    assert 1 <= len(sandbox.signl4.requests) <= 4, "no more than were in flight"
    assert operator.ask("status").returncode == 1
    assert daemon.stop(signal.SIGTERM, within=20) == 0
    healed = operator.run()
    healed.wait_for(lambda: len(operator.events) == 9, "all alerts")
    assert sorted(event.external_id for event in operator.events) == sorted(ids)


def test_an_installed_copy_works_from_a_directory_of_its_own_and_makes_its_database(
    operator: Operator, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Laid out as the wheel lays it out: the migrations inside the package, no checkout anywhere near."""
    checkout = ROOT
    site, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(checkout / "daemon", site / "daemon", ignore=ignored)
    shutil.copytree(checkout / "migrations", site / "daemon" / "migrations", ignore=ignored)
    elsewhere.mkdir()
    incident_id = sandbox.world.open("Shop front page")
    where = {"PYTHONPATH": str(site), "DATABASE__URL": f"sqlite:///{elsewhere}/own.db", "HOME": os.devnull}
    done = operator.ask("once", directory=elsewhere, **where)
    assert (done.returncode, operator.told(incident_id)) == (0, ["new"]), done.stderr
    assert (elsewhere / "own.db").stat().st_size > 0


def test_promise_5_the_first_alert_of_a_large_outage_does_not_wait_for_the_last_page(
    operator: Operator, sandbox: Sandbox
) -> None:
    for number in range(120):
        sandbox.world.open(f"Incident {number}")
    held = sandbox.betterstack.faults.arm(Hang(), when=lambda request: request.query.get("page") == "3")
    daemon = operator.run()
    daemon.wait_for(lambda: len(operator.events) == 100, "the alerts of the first two pages")
    held.release()
    daemon.wait_for(lambda: len(operator.events) == 120, "the others")
    assert len({event.external_id for event in operator.events}) == 120
