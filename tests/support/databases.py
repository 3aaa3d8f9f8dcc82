"""Fixtures for tests that need a PostgreSQL: one server for each process of the tests, a database for each test.

`tests/conftest.py` hands them on. Where no server can be started the tests are skipped, with the reason.
"""

from collections.abc import Iterator
from contextlib import closing
from itertools import count
from typing import Any, LiteralString

import psycopg
import pytest
from sqlalchemy import Engine

from daemon.storage.create import create
from daemon.storage.schema import METADATA
from tests.support.engines import engine_at
from tests.support.pgbouncer import Pooler
from tests.support.pgbouncer import missing as missing_pooler
from tests.support.postgresql import Server, missing
from tests.support.years import fill_with_years

_numbers = count(1)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A server of the newest version that is installed, shared by all tests of this process."""
    if why := missing():
        pytest.skip(why)
    with Server() as server:
        yield server


@pytest.fixture
def bare_url(postgresql: Server) -> Iterator[str]:
    """The URL of a database of the test's own, in which nothing is."""
    name = f"test_{next(_numbers)}"
    yield postgresql.create(name)
    postgresql.drop(name)


@pytest.fixture
def pgbouncer(postgresql: Server) -> Iterator[Pooler]:
    """A pooler in transaction mode before the server, of the test's own. It has every database of that server."""
    if why := missing_pooler():
        pytest.skip(why)
    with Pooler(postgresql.address, postgresql.port) as pooler:
        yield pooler


class Emptied:
    """One database for many tests of a process, each of which finds it as it was made.

    To delete the few rows that a test leaves takes a thirtieth of the time that TRUNCATE or a new database takes.
    """

    def __init__(self, server: Server) -> None:
        self.url = server.create("emptied")
        create(self.url)
        # Who leaves it to the server what a time without a zone means fails here.
        server.sql("ALTER DATABASE emptied SET timezone = 'Pacific/Auckland'")
        self._connection = server.connect("emptied")
        tables = [f'"{table.name}"' for table in METADATA.sorted_tables]
        filled = [table for table in tables if self._all(f"SELECT 1 FROM {table}")]
        for table in filled:
            self._all(f"CREATE TEMP TABLE made_{table[1:-1]} AS TABLE {table}")
        sequences = self._all("SELECT oid::regclass::text FROM pg_class WHERE relkind = 'S'")
        others = "datname = current_database() AND pid <> pg_backend_pid()"
        self._steps = (
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}",
            "BEGIN",
            *(f"DELETE FROM {table}" for table in reversed(tables)),
            *(f"INSERT INTO {table} TABLE made_{table[1:-1]}" for table in filled),
            *(f"SELECT setval('{name}', 1, false)" for (name,) in sequences),
            "COMMIT",
        )

    def empty(self) -> None:
        """Makes it as it was; whoever is still connected is sent away."""
        self._all("; ".join(self._steps))

    def close(self) -> None:
        self._connection.close()

    def _all(self, statement: LiteralString) -> list[tuple[object, ...]]:
        cursor = self._connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


@pytest.fixture(scope="session")
def emptied(postgresql: Server) -> Iterator[Emptied]:
    """What `server_engine` has its database from."""
    with closing(Emptied(postgresql)) as emptied:
        yield emptied


@pytest.fixture(scope="session")
def years(postgresql: Server) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """A connection to a database with years of history, for tests that only read."""
    create(postgresql.create("years"))
    with postgresql.connect("years") as connection:
        fill_with_years(connection)
        yield connection


@pytest.fixture
def server_url(emptied: Emptied) -> str:
    """The URL of a database at the newest schema, in which nothing is recorded."""
    emptied.empty()
    return emptied.url


@pytest.fixture
def server_engine(server_url: str) -> Iterator[Engine]:
    """The program's own engine on it."""
    engine = engine_at(server_url)
    yield engine
    engine.dispose()
