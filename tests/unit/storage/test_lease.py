"""The lease of a database of PostgreSQL, against a real server and by a user without any special right."""

import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress

import pytest
from sqlalchemy import text

from daemon.host.clock import boottime
from daemon.model.errors import DatabaseBusyError, DatabaseUnusableError, TermLostError
from daemon.storage import instance
from daemon.storage.engine import transaction
from daemon.storage.lease import Contender, Term
from tests.support.lease import DURATION, USER, Contend, Database, state, until, write
from tests.support.postgresql import Server
from tests.support.server_proxy import Break, Proxy
from tests.support.slowness import SLOWNESS


def test_the_first_one_takes_it_over_and_another_one_does_not(contend: Contend) -> None:
    one, other = contend("a"), contend("b")
    assert one.look().expired
    assert one.look().leader is None
    term = contend.lead(one)
    assert (term.epoch, term.lost, term.remark) == (1, None, None)
    standing = other.look()
    assert (standing.expired, standing.leader and (standing.leader.host, standing.leader.epoch)) == (False, ("a", 1))
    assert other.take_over() is None


def test_it_is_relied_on_for_less_time_than_the_server_keeps_it(leased: Database, contend: Contend) -> None:
    term = contend.lead()
    assert DURATION - 2 < term.trusted() < leased.left() <= DURATION
    leased.expire()
    term.renew()
    assert DURATION - 2 < term.trusted() < leased.left() <= DURATION


def test_what_was_given_back_is_taken_over_at_once(leased: Database, contend: Contend) -> None:
    term, other = contend.lead(), contend("b")
    assert not other.look().expired
    term.give_back()
    assert other.look().expired
    assert other.look().leader is None
    assert contend.lead(other).epoch == 2
    assert term.trusted() == 0
    with pytest.raises(TermLostError, match="given back"):
        write(term.engine, "too late")


def test_what_another_process_had_taken_over_is_neither_written_to_nor_renewed(
    leased: Database, contend: Contend
) -> None:
    term = contend.lead()
    write(term.engine, "first")
    leased.expire()
    contend.lead(contend("b"))
    assert state(term) == (True, None, None)
    with pytest.raises(TermLostError, match="another process has taken over"):
        write(term.engine, "too late")
    assert state(term) == (False, "another process has taken over", None)
    assert leased.notes() == ["first"]
    term.give_back()
    assert leased.left() > DURATION - 5, "that of the other process"


def test_a_renewal_notices_a_take_over(leased: Database, contend: Contend) -> None:
    term = contend.lead()
    leased.expire()
    contend.lead(contend("b"))
    with pytest.raises(TermLostError, match="another process has taken over"):
        term.renew()
    assert term.lost == "another process has taken over"
    assert leased.left() > DURATION - 5


def test_the_same_epoch_of_another_process_is_another_term(leased: Database, contend: Contend) -> None:
    """A failover may forget a take-over, and its epoch is given twice."""
    term = contend.lead()
    leased.sql("UPDATE lease SET holder = 'other'; UPDATE fence SET holder = 'other'")
    with pytest.raises(TermLostError):
        write(term.engine, "too late")
    assert leased.notes() == []


def test_the_same_process_has_another_holder_in_each_term(leased: Database, contend: Contend) -> None:
    contender = contend()
    holders = []
    for _ in range(3):
        contend.lead(contender).give_back()
        holders += leased.sql("SELECT holder, epoch FROM fence")
    assert len({holder for holder, _ in holders}) == 3
    assert [epoch for _, epoch in holders] == [1, 2, 3]


def test_a_writer_under_way_holds_a_take_over_off_and_is_the_last_one(leased: Database, contend: Contend) -> None:
    term, other = contend.lead(), contend("b")
    with transaction(term.engine, writes=True) as connection:
        connection.execute(text("INSERT INTO incidents VALUES ('under way')"))
        leased.expire()
        with pytest.raises(DatabaseBusyError, match="lock timeout"):
            other.take_over()
    contend.lead(other)
    assert leased.notes() == ["under way"]
    with pytest.raises(TermLostError):
        write(term.engine, "too late")


def test_a_lease_that_had_to_be_waited_for_begins_when_that_is_over(leased: Database, contend: Contend) -> None:
    """With the time at which the transaction began it would have expired by then."""
    term, other = contend.lead(), contend("b", duration=0.5)
    with ThreadPoolExecutor() as threads:
        with transaction(term.engine, writes=True):
            leased.expire()
            taken = threads.submit(other.take_over)
            until(lambda: leased.waits(seconds=0.6))
        assert taken.result() is not None
        assert leased.left() > 0


def test_a_renewal_waits_for_no_writer(leased: Database, contend: Contend) -> None:
    term = contend.lead()
    leased.expire()
    with transaction(term.engine, writes=True) as connection:
        connection.execute(text("INSERT INTO incidents VALUES ('under way')"))
        term.renew()
    assert leased.left() > DURATION - 5


def test_a_look_waits_for_nobody(leased: Database, contend: Contend) -> None:
    contend.lead()
    with leased.connection() as connection, connection.transaction():
        connection.execute("SELECT FROM lease, fence FOR UPDATE")
        assert not contend("b").look().expired


def test_another_schema_cannot_take_it_over(leased: Database, contend: Contend) -> None:
    leased.sql("UPDATE alembic_version SET version_num = '0001'")
    with pytest.raises(DatabaseUnusableError, match="has schema 0001, and this version"):
        contend().take_over()
    assert leased.sql("SELECT epoch FROM lease") == [(0,)]


def test_without_its_tables_the_sentence_says_what_makes_them(leased: Database, contend: Contend) -> None:
    leased.sql("DROP TABLE lease")
    with pytest.raises(DatabaseUnusableError, match="run: betterstack-signl4 db upgrade"):
        contend().look()


def test_of_many_contenders_one_wins_and_each_epoch_is_given_once(leased: Database, contend: Contend) -> None:
    contenders = [contend(f"host {number}") for number in range(8)]
    start = threading.Barrier(len(contenders))

    def tries(contender: Contender) -> Term | None:
        start.wait()
        try:
            return contender.take_over()
        except DatabaseBusyError:
            return None

    for epoch in range(1, 6):
        with ThreadPoolExecutor(len(contenders)) as threads:
            terms = [term for term in threads.map(tries, contenders) if term is not None]
        assert [term.epoch for term in terms] == [epoch]
        terms[0].close()
        leased.expire()


def test_the_process_that_has_it_is_named(leased: Database, contend: Contend) -> None:
    assert instance.holder(leased.url) is None
    term = contend.lead()
    found = instance.holder(leased.url)
    assert found is not None
    assert (found.host, found.version is None) == ("a", False)
    term.give_back()
    assert instance.holder(leased.url) is None


def test_trusted_time_runs_from_before_the_server_was_asked(
    leased: Database, postgresql: Server, contend: Contend
) -> None:
    """An answer may be late, and by then a part of the lease is over."""
    with (
        Proxy(postgresql.address, postgresql.port) as proxy,
        closing(Contender(proxy.url(leased.name, USER), DURATION, "a")) as contender,
        ThreadPoolExecutor() as threads,
    ):
        proxy.arm("UPDATE lease", Break.LATE)
        taken = threads.submit(contender.take_over)
        release_when_old(proxy, 1.0)
        term = taken.result()
        assert term is not None
        with closing(term):
            assert term.trusted() < leased.left()
            proxy.arm("UPDATE lease", Break.LATE)
            renewed = threads.submit(term.renew)
            release_when_old(proxy, 1.0)
            renewed.result()
            assert DURATION / 2 < term.trusted() < leased.left()


def release_when_old(proxy: Proxy, seconds: float) -> None:
    """Lets the late answer through when it is older than the margin of the lease."""
    assert proxy.broken.wait(20)
    began = boottime()
    until(lambda: boottime() > began + seconds)
    proxy.release()


def test_writers_in_a_storm_delay_neither_renewals_nor_a_take_over(leased: Database, contend: Contend) -> None:
    term, other = contend.lead(), contend("b")
    calm = max(duration_of(term.renew) for _ in range(5))

    def storm() -> None:
        with suppress(TermLostError):
            while not over.is_set():
                write(term.engine, "one of many")

    over = threading.Event()
    with ThreadPoolExecutor(8) as threads:
        try:
            writers = [threads.submit(storm) for _ in range(8)]
            until(lambda: len(leased.notes()) > 50)
            assert max(duration_of(term.renew) for _ in range(20)) < calm + 0.5 * SLOWNESS
            leased.expire()
            contend.lead(other)
            for writer in writers:
                writer.result(timeout=20)
        finally:
            over.set()
    assert term.lost == "another process has taken over"


def duration_of(call: Callable[[], None]) -> float:
    began = boottime()
    call()
    return boottime() - began


def test_a_server_whose_clock_jumps_ahead_takes_no_lease_from_a_living_leader(
    leased: Database, contend: Contend
) -> None:
    leased.set_clock("0")
    term, other = contend.lead(contend(duration=1.5)), contend("b")
    assert not other.look().expired
    term.renew()
    assert not other.look().expired
    leased.set_clock("1 hour")
    assert not other.look().expired
    until(lambda: other.look().expired)
    assert term.trusted() == 0
    assert contend.lead(other).epoch == 2


def test_a_server_whose_clock_falls_back_holds_no_take_over_off(leased: Database, contend: Contend) -> None:
    leased.set_clock("0")
    term, other = contend.lead(contend(duration=1.5)), contend("b")
    leased.set_clock("-1 hour")
    assert not other.look().expired
    assert other.take_over() is None
    until(lambda: other.look().expired)
    assert term.trusted() == 0
    assert contend.lead(other).epoch == 2


def test_who_saw_it_expire_and_then_sees_it_renewed_leaves_it(leased: Database, contend: Contend) -> None:
    """A leader that was frozen may come back between a look and the take-over."""
    term, other = contend.lead(), contend("b")
    leased.expire()
    assert other.look().expired
    term.renew()
    assert other.take_over() is None
    assert state(term) == (True, None, None)


def test_who_has_lost_its_own_term_need_not_wait_for_it_to_expire(leased: Database, contend: Contend) -> None:
    contender = contend()
    term = contend.lead(contender)
    assert not contender.look().expired
    term.close()
    assert contender.look().expired
    assert contend.lead(contender).epoch == 2


@pytest.mark.parametrize("how", [Break.BEFORE, Break.AFTER])
def test_a_take_over_whose_commit_breaks_is_tried_again_at_once(
    leased: Database, postgresql: Server, how: Break
) -> None:
    with (
        Proxy(postgresql.address, postgresql.port) as proxy,
        closing(Contender(proxy.url(leased.name, USER), DURATION, "a")) as contender,
    ):
        proxy.arm("COMMIT\0", how)
        with pytest.raises(DatabaseBusyError):
            contender.take_over()
        assert contender.look().expired
        term = contender.take_over()
        assert term is not None
        with closing(term):
            assert term.epoch == (1 if how is Break.BEFORE else 2)
            write(term.engine, "works")


RACE = """
import sys
from contextlib import closing, suppress
from daemon.model.errors import DatabaseBusyError
from daemon.storage.lease import Contender
sys.stdin.readline()
with closing(Contender(sys.argv[1], 30, sys.argv[2])) as contender:
    for _ in range(40):
        with suppress(DatabaseBusyError):
            if contender.look().expired and (term := contender.take_over()) is not None:
                with closing(term):
                    print(term.epoch)
                    term.give_back()
"""


def test_of_many_processes_that_race_none_gets_an_epoch_that_another_one_has(leased: Database) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, leased.url, str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    epochs = sorted(int(epoch) for process in processes for epoch in process.communicate()[0].split())
    assert [process.returncode for process in processes] == [0] * 4
    assert epochs == list(range(1, len(epochs) + 1))
    assert len(epochs) > 4
