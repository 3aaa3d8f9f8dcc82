"""The metrics of the real process: what is counted, what a client that hangs costs, and changes of the address."""

import http.client
import json
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest

from daemon.sandbox import mishaps
from daemon.sandbox.server import Sandbox
from tests.e2e.conftest import PATIENCE, Daemon, Operator
from tests.support.canary import leaked
from tests.support.metrics import value
from tests.support.promtool import complaints, needs_promtool

SERVED = "metrics are served"
HERE = "127.0.0.1:0"


def address(daemon: Daemon) -> str:
    """Where the metrics are, by the log; the latest."""
    daemon.wait_for(lambda: daemon.says(SERVED), "the metrics")
    return str(json.loads([line for line in daemon.lines if SERVED in line][-1])["address"])


def page(address: str, path: str = "/metrics") -> tuple[int, bytes]:
    host, _, port = address.rpartition(":")
    with closing(http.client.HTTPConnection(host, int(port), timeout=PATIENCE)) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        text = answer.read()
    assert leaked(text.decode()) == []
    return answer.status, text


def is_served(address: str) -> bool:
    with suppress(ConnectionRefusedError):
        return page(address, "/healthz") == (200, b"ok\n")
    return False


def figure(address: str, name: str, **labels: str) -> float | None:
    return value(page(address)[1], name, **labels)


def configure(operator: Operator, listen: str | None) -> None:
    text = "" if listen is None else f'[metrics]\nlisten = "{listen}"\n'
    (operator.directory / "config.toml").write_text(text)


@needs_promtool
def test_what_happens_is_counted(operator: Operator, sandbox: Sandbox) -> None:
    daemon = operator.run(METRICS__LISTEN=HERE)
    at = address(daemon)
    incident = sandbox.world.open("Shop front page")
    daemon.wait_for(lambda: operator.told(incident), "the alert")
    daemon.wait_for(lambda: figure(at, "delivery_attempts_total", team="default", outcome="delivered"), "its count")
    # The alert does not wait for the end of the round.
    daemon.wait_for(lambda: figure(at, "round_duration_seconds_count", result="complete"), "the end of a round")
    status, text = page(at)
    assert status == 200
    assert value(text, "transitions_total", kind="new") == 1
    assert value(text, "detection_delay_seconds_count") == 1
    assert value(text, "telling_delay_seconds_count", team="default") == 1
    assert 0 <= (value(text, "telling_delay_seconds_sum", team="default") or -1) < PATIENCE
    assert (value(text, "round_duration_seconds_sum", result="complete") or -1) > 0
    assert value(text, "open_incidents") == 1
    assert value(text, "rate_limit_events", account=sandbox.signl4.url)
    for service in ("betterstack", "signl4"):
        assert abs(value(text, "clock_skew_seconds", service=service) or 99) < 5
    assert complaints("check", "metrics", given=text) == ""
    assert page(at, "/readyz") == (200, b"ok\n")


def test_an_outage_shows_and_ends(operator: Operator, sandbox: Sandbox) -> None:
    sandbox.signl4.faults.arm(mishaps.status(503))
    daemon = operator.run(METRICS__LISTEN=HERE, ALARM__POLL_AFTER="1s", DELIVERY__RETRY_MAX="1s")
    at = address(daemon)
    incident = sandbox.world.open("Shop front page")
    daemon.wait_for(lambda: b"a delivery " in page(at, "/readyz")[1], "what is wrong")
    assert page(at, "/readyz")[0] == 503
    text = page(at)[1]
    assert value(text, "healthy") == 0
    assert (value(text, "delivery_attempts_total", team="default", outcome="failed") or 0) >= 1
    assert value(text, "outbox_deliveries", team="default", state="pending")
    assert value(text, "outbox_oldest_pending_timestamp_seconds", team="default")
    assert page(at, "/healthz") == (200, b"ok\n")
    sandbox.signl4.faults.clear()
    daemon.wait_for(lambda: operator.told(incident), "the alert")
    daemon.wait_for(lambda: page(at, "/readyz")[0] == 200, "that all is well")
    assert figure(at, "outbox_oldest_pending_timestamp_seconds", team="default") is None


def test_a_round_that_fails_is_counted(operator: Operator, sandbox: Sandbox) -> None:
    sandbox.betterstack.faults.arm(mishaps.status(500))
    daemon = operator.run(METRICS__LISTEN=HERE)
    at = address(daemon)
    daemon.wait_for(lambda: figure(at, "round_duration_seconds_count", result="failed"), "a failed round")
    assert figure(at, "round_duration_seconds_count", result="complete") == 0
    assert figure(at, "last_complete_round_timestamp_seconds") is None
    assert b"no round was ever complete" in page(at, "/readyz")[1]


def test_clients_that_hang_delay_no_alert_and_no_stop(operator: Operator, sandbox: Sandbox) -> None:
    daemon = operator.run(METRICS__LISTEN=HERE)
    host, _, port = address(daemon).rpartition(":")
    with ExitStack() as hanging:
        for _ in range(100):
            client = hanging.enter_context(socket.create_connection((host, int(port)), timeout=PATIENCE))
            with suppress(ConnectionError):
                client.sendall(b"GET /metrics HTTP/1.1\r\n")
        incident = sandbox.world.open("Shop front page")
        daemon.wait_for(lambda: operator.told(incident), "the alert")
        assert daemon.stop(signal.SIGTERM, PATIENCE) == 0
    assert [line for line in daemon.lines if json.loads(line)["level"] == "error"] == []


def test_an_address_that_is_taken_is_a_sentence(operator: Operator) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = operator.ask("run", METRICS__LISTEN=f"127.0.0.1:{port}")
    assert done.returncode == 78
    assert json.loads(done.stderr)["event"] == (
        f"metrics.listen (127.0.0.1:{port}) cannot be used: address already in use; see who has it with: "
        f"ss -lntp 'sport = :{port}', or take another port"
    )


@pytest.fixture
def reloaded(operator: Operator) -> Iterator[Daemon]:
    configure(operator, HERE)
    yield operator.run()


def reload(daemon: Daemon, said: str) -> None:
    times = sum(said in line for line in daemon.lines)
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_for(lambda: sum(said in line for line in daemon.lines) > times, said)


def test_a_reload_changes_the_address_and_switches_it_off_and_on(operator: Operator, reloaded: Daemon) -> None:
    first = address(reloaded)
    configure(operator, "[::1]:0")
    reload(reloaded, "configuration reloaded")
    second = address(reloaded)
    assert second != first
    assert not is_served(first)
    assert is_served(second.replace("[::1]", "::1"))
    configure(operator, None)
    reload(reloaded, "configuration reloaded")
    assert not is_served(second.replace("[::1]", "::1"))
    configure(operator, HERE)
    reload(reloaded, "configuration reloaded")
    assert is_served(address(reloaded))


def test_a_reload_to_an_address_that_is_taken_leaves_the_old_one(operator: Operator, reloaded: Daemon) -> None:
    at = address(reloaded)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        configure(operator, f"127.0.0.1:{taken.getsockname()[1]}")
        reload(reloaded, "the new configuration is refused, the old one stays in force: metrics.listen")
    assert is_served(at)


def test_a_socket_survives_a_kill_and_goes_with_an_orderly_stop(operator: Operator, tmp_path: Path) -> None:
    path = tmp_path / "m.sock"
    killed = operator.run(METRICS__LISTEN=f"unix:{path}")
    assert address(killed) == f"unix:{path}"
    killed.kill()
    assert path.is_socket()
    daemon = operator.run(METRICS__LISTEN=f"unix:{path}")
    address(daemon)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        client.sendall(b"GET /healthz HTTP/1.1\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 200 OK")
    assert daemon.stop(signal.SIGTERM, PATIENCE) == 0
    assert not path.exists()


@needs_promtool
def test_once_writes_the_file_and_counts_on(operator: Operator, sandbox: Sandbox) -> None:
    file = operator.directory / "x.prom"
    sandbox.world.open("Shop front page")
    for rounds in (1, 2):
        done = operator.ask("once", METRICS__TEXTFILE=str(file), METRICS__LISTEN=HERE)
        assert (done.returncode, SERVED in done.stderr) == (0, False)
        text = file.read_bytes()
        assert value(text, "round_duration_seconds_count", result="complete") == rounds
        assert value(text, "delivery_attempts_total", team="default", outcome="delivered") == 1
    assert complaints("check", "metrics", given=text) == ""
    assert operator.ask("once", "--dry-run", METRICS__TEXTFILE=f"{operator.directory}/y.prom").returncode == 0
    assert not (operator.directory / "y.prom").exists()


def test_a_file_that_cannot_be_written_keeps_no_alert_back(operator: Operator, sandbox: Sandbox) -> None:
    incident = sandbox.world.open("Shop front page")
    daemon = operator.run(METRICS__TEXTFILE="/nowhere/x.prom")
    daemon.wait_for(lambda: daemon.says("the metrics file is not written"), "the warning")
    daemon.wait_for(lambda: operator.told(incident), "the alert")
