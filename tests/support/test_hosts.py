"""Hosts and replicated servers do what the proofs believe of them."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from threading import Thread

import psycopg
import pytest

from tests.support import hosts
from tests.support.cluster import Cluster, until
from tests.support.hosts import Network
from tests.support.paths import ROOT
from tests.support.postgresql import Server
from tests.support.processes import Processes, children_of
from tests.support.server_process import PATIENCE

pytestmark = pytest.mark.skipif(hosts.missing() is not None, reason=str(hosts.missing()))

SHORT = 0.5
HAS_HOSTS = """
import os, sys
from functools import partial
from pathlib import Path
from tests.support import warm
from tests.support.confined import on_host
from tests.support.hosts import Network
with Network("one") as network:
    first = partial(on_host, "one", network["one"].file)
    command = [sys.executable, "-c", "import signal; print(flush=True); signal.pause()"]
    daemon = warm.started(command, env=os.environ, cwd=Path(), first=first, stdout=warm.PIPE)
    daemon.stdout.readline()
    print(daemon.pid, flush=True)
    input()
"""


@pytest.fixture
def network() -> Iterator[Network]:
    with Network("one", "two", "three") as network:
        yield network


def listener(network: Network, name: str) -> socket.socket:
    with network[name].inside():
        return socket.create_server((network[name].address, 80))


def reaches(network: Network, one: str, other: str) -> bool:
    """Whether a connection can be made. Raises what is told at once, such as a refusal."""
    with network[one].inside():
        try:
            socket.create_connection((network[other].address, 80), SHORT).close()
        except TimeoutError:
            return False
        return True


def test_packets_between_two_hosts_vanish_until_the_cut_is_mended(network: Network) -> None:
    one, two = network["one"].address, network["two"].address
    with listener(network, "two"), listener(network, "three"):
        assert reaches(network, "one", "two")
        network.cut(one, two)
        assert [reaches(network, "one", other) for other in ("two", "three")] == [False, True]
        network.mend(one, two)
        assert reaches(network, "one", "two")


def test_a_host_without_its_link_reaches_nobody_until_it_is_plugged_in(network: Network) -> None:
    with listener(network, "two"):
        network.unplug("one")
        assert not reaches(network, "one", "two")
        with pytest.raises(OSError, match="unreachable"):  # the router knows, and says so
            reaches(network, "three", "one")
        network.plug("one")
        until(lambda: reaches(network, "one", "two"), "the link")


def test_loopback_of_a_host_is_its_own(network: Network) -> None:
    with network["one"].inside(), socket.create_server(("127.0.0.1", 80)):
        pass
    with network["two"].inside(), pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", 80))


def test_hosts_and_what_runs_on_them_are_gone_with_tests_that_are_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HAS_HOSTS], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as tests:
        assert tests.stdout is not None
        on_host = int(tests.stdout.readline())
        with Processes([on_host, *children_of(tests.pid)]) as started:
            tests.send_signal(signal.SIGKILL)
            started.wait(PATIENCE)


def test_a_commit_waits_for_one_of_two_standbys_and_for_nobody_where_none_is_asked_for(
    network: Network, postgresql: Server
) -> None:
    a, b, c = (network[name].address for name in ("one", "two", "three"))
    places = {name: network[name].place(5432) for name in ("one", "two", "three")}
    with Cluster(places, synchronous="ANY 1 (two, three)") as cluster, closing(cluster.leader.connect()) as writer:
        network.cut(a, b)
        writer.execute("CREATE TABLE told (what text)")
        network.cut(a, c)
        said = list[str | None]()
        writer.add_notice_handler(lambda notice: said.append(notice.sqlstate))
        waiting = Thread(target=writer.execute, args=("INSERT INTO told VALUES ('one server alone')",))
        waiting.start()
        cancel = "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
        until(lambda: cluster.leader.sql(cancel) == [(1,)], "a commit that waits")
        waiting.join()
        assert said == ["01000"]
        cluster.demand("")
        writer.execute("INSERT INTO told VALUES ('nobody is asked')")


def test_a_promoted_standby_is_found_by_the_same_url_on_a_timeline_of_its_own(
    network: Network, postgresql: Server
) -> None:
    with Cluster({name: network[name].place(5432) for name in ("one", "two")}) as cluster:
        cluster.leader.sql("CREATE TABLE told ()")
        cluster.wait_until_alike("two")
        cluster.leader.kill()
        cluster.promote("two")
        with network["three"].inside(), closing(psycopg.connect(cluster.url().replace("+psycopg", ""))) as connection:
            assert connection.info.host == network["two"].address
            [(file,)] = connection.execute("SELECT pg_walfile_name(pg_current_wal_lsn())").fetchall()
        assert file.startswith("00000002")
