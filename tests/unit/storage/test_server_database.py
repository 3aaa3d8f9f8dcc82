"""A database on a server: made by whoever comes first, known again, and changed by one process at a time."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from threading import Event

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text

from daemon.model.errors import DaemonError, DatabaseBusyError, DatabaseUnusableError
from daemon.storage import listings, migrate, server_change
from daemon.storage.create import create
from daemon.storage.lease import Contender
from daemon.storage.lease_schema import LEASE_METADATA
from daemon.storage.place import shown
from daemon.storage.revision import MIGRATIONS, REVISIONS, check_place, is_up_to_date, nothing_to, revision_of
from daemon.storage.schema import METADATA
from daemon.storage.upgrade import needed_now, upgrade
from tests.support.engines import engine_at
from tests.support.outbox import NEW, RESOLVED, after, change, deliver, everything
from tests.support.paths import ROOT
from tests.support.pgbouncer import Pooler
from tests.support.postgresql import PASSWORD, Server, url_of
from tests.support.store import Store
from tests.support.values import NOW

LATER = "9999"
SCRIPT = """
import sqlalchemy as sa
from alembic import op
revision, down_revision, branch_labels, depends_on = "9999", "{before}", None, None


def upgrade():
    op.add_column("incidents", sa.Column("later", sa.String(), nullable=True))
    {more}
"""
_numbers = count(1)


@pytest.fixture
def made(bare_url: str) -> str:
    """A database of the test's own, as `create` makes it."""
    create(bare_url)
    return bare_url


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    engine = engine_at(url)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def execute(url: str, *statements: str) -> None:
    with connected(url) as connection:
        for statement in statements:
            connection.execute(text(statement))


def tables(url: str) -> set[str]:
    with connected(url) as connection:
        query = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        return set(connection.exec_driver_sql(query).scalars())


# -- it is made -------------------------------------------------------------------------------------------------------


def test_a_new_one_has_the_tables_and_rows_that_a_file_has_and_those_of_the_lease(
    bare_url: str, database: Path
) -> None:
    assert revision_of(bare_url) is None
    assert upgrade(bare_url) is True
    assert tables(bare_url) == {"alembic_version", *METADATA.tables, *LEASE_METADATA.tables}
    assert revision_of(bare_url) == REVISIONS[-1]
    assert upgrade(bare_url) is False
    found = []
    for url in (bare_url, f"sqlite:///{database}"):
        engine = engine_at(url)
        found.append(everything(engine))
        engine.dispose()
    assert found[0] == found[1]


def test_its_columns_and_constraints_are_those_of_the_metadata(made: str) -> None:
    def is_ours(_object: object, name: str | None, *_: object) -> bool:
        return name not in {"rowid", "uq_incidents_rowid", "alembic_version", *LEASE_METADATA.tables}

    with connected(made) as connection:
        context = MigrationContext.configure(
            connection, opts={"include_object": is_ours, "compare_type": True, "compare_server_default": False}
        )
        assert compare_metadata(context, METADATA) == []
        indexes = connection.exec_driver_sql("SELECT indexname FROM pg_indexes WHERE indexname LIKE 'ix%%'").scalars()
        assert set(indexes) == {index.name for table in METADATA.sorted_tables for index in table.indexes}


def test_every_text_has_the_order_of_its_bytes_and_every_number_64_bits(made: str) -> None:
    query = """
        SELECT table_name || '.' || column_name, data_type, collation_name FROM information_schema.columns
        WHERE table_schema = 'public' AND NOT table_name = ANY (%s)
    """
    with connected(made) as connection:
        found = connection.exec_driver_sql(query, (["alembic_version", *LEASE_METADATA.tables],)).all()
    assert {name for name, kind, order in found if kind.startswith("character") and order != "C"} == set()
    assert {name for name, kind, _ in found if kind in {"integer", "smallint", "text", "json", "jsonb"}} == set()


def test_of_many_that_start_together_one_makes_it_and_the_others_find_it(bare_url: str) -> None:
    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(lambda _: upgrade(bare_url), range(8))) <= {True, False}
    with connected(bare_url) as connection:
        for table in ("alembic_version", "progress", "two_way", "monitor_looks", "destinations", "lease", "fence"):
            assert connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one() == 1


def test_of_several_processes_too(bare_url: str) -> None:
    command = [sys.executable, "-c", "import sys; from daemon.storage.upgrade import upgrade; upgrade(sys.argv[1])"]
    started = [subprocess.Popen([*command, bare_url], cwd=ROOT, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    said = [process.communicate(timeout=60)[1] for process in started]
    assert ([process.returncode for process in started], said) == ([0] * 4, [""] * 4)
    assert is_up_to_date(bare_url)


def test_what_fails_half_way_leaves_nothing_there(bare_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("daemon.storage.create.ADD_ROW_NUMBERS", "SELECT 1 / 0")
    with pytest.raises(DatabaseBusyError, match=r"^the database cannot be written now: division"):
        upgrade(bare_url)
    assert tables(bare_url) == set()
    assert revision_of(bare_url) is None


# -- it is known again ------------------------------------------------------------------------------------------------


def refused(url: str, why: type[DaemonError] = DatabaseUnusableError) -> str:
    """The sentence of a refusal, which is the same whoever asks."""
    said = set()
    for ask in (revision_of, check_place, is_up_to_date, upgrade):
        with pytest.raises(why) as raised:
            ask(url)
        said.add(str(raised.value))
    (sentence,) = said
    return sentence


def test_of_another_program(bare_url: str) -> None:
    execute(bare_url, "CREATE TABLE orders (id INT)")
    assert refused(bare_url) == f"{shown(bare_url)} is the database of another program; name another in database.url"
    execute(bare_url, "CREATE TABLE alembic_version (version_num TEXT)", "INSERT INTO alembic_version VALUES ('0001')")
    assert "of another program" in refused(bare_url)


def test_what_an_extension_has_put_there_is_of_no_program(bare_url: str) -> None:
    execute(
        bare_url,
        "CREATE TABLE of_an_extension (id INT)",
        "ALTER EXTENSION plpgsql ADD TABLE of_an_extension",
    )
    assert revision_of(bare_url) is None


def test_of_a_newer_version(made: str) -> None:
    execute(made, "UPDATE alembic_version SET version_num = '9999'")
    assert refused(made) == (
        f"{shown(made)} was written by a newer version (schema 9999, known here up to {REVISIONS[-1]}); install that "
        "version again, or go back to the dump from before it"
    )


def test_of_an_older_version(made: str) -> None:
    execute(made, f"UPDATE alembic_version SET version_num = '{REVISIONS[-2]}'")
    with pytest.raises(DatabaseUnusableError, match=r"^postgresql\S+ is of an older version; run: \S+ db upgrade$"):
        is_up_to_date(made)


def test_in_an_encoding_that_lacks_characters(postgresql: Server) -> None:
    name = f"latin_{next(_numbers)}"
    postgresql.sql(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C'")
    assert "has the encoding LATIN1, which lacks characters" in refused(postgresql.url(name))
    postgresql.drop(name)


def test_where_no_tables_can_be_made(bare_url: str, postgresql: Server) -> None:
    name = bare_url.rpartition("/")[2]
    postgresql.sql("DROP ROLE IF EXISTS guest")
    postgresql.sql("CREATE ROLE guest LOGIN")
    url = bare_url.replace("postgres@", "guest@")
    grant = 'GRANT CREATE ON SCHEMA "public" TO "guest"'
    assert refused(url) == f"{shown(url)} has no tables yet, and the user guest may not make them; run there: {grant}"
    postgresql.sql(f'ALTER ROLE guest IN DATABASE "{name}" SET search_path = nowhere')
    make = 'CREATE SCHEMA AUTHORIZATION "guest"'
    assert refused(url) == (
        f"the search_path of the user guest names no schema of {shown(url)}; make one there: {make}"
    )
    postgresql.sql(f'ALTER ROLE guest IN DATABASE "{name}" RESET search_path')
    # What the sentences tell to do is enough, and no other right is needed.
    execute(bare_url, grant)
    assert upgrade(url) is True
    execute(bare_url, "DROP OWNED BY guest")
    execute(bare_url, make)
    assert upgrade(url) is True
    assert tables(bare_url) == set()
    assert is_up_to_date(url)
    execute(bare_url, "DROP OWNED BY guest")
    postgresql.sql("DROP ROLE guest")


def test_whose_tables_may_not_be_read(made: str, postgresql: Server) -> None:
    postgresql.sql("CREATE ROLE stranger LOGIN")
    sentence = refused(made.replace("postgres@", "stranger@"))
    assert "cannot be read: permission denied for table alembic_version" in sentence
    assert sentence.endswith("give the user of database.url that right (GRANT), or make it the owner")
    postgresql.sql("DROP ROLE stranger")


def test_that_there_is_not(postgresql: Server) -> None:
    assert 'database "nowhere" does not exist' in refused(postgresql.url("nowhere"))


def test_that_it_may_be_there_in_a_while() -> None:
    assert "Connection refused; start the server" in refused(url_of("127.0.0.1:1", "state"), DatabaseBusyError)


def test_no_sentence_shows_the_password(postgresql: Server) -> None:
    url = postgresql.url("nowhere").replace("postgres@", "postgres:pass%3Aword%2Fof%40tests@")
    sentence = refused(url)
    assert "word" not in sentence
    assert PASSWORD not in sentence


def test_where_there_is_none_a_command_says_what_to_do(bare_url: str) -> None:
    mend = "run the daemon first, or name another database in database.url"
    assert nothing_to("list", bare_url) == f"{bare_url} has no tables yet, so there is nothing to list; {mend}"


def test_what_fails_at_the_start_names_it(bare_url: str) -> None:
    with pytest.raises(DatabaseUnusableError) as raised, needed_now(bare_url):
        raise DatabaseBusyError("the database cannot be read now: why")
    assert str(raised.value) == f"{bare_url}: the database cannot be read now: why"


# -- it is changed ----------------------------------------------------------------------------------------------------


def scripts(directory: Path, more: str = "") -> Path:
    """The migrations of a later version."""
    shutil.copytree(MIGRATIONS, directory, ignore=shutil.ignore_patterns("__pycache__"))
    later = SCRIPT.format(before=REVISIONS[-1], more=more)
    (directory / "versions" / f"{LATER}_later.py").write_text(later)
    return directory


def stamp(url: str) -> object:
    with connected(url) as connection:
        return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one()


def columns(url: str) -> set[str]:
    with connected(url) as connection:
        return set(connection.exec_driver_sql("SELECT * FROM incidents").keys())


def test_a_later_migration_changes_the_tables(made: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrate, "MIGRATIONS", scripts(tmp_path / "later"))
    migrate.migrate(made)
    assert stamp(made) == LATER
    assert "later" in columns(made)


def test_one_that_fails_changes_nothing(made: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrate, "MIGRATIONS", scripts(tmp_path / "later", 'op.execute("SELECT 1 / 0")'))
    with pytest.raises(DatabaseBusyError, match="division by zero"):
        migrate.migrate(made)
    assert stamp(made) == REVISIONS[-1]
    assert "later" not in columns(made)


def test_one_may_take_longer_than_what_jobs_may(made: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrate, "MIGRATIONS", scripts(tmp_path / "later", 'op.execute("SELECT pg_sleep(2.5)")'))
    migrate.migrate(made)
    assert stamp(made) == LATER


def test_an_older_one_is_brought_up_to_date_by_a_process_of_its_own_which_says_what_is_wrong(made: str) -> None:
    """Here the tables are there already, so the migration fails."""
    execute(made, f"UPDATE alembic_version SET version_num = '{REVISIONS[-2]}'")
    with pytest.raises(DatabaseUnusableError) as raised:
        upgrade(made)
    assert str(raised.value).startswith(f"{made} cannot be brought up to date: the database cannot be written now: ")
    assert "already exists" in str(raised.value)
    assert "Traceback" not in str(raised.value)
    assert stamp(made) == REVISIONS[-2]


def test_it_is_not_changed_while_a_leader_works_with_the_older_version(
    made: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "MIGRATIONS", scripts(tmp_path / "later"))
    contender = Contender(made, 12.0, "one")
    term = contender.take_over()
    assert term is not None
    with pytest.raises(DatabaseUnusableError, match=r"with which process \d+ on one works; stop that, then start this"):
        migrate.migrate(made)
    assert stamp(made) == REVISIONS[-1]
    term.give_back()
    migrate.migrate(made)
    assert stamp(made) == LATER
    for one in (term, contender):
        one.close()


def test_nobody_becomes_the_leader_while_it_is_changed(made: str) -> None:
    contender = Contender(made, 12.0, "one")
    with server_change.changing(made) as connection:
        server_change.check_unused(connection, made)
        with pytest.raises(DatabaseBusyError):
            contender.take_over()
    term = contender.take_over()
    assert term is not None
    for one in (term, contender):
        one.close()


def test_one_changes_it_at_a_time_also_where_nothing_is_yet(bare_url: str) -> None:
    order, inside = list[str](), Event()

    def second() -> None:
        inside.wait()
        with server_change.changing(bare_url):
            order.append("second")

    with ThreadPoolExecutor(1) as threads:
        done = threads.submit(second)
        with server_change.changing(bare_url) as connection:
            inside.set()
            waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'advisory'"
            while not order and not connection.exec_driver_sql(waiting).scalar_one():
                pass
            order.append("first")
        done.result()
    assert order == ["first", "second"]


# -- behind a pooler --------------------------------------------------------------------------------------------------


def test_a_pooler_that_gives_each_transaction_another_session_changes_nothing(
    postgresql: Server, pgbouncer: Pooler, bare_url: str
) -> None:
    """Many statements at once, rows as they come, and the change of tables: all of it is within a transaction."""
    pgbouncer.configure(size=2)
    pgbouncer.admin("RELOAD")
    name = bare_url.rpartition("/")[2]
    assert upgrade(pgbouncer.url(name)) is True
    engine = engine_at(pgbouncer.url(name))
    store, ids = Store(engine), [str(number) for number in range(1200)]
    store.record([change(one, NEW) for one in ids], NOW)
    store.record([change(one, RESOLVED, name="NUL\0") for one in ids], after(hours=1))
    assert store.known(ids).keys() == set(ids)
    assert {state.name for state in store.known(ids).values()} == {"NUL\0"}
    deliver(store, "7")
    listed = listings.deliveries(engine)
    assert (len(listed), len(list(listed.newest_first()))) == (2400, 2400)
    engine.dispose()
    assert postgresql.sql("SELECT count(*) FROM deliveries WHERE state = 'delivered'", database=name) == [(1,)]
