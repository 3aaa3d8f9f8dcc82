"""What every transaction on PostgreSQL begins with, against a real server and by a user without any special right."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, text

from daemon.host.clock import boottime
from daemon.model.errors import DatabaseBusyError, DatabaseUnusableError, NoDatabaseError, TermLostError
from daemon.storage.create import create
from daemon.storage.engine import checkpoint, existing, listing_reader, reader, transaction, writer
from daemon.storage.postgresql import COMMANDS, JOBS, READERS, Patience, driver_of, open_engine
from daemon.storage.server_connection import connect
from tests.support.lease import Contend, Database, state, until, write
from tests.support.pgbouncer import Pooler
from tests.support.postgresql import Server

LIMITS = "lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout"


@pytest.fixture
def jobs(leased: Database) -> Iterator[Engine]:
    made = open_engine(leased.url)
    yield made
    made.dispose()


@pytest.fixture
def pooled(leased: Database, pgbouncer: Pooler) -> Iterator[str]:
    """The URL of the database through a pooler in transaction mode."""
    pgbouncer.configure(size=1)
    pgbouncer.admin("RELOAD")
    yield pgbouncer.url(leased.name)


def asked(connection: Connection, question: str) -> object:
    return connection.execute(text(question)).scalar_one()


def setting(connection: Connection, name: str) -> object:
    return asked(connection, f"SELECT current_setting('{name}')")


def read(engine: Engine) -> int:
    with transaction(engine, writes=False) as connection:
        return connection.execute(text("SELECT count(*) FROM incidents")).scalar() or 0


@pytest.mark.parametrize("writes", [False, True])
def test_each_transaction_sets_the_guards_for_itself(jobs: Engine, writes: bool) -> None:
    with transaction(jobs, writes=writes) as connection:
        assert [setting(connection, name) for name in LIMITS] == ["1s", "2s", "3s"]


def test_all_that_holds_a_take_over_off_ends_within_the_shortest_lease() -> None:
    assert JOBS.lock + JOBS.statement + JOBS.idle < 12
    assert JOBS.whole + JOBS.statement < 12


@pytest.mark.parametrize("writes", [False, True])
def test_the_guards_pass_a_pooler_and_end_with_the_transaction(pooled: str, writes: bool) -> None:
    engine = open_engine(pooled)
    with transaction(engine, writes=writes) as connection:
        assert [setting(connection, name) for name in LIMITS] == ["1s", "2s", "3s"]
        backend = asked(connection, "SELECT pg_backend_pid()")
    engine.dispose()
    with closing(connect(pooled, 20)) as other:
        assert other.last_row("SELECT pg_backend_pid()") == (backend,)
        found = other.last_row(f"SELECT {', '.join(f'current_setting({name!r})' for name in LIMITS)}")
        assert found == ("0", "0", "0")


def test_a_statement_is_not_prepared_on_a_session_that_somebody_else_has_next(pooled: str) -> None:
    """A pooler in transaction mode has others use the same session, and this process another one."""
    engines = [open_engine(pooled) for _ in range(2)]
    for _ in range(8):
        for engine in engines:
            assert read(engine) == 0
            write(engine, "through the pooler")
            with transaction(engine, writes=True) as connection:
                connection.execute(text("DELETE FROM incidents WHERE note = :note"), {"note": "through the pooler"})
    for engine in engines:
        engine.dispose()


@pytest.mark.parametrize("notes", [{"note": "left behind"}, [{"note": "left"}, {"note": "behind"}]])
def test_what_a_client_leaves_behind_is_ended_by_the_server(leased: Database, contend: Contend, notes: Any) -> None:
    """Whether after one statement or after several that the driver sends together."""
    term, other = contend.lead(), contend("b")
    with pytest.raises(DatabaseBusyError), transaction(term.engine, writes=True) as connection:
        connection.execute(text("INSERT INTO incidents VALUES (:note)"), notes)
        leased.expire()
        until(lambda: not leased.sql("SELECT 1 FROM pg_stat_activity WHERE state = 'idle in transaction'"), 8)
        contend.lead(other)
        connection.execute(text("INSERT INTO incidents VALUES ('too late')"))
    assert leased.notes() == []


def test_a_statement_that_takes_too_long_is_ended(jobs: Engine) -> None:
    with (
        pytest.raises(DatabaseBusyError, match="cannot be read now: canceling statement due to statement timeout"),
        transaction(jobs, writes=False) as connection,
    ):
        connection.execute(text("SELECT pg_sleep(20)"))


def test_writers_follow_each_other(leased: Database, jobs: Engine) -> None:
    """As with SQLite, who writes has read what the writer before has written."""
    with ThreadPoolExecutor() as threads:
        with transaction(jobs, writes=True) as connection:
            connection.execute(text("INSERT INTO incidents VALUES ('first')"))
            second = threads.submit(write_what_is_there, jobs)
            until(leased.waits)
        second.result()
    assert leased.notes() == ["['first']", "first"]


def write_what_is_there(engine: Engine) -> None:
    with transaction(engine, writes=True) as connection:
        found = [note for (note,) in connection.execute(text("SELECT note FROM incidents"))]
        connection.execute(text("INSERT INTO incidents VALUES (:note)"), {"note": str(found)})


def test_a_reader_sees_one_state_and_waits_for_nobody(jobs: Engine) -> None:
    with transaction(jobs, writes=False) as connection:
        assert asked(connection, "SELECT count(*) FROM incidents") == 0
        write(jobs, "meanwhile")
        assert asked(connection, "SELECT count(*) FROM incidents") == 0
    assert read(jobs) == 1


def test_a_reader_writes_nothing(jobs: Engine) -> None:
    with (
        pytest.raises(DatabaseBusyError, match="cannot execute INSERT in a read-only transaction"),
        transaction(jobs, writes=False) as connection,
    ):
        connection.execute(text("INSERT INTO incidents VALUES ('by a reader')"))
    assert read(jobs) == 0


def test_an_error_in_the_block_undoes_it(jobs: Engine) -> None:
    with pytest.raises(ZeroDivisionError), transaction(jobs, writes=True) as connection:
        connection.execute(text("INSERT INTO incidents VALUES ('undone')"))
        raise ZeroDivisionError
    assert read(jobs) == 0


def test_an_error_in_the_block_is_told_although_the_server_hangs(leased: Database, postgresql: Server) -> None:
    engine = open_engine(leased.url, patience=Patience(1, 2, 3, 0.5))
    write(engine, "before")
    try:
        with pytest.raises(ZeroDivisionError), transaction(engine, writes=True):
            postgresql.freeze()
            raise ZeroDivisionError
    finally:
        postgresql.thaw()
    engine.dispose()


def test_a_commit_after_a_failed_statement_is_no_commit(jobs: Engine) -> None:
    """The server would undo it, and say so in a word that nobody reads."""
    with (
        pytest.raises(DatabaseBusyError, match="a statement failed before"),
        transaction(jobs, writes=True) as connection,
    ):
        connection.execute(text("INSERT INTO incidents VALUES ('undone')"))
        with pytest.raises(Exception, match="no_such_table"):
            connection.execute(text("SELECT FROM no_such_table"))
    assert read(jobs) == 0
    write(jobs, "works")


@pytest.mark.parametrize("default", ["off", "local", "on", "remote_apply"])
def test_what_is_committed_is_on_the_disk_whatever_the_default_is(leased: Database, default: str) -> None:
    leased.sql(f"ALTER DATABASE {leased.name} SET synchronous_commit = {default}")
    engine = open_engine(leased.url)
    with transaction(engine, writes=True) as connection:
        found = setting(connection, "synchronous_commit")
    engine.dispose()
    assert found == ("on" if default in {"off", "local"} else default)


def test_a_default_isolation_of_the_server_changes_nothing(leased: Database) -> None:
    leased.sql(f"ALTER DATABASE {leased.name} SET default_transaction_isolation = 'serializable'")
    engine = open_engine(leased.url)
    with transaction(engine, writes=True) as connection:
        assert setting(connection, "transaction_isolation") == "read committed"
    engine.dispose()


def test_connections_that_the_server_has_ended_meanwhile_are_made_anew(leased: Database, jobs: Engine) -> None:
    busy = [transaction(jobs, writes=False) for _ in range(3)]
    for one in busy:
        one.__enter__()
    for one in busy:
        one.__exit__(None, None, None)
    leased.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'plain'")
    until(lambda: not leased.sql("SELECT 1 FROM pg_stat_activity WHERE usename = 'plain'"))
    write(jobs, "works")


def test_a_server_that_only_reads_ends_the_term_and_is_left(leased: Database, contend: Contend) -> None:
    """Somebody has made it read-only, or it follows another one now; its connections stay open."""
    term = contend.lead()
    write(term.engine, "before")
    with transaction(term.engine, writes=False) as connection:
        before = driver_of(connection).info.backend_pid
    leased.sql("ALTER ROLE plain SET default_transaction_read_only = on")
    try:
        make_read_only(leased, term.engine)
        with pytest.raises(TermLostError, match="read-only transaction"):
            write(term.engine, "refused")
    finally:
        leased.sql("ALTER ROLE plain RESET default_transaction_read_only")
    assert state(term)[0] is False
    assert "read-only transaction" in str(term.lost)
    with transaction(term.engine, writes=False) as connection:
        assert driver_of(connection).info.backend_pid != before


def make_read_only(leased: Database, engine: Engine) -> None:
    """The session that rests in the pool, as a change of the configuration of the server would."""
    with transaction(engine, writes=False) as connection:
        driver = driver_of(connection)
    driver.execute("SET default_transaction_read_only = on")


def test_many_writers_share_few_connections(leased: Database, jobs: Engine) -> None:
    start = threading.Barrier(30)

    def one(number: int) -> None:
        start.wait()
        write(jobs, f"{number:02}")

    with ThreadPoolExecutor(30) as threads:
        list(threads.map(one, range(30)))
    assert leased.notes() == [f"{number:02}" for number in range(30)]
    open_ones = leased.sql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'plain'")
    assert open_ones <= [(15,)]


def test_nobody_waits_for_ever_for_a_connection(leased: Database) -> None:
    engine = open_engine(leased.url, patience=Patience(1, 2, 3, 0.2))
    with ThreadPoolExecutor(20) as threads:
        over = threading.Event()

        def reads() -> str:
            try:
                with transaction(engine, writes=False):
                    over.wait(20)
            except DatabaseBusyError as error:
                return str(error)
            return "read"

        found = [threads.submit(reads) for _ in range(16)]
        until(lambda: any(one.done() for one in found))
        assert [one.result() for one in found if one.done()] == [
            "the database cannot be read now: all connections are in use"
        ]
        over.set()
    engine.dispose()


def test_people_may_read_for_longer_than_jobs(leased: Database) -> None:
    for patience, limits in ((COMMANDS, ["5s", "30s", "3s"]), (READERS, ["5s", "10min", "10min"])):
        engine = open_engine(leased.url, patience=patience)
        with transaction(engine, writes=False) as connection:
            assert [setting(connection, name) for name in LIMITS] == limits
            assert driver_of(connection).until > boottime() + patience.whole - 10
        engine.dispose()


def test_the_server_sees_whose_connection_it_is_and_who_says_otherwise_is_heard(leased: Database) -> None:
    for url, name in ((leased.url, "betterstack-signl4"), (f"{leased.url}?application_name=mine", "mine")):
        with closing(connect(url, 20)) as connection:
            assert connection.last_row("SELECT current_setting('application_name')") == (name,)


def test_a_schema_of_the_role_is_used_as_well(leased: Database, contend: Contend) -> None:
    leased.sql("CREATE SCHEMA own AUTHORIZATION plain; ALTER ROLE plain IN DATABASE "
               f"{leased.name} SET search_path = own")  # fmt: skip
    for table in ("incidents", "lease", "fence", "alembic_version"):
        leased.sql(f"ALTER TABLE {table} SET SCHEMA own")
    write(contend.lead().engine, "in its own schema")
    assert leased.sql("SELECT note FROM own.incidents") == [("in its own schema",)]


def test_commands_find_a_database_only_where_its_tables_are(bare_url: str) -> None:
    assert reader(bare_url) is None
    assert existing(bare_url) is None
    with pytest.raises(NoDatabaseError, match="nothing to list"):
        listing_reader(bare_url)
    with pytest.raises(DatabaseUnusableError, match="nothing to retry"):
        writer(bare_url, "retry")
    create(bare_url)
    assert [limits_of(one) for one in (reader(bare_url), listing_reader(bare_url))] == [["5s", "10min", "10min"]] * 2
    assert [limits_of(one) for one in (existing(bare_url), writer(bare_url, "retry"))] == [["5s", "30s", "3s"]] * 2


def limits_of(engine: Engine | None) -> list[object]:
    assert engine is not None
    with transaction(engine, writes=False) as connection:
        return [setting(connection, name) for name in LIMITS]


def test_a_server_sees_to_its_log_itself(jobs: Engine) -> None:
    assert checkpoint(jobs)
