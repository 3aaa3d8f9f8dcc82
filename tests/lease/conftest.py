"""Hosts of our own for each test: `one` and `two` have the daemons, `services` plays Better Stack and SIGNL4."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lease.stage import Stage
from tests.support import hosts, postgresql
from tests.support.hosts import Network
from tests.support.postgresql import Server

PORT = 5432
DATABASE = "alerts"


@pytest.fixture
def network() -> Iterator[Network]:
    if why := hosts.missing() or postgresql.missing():
        pytest.skip(why)
    with Network("one", "two", "services", "a", "b", "c") as network:
        yield network


@pytest.fixture
def server(network: Network) -> Iterator[Server]:
    """One server alone, on the host `a`."""
    with Server(place=network["a"].place(PORT)) as server:
        server.create(DATABASE)
        yield server


@pytest.fixture
def stage(network: Network, server: Server, tmp_path: Path) -> Iterator[Stage]:
    """Both hosts on that server, the first one leads."""
    with Stage(network, tmp_path, server.url(DATABASE)) as stage:
        stage.begin()
        stage.join()
        yield stage
