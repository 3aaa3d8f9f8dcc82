"""The promises, kept by the real process against both services on loopback. Each test names the one it holds to."""

import json
import signal
from collections import Counter
from pathlib import Path
from typing import Any

from daemon.sandbox import mishaps
from daemon.sandbox.exchange import Request
from daemon.sandbox.faults import Cut
from daemon.sandbox.server import Sandbox
from tests.e2e.conftest import PATIENCE, Operator, pages
from tests.support.listener import answering, listening, ok


def test_promise_5_five_hundred_open_incidents_alert_the_first_before_the_last_page(
    operator: Operator, sandbox: Sandbox
) -> None:
    ids = {sandbox.world.open(f"Incident {number}") for number in range(500)}
    pages_at_first: list[int] = []

    def note_pages(_: Request) -> None:
        if not pages_at_first:
            pages_at_first.append(len(sandbox.betterstack.requests))

    sandbox.signl4.faults.before_answer = note_pages
    daemon = operator.run()
    daemon.wait_for(lambda: len(operator.events) >= 500, "all alerts")
    assert pages_at_first[0] < 10
    assert Counter(event.external_id for event in operator.events) == Counter(ids)


def test_promise_3_an_incident_is_told_in_order_and_at_once(operator: Operator, sandbox: Sandbox) -> None:
    incident = sandbox.world.open("Shop front page")
    daemon = operator.run()
    daemon.wait_for(lambda: operator.told(incident), "new")
    sandbox.world.acknowledge(incident, "Jane")
    daemon.wait_for(lambda: len(operator.told(incident)) == 2, "acknowledged")
    sandbox.world.resolve(incident, "Jane")
    daemon.wait_for(lambda: len(operator.told(incident)) == 3, "resolved")
    assert operator.told(incident) == ["new", "acknowledged", "resolved"]


def test_promise_2_an_outage_of_signl4_delays_and_loses_nothing(operator: Operator, sandbox: Sandbox) -> None:
    outage = sandbox.signl4.faults.arm(mishaps.status(503))
    incident = sandbox.world.open("Shop front page")
    daemon = operator.run()
    daemon.wait_for(lambda: outage.struck >= 3, "three failed attempts")
    outage.release()
    daemon.wait_for(lambda: operator.told(incident) == ["new"], "new")


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


def test_promise_4_a_lost_answer_doubles_under_the_same_external_id(operator: Operator, sandbox: Sandbox) -> None:
    sandbox.signl4.faults.arm(Cut(taken=True), times=1)
    incident = sandbox.world.open("Shop front page")
    daemon = operator.run()
    daemon.wait_for(lambda: len(operator.told(incident)) == 2, "the repetition")
    assert operator.told(incident) == ["new", "new"]


def test_promise_8_neither_token_nor_secret_shows_anywhere(operator: Operator, sandbox: Sandbox) -> None:
    """SIGNL4's own 404 quotes the secret, so the secret given is a wrong one."""
    wrong = "wr0ngs3cret"
    sandbox.world.open("Shop front page")
    daemon = operator.run(SIGNL4__SECRET=wrong, LOG__LEVEL="debug")
    daemon.wait_for(lambda: len(sandbox.signl4.requests) >= 1, "a refused attempt")
    daemon.wait_for(lambda: len(sandbox.betterstack.requests) >= 4, "more rounds")
    title = Path(f"/proc/{daemon.process.pid}/cmdline").read_bytes()
    files = b"".join(path.read_bytes() for path in operator.directory.glob("state.db*"))
    daemon.stop(signal.SIGTERM, PATIENCE)
    shown = "".join(operator.ask(*command).stdout for command in (("status",), ("deliveries", "--json")))
    log = "\n".join(daemon.lines)
    assert "***" in log
    for secret in (wrong, sandbox.betterstack.token):
        assert secret.encode() not in title + files
        assert secret not in log + shown
    status = operator.ask("status", "--json")
    assert status.returncode == 1
    assert "SIGNL4 refuses the secret" in json.loads(status.stdout)["problems"][0]


def test_every_line_of_run_is_one_json_object(operator: Operator, sandbox: Sandbox) -> None:
    sandbox.signl4.faults.arm(mishaps.status(503), times=2)
    sandbox.betterstack.faults.arm(mishaps.status(500), times=1)
    incident = sandbox.world.open("Two\nlines")
    daemon = operator.run()
    daemon.wait_for(lambda: operator.told(incident), "new")
    assert daemon.stop(signal.SIGTERM, PATIENCE) == 0
    events = [json.loads(line)["event"] for line in daemon.lines]
    assert {"started", "round failed", "transition", "not delivered yet", "delivered", "stopped"} <= set(events)


def test_a_second_instance_is_refused(operator: Operator, sandbox: Sandbox) -> None:
    daemon = operator.run()
    daemon.wait_for(lambda: sandbox.betterstack.requests, "the first round")
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


def test_what_keeps_it_from_its_duty_is_told_once_closed_and_silences_the_heartbeat(
    operator: Operator, sandbox: Sandbox
) -> None:
    with listening(answering(ok())) as watcher:
        url = f"{watcher.url}/beat/canary-of-a-watcher"
        beats: Any = {"HEARTBEAT__URLS": json.dumps([url]), "HEARTBEAT__INTERVAL": "1s", "ALARM__POLL_AFTER": "1s"}
        daemon = operator.run(**beats, LOG__LEVEL="debug")
        daemon.wait_for(lambda: len(pages(sandbox)) >= 3 and watcher.asked, "the first heartbeat")
        outage = sandbox.betterstack.faults.arm(mishaps.status(503))
        alarm = "betterstack-signl4-alarm-poll"
        daemon.wait_for(lambda: operator.told(alarm) == ["new"], "the alarm")
        assert operator.ask("status", **beats).returncode == 1
        silent, struck = len(watcher.asked), outage.struck
        daemon.wait_for(lambda: outage.struck >= struck + 2, "more failed rounds")
        assert len(watcher.asked) == silent
        outage.release()
        daemon.wait_for(lambda: operator.told(alarm) == ["new", "resolved"], "its end")
        daemon.wait_for(lambda: len(watcher.asked) > silent, "the next heartbeat")
        assert daemon.stop(signal.SIGTERM, PATIENCE) == 0
    assert not daemon.says("canary-of-a-watcher")
