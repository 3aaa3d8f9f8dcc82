"""The leader stands still, as a paused virtual machine does, and wakes up believing that it leads."""

import signal
import sys
from collections.abc import Callable
from pathlib import Path

from tests.lease.conftest import DATABASE
from tests.lease.stage import AFTER_A_CRASH, IN_FLIGHT, LEASE, LOST, STANDS_BY, Stage
from tests.support.cluster import until
from tests.support.hosts import Network
from tests.support.postgresql import Server

FREEZING = (sys.executable, "-m", "tests.lease.freezing")
Record = Callable[[str, object], None]
TURN = "'incidents'::regclass::oid::bigint"
"""The lock by which writers follow each other."""
RECORDED = "SELECT count(*) FROM deliveries WHERE state = 'delivered'"
CLAIMED = "SELECT count(*) FROM deliveries WHERE state = 'pending' AND attempts > 0"
AMID = (
    "SELECT count(*) FROM pg_stat_activity JOIN pg_locks USING (pid) WHERE state = 'active' "
    "AND wait_event = 'ClientRead' AND mode = 'RowShareLock' AND relation = 'fence'::regclass"
)
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'"


def test_a_leader_frozen_for_twice_the_lease_sends_nothing_when_it_wakes_up(
    stage: Stage, record_property: Record
) -> None:
    frozen = stage.daemons["one"].process
    with stage.taken_over("two", AFTER_A_CRASH, record_property):
        frozen.send_signal(signal.SIGSTOP)
    stage.wait_for_incidents(LEASE)
    frozen.send_signal(signal.SIGCONT)
    stage.wait_until_it_says("one", LOST)
    stage.wait_until_it_says("one", STANDS_BY)
    stage.wait_for_news("two")
    stage.settle()
    assert stage.senders() == ["one", "two"]
    assert stage.doubled().total() <= IN_FLIGHT


def test_what_a_frozen_leader_had_claimed_and_not_sent_it_does_not_send_when_it_wakes_up(
    network: Network, server: Server, tmp_path: Path, record_property: Record
) -> None:
    with Stage(network, tmp_path, server.url(DATABASE)) as stage:
        # One at a time: else another request could be past all checks, and on its way, when the process is frozen.
        stage.begin(DELIVERY__CONCURRENCY="1")
        stage.join()
        frozen = stage.daemons["one"].process

        def freeze() -> bool:
            """Once the one in flight is at SIGNL4, all before it is recorded, and the next one is claimed ahead.

            Where the outbox was just being read, none is claimed until this one is answered.
            """
            before = [(len(stage.sandbox.signl4.events) - 1,)]
            until(lambda: server.sql(RECORDED, database=DATABASE) == before, "the record of the one before")
            if server.sql(CLAIMED, database=DATABASE) != [(2,)]:
                return False
            frozen.send_signal(signal.SIGSTOP)
            return True

        with stage.taken_over("two", AFTER_A_CRASH, record_property):
            stage.at_request(30, freeze)
            stage.storm(100)
        frozen.send_signal(signal.SIGCONT)
        stage.wait_until_it_says("one", STANDS_BY)
        stage.settle()
        assert stage.senders() == ["one", "two"]
        # On a slow machine the wait above may outlast `http.timeout`; then the next one is in flight as well.
        assert stage.doubled().total() <= 2


def test_a_leader_frozen_inside_a_transaction_holds_no_take_over_up(
    stage: Stage, server: Server, record_property: Record
) -> None:
    frozen = stage.daemons["one"].process
    with stage.taken_over("two", AFTER_A_CRASH, record_property):
        with server.connect(DATABASE) as ahead:
            ahead.execute(f"SELECT pg_advisory_lock({TURN})")
            until(lambda: server.sql(WAITING, DATABASE) != [(0,)], "a writer whose turn it is not")
            frozen.send_signal(signal.SIGSTOP)
        # From here on it has its turn, and the fence for share. On a loaded machine it stands still somewhat later.
    frozen.send_signal(signal.SIGCONT)
    stage.wait_until_it_says("one", STANDS_BY)
    stage.settle()
    assert stage.senders() == ["one", "two"]
    assert stage.doubled().total() <= IN_FLIGHT


def test_a_leader_frozen_amid_several_statements_holds_no_take_over_up(
    network: Network, server: Server, tmp_path: Path, record_property: Record
) -> None:
    """There no timeout of the server ends its transaction: the driver says one statement after the other."""
    with Stage(network, tmp_path, server.url(DATABASE)) as stage:
        stage.begin(FREEZING)
        stage.join()
        frozen = stage.daemons["one"].process
        frozen.send_signal(signal.SIGUSR1)
        stage.storm(100)
        until(lambda: server.sql(AMID, database=DATABASE) == [(1,)], "a leader that stands still")
        with stage.taken_over("two", AFTER_A_CRASH, record_property):
            pass  # that has happened
        frozen.send_signal(signal.SIGCONT)
        stage.wait_until_it_says("one", STANDS_BY)
        stage.settle()
        assert stage.senders() == ["one", "two"]
        # Those that were being recorded, and those in flight meanwhile.
        assert stage.doubled().total() <= 2 * IN_FLIGHT
