"""The lease through PgBouncer in transaction mode: no two transactions of a process need have the same session."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress

import pytest
from sqlalchemy import text

from daemon.model.errors import DatabaseBusyError, TermLostError
from daemon.storage.engine import transaction
from daemon.storage.lease import Contender
from tests.support.lease import DURATION, Contend, Database, state, until, write
from tests.support.pgbouncer import Pooler
from tests.support.server_proxy import Break, Proxy


@pytest.fixture
def pooled(leased: Database, pgbouncer: Pooler) -> Iterator[Contend]:
    """Makes contenders that reach the server through the pooler, which has few sessions there."""
    pgbouncer.configure(size=2)
    pgbouncer.admin("RELOAD")
    with ExitStack() as due:
        yield Contend(pgbouncer.url(leased.name), due)


def test_a_term_begins_and_ends_as_without_it(leased: Database, pooled: Contend) -> None:
    term, other = pooled.lead(), pooled("b")
    write(term.engine, "first")
    term.renew()
    assert DURATION - 2 < term.trusted() < leased.left()
    assert not other.look().expired
    assert other.take_over() is None
    term.give_back()
    assert other.look().expired
    assert pooled.lead(other).epoch == 2
    with pytest.raises(TermLostError):
        write(term.engine, "too late")
    assert leased.notes() == ["first"]


def test_a_writer_under_way_holds_a_take_over_off_and_is_the_last_one(leased: Database, pooled: Contend) -> None:
    term, other = pooled.lead(), pooled("b")
    with transaction(term.engine, writes=True) as connection:
        connection.execute(text("INSERT INTO incidents VALUES ('under way')"))
        leased.expire()
        with pytest.raises(DatabaseBusyError, match="lock timeout"):
            other.take_over()
    pooled.lead(other)
    with pytest.raises(TermLostError):
        write(term.engine, "too late")
    assert leased.notes() == ["under way"]


def test_of_many_contenders_one_wins(leased: Database, pooled: Contend) -> None:
    contenders = [pooled(f"host {number}") for number in range(6)]
    start = threading.Barrier(len(contenders))

    def tries(contender: Contender) -> int:
        start.wait()
        with suppress(DatabaseBusyError):
            if (term := contender.take_over()) is not None:
                with closing(term):
                    return term.epoch
        return 0

    for epoch in range(1, 5):
        with ThreadPoolExecutor(len(contenders)) as threads:
            assert [found for found in threads.map(tries, contenders) if found] == [epoch]
        leased.expire()


@pytest.mark.parametrize("how", [Break.BEFORE, Break.AFTER])
def test_another_session_says_what_became_of_a_commit(leased: Database, pgbouncer: Pooler, how: Break) -> None:
    with Proxy(pgbouncer.address, pgbouncer.port) as proxy, ExitStack() as due:
        term = Contend(proxy.url(leased.name), due).lead()
        proxy.arm("COMMIT\0", how)
        if how is Break.BEFORE:
            with pytest.raises(DatabaseBusyError):
                write(term.engine, "once")
        else:
            write(term.engine, "once")
        assert leased.notes() == ["once"] * (how is Break.AFTER)
        term.renew()
        assert state(term) == (True, None, None)


def test_a_pooler_that_was_started_anew_costs_nothing(leased: Database, pgbouncer: Pooler, pooled: Contend) -> None:
    term = pooled.lead()
    write(term.engine, "before")
    pgbouncer.restart()
    write(term.engine, "after")
    term.renew()
    assert leased.notes() == ["after", "before"]


def test_what_a_client_leaves_behind_in_the_pooler_is_ended_by_the_server(leased: Database, pooled: Contend) -> None:
    term, other = pooled.lead(), pooled("b")
    with pytest.raises(DatabaseBusyError), transaction(term.engine, writes=True) as connection:
        connection.execute(text("INSERT INTO incidents VALUES ('left behind')"))
        leased.expire()
        until(lambda: not leased.sql("SELECT 1 FROM pg_stat_activity WHERE state = 'idle in transaction'"), 8)
        pooled.lead(other)
        connection.execute(text("INSERT INTO incidents VALUES ('too late')"))
    assert leased.notes() == []
