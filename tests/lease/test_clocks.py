"""The clocks of the hosts are hours apart: a lease is counted on clocks that nobody sets."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import clockwork
from tests.lease.conftest import DATABASE
from tests.lease.stage import AFTER_A_CRASH, IN_FLIGHT, LEASE, Stage
from tests.support.hosts import Network
from tests.support.postgresql import Server

HOUR = 3600.0
STEPS = 8


@pytest.fixture
def stage(network: Network, server: Server, tmp_path: Path) -> Iterator[Stage]:
    with Stage(network, tmp_path, server.url(DATABASE)) as stage:
        stage.begin(clockwork(-HOUR))
        stage.join(clockwork(HOUR))
        yield stage


def test_a_clock_an_hour_off_takes_no_lease_early_or_late(
    stage: Stage, record_property: Callable[[str, object], None]
) -> None:
    stage.wait_for_incidents(LEASE + 5)
    assert stage.terms("two") == 0
    for _ in range(STEPS):
        # Some come between two looks at a lease that was not renewed between them.
        stage.daemons["one"].command(f"now {-HOUR / STEPS}")
        stage.daemons["two"].command(f"now {HOUR / STEPS}")
        stage.wait_for_incidents(1)
    assert (stage.terms("one"), stage.terms("two")) == (1, 0)
    with stage.taken_over("two", AFTER_A_CRASH, record_property):
        stage.daemons["one"].kill()
    stage.settle()
    assert stage.senders() == ["one", "two"]
    assert stage.doubled().total() <= IN_FLIGHT
