"""What systemd is told, seen by the other end of a real datagram socket."""

import os
import resource
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from socket import AF_UNIX, SOCK_DGRAM, socket

import pytest

from daemon.host.systemd import Systemd
from tests.support.service_manager import Manager, fill
from tests.support.slowness import SLOWNESS

ABSTRACT = f"@betterstack-signl4-tests-{os.getpid()}"

MESSAGES: list[tuple[str, Callable[[Systemd], None], list[str]]] = [
    ("the start is done", Systemd.ready, ["READY=1"]),
    ("progress", Systemd.alive, ["WATCHDOG=1"]),
    ("a line", lambda systemd: systemd.status("3 open, 0 pending"), ["STATUS=3 open, 0 pending"]),
    ("a line of several", lambda systemd: systemd.status("one\nREADY=1\n two"), ["STATUS=one READY=1 two"]),
    ("an odd letter", lambda systemd: systemd.status("ünïcödé 🚨"), ["STATUS=ünïcödé 🚨"]),
    ("no letter at all", lambda systemd: systemd.status("\udcff.toml"), ["STATUS=?.toml"]),
    ("a long line", lambda systemd: systemd.status("x" * 5000), [f"STATUS={'x' * 1000}"]),
    ("the end", lambda systemd: systemd.stopping(18.5), ["STOPPING=1", "EXTEND_TIMEOUT_USEC=18500000"]),
    ("more time", lambda systemd: systemd.more_time(60), ["EXTEND_TIMEOUT_USEC=60000000"]),
]


@pytest.fixture(params=["a path", "an abstract name"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[socket]:
    address = ABSTRACT if request.param == "an abstract name" else str(tmp_path / "notify")
    with socket(AF_UNIX, SOCK_DGRAM) as listening:
        listening.bind(address.replace("@", "\0"))
        listening.settimeout(5)
        yield listening


def named(manager: socket) -> Systemd:
    address = manager.getsockname()
    return Systemd({"NOTIFY_SOCKET": f"@{address[1:].decode()}" if isinstance(address, bytes) else address})


@pytest.mark.parametrize(("tell", "expected"), [case[1:] for case in MESSAGES], ids=[case[0] for case in MESSAGES])
def test_each_message_is_one_datagram(manager: socket, tell: Callable[[Systemd], None], expected: list[str]) -> None:
    tell(named(manager))
    assert manager.recv(4096).decode().split("\n") == expected


def test_a_reload_carries_the_time_that_systemd_compares(manager: socket) -> None:
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    named(manager).reloading()
    reloading, at = manager.recv(4096).decode().split("\n")
    assert reloading == "RELOADING=1"
    assert before <= int(at.removeprefix("MONOTONIC_USEC=")) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


@pytest.mark.parametrize("address", ["", "/nowhere/notify", "@betterstack-signl4-nobody", "vsock:2:1234", "x" * 200])
def test_where_nobody_listens_nothing_happens(address: str) -> None:
    for _, tell, _ in MESSAGES:
        tell(Systemd({"NOTIFY_SOCKET": address} if address else {}))


def test_a_manager_that_takes_nothing_more_holds_nobody_up(manager: socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("daemon.host.systemd.PATIENCE", 0.01)
    fill(manager.getsockname())
    named(manager).ready()


def test_the_listener_of_these_tests_keeps_what_it_is_told(tmp_path: Path) -> None:
    manager = Manager(str(tmp_path / "notify"))
    Systemd({"NOTIFY_SOCKET": manager.address}).stopping(1)
    manager.close()
    assert manager.told == [{"STOPPING": "1", "EXTEND_TIMEOUT_USEC": "1000000"}]
    assert manager.said("STOPPING") == ["1"]


def test_a_process_that_can_open_nothing_more_is_seen_to_be_alive(manager: socket) -> None:
    """Otherwise the watchdog would end what a lack of descriptors alone did not."""
    systemd = named(manager)
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1, limit[1]))
    try:
        systemd.alive()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limit)
    assert manager.recv(4096) == b"WATCHDOG=1"


def test_a_manager_that_hangs_is_waited_for_once(manager: socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("daemon.host.systemd.PATIENCE", 0.5)
    fill(manager.getsockname())
    systemd = named(manager)
    begun = time.monotonic()
    for _ in range(100):
        systemd.alive()
    assert time.monotonic() - begun < 25 * SLOWNESS
