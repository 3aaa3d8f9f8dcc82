"""The leader is cut off from the database, from SIGNL4, or from all: who sends, and who does not, as SIGNL4 sees it."""

from collections.abc import Callable

from tests.lease.stage import AFTER_A_CRASH, IN_FLIGHT, LEASE, LOST, STANDS_BY, TIMEOUT, Stage
from tests.support.hosts import Network

Record = Callable[[str, object], None]


def test_a_leader_cut_from_the_database_and_not_from_signl4_is_silent_before_the_other_host_speaks(
    stage: Stage, network: Network, record_property: Record
) -> None:
    one, database = network["one"].address, network["a"].address
    with stage.taken_over("two", AFTER_A_CRASH, record_property):
        network.cut(one, database)
    network.mend(one, database)
    stage.wait_until_it_says("one", LOST)
    stage.wait_until_it_says("one", STANDS_BY)
    stage.settle()
    assert stage.senders() == ["one", "two"]
    assert stage.silence() >= TIMEOUT, "what was under way had its time before the other one began"
    assert stage.doubled().total() <= IN_FLIGHT


def test_a_leader_whose_cable_is_pulled_stands_by_when_it_is_back(
    stage: Stage, network: Network, record_property: Record
) -> None:
    with stage.taken_over("two", AFTER_A_CRASH, record_property):
        network.unplug("one")
    network.plug("one")
    stage.wait_until_it_says("one", STANDS_BY)
    stage.settle()
    assert stage.senders() == ["one", "two"]
    assert stage.doubled().total() <= IN_FLIGHT


def test_a_leader_cut_from_signl4_and_not_from_the_database_goes_on_leading_and_tells_all_later(
    stage: Stage, network: Network
) -> None:
    one, signl4 = network["one"].address, network["services"].other_address
    network.cut(one, signl4)
    stage.wait_for_incidents(LEASE + 5)
    network.mend(one, signl4)
    stage.settle()
    assert stage.terms("two") == 0
    assert stage.senders() == ["one"]
    assert stage.doubled().total() <= IN_FLIGHT


def test_a_short_cut_from_the_database_ends_no_term(stage: Stage, network: Network) -> None:
    one, database = network["one"].address, network["a"].address
    network.cut(one, database)
    stage.wait_until_it_says("one", "the lease cannot be renewed")
    network.mend(one, database)
    stage.wait_for_news("one")
    stage.settle()
    assert (stage.terms("one"), stage.terms("two")) == (1, 0)
    assert stage.doubled().total() == 0, "who sent it keeps what SIGNL4 answered until that can be recorded"
