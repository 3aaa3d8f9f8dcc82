"""A machine with systemd, made for these tests, and both services in miniature on its loopback.

These tests are for `make test-systemd`. Where they cannot be run they fail: nothing was tested then.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from daemon.sandbox.server import Sandbox
from tests.systemd.host import Host, install
from tests.systemd.machine import Machine

TOOLS = {"systemd-nspawn": "systemd-container", "debootstrap": "debootstrap", "nsenter": "util-linux", "git": "git"}
"""The programs that the tests call on the host, and the Debian packages that have them."""


def pytest_configure() -> None:
    missing = [package for tool, package in TOOLS.items() if shutil.which(tool) is None]
    if os.geteuid() != 0:
        raise pytest.UsageError("tests/systemd boots a machine, which only root may; run it as root")
    if missing:
        raise pytest.UsageError(f"tests/systemd boots a machine; run `apt-get install {' '.join(missing)}` first")


@pytest.fixture(scope="session")
def machine() -> Iterator[Machine]:
    """A machine that all tests share, with the sources and the wheels in it."""
    with Machine() as machine:
        machine.put_sources()
        yield machine


@contextmanager
def alone_in(machine: Machine) -> Iterator[Sandbox]:
    """Both services, which the machine reaches on its loopback and the host cannot."""
    with ExitStack() as started:
        with machine.network():
            sandbox = started.enter_context(Sandbox(event_limit=10**6, faulty_limit=None))
        yield sandbox


@pytest.fixture
def sandbox(machine: Machine) -> Iterator[Sandbox]:
    """Those of the machine that all tests share."""
    with alone_in(machine) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def installed(machine: Machine) -> str:
    """What `make install` printed."""
    return install(machine)


@pytest.fixture
def host(machine: Machine, installed: str, sandbox: Sandbox) -> Iterator[Host]:
    """Configured, and not started."""
    host = Host(machine, sandbox)
    host.configure()
    yield host
    host.end()


@pytest.fixture
def running(host: Host) -> Host:
    """With one incident told."""
    host.systemctl("start")
    incident = host.sandbox.world.open("Shop front page")
    host.wait_for(lambda: host.told(incident) == ["new"], "the alert")
    return host
