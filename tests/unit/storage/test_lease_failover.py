"""The lease on a PostgreSQL that is replicated, when another server becomes the primary one."""

from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from daemon.model.errors import DatabaseBusyError, TermLostError
from daemon.storage.lease import Contender
from daemon.storage.term import Term
from tests.support.cluster import Cluster
from tests.support.lease import USER, Contend, Database, database, state, until, write
from tests.support.postgresql import missing
from tests.support.server_process import HERE

DURATION = 2.0


@pytest.fixture
def due() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def cluster_of_two(due: ExitStack, synchronous: str = "") -> tuple[Cluster, Database]:
    if why := missing():
        pytest.skip(why)
    cluster = due.enter_context(Cluster({"a": HERE, "b": HERE}, synchronous=synchronous))
    leased = due.enter_context(database(cluster.leader))
    cluster.wait_until_alike("b")
    return cluster, leased


def test_who_is_led_to_another_server_gives_the_lease_up_and_may_take_it_again(due: ExitStack) -> None:
    cluster, leased = cluster_of_two(due)
    contend = Contend(cluster.url(leased.name).replace("//postgres", f"//{USER}"), due)
    contender = contend()
    term = contend.lead(contender)
    write(term.engine, "before")
    cluster.wait_until_alike("b")
    cluster.leader.stop()
    with pytest.raises(DatabaseBusyError):
        write(term.engine, "while there is no primary one")
    cluster.promote("b")
    leased.server = cluster.leader
    until(lambda: renewed_or_lost(term))
    assert state(term)[0] is False
    assert "another server has become the primary one" in str(term.lost)
    assert contender.look().expired
    again = contend.lead(contender)
    assert again.epoch == 2
    write(again.engine, "after")
    assert leased.notes() == ["after", "before"]


def renewed_or_lost(term: Term) -> bool:
    try:
        term.renew()
    except TermLostError:
        return True
    except DatabaseBusyError:
        return False
    raise AssertionError


def test_on_a_split_synchronous_commit_keeps_the_old_leader_silent(due: ExitStack) -> None:
    """It still reaches the old primary one, which nobody else does any more."""
    cluster, leased = cluster_of_two(due, "ANY 1 (b)")
    old, standby = cluster.leader, cluster.servers["b"]
    there = Database(standby, leased.name)
    term = Contend(leased.url, due).lead(due.enter_context(closing(Contender(leased.url, DURATION, "a"))))
    other = due.enter_context(closing(Contender(there.url, DURATION, "b")))
    with pytest.raises(DatabaseBusyError, match="hot standby"):
        other.look()
    cluster.promote("b")
    until(lambda: not standby.sql("SELECT 1 WHERE pg_is_in_recovery()"))
    until(lambda: other.look().expired)
    assert state(term)[0] is False
    took = Contend(there.url, due).lead(other)
    assert took.epoch == 2
    term.renew()
    assert state(term) == (False, None, term.remark)
    assert "reached one server alone" in str(term.remark)
    old.configure(synchronous_standby_names="")
    old.reload()
    until(lambda: old.sql("SHOW synchronous_standby_names") == [("",)])
