"""What becomes of a transaction whose server hangs, goes away, or does not answer."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from threading import Event

import pytest
from sqlalchemy import Engine, text

from daemon.host.clock import boottime
from daemon.model.errors import DatabaseBusyError, TermLostError
from daemon.storage import commit
from daemon.storage.engine import transaction
from daemon.storage.lease import Contender
from daemon.storage.postgresql import JOBS, LEASE, Patience, open_engine
from daemon.storage.server_connection import CONNECT_SECONDS, DeadlineError, connect
from daemon.storage.term import Term
from tests.support.lease import DURATION, USER, Database, database, state, until, write
from tests.support.postgresql import Server
from tests.support.server_proxy import Break, Proxy
from tests.support.slowness import SLOWNESS

SHORT = replace(JOBS, whole=1.5 * SLOWNESS)
COMMIT = "COMMIT\0"
"""As the client says it; the level of isolation has that word in it as well."""


@pytest.fixture
def proxy(postgresql: Server) -> Iterator[Proxy]:
    with Proxy(postgresql.address, postgresql.port) as made:
        yield made


@pytest.fixture
def through(leased: Database, proxy: Proxy) -> str:
    """The URL that leads through the proxy."""
    return proxy.url(leased.name, USER)


@pytest.fixture
def command(through: str) -> Iterator[Engine]:
    """That of a command, which no fence holds back."""
    with engine_of(through, SHORT) as made:
        yield made


@pytest.fixture
def term(through: str) -> Iterator[Term]:
    with leading(through) as made:
        yield made


@contextmanager
def leading(url: str) -> Iterator[Term]:
    with closing(Contender(url, DURATION, "a")) as contender:
        made = contender.take_over()
        assert made is not None
        with closing(made):
            yield made


@contextmanager
def engine_of(url: str, patience: Patience = JOBS) -> Iterator[Engine]:
    made = open_engine(url, patience=patience)
    yield made
    made.dispose()


def read(engine: Engine) -> int:
    with transaction(engine, writes=False) as connection:
        return int(connection.execute(text("SELECT count(*) FROM incidents")).scalar_one())


@pytest.mark.parametrize("how", [Break.BEFORE, Break.SILENCE_BEFORE])
def test_a_commit_that_the_server_never_heard_has_changed_nothing(
    leased: Database, proxy: Proxy, command: Engine, how: Break
) -> None:
    proxy.arm(COMMIT, how)
    with pytest.raises(DatabaseBusyError, match="cannot be written now"):
        write(command, "lost")
    assert leased.notes() == []
    write(command, "next")
    assert leased.notes() == ["next"]


@pytest.mark.parametrize("how", [Break.AFTER, Break.SILENCE_AFTER])
def test_a_commit_whose_answer_is_lost_counts(leased: Database, proxy: Proxy, command: Engine, how: Break) -> None:
    proxy.arm(COMMIT, how)
    write(command, "once")
    assert proxy.broken.is_set()
    assert leased.notes() == ["once"]


def test_after_a_lost_answer_a_leader_relies_on_nothing_until_it_has_renewed(
    leased: Database, proxy: Proxy, term: Term
) -> None:
    """The server may have answered nothing because it was waiting for another one, which lacks what was written."""
    proxy.arm(COMMIT, Break.AFTER)
    write(term.engine, "once")
    assert leased.notes() == ["once"]
    assert state(term) == (False, None, "the answer to the last commit was lost")
    term.renew()
    assert state(term) == (True, None, None)


@pytest.mark.parametrize("word", ["BEGIN", "INSERT", COMMIT])
@pytest.mark.parametrize("how", [Break.BEFORE, Break.SILENCE_BEFORE, Break.SILENCE_AFTER])
def test_a_transaction_ends_in_time_wherever_it_breaks(
    leased: Database, proxy: Proxy, through: str, word: str, how: Break
) -> None:
    with engine_of(through, SHORT) as engine:
        write(engine, "before")
        proxy.arm(word, how)
        began = boottime()
        try:
            write(engine, "after")
        except DatabaseBusyError:
            assert leased.notes() == ["before"]
        else:
            assert leased.notes() == ["after", "before"]
        assert proxy.broken.is_set()
        assert boottime() - began < SHORT.whole + commit.SECONDS + SLOWNESS
        assert read(engine) >= 1


@pytest.mark.parametrize("call", [read, partial(write, note="while it was frozen")])
def test_a_server_that_is_frozen_holds_nobody_up(
    leased: Database, postgresql: Server, call: Callable[[Engine], object]
) -> None:
    """The system still takes connections for it, and acknowledges packets."""
    with engine_of(leased.url, SHORT) as rested, engine_of(leased.url, SHORT) as new:
        read(rested)
        postgresql.freeze()
        try:
            for engine, longest in ((rested, SHORT.whole), (new, CONNECT_SECONDS)):
                began = boottime()
                with pytest.raises(DatabaseBusyError, match="the server does not answer"):
                    call(engine)
                assert boottime() - began < longest + SLOWNESS
        finally:
            postgresql.thaw()
        call(rested)
    assert leased.notes() in ([], ["while it was frozen"])


def test_to_connect_ends_in_time_whatever_the_driver_does(leased: Database, postgresql: Server) -> None:
    """As where the look-up of a name hangs. The driver goes on, and what comes of it is closed."""
    ours = "SELECT 1 FROM pg_stat_activity WHERE usename = 'plain'"
    began = boottime()
    postgresql.freeze()
    try:
        with pytest.raises(DeadlineError):
            connect(leased.url, 0.5)
        assert boottime() - began < CONNECT_SECONDS - 1
    finally:
        postgresql.thaw()
    until(lambda: not [one for one in threading.enumerate() if one.name == "connect"])
    until(lambda: not leased.sql(ours))


def test_a_leader_knows_when_a_frozen_server_leaves_it_no_trusted_time(
    leased: Database, postgresql: Server, term: Term
) -> None:
    postgresql.freeze()
    try:
        with pytest.raises(DatabaseBusyError, match="the server does not answer"):
            term.renew()
        assert state(term) == (True, None, None)
        assert term.trusted() < DURATION - LEASE.whole
    finally:
        postgresql.thaw()
    term.renew()
    assert term.trusted() > DURATION - 2


def test_a_commit_to_a_server_that_freezes_and_moves_again_is_known_for_what_it_is(
    leased: Database, postgresql: Server
) -> None:
    """Once it moves it may read the COMMIT, although its client has gone."""
    with engine_of(leased.url, SHORT) as engine, ThreadPoolExecutor() as threads:
        write(engine, "before")
        frozen = Event()
        began = boottime()
        written = threads.submit(write_to_frozen, engine, postgresql, frozen)
        assert frozen.wait(20)
        until(lambda: boottime() > began + SHORT.whole + 1)
        postgresql.thaw()
        known = written.exception()
    assert known is None or isinstance(known, DatabaseBusyError)
    assert leased.notes() == ["before", *(["under way"] if known is None else [])]


def write_to_frozen(engine: Engine, server: Server, frozen: Event) -> None:
    with transaction(engine, writes=True) as connection:
        connection.execute(text("INSERT INTO incidents VALUES ('under way')"))
        server.freeze()
        frozen.set()


def test_a_leader_that_cannot_learn_what_became_of_a_commit_gives_up(
    leased: Database, proxy: Proxy, term: Term, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would go on from what it believes to be recorded."""
    monkeypatch.setattr(commit, "SECONDS", 0.5)
    with pytest.raises(TermLostError, match="may have been recorded or not: the server does not say"):
        write_and_refuse(proxy, term.engine)
    assert state(term)[0] is False
    assert "may have been recorded or not" in str(term.lost)


def test_a_command_that_cannot_learn_it_says_so(proxy: Proxy, command: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commit, "SECONDS", 0.5)
    with pytest.raises(DatabaseBusyError, match="may have been recorded or not: the server does not say"):
        write_and_refuse(proxy, command)


def write_and_refuse(proxy: Proxy, engine: Engine) -> None:
    with transaction(engine, writes=True) as connection:
        connection.execute(text("INSERT INTO incidents VALUES ('unknown')"))
        proxy.arm(COMMIT, Break.AFTER)
        proxy.refuse()


def test_a_commit_that_only_one_server_has_counts_and_is_not_relied_on() -> None:
    """No standby acknowledges it. The guard of the server does not end a COMMIT: the client does."""
    with Server() as server, database(server) as leased, leading(leased.url) as term:
        server.configure(synchronous_standby_names="nobody")
        reloaded(server, "nobody")
        write(term.engine, "on one server alone")
        assert leased.notes() == ["on one server alone"]
        # What was cancelled late would end what comes next, so only the connection of the lease is left.
        until(lambda: leased.sql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'plain'") == [(1,)])
        assert state(term) == (False, None, ALONE)
        term.renew()
        assert state(term) == (False, None, ALONE)
        assert leased.left() > DURATION - 5
        server.configure(synchronous_standby_names="")
        reloaded(server, "")
        term.renew()
        assert state(term) == (True, None, None)


def test_a_take_over_that_only_one_server_has_is_not_relied_on() -> None:
    with Server() as server, database(server) as leased:
        server.configure(synchronous_standby_names="nobody")
        reloaded(server, "nobody")
        with leading(leased.url) as term:
            assert state(term) == (False, None, ALONE)
        server.configure(synchronous_standby_names="")
        reloaded(server, "")


ALONE = "the last commit reached one server alone (canceling wait for synchronous replication due to user request)"


def reloaded(server: Server, names: str) -> None:
    server.reload()
    until(lambda: server.sql("SHOW synchronous_standby_names") == [(names,)])


def promoted(server: Server) -> None:
    """It has followed another server, and is the primary one now: its timeline is the next one."""
    server.stop()
    server.write(server.data / "standby.signal", "")
    server.start()
    server.sql("SELECT pg_promote()")


@pytest.mark.parametrize("call", [Term.renew, lambda term: write(term.engine, "too late")])
def test_who_sees_another_timeline_gives_the_lease_up(call: Callable[[Term], None]) -> None:
    """And may give it back there: then nobody needs to wait until it expires."""
    with Server() as server, database(server) as leased, leading(leased.url) as term:
        write(term.engine, "before")
        promoted(server)
        with pytest.raises(TermLostError, match="another server has become the primary one"):
            call(term)
        assert state(term)[0] is False
        assert leased.notes() == ["before"]
        term.give_back()
        with leading(leased.url) as again:
            write(again.engine, "next")


def test_a_server_that_follows_another_one_is_no_place_to_write() -> None:
    with Server() as server, database(server) as leased:
        server.stop()
        server.write(server.data / "standby.signal", "")
        server.start()
        with closing(Contender(leased.url, DURATION, "a")) as contender:
            with pytest.raises(DatabaseBusyError, match="hot standby"):
                contender.look()
        server.sql("SELECT pg_promote()")
