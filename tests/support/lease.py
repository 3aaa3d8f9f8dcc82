"""A database of a server with what the lease needs, owned by a user without any rights beside that."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta
from itertools import count
from threading import Event
from time import monotonic

import psycopg
import pytest
from sqlalchemy import Engine, NullPool, text

from daemon.storage.engine import transaction
from daemon.storage.lease import Contender
from daemon.storage.lease_schema import create_lease
from daemon.storage.postgresql import open_engine
from daemon.storage.revision import REVISIONS
from daemon.storage.term import Term
from tests.support.postgresql import Server
from tests.support.slowness import SLOWNESS

USER = "plain"
DURATION = 30.0
_numbers = count(1)


class Database:
    """One database, and what tests do to it behind the back of the program."""

    def __init__(self, server: Server, name: str) -> None:
        self.server = server
        self.name = name

    @property
    def url(self) -> str:
        return self.server.url(self.name).replace("//postgres", f"//{USER}")

    def sql(self, statement: str) -> list[tuple[object, ...]]:
        """The rows of a statement of the superuser."""
        with self.connection() as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def connection(self) -> "psycopg.Connection[tuple[object, ...]]":
        return self.server.connect(self.name)

    def expire(self) -> None:
        """The lease has expired, by the clock of the server."""
        self.sql("UPDATE lease SET expires_at = clock_timestamp() - interval '1 s'")

    def left(self) -> float:
        """How many seconds the lease still lasts, by the clock of the server."""
        ((left,),) = self.sql("SELECT expires_at - clock_timestamp() FROM lease")
        assert isinstance(left, timedelta)
        return left.total_seconds()

    def notes(self) -> list[object]:
        """What the tests have written."""
        return [note for (note,) in self.sql("SELECT note FROM incidents ORDER BY note")]

    def set_clock(self, by: str) -> None:
        """The clock of the server goes that much ahead from now on, for connections made since the first time."""
        self.sql("CREATE SCHEMA IF NOT EXISTS clock")
        self.sql(
            "CREATE OR REPLACE FUNCTION clock.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS "
            f"$$ SELECT pg_catalog.clock_timestamp() + interval '{by}' $$"
        )
        self.sql(f"GRANT USAGE ON SCHEMA clock TO {USER}")
        self.sql(f'ALTER DATABASE "{self.name}" SET search_path = clock, pg_catalog, public')

    def waits(self, seconds: float = 0.0) -> bool:
        """Whether a session of the program has waited for a lock for so long."""
        return bool(
            self.sql(
                "SELECT 1 FROM pg_locks WHERE NOT granted AND clock_timestamp() - waitstart >= "
                f"make_interval(secs => {seconds})"
            )
        )


@contextmanager
def database(server: Server) -> Iterator[Database]:
    """A new one, in which nobody has had the lease yet."""
    name = f"lease_{next(_numbers)}"
    with server.connect() as connection:
        if not server.sql("SELECT 1 FROM pg_roles WHERE rolname = %s", USER):
            connection.execute(f"CREATE ROLE {USER} LOGIN".encode())
        connection.execute(f'CREATE DATABASE "{name}" OWNER {USER}'.encode())
    made = Database(server, name)
    engine = open_engine(made.url, NullPool)
    with transaction(engine, writes=True) as tables:
        create_lease(tables)
        tables.execute(text("CREATE TABLE alembic_version AS SELECT CAST(:revision AS text) AS version_num"), [
            {"revision": REVISIONS[-1]}
        ])  # fmt: skip
        tables.execute(text("CREATE TABLE incidents (note text)"))
    engine.dispose()
    yield made
    made.server.drop(name)


def write(engine: Engine, note: str) -> None:
    """One transaction."""
    with transaction(engine, writes=True) as connection:
        connection.execute(text("INSERT INTO incidents VALUES (:note)"), {"note": note})


def state(term: Term) -> tuple[bool, str | None, str | None]:
    """Whether there is trusted time, why it is over, and why it cannot be relied on."""
    return term.trusted() > 0, term.lost, term.remark


class Contend:
    """Makes contenders."""

    def __init__(self, url: str, due: ExitStack) -> None:
        self._url = url
        self._due = due

    def __call__(self, host: str = "a", duration: float = DURATION) -> Contender:
        return self._due.enter_context(closing(Contender(self._url, duration, host)))

    def lead(self, contender: Contender | None = None) -> Term:
        """A leader that had to wait for nobody."""
        term = (contender or self()).take_over()
        assert term is not None
        return self._due.enter_context(closing(term))


@pytest.fixture
def leased(postgresql: Server) -> Iterator[Database]:
    with database(postgresql) as made:
        yield made


@pytest.fixture
def contend(leased: Database) -> Iterator[Contend]:
    with ExitStack() as due:
        yield Contend(leased.url, due)


def until(condition: Callable[[], bool], patience: float = 20.0) -> None:
    """Asks again and again. Raises `TimeoutError`."""
    end = monotonic() + patience * SLOWNESS
    while not condition():
        if monotonic() > end:
            raise TimeoutError
        Event().wait(0.02)
