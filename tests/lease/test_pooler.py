"""A PgBouncer in transaction mode between the hosts and the server: each transaction on any of its connections."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.lease.conftest import DATABASE
from tests.lease.stage import AFTER_A_CRASH, IN_FLIGHT, Stage
from tests.support import pgbouncer
from tests.support.hosts import Network
from tests.support.pgbouncer import Pooler
from tests.support.postgresql import Server

Record = Callable[[str, object], None]


@pytest.fixture
def pooler(network: Network, server: Server) -> Iterator[Pooler]:
    if why := pgbouncer.missing():
        pytest.skip(why)
    with Pooler(server.address, server.port, place=network["b"].place(6432)) as pooler:
        yield pooler


@pytest.fixture
def stage(network: Network, pooler: Pooler, tmp_path: Path) -> Iterator[Stage]:
    with Stage(network, tmp_path, pooler.url(DATABASE)) as stage:
        stage.begin()
        stage.join()
        yield stage


def test_behind_a_pooler_another_host_takes_over_as_it_does_without(
    stage: Stage, pooler: Pooler, record_property: Record
) -> None:
    with stage.taken_over("two", AFTER_A_CRASH, record_property):
        stage.daemons["one"].kill()
    stage.settle()
    assert stage.senders() == ["one", "two"]
    assert stage.doubled().total() <= IN_FLIGHT


def test_a_pooler_that_is_killed_and_starts_again_ends_no_term(stage: Stage, pooler: Pooler) -> None:
    pooler.kill()
    pooler.start()
    stage.wait_for_news("one")
    stage.settle()
    assert (stage.terms("one"), stage.terms("two")) == (1, 0)
    assert stage.doubled().total() == 0
