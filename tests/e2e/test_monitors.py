"""The real process looks at monitors: what nobody watches is told, and incidents are told as ever."""

import json
import signal
from typing import Any

import pytest

from daemon.model.monitor import MonitorKind
from daemon.sandbox import mishaps
from daemon.sandbox.exchange import Request
from daemon.sandbox.faults import Hang
from daemon.sandbox.monitor_record import AUTH_PASSWORD, HEARTBEAT_TOKEN
from daemon.sandbox.server import Sandbox
from tests.e2e.conftest import KEY, PATIENCE, Daemon, Operator
from tests.e2e.mortal import CLAIM, PROGRAM, RESULT, STATE, TOLD, VARIABLE, Moment
from tests.support.earlier import contents

SHOP, BACKUP = "2345678", "77"
PAUSED = f"monitor-{SHOP}-paused"
SECTION = '[monitors]\nenabled = true\nheartbeats = true\ninterval = "1s"\ntell = ["paused"]\n'
FAST: dict[str, Any] = {"POLL__INTERVAL": "1s", "POLL__ACTIVE_INTERVAL": "1s", "DELIVERY__GAP": "0s"}
RECORDED = "INSERT INTO monitors"


@pytest.fixture(autouse=True)
def configured(operator: Operator) -> None:
    (operator.directory / "config.toml").write_text(SECTION)


def looks(sandbox: Sandbox) -> int:
    """How many lists of monitors were asked for."""
    return sum(mishaps.monitor_lists(one.request) for one in sandbox.betterstack.requests)


def pass_looks(daemon: Daemon, sandbox: Sandbox, count: int = 4) -> None:
    """So many lists are asked for from now on."""
    until = looks(sandbox) + count
    daemon.wait_for(lambda: looks(sandbox) >= until, "the looks")


def begun(operator: Operator, sandbox: Sandbox) -> Daemon:
    """The process has looked at both lists, and then somebody paused a monitor."""
    daemon = operator.run(**FAST)
    pass_looks(daemon, sandbox)
    sandbox.world.monitors.pause(SHOP)
    daemon.wait_for(lambda: operator.told(PAUSED), "the alert")
    return daemon


def changes(operator: Operator) -> list[tuple[str, str]]:
    """What is recorded of what somebody did, once the process is over."""
    return [(row["id"], row["what"]) for row in contents(operator.directory / "state.db", "monitor_changes")]


def test_who_pauses_a_monitor_opens_an_alert_and_who_unpauses_it_closes_it(
    operator: Operator, sandbox: Sandbox
) -> None:
    daemon = begun(operator, sandbox)
    sandbox.world.monitors.pause(BACKUP)
    daemon.wait_for(lambda: operator.told(f"heartbeat-{BACKUP}-paused"), "the other alert")
    status = json.loads(operator.ask("status", "--json").stdout)
    assert (status["healthy"], status["open_incidents"]) == (True, 0)
    assert (status["monitors"]["monitors"], status["monitors"]["heartbeats"]) == (1, 1)
    assert (status["monitors"]["open_alerts"], status["monitors"]["last_error"]) == (2, None)
    sandbox.world.monitors.unpause(SHOP)
    daemon.wait_for(lambda: operator.told(PAUSED) == ["new", "resolved"], "the end")
    assert operator.told(f"heartbeat-{BACKUP}-paused") == ["new"]
    assert daemon.stop(signal.SIGTERM, PATIENCE) == 0
    assert changes(operator) == [(SHOP, "paused"), (BACKUP, "paused"), (SHOP, "unpaused")]


@pytest.mark.parametrize("fault", ["500", "hangs"])
def test_a_broken_list_delays_no_alert_of_an_incident_and_no_stop(
    operator: Operator, sandbox: Sandbox, fault: str
) -> None:
    made: Any = Hang() if fault == "hangs" else mishaps.status(500)
    armed = sandbox.betterstack.faults.arm(made, when=mishaps.monitor_lists)
    daemon = operator.run(**FAST)
    daemon.wait_for(lambda: armed.struck, "the list that fails")
    incident_id = sandbox.world.open("Shop front page")
    daemon.wait_for(lambda: operator.told(incident_id) == ["new"], "the alert")
    sandbox.world.resolve(incident_id)
    daemon.wait_for(lambda: operator.told(incident_id) == ["new", "resolved"], "the end")
    if fault == "500":
        daemon.wait_for(lambda: daemon.says("looks at monitors fail"), "the failure")
    assert daemon.stop(signal.SIGTERM, PATIENCE) == 0


MOMENTS = {
    "before a monitor is recorded": Moment("statement", 1, RECORDED),
    "between a monitor and its change": Moment("statement", 1, "INSERT INTO monitor_changes"),
    "before what was seen is committed": Moment("commit", 1, RECORDED),
    "after what was seen is committed": Moment("committed", 1, RECORDED),
    "before the alert": Moment("statement", 1, STATE),
    "between the alert and its delivery": Moment("statement", 1, TOLD),
    "before the alert is committed": Moment("commit", 1, STATE),
    "after the alert is committed": Moment("committed", 1, STATE),
    "before a claim": Moment("statement", 1, CLAIM),
    "before a claim is committed": Moment("commit", 1, CLAIM),
    "after a result is committed": Moment("committed", 1, RESULT),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_between_seen_and_told_nothing_is_lost_and_nothing_is_told_twice(
    operator: Operator, sandbox: Sandbox, moment: str
) -> None:
    assert operator.ask("once").returncode == 0
    sandbox.world.monitors.pause(SHOP)
    mortal = operator.run(program=PROGRAM, **FAST | {VARIABLE: str(MOMENTS[moment])})
    mortal.wait_for(lambda: mortal.process.returncode is not None, "the death")
    daemon = operator.run(**FAST)
    daemon.wait_for(lambda: operator.told(PAUSED), "the alert")
    pass_looks(daemon, sandbox)
    sandbox.world.monitors.unpause(SHOP)
    daemon.wait_for(lambda: operator.told(PAUSED)[1:], "the end")
    pass_looks(daemon, sandbox)
    assert daemon.stop(signal.SIGTERM, PATIENCE) == 0
    assert operator.told(PAUSED) == ["new", "resolved"]
    assert changes(operator) == [(SHOP, "paused"), (SHOP, "unpaused")]


def test_a_stop_and_a_start_tell_nothing_again(operator: Operator, sandbox: Sandbox) -> None:
    daemon = begun(operator, sandbox)
    assert daemon.stop(signal.SIGTERM, PATIENCE) == 0
    daemon = operator.run(**FAST)
    pass_looks(daemon, sandbox)
    sandbox.world.monitors.unpause(SHOP)
    daemon.wait_for(lambda: operator.told(PAUSED)[1:], "the end")
    assert operator.told(PAUSED) == ["new", "resolved"]


def test_a_reload_that_switches_it_off_closes_what_is_open(operator: Operator, sandbox: Sandbox) -> None:
    daemon = begun(operator, sandbox)
    (operator.directory / "config.toml").write_text("")
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_for(lambda: operator.told(PAUSED) == ["new", "resolved"], "the end")
    asked = looks(sandbox)
    incident_id = sandbox.world.open("Shop front page")
    daemon.wait_for(lambda: operator.told(incident_id), "the alert of an incident")
    assert looks(sandbox) == asked
    assert json.loads(operator.ask("status", "--json").stdout)["monitors"] is None


def test_a_start_that_finds_it_switched_off_closes_what_is_open(operator: Operator, sandbox: Sandbox) -> None:
    daemon = begun(operator, sandbox)
    assert daemon.stop(signal.SIGTERM, PATIENCE) == 0
    (operator.directory / "config.toml").write_text("")
    daemon = operator.run(**FAST)
    daemon.wait_for(lambda: operator.told(PAUSED) == ["new", "resolved"], "the end")


def test_a_reload_that_switches_it_on_looks_at_once(operator: Operator, sandbox: Sandbox) -> None:
    (operator.directory / "config.toml").write_text("")
    sandbox.world.monitors.pause(SHOP)
    daemon = operator.run(**FAST)
    daemon.wait_for(lambda: sandbox.betterstack.requests, "the first round")
    (operator.directory / "config.toml").write_text(SECTION.replace('"1s"', '"1d"'))
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_for(lambda: operator.told(PAUSED) == ["new"], "the alert")


def test_once_looks_once_tells_and_closes(operator: Operator, sandbox: Sandbox) -> None:
    assert operator.ask("once").returncode == 0
    sandbox.world.monitors.pause(SHOP)
    for expected in (["new"], ["new"]):
        assert operator.ask("once").returncode == 0
        assert operator.told(PAUSED) == expected
    sandbox.world.monitors.unpause(SHOP)
    assert operator.ask("once").returncode == 0
    assert operator.told(PAUSED) == ["new", "resolved"]


def test_once_sends_its_pages_before_it_looks(operator: Operator, sandbox: Sandbox) -> None:
    taken = list[int]()

    def hears(request: Request) -> bool:
        if mishaps.monitor_lists(request):
            taken.append(len(sandbox.signl4.events))
        return False

    sandbox.betterstack.faults.arm(mishaps.status(500), when=hears)
    sandbox.world.open("Shop front page")
    assert operator.ask("once").returncode == 0
    assert set(taken) == {1}


def test_a_monitor_that_is_deleted_with_an_open_incident_is_told_until_that_is_over(
    operator: Operator, sandbox: Sandbox
) -> None:
    daemon = operator.run(**FAST, POLL__GONE_AFTER="1s")
    pass_looks(daemon, sandbox)
    incident_id = sandbox.world.open("Shop front page")
    daemon.wait_for(lambda: operator.told(incident_id), "the alert of the incident")
    sandbox.world.monitors.delete(SHOP)
    daemon.wait_for(lambda: operator.told(f"monitor-{SHOP}-deleted"), "the alert")
    sandbox.world.resolve(incident_id)
    daemon.wait_for(lambda: operator.told(f"monitor-{SHOP}-deleted") == ["new", "resolved"], "the end")


def test_what_somebody_does_in_signl4_about_a_monitor_is_written_back_nowhere(
    operator: Operator, sandbox: Sandbox
) -> None:
    daemon = operator.run(**KEY)
    pass_looks(daemon, sandbox)
    sandbox.world.monitors.pause(SHOP)
    daemon.wait_for(lambda: sandbox.signl4.alerts, "the alert")
    sandbox.signl4.account.acknowledge(PAUSED, by="Jane")
    incident_id = sandbox.world.open("Shop front page")
    daemon.wait_for(lambda: operator.told(incident_id), "the alert of an incident")
    sandbox.signl4.account.acknowledge(incident_id, by="Jane")
    acknowledged = sandbox.world.record
    daemon.wait_for(lambda: acknowledged(incident_id).attributes["acknowledged_at"], "what is written back")
    sandbox.world.monitors.unpause(SHOP)
    daemon.wait_for(lambda: operator.told(PAUSED)[1:], "the end")
    written = [one.request.path for one in sandbox.betterstack.requests if one.request.method != "GET"]
    assert len(written) == 1
    assert incident_id in written[0]
    status = json.loads(operator.ask("status", "--json", **KEY).stdout)
    assert (status["healthy"], status["drift"], status["unpaged_alerts"]) == (True, 0, 0)
    assert status["two_way"]["pending_write_backs"] == 0


def test_promise_8_what_people_set_at_a_monitor_shows_nowhere(operator: Operator, sandbox: Sandbox) -> None:
    secrets = (AUTH_PASSWORD, HEARTBEAT_TOKEN, "canary-of-a-header", "canary-of-a-body", "canary-of-an-address")
    sandbox.world.monitors.update(
        SHOP,
        request_headers=[{"name": "X-Key", "value": "canary-of-a-header"}],
        request_body="canary-of-a-body",
        url="https://jane:canary-of-an-address@shop.example.com/",
    )
    (operator.directory / "config.toml").write_text(SECTION.replace('["paused"]', '["paused", "updated"]'))
    metrics = operator.directory / "metrics.prom"
    daemon = operator.run(**FAST, METRICS__TEXTFILE=str(metrics), LOG__LEVEL="debug")
    pass_looks(daemon, sandbox)
    sandbox.world.monitors.update(SHOP, auth_password=f"{AUTH_PASSWORD}-2", request_headers=[])
    daemon.wait_for(lambda: operator.told(f"monitor-{SHOP}-updated"), "the alert")
    for kind in MonitorKind:
        sandbox.world.monitors.pause(sandbox.world.monitors.source(kind)[1])
    daemon.wait_for(lambda: operator.told(PAUSED), "the other alert")
    daemon.wait_for(metrics.exists, "the metrics")
    commands = ("status", "status --json", f"why {PAUSED}", "incidents --json", "deliveries --json")
    shown = "".join(operator.ask(*line.split()).stdout for line in commands)
    sent = "".join(repr(one.request) for one in sandbox.signl4.requests)
    assert daemon.stop(signal.SIGTERM, PATIENCE) == 0
    kept = b"".join(path.read_bytes() for path in (*operator.directory.glob("state.db*"), metrics))
    said = shown + sent + "\n".join(daemon.lines)
    assert [secret for secret in secrets if secret in said or secret.encode() in kept] == []
