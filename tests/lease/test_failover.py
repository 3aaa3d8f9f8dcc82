"""Another server becomes the primary one, after the first was lost, or beside it on the other side of a split."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

import pytest

from daemon.model.alarm import Cause
from tests.lease.conftest import DATABASE, PORT
from tests.lease.stage import AFTER_A_CRASH, IN_FLIGHT, LEASE, LOST, STANDS_BY, TIMEOUT, Stage
from tests.support.cluster import Cluster
from tests.support.hosts import Network

Record = Callable[[str, object], None]
ALONE = "ANY 1 (b)"
ONE_OF_TWO = "ANY 1 (a, b, c)"
"""Of the two others, whoever is the primary; it does not count itself."""
PAST_A_LOST_SERVER = 6.0
"""Seconds that a look and a take-over need to get to the second server of a URL, while the first one is silent."""


@contextmanager
def clustered(network: Network, directory: Path, servers: str, synchronous: str) -> Iterator[tuple[Stage, Cluster]]:
    """Both hosts on a primary `a` and its standbys. `servers`: a letter each."""
    places = {name: network[name].place(PORT) for name in servers}
    with Cluster(places, synchronous=synchronous) as cluster:
        cluster.leader.create(DATABASE)
        with Stage(network, directory, cluster.url(DATABASE)) as stage:
            yield stage, cluster


def split(network: Network, one_side: str, other_side: str) -> None:
    for one, other in product(one_side.split(), other_side.split()):
        network.cut(network[one].address, network[other].address)


def test_a_synchronous_standby_that_is_promoted_after_a_crash_has_all_and_nothing_is_lost(
    network: Network, tmp_path: Path
) -> None:
    with clustered(network, tmp_path, "abc", ONE_OF_TWO) as (stage, cluster):
        stage.begin()
        stage.join()
        cluster.leader.kill()
        first, second = sorted("bc", key=lambda name: name != cluster.furthest())
        cluster.promote(first, ONE_OF_TWO)
        cluster.follow(second)
        stage.wait_until_it_says("one", "another server has become the primary one")
        stage.settle()
        assert len(stage.senders()) <= 2
        assert stage.doubled().total() <= IN_FLIGHT


def test_on_a_split_a_leader_on_the_side_of_a_primary_without_its_standbys_is_silent_before_the_other_speaks(
    network: Network, tmp_path: Path, record_property: Record
) -> None:
    with clustered(network, tmp_path, "abc", ONE_OF_TWO) as (stage, cluster):
        stage.begin()
        stage.join()
        with stage.taken_over("two", AFTER_A_CRASH + PAST_A_LOST_SERVER, record_property):
            split(network, "one a", "two b c")
            cluster.promote("b", ONE_OF_TWO)
            cluster.follow("c")
        cluster.servers["a"].kill()
        network.mend(network["one"].address, network["b"].address)
        stage.wait_until_it_says("one", LOST)
        stage.wait_until_it_says("one", STANDS_BY)
        stage.settle()
        assert stage.senders() == ["one", "two"]
        assert stage.silence() >= TIMEOUT
        assert stage.doubled().total() <= IN_FLIGHT


def test_an_asynchronous_standby_that_is_promoted_may_have_forgotten_and_nothing_is_lost_all_the_same(
    network: Network, tmp_path: Path
) -> None:
    with clustered(network, tmp_path, "ab", "") as (stage, cluster):
        stage.begin()
        stage.join()
        cluster.wait_until_alike("b")
        network.cut(network["a"].address, network["b"].address)
        for _ in range(3):
            stage.wait_for_news("one")
        cluster.leader.kill()
        cluster.promote("b")
        stage.wait_until_it_says("one", "another server has become the primary one")
        stage.settle()
        assert stage.doubled().total() > 0, "what the standby had not heard of is told again"


def test_without_its_only_synchronous_standby_nothing_is_sent_but_the_alarm_that_says_so(
    network: Network, tmp_path: Path
) -> None:
    with clustered(network, tmp_path, "ab", ALONE) as (stage, _):
        stage.begin(ALARM__POLL_AFTER="5s")
        network.cut(network["a"].address, network["b"].address)
        stage.wait_for(lambda: Cause.STATE.external_id in {one.external_id for one in stage.sent}, "the alarm")
        before = [one for one in stage.sent if one.external_id in stage.incidents]
        stage.wait_for_incidents(LEASE)
        assert [one for one in stage.sent if one.external_id in stage.incidents] == before
        network.mend(network["a"].address, network["b"].address)
        stage.settle()
        assert stage.doubled().total() <= IN_FLIGHT


@pytest.mark.parametrize("away", ["b", "c"])
def test_without_one_of_two_synchronous_standbys_nothing_stops(network: Network, tmp_path: Path, away: str) -> None:
    with clustered(network, tmp_path, "abc", ONE_OF_TWO) as (stage, _):
        stage.begin()
        network.cut(network["a"].address, network[away].address)
        for _ in range(3):
            stage.wait_for_news("one")
        stage.settle()
        assert stage.terms("one") == 1
        assert stage.doubled().total() == 0
