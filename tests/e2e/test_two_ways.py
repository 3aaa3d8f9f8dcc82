"""The real process with an API key: what people do in SIGNL4 happens in Better Stack, and nothing else changes."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from daemon.sandbox import mishaps
from daemon.sandbox.betterstack import READ_ONLY_TOKEN
from daemon.sandbox.exchange import Request
from daemon.sandbox.faults import Cut, Hang
from daemon.sandbox.history import Alert
from daemon.sandbox.server import Sandbox
from daemon.sandbox.signl4_rest import API_KEY
from tests.e2e.conftest import KEY, PATIENCE, Daemon, Operator


def alert(sandbox: Sandbox) -> Alert:
    (found,) = sandbox.signl4.alerts
    return found


def record(sandbox: Sandbox, incident_id: str) -> dict[str, Any]:
    return dict(sandbox.world.record(incident_id).attributes)


def opened(daemon: Daemon, sandbox: Sandbox) -> str:
    """An incident of which SIGNL4 has an alert."""
    incident_id = sandbox.world.open("Shop front page")
    daemon.wait_for(lambda: sandbox.signl4.alerts, "the alert")
    return incident_id


def told(sandbox: Sandbox) -> list[str]:
    return [str(event.kind) for event in sandbox.signl4.events]


def test_who_acknowledges_in_signl4_has_acknowledged_in_better_stack(operator: Operator, sandbox: Sandbox) -> None:
    daemon = operator.run(**KEY)
    incident_id = opened(daemon, sandbox)
    sandbox.signl4.account.acknowledge(incident_id, by="Jane")
    daemon.wait_for(lambda: record(sandbox, incident_id)["acknowledged_at"], "the acknowledgement")
    assert record(sandbox, incident_id)["acknowledged_by"] == "Jane via SIGNL4"
    daemon.wait_for(lambda: any("transition" in line and "acknowledged" in line for line in daemon.lines), "the round")
    sandbox.world.resolve(incident_id)
    daemon.wait_for(lambda: "resolved" in told(sandbox), "the end")
    assert told(sandbox) == ["new", "resolved"]
    story = operator.ask("why", incident_id, **KEY).stdout
    for sentence in (
        "Jane acknowledged the alert of team default in SIGNL4",
        "acknowledged to Better Stack: accepted by Better Stack",
        "superseded: acknowledged in SIGNL4 first",
    ):
        assert sentence in story
    status = json.loads(operator.ask("status", "--json", **KEY).stdout)
    assert status["two_way"]["last_look_at"] is not None
    assert (status["two_way"]["last_error"], status["two_way"]["pending_write_backs"]) == (None, 0)
    assert "acknowledged to Better Stack" in operator.ask("deliveries", **KEY).stdout
    assert not daemon.says("Jane")


def test_with_a_refused_key_paging_goes_on_and_status_says_so(operator: Operator, sandbox: Sandbox) -> None:
    daemon = operator.run(**{**KEY, "SIGNL4__API_KEY": "no-key-of-theirs"})
    incident_id = opened(daemon, sandbox)
    daemon.wait_for(lambda: daemon.says("API key refused"), "the refusal")
    sandbox.world.acknowledge(incident_id)
    daemon.wait_for(lambda: told(sandbox) == ["new", "acknowledged"], "the acknowledgement")
    said = operator.ask("status", **KEY)
    assert said.returncode == 1
    assert "SIGNL4 refuses the API key since " in said.stdout
    assert "last look error" in said.stdout


def test_once_looks_once_and_writes_back(operator: Operator, sandbox: Sandbox) -> None:
    incident_id = sandbox.world.open("Shop front page")
    assert operator.ask("once", **KEY).returncode == 0
    sandbox.signl4.account.acknowledge(incident_id, by="Jane")
    assert operator.ask("once", **KEY).returncode == 0
    assert record(sandbox, incident_id)["acknowledged_by"] == "Jane via SIGNL4"
    assert operator.ask("once", **KEY).returncode == 0
    assert told(sandbox) == ["new"]


def test_once_sends_its_pages_before_it_looks(operator: Operator, sandbox: Sandbox) -> None:
    taken = list[int]()

    def hears(_: Request) -> bool:
        taken.append(len(sandbox.signl4.events))
        return True

    sandbox.signl4.api_faults.arm(Cut(), when=hears)
    sandbox.world.open("Shop front page")
    assert operator.ask("once", **KEY).returncode == 0
    assert set(taken) == {1}


@pytest.mark.parametrize("flags", [(), ("--json",)], ids=["for people", "for programs"])
def test_a_dry_run_prints_what_it_would_write_back(
    operator: Operator, sandbox: Sandbox, flags: tuple[str, ...]
) -> None:
    incident_id = sandbox.world.open("Shop front page")
    assert operator.ask("once", **KEY).returncode == 0
    sandbox.signl4.account.acknowledge(incident_id, by="Jane")
    said = operator.ask("once", "--dry-run", *flags, **KEY).stdout
    if flags:
        (line,) = said.splitlines()
        assert json.loads(line) == {
            "destination": "Better Stack",
            "kind": "acknowledged",
            "external_id": incident_id,
            "payload": {"acknowledged_by": "Jane via SIGNL4"},
        }
    else:
        assert f"acknowledged of {incident_id}, to Better Stack:" in said
    assert record(sandbox, incident_id)["acknowledged_at"] is None


def test_promise_8_the_api_key_shows_nowhere(operator: Operator, sandbox: Sandbox) -> None:
    """What refuses it quotes it, and looks go on failing."""
    key = "no-key-of-theirs"
    sandbox.signl4.api_faults.arm(mishaps.status(403, f'{{"error": "{key} is no key"}}'.encode()))
    metrics = operator.directory / "metrics.prom"
    environment = {**KEY, "SIGNL4__API_KEY": key}
    daemon = operator.run(**environment, METRICS__TEXTFILE=str(metrics), LOG__LEVEL="debug")
    incident_id = opened(daemon, sandbox)
    daemon.wait_for(lambda: daemon.says("***"), "why a look failed")
    daemon.wait_for(metrics.exists, "the metrics")
    title = Path(f"/proc/{daemon.process.pid}/cmdline").read_bytes()
    files = b"".join(path.read_bytes() for path in (*operator.directory.glob("state.db*"), metrics))
    assert key.encode() not in title + files
    shown = "".join(operator.ask(*line.split(), **environment).stdout for line in ("status", f"why {incident_id}"))
    assert daemon.stop(signal.SIGTERM, PATIENCE) == 0
    assert key not in shown + "\n".join(daemon.lines)


def test_a_dry_run_counts_what_waits_to_be_written_back(operator: Operator, sandbox: Sandbox) -> None:
    incident_id = sandbox.world.open("Shop front page")
    assert operator.ask("once", **KEY).returncode == 0
    sandbox.signl4.account.acknowledge(incident_id, by="Jane")
    # What the token may not do is tried again after a minute, so it is not due.
    operator.ask("once", **KEY | {"BETTERSTACK__TOKEN": sandbox.betterstack.read_only_token})
    said = operator.ask("once", "--dry-run", **KEY).stdout
    assert said == "0 would have been sent, 1 waiting, nothing was sent\n"


def test_a_key_comes_and_goes_with_a_reload(operator: Operator, sandbox: Sandbox) -> None:
    file = operator.directory / "config.toml"
    plain = {name: value for name, value in KEY.items() if name not in {"SIGNL4__API_KEY", "WRITE_BACK__INTERVAL"}}
    daemon = operator.run(**plain)
    incident_id = opened(daemon, sandbox)
    sandbox.signl4.account.acknowledge(incident_id, by="Jane")
    file.write_text(f'[signl4]\napi_key = "{API_KEY}"\n')
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_for(lambda: record(sandbox, incident_id)["acknowledged_at"], "the acknowledgement")
    file.write_text("")
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_for(lambda: sum("configuration reloaded" in line for line in daemon.lines) == 2, "the reload")
    daemon.wait_for(
        lambda: json.loads(operator.ask("status", "--json", **plain).stdout)["two_way"] is None, "the end of it"
    )


def test_a_token_that_may_only_read_stops_writing_back_and_is_said_once(operator: Operator, sandbox: Sandbox) -> None:
    reads = {**KEY, "BETTERSTACK__TOKEN": READ_ONLY_TOKEN}
    daemon = operator.run(**reads)
    incident_id = opened(daemon, sandbox)
    sandbox.signl4.account.acknowledge(incident_id, by="Jane")
    daemon.wait_for(lambda: daemon.says("not delivered yet"), "the refusal")
    sandbox.world.acknowledge(incident_id)
    daemon.wait_for(lambda: any("transition" in line and "acknowledged" in line for line in daemon.lines), "the round")
    sandbox.world.resolve(incident_id)
    daemon.wait_for(lambda: "resolved" in told(sandbox), "the end")
    assert sum("not delivered yet" in line for line in daemon.lines) == 1
    said = operator.ask("status", **reads)
    assert said.returncode == 1
    assert "nothing is written back since " in said.stdout


def test_a_signl4_whose_rest_side_hangs_holds_up_no_page_and_no_stop(operator: Operator, sandbox: Sandbox) -> None:
    hanging = sandbox.signl4.api_faults.arm(Hang())
    daemon = operator.run(**KEY, HTTP__TIMEOUT="5s")
    daemon.wait_for(lambda: hanging.struck, "the request that hangs")
    incident_id = opened(daemon, sandbox)
    sandbox.world.resolve(incident_id)
    daemon.wait_for(lambda: told(sandbox) == ["new", "resolved"], "the end")
    assert daemon.stop(signal.SIGTERM, PATIENCE) == 0
