"""The servers that tests start do what the tests believe of them, and nothing of them stays."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from tests.support.paths import ROOT
from tests.support.pgbouncer import Pooler
from tests.support.postgresql import Server
from tests.support.processes import Processes, children_of
from tests.support.server_process import PATIENCE

STARTS_ONE = """
from tests.support.pgbouncer import Pooler
from tests.support.postgresql import Server
with Server() as server:
    print(server.directory, server.sql("SELECT pg_backend_pid()"), flush=True)
    input()
"""


@pytest.fixture
def server(postgresql: Server) -> Iterator[Server]:
    """One that is not started yet. The one that all share may not be stopped, and skips where none can be had."""
    server = Server()
    yield server
    server.end()


def test_what_was_committed_outlives_a_kill_and_what_was_not_does_not(server: Server) -> None:
    with server:
        server.sql("CREATE TABLE seen (what text)")
        with server.connect(autocommit=False) as open_one:
            server.sql("INSERT INTO seen VALUES ('committed')")
            open_one.execute("INSERT INTO seen VALUES ('under way')")
            server.kill()
            with pytest.raises(psycopg.OperationalError):
                open_one.commit()
        server.start()
        assert server.sql("SELECT what FROM seen") == [("committed",)]


def test_a_frozen_server_answers_nothing_until_it_is_thawed(server: Server) -> None:
    with server, closing(server.connect()) as connection:
        server.freeze()
        connection.pgconn.send_query(b"SELECT 1")
        connection.pgconn.flush()
        with pytest.raises(psycopg.errors.ConnectionTimeout):
            psycopg.connect(server.conninfo(connect_timeout="2"))
        assert connection.pgconn.is_busy()
        server.thaw()
        assert server.sql("SELECT 1") == [(1,)]


def test_an_order_of_a_language_is_in_force(postgresql: Server) -> None:
    assert postgresql.sql("SELECT 'a' < 'B'") == [(True,)]


def test_each_test_has_an_empty_database(bare_url: str) -> None:
    with psycopg.connect(bare_url.replace("+psycopg", "")) as connection:
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchall() == [(0,)]


def test_a_password_is_asked_for_where_the_server_has_one(postgresql: Server) -> None:
    with Server(auth="scram-sha-256") as asking:
        url = asking.url().replace("+psycopg", "")
        psycopg.connect(url).close()
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(asking.url().replace("+psycopg", "").replace("pass", "past")).close()


def test_a_server_ends_with_tests_that_are_killed_and_the_next_one_clears_up(postgresql: Server) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STARTS_ONE], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as tests:
        assert tests.stdout is not None
        directory = Path(tests.stdout.readline().split()[0])
        with Processes(children_of(tests.pid)) as started:
            tests.send_signal(signal.SIGKILL)
            started.wait(PATIENCE)
    assert directory.exists()
    with Server():
        assert not directory.exists()


def test_transactions_of_one_client_meet_several_connections_behind_the_pooler(
    pgbouncer: Pooler, bare_url: str
) -> None:
    url = pgbouncer.url(bare_url.rpartition("/")[2]).replace("+psycopg", "")
    ask = "SELECT pg_backend_pid()"
    with closing(psycopg.connect(url, autocommit=True)) as one, closing(psycopg.connect(url)) as other:
        alone = one.execute(ask).fetchall()
        assert other.execute(ask).fetchall() == alone
        assert one.execute(ask).fetchall() != alone  # the other one has it until its transaction ends


def test_a_pooler_that_was_killed_starts_again_at_the_same_place(pgbouncer: Pooler) -> None:
    url = pgbouncer.url().replace("+psycopg", "")
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        pgbouncer.kill()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    pgbouncer.start()
    with closing(psycopg.connect(url)) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
