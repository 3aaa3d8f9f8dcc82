"""The database, which both hosts need, is away for a while."""

from tests.lease.stage import IN_FLIGHT, LEASE, Stage
from tests.support.postgresql import Server


def test_a_server_that_is_killed_and_starts_again_at_once_ends_no_term(stage: Stage, server: Server) -> None:
    server.kill()
    server.start()
    stage.wait_for_news("one")
    stage.settle()
    assert (stage.terms("one"), stage.terms("two")) == (1, 0)
    assert stage.senders() == ["one"]
    assert stage.doubled().total() == 0, "who sent it keeps what SIGNL4 answered until that can be recorded"


def test_while_the_server_is_away_nobody_sends_and_afterwards_one_host_tells_all(stage: Stage, server: Server) -> None:
    server.kill()
    stage.wait_for_incidents(2 * LEASE)
    away = len(stage.sent)
    stage.wait_for_incidents(3)
    assert len(stage.sent) == away
    server.start()
    stage.settle()
    assert len(stage.senders()) <= 2
    assert stage.doubled().total() <= IN_FLIGHT


def test_a_server_that_is_frozen_for_twice_the_lease_is_as_one_that_is_away(stage: Stage, server: Server) -> None:
    server.freeze()
    stage.wait_for_incidents(2 * LEASE)
    away = len(stage.sent)
    server.thaw()
    stage.settle()
    assert len(stage.sent) > away
    assert len(stage.senders()) <= 2
    assert stage.doubled().total() <= IN_FLIGHT
