"""The machine of these tests is one: it boots, is alone in its network, takes the program, and leaves nothing."""

import socket
import subprocess
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from daemon.sandbox.server import Sandbox
from tests.systemd.cache import debian, sources
from tests.systemd.machine import OFFLINE, SOURCES, Machine

PLACES = ["/sys/fs/cgroup", "/run/systemd"]
UNIT = "[Service]\nExecStart=/bin/sh -c 'echo told; exec sleep infinity'\n"


def test_it_boots_to_the_end_with_nothing_failed(machine: Machine) -> None:
    assert machine.state == "running"
    assert machine.run("systemctl", "--failed", "--quiet", "--no-legend").stdout == ""


def test_it_has_nothing_but_loopback_and_no_name_server(machine: Machine) -> None:
    (line,) = machine.run("ip", "-brief", "address").stdout.splitlines()
    assert line.split() == ["lo", "UNKNOWN", "127.0.0.1/8", "::1/128"]
    assert machine.run("getent", "hosts", "localhost").stdout
    assert machine.run("getent", "hosts", "uptime.betterstack.com", check=False).returncode == 2
    assert machine.run("curl", "--silent", "http://192.0.2.1", check=False).returncode == 7


def test_the_sandbox_is_reached_from_inside_alone(machine: Machine, sandbox: Sandbox) -> None:
    address = urlsplit(sandbox.betterstack.url)
    with pytest.raises(ConnectionRefusedError), closing(socket.create_connection((address.hostname, address.port))):
        pass
    url = f"{sandbox.betterstack.url}/api/v3/incidents"
    status = machine.run("curl", "--silent", "--output", "/dev/null", "--write-out", "%{http_code}", url).stdout
    assert status == "401"
    (asked,) = sandbox.betterstack.requests
    assert asked.request.target == "/api/v3/incidents"


def test_the_thread_is_back_in_its_network_after_an_error(machine: Machine) -> None:
    here = Path("/proc/thread-self/ns/net")
    before = here.readlink()
    with pytest.raises(ValueError, match="on purpose"), machine.network():
        assert here.readlink() != before
        raise ValueError("on purpose")
    assert here.readlink() == before


def test_commands_take_input_variables_and_a_user(machine: Machine) -> None:
    script = 'cat; echo "$GREETING $(id -un) $PATH"'
    said = machine.run("sh", "-c", script, input="in\n", env={"GREETING": "hello"}, user="nobody").stdout
    assert said.splitlines()[0] == "in"
    assert said.splitlines()[1].startswith("hello nobody /usr/local")
    with pytest.raises(RuntimeError, match="false ended with 1"):
        machine.run("false")


def test_a_unit_is_shown_and_its_journal_is_read(machine: Machine) -> None:
    machine.path("/etc/systemd/system/teller.service").write_text(UNIT)
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "start", "teller")
    machine.wait_for(lambda: "told" in machine.journal("teller"), "the line")
    assert machine.show("teller", "ActiveState", "NRestarts") == {"ActiveState": "active", "NRestarts": "0"}
    machine.run("systemctl", "stop", "teller")


def test_what_does_not_happen_is_told_with_the_journal(machine: Machine) -> None:
    machine.run("systemd-cat", input="the last thing that was said")
    machine.wait_for(lambda: "the last thing that was said" in "\n".join(machine.lines), "the line")
    with pytest.raises(TimeoutError, match=r"a miracle did not happen within 0 s\n(.*\n)*.*the last thing"):
        machine.wait_for(lambda: False, "a miracle", 0)


def test_the_program_is_installed_without_a_network(machine: Machine) -> None:
    assert {SOURCES + f"/{file}" for file in sources()} >= {f"{SOURCES}/pyproject.toml", f"{SOURCES}/Makefile"}
    machine.run("python3", "-m", "venv", "/tmp/venv")
    machine.run("/tmp/venv/bin/pip", "install", "--quiet", SOURCES, env=OFFLINE)
    assert "betterstack-signl4" in machine.run("/tmp/venv/bin/betterstack-signl4", "--version").stdout


def test_a_machine_is_shut_down_in_order_and_leaves_nothing_behind() -> None:
    with Machine("second") as second:
        second.path("/etc/systemd/system/teller.service").write_text(UNIT)
        second.run("systemctl", "start", "teller")
        second.power_off()
        assert any("Stopped teller.service" in line for line in second.lines)
    assert left_of(second) == []


def test_a_machine_ends_with_whatever_runs_in_it_after_an_error() -> None:
    with pytest.raises(ValueError, match="on purpose"), Machine("third") as third:
        third.path("/etc/mark").touch()
        third.run("sh", "-c", "trap '' TERM; sleep infinity >/dev/null 2>&1 &")
        raise ValueError("on purpose")
    assert not (debian() / "etc/mark").exists()
    assert left_of(third) == []


def left_of(machine: Machine) -> list[str]:
    """What of an ended machine is still there."""
    found = subprocess.run(["find", *PLACES, "-name", machine.name], capture_output=True, check=True, text=True)
    processes = [str(place) for place in [Path(f"/proc/{machine.pid}")] if place.exists()]
    return [*found.stdout.splitlines(), *processes]
