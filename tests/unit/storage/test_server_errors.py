"""What people read where a server of PostgreSQL cannot be used. Never their password."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from urllib.parse import quote

import psycopg
import pytest

from daemon.model.errors import DatabaseBusyError, DatabaseUnusableError
from daemon.storage.engine import transaction
from daemon.storage.place import shown
from daemon.storage.postgresql import open_engine
from daemon.storage.server_connection import connect
from tests.support.lease import Database, until, write
from tests.support.pgbouncer import Pooler
from tests.support.pgbouncer import missing as missing_pooler
from tests.support.postgresql import PASSWORD, Server

KEY = "s3cret-of-tests"
RIGHT = quote(PASSWORD, safe="")


@pytest.fixture(scope="module")
def strict(postgresql: Server) -> Iterator[Server]:
    """A server that asks for passwords, and takes few connections."""
    with Server(auth="scram-sha-256", settings={"max_connections": "8", "superuser_reserved_connections": "0"}) as made:
        made.sql(f"CREATE ROLE limited LOGIN CONNECTION LIMIT 0 PASSWORD '{KEY}'")
        yield made


def said(url: str) -> str:
    """What a connection to it comes to."""
    engine = open_engine(url)
    with pytest.raises(DatabaseBusyError) as refused, transaction(engine, writes=False):
        raise AssertionError
    engine.dispose()
    text = str(refused.value)
    assert text.startswith("the database cannot be read now: ")
    assert KEY not in text
    assert "\n" not in text
    return text


@pytest.mark.parametrize(
    ("who", "where", "expected"),
    [
        (f"postgres:{KEY}", "postgres", 'failed for user "postgres"; correct user and password in database.url'),
        ("postgres", "postgres", "no password supplied; correct user and password in database.url"),
        (f"nobody:{KEY}", "postgres", "correct user and password in database.url"),
        (f"postgres:{RIGHT}", "nowhere", '"nowhere" does not exist; make it on the server (CREATE DATABASE), or'),
        (f"limited:{KEY}", "postgres", 'too many connections for role "limited"; raise max_connections'),
        (f"postgres:{KEY}", "postgres?sslmode=require", "SSL was required; see sslmode and sslrootcert"),
        (f"postgres:{RIGHT}", "postgres?target_session_attrs=standby", "is not in hot standby mode; name the primary"),
    ],
)
def test_a_server_that_refuses_is_told_with_the_mend(strict: Server, who: str, where: str, expected: str) -> None:
    assert expected in said(f"postgresql+psycopg://{who}@{strict.address}:{strict.port}/{where}")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (f"postgres:{KEY}@127.0.0.1:1/a", "Connection refused; start the server, or correct host and port"),
        (f"postgres:{KEY}@127.0.0.1:1,127.0.0.1:2/a", "port 1 failed: Connection refused; connection to server at"),
        (f"postgres:{KEY}@no.such.host.invalid/a", "failed to resolve host 'no.such.host.invalid': "),
        (f"postgres:{KEY}@127.0.0.1:99999/a", 'invalid port number: "99999"; correct the port'),
        (f"postgres:{KEY}@/a?host=/nowhere", "No such file or directory; start the server"),
    ],
)
def test_a_server_that_is_not_reached_is_told_with_the_mend(url: str, expected: str) -> None:
    assert expected in said(f"postgresql+psycopg://{url}")


def test_a_server_without_a_free_connection_says_so(strict: Server) -> None:
    url = f"postgresql+psycopg://postgres:{RIGHT}@{strict.address}:{strict.port}/postgres"
    with ExitStack() as held:
        with pytest.raises(psycopg.OperationalError):
            while True:
                held.enter_context(closing(strict.connect()))
        assert "too many clients already; raise max_connections of the server" in said(url)


def test_a_server_that_lets_nobody_in_says_so(strict: Server) -> None:
    url = f"postgresql+psycopg://postgres:{RIGHT}@{strict.address}:{strict.port}/postgres"
    strict.write(strict.data / "pg_hba.conf", "local all all trust\n")
    strict.reload()
    try:
        until(lambda: "no pg_hba.conf entry for host" in said_or_connected(url))
        assert "allow this host and user in pg_hba.conf of the server" in said(url)
    finally:
        strict.configure()
        strict.reload()
    until(lambda: said_or_connected(url) == "")


def said_or_connected(url: str) -> str:
    try:
        connect(url, 20).close()
    except psycopg.Error as error:
        return str(error)
    return ""


def test_a_pooler_that_refuses_is_told_with_the_mend(postgresql: Server) -> None:
    if why := missing_pooler():
        pytest.skip(why)
    with Pooler(postgresql.address, postgresql.port, auth="scram-sha-256") as pooler:
        at = f"{pooler.address}:{pooler.port}"
        found = said(f"postgresql+psycopg://postgres:{KEY}@{at}/postgres")
        assert "SASL authentication failed; correct user and password in database.url" in found
        assert "CREATE DATABASE" in said(f"postgresql+psycopg://postgres:{RIGHT}@{at}/nowhere")


def test_a_right_that_is_missing_is_told_with_the_mend(leased: Database) -> None:
    leased.sql("ALTER TABLE incidents OWNER TO postgres")
    engine = open_engine(leased.url)
    with pytest.raises(DatabaseBusyError, match=r"permission denied for table incidents; give the user .* \(GRANT\)"):
        write(engine, "not allowed")
    engine.dispose()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (f"postgres:{KEY} x@127.0.0.1/a", "database.url cannot be read; write postgresql+psycopg://USER:PASSWORD@"),
        (f"postgres:{KEY}%zz@127.0.0.1/a", "database.url cannot be read"),
        (f"postgres:x@{KEY}@127.0.0.1/a", "database.url cannot be read"),
        (f"postgres:{KEY}/x@127.0.0.1/a", "database.url cannot be read"),
        (f"postgres:x/{KEY}@127.0.0.1/a", "database.url cannot be read"),
        (f"postgres:{KEY}@127.0.0.1/a?nonsense=1", 'has the parameter "nonsense", which PostgreSQL does not know'),
    ],
)
def test_a_url_that_cannot_be_read_is_not_shown(url: str, expected: str) -> None:
    """The driver's own texts show parts of it."""
    engine = open_engine(f"postgresql+psycopg://{url}")
    with pytest.raises(DatabaseUnusableError) as refused, transaction(engine, writes=False):
        raise AssertionError
    assert expected in str(refused.value)
    assert KEY not in str(refused.value)
    assert KEY not in shown(f"postgresql+psycopg://{url}")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://u:p@a:1,b:2/n?x=1", "postgresql://u@a:1,b:2/n?x=1"),
        ("postgresql://u@a/n", "postgresql://u@a/n"),
        ("postgresql://u:p?q@a/n", "postgresql://u@a/n"),
        (
            "postgresql://a:1/n?password=p&sslpassword=q&user=u",
            "postgresql://a:1/n?password=***&sslpassword=***&user=u",
        ),
    ],
)
def test_a_url_is_shown_without_its_passwords(url: str, expected: str) -> None:
    assert shown(url) == expected
