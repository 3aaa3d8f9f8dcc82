"""What became of a COMMIT whose answer was lost, as the server says it."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import replace
from threading import Event

import pytest
from sqlalchemy import Engine, text

from daemon.model.errors import DatabaseBusyError
from daemon.storage import commit
from daemon.storage.commit import MARK, MARKED, TURN, Mark, UnknownError, was_committed
from daemon.storage.engine import transaction
from daemon.storage.server_connection import Bounded, connect
from tests.support.lease import USER, Contend, Database, database, state, until, write
from tests.support.pgbouncer import Pooler
from tests.support.postgresql import Server
from tests.support.server_proxy import Break, Proxy

BEGIN = f"BEGIN; {TURN}; INSERT INTO incidents VALUES ('asked after'); SELECT {MARK} FROM {MARKED}"


def begun(connection: Bounded) -> Mark:
    row = connection.last_row(BEGIN)
    assert row is not None
    return Mark(*row)


@pytest.mark.parametrize("end", ["COMMIT", "ROLLBACK"])
def test_a_transaction_that_is_over_was_committed_or_not(leased: Database, end: str) -> None:
    with closing(connect(leased.url, 20)) as connection:
        mark = begun(connection)
        connection.execute(end.encode())
    assert was_committed(mark, leased.url) is (end == "COMMIT")


@pytest.mark.parametrize("end", ["COMMIT", "ROLLBACK"])
def test_one_that_is_not_over_is_waited_for(leased: Database, end: str) -> None:
    with ThreadPoolExecutor() as threads, closing(connect(leased.url, 20)) as connection:
        mark = begun(connection)
        answer = threads.submit(was_committed, mark, leased.url)
        until(leased.waits)
        connection.execute(end.encode())
        assert answer.result() is (end == "COMMIT")


def test_one_that_never_ends_stays_unknown(leased: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commit, "SECONDS", 0.5)
    with closing(connect(leased.url, 20)) as connection:
        mark = begun(connection)
        with pytest.raises(UnknownError, match="the server does not say"):
            was_committed(mark, leased.url)


def test_one_that_the_server_has_not_given_a_number_to_yet_was_not_committed(leased: Database) -> None:
    """It has crashed since, and forgotten it."""
    with closing(connect(leased.url, 20)) as connection:
        mark = begun(connection)
        connection.execute("COMMIT")
    assert not was_committed(replace(mark, number=str(int(mark.number) + 1000)), leased.url)


def test_one_that_is_under_way_with_the_number_is_another_one(leased: Database) -> None:
    """Who has the turn knows that its own transaction is over."""
    with closing(connect(leased.url, 20)) as other:
        mark = Mark(*other.last_row(f"BEGIN; SELECT {MARK} FROM {MARKED}") or ())
        assert not was_committed(mark, leased.url)


def test_after_a_checkpoint_the_number_may_be_that_of_another_one(leased: Database) -> None:
    """A server that crashes forgets what is not on its disk, and gives the numbers anew."""
    with closing(connect(leased.url, 20)) as connection:
        kept, undone = begun(connection), None
        connection.execute("COMMIT")
        undone = begun(connection)
        connection.execute("ROLLBACK")
    leased.sql("CHECKPOINT")
    with pytest.raises(UnknownError, match="the server may have been restarted meanwhile"):
        was_committed(kept, leased.url)
    assert not was_committed(undone, leased.url)


def test_a_server_that_was_killed_gives_a_number_twice_and_says_committed_of_the_other_one() -> None:
    with Server(settings={"wal_writer_delay": "10s"}) as server, database(server) as leased:
        with closing(connect(leased.url, 20)) as connection:
            mark = begun(connection)
            server.kill()
        server.start()
        with closing(connect(leased.url, 20)) as connection:
            while int((other := begun(connection)).number) < int(mark.number):
                connection.execute("COMMIT")
            connection.execute("COMMIT")
        assert other.number == mark.number
        assert leased.sql(f"SELECT pg_xact_status('{other.number}')") == [("committed",)]
        with pytest.raises(UnknownError, match="the server may have been restarted meanwhile"):
            was_committed(mark, leased.url)


def test_on_another_timeline_the_number_says_nothing(leased: Database) -> None:
    with closing(connect(leased.url, 20)) as connection:
        mark = begun(connection)
        connection.execute("COMMIT")
    with pytest.raises(UnknownError, match="another server has become the primary one"):
        was_committed(replace(mark, timeline="00000002"), leased.url)


def test_another_session_of_a_pooler_answers_as_well(leased: Database, pgbouncer: Pooler) -> None:
    url = pgbouncer.url(leased.name)
    with closing(connect(url, 20)) as connection:
        mark = begun(connection)
        connection.execute("COMMIT")
        assert was_committed(mark, url)


def test_who_asks_and_then_stands_still_keeps_nobody_from_writing(
    leased: Database, postgresql: Server, contend: Contend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commit, "SECONDS", 0.5)
    term = contend.lead()
    with closing(connect(leased.url, 20)) as connection, Proxy(postgresql.address, postgresql.port) as proxy:
        mark = begun(connection)
        connection.execute("COMMIT")
        proxy.arm("checkpoint_lsn", Break.SILENCE_BEFORE)
        with pytest.raises(UnknownError, match="the server does not say"):
            was_committed(mark, proxy.url(leased.name, USER))
        write(term.engine, "goes on")


@pytest.mark.parametrize("how", ["fast", "immediate", "kill"])
def test_what_a_server_that_ends_before_the_commit_had_begun_is_not_recorded(how: str) -> None:
    """It is back before the question is given up."""
    with Server() as server, database(server) as leased, ThreadPoolExecutor() as threads, ExitStack() as due:
        term = Contend(leased.url, due).lead()
        write(term.engine, "before")
        ended = Event()
        # The server is started by this thread: it ends with the thread that has started it.
        written = threads.submit(write_once, term.engine, ended)
        until(lambda: bool(leased.sql("SELECT 1 FROM pg_stat_activity WHERE state = 'idle in transaction'")))
        end(server, how)
        ended.set()
        server.start()
        assert isinstance(written.exception(), DatabaseBusyError)
        assert state(term)[1] is None
        write(term.engine, "after")
        assert leased.notes() == ["after", "before"]


def write_once(engine: Engine, ended: Event) -> None:
    with transaction(engine, writes=True) as connection:
        connection.execute(text("INSERT INTO incidents VALUES ('at the end')"))
        assert ended.wait(20)


def end(server: Server, how: str) -> None:
    if how == "kill":
        server.kill()
    else:
        server.stop(how)
