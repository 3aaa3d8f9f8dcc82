"""The daemon as a process: isolated, ended in order, and never left behind."""

import os
from collections.abc import Mapping
from pathlib import Path
from threading import Event

import pytest

from daemon.config.load import load
from daemon.config.sources import CONFIG_VARIABLE
from daemon.sandbox.process import DaemonProcess, isolated
from daemon.sandbox.server import Sandbox


@pytest.mark.parametrize(
    "name",
    [
        "BETTERSTACK__TOKEN",
        "SIGNL4__BASE_URL",
        "POLL__INTERVAL",
        "PAYLOAD__NEW",
        "payload__new",
        "HTTP__PROXY",
        "NOTIFY_SOCKET",
        "CREDENTIALS_DIRECTORY",
    ],
)
def test_what_would_configure_the_daemon_is_left_out(tmp_path: Path, name: str) -> None:
    assert isolated({name: "foreign"}, tmp_path).get(name) != "foreign"


@pytest.mark.parametrize("name", ["PATH", "HOME", "LANG", "MY__OWN"])
def test_everything_else_is_kept(tmp_path: Path, name: str) -> None:
    assert isolated({name: "own"}, tmp_path)[name] == "own"


def test_the_daemon_can_be_imported_and_goes_around_a_proxy(tmp_path: Path) -> None:
    environment = isolated({"PYTHONPATH": "/elsewhere", "NO_PROXY": "example.com"}, tmp_path)
    first, last = environment["PYTHONPATH"].split(os.pathsep)
    assert (Path(first) / "daemon" / "__main__.py").is_file()
    assert last == "/elsewhere"
    assert environment["NO_PROXY"] == environment["no_proxy"] == "127.0.0.1"


def test_the_settings_are_valid_and_keep_the_database_in_the_directory(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "config.toml").touch()
    settings = load(None, isolated({CONFIG_VARIABLE: "/foreign"}, tmp_path) | sandbox.environment()).settings
    assert settings.database.url == f"sqlite:///{tmp_path}/state.db"
    assert settings.poll.interval.total_seconds() == 1
    assert settings.signl4.base_url == sandbox.signl4.url


def test_the_daemon_runs_until_it_is_asked_to_stop(sandbox: Sandbox, tmp_path: Path) -> None:
    ended = Event()
    with DaemonProcess(sandbox.environment(), tmp_path, ended.set) as daemon:
        sandbox.wait_for(lambda: sandbox.betterstack.requests, 30, "a request")
        assert not daemon.ended.is_set()
        assert not ended.is_set()
        assert daemon.stop() == 0
        assert daemon.stop() == 0
    assert ended.is_set()
    assert (tmp_path / "state.db").exists()
    assert any("stopped" in line for line in daemon.last_lines())


def test_the_daemon_does_not_outlive_its_block(sandbox: Sandbox, tmp_path: Path) -> None:
    with DaemonProcess(sandbox.environment(), tmp_path, sandbox.context.notify) as daemon:
        sandbox.wait_for(lambda: sandbox.betterstack.requests, 30, "a request")
    assert daemon.ended.is_set()
    assert daemon.stop() == 0


def test_a_daemon_that_cannot_start_says_why(sandbox: Sandbox, tmp_path: Path) -> None:
    settings: Mapping[str, str] = sandbox.environment() | {"POLL__INTERVAL": "never"}
    with DaemonProcess(settings, tmp_path, sandbox.context.notify) as daemon:
        sandbox.wait_for(daemon.ended.is_set, 30, "its end")
        assert daemon.stop() == 78
    assert any("poll.interval" in line for line in daemon.last_lines())


def test_only_the_last_lines_of_the_log_are_told(sandbox: Sandbox, tmp_path: Path) -> None:
    daemon = DaemonProcess(sandbox.environment(), tmp_path, sandbox.context.notify)
    (tmp_path / "daemon.log").write_text("".join(f"line {number}\n" for number in range(40)))
    assert daemon.last_lines(3) == ["line 37", "line 38", "line 39"]
