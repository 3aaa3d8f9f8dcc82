"""A state that is copied from one database to another: whole, compared, and only while nothing runs."""

import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.engine import Engine

from daemon.model.errors import AnotherInstanceError, DatabaseBusyError, DatabaseUnusableError
from daemon.storage import queries
from daemon.storage.copy import copy
from daemon.storage.create import create
from daemon.storage.engine import existing, transaction, writer
from daemon.storage.instance import holder, locked
from daemon.storage.lease import Contender
from daemon.storage.place import for_libpq, is_postgresql
from daemon.storage.revision import REVISIONS, revision_of
from tests.support.each import each
from tests.support.engines import engine_at, engine_on
from tests.support.filled import ROWS, fill
from tests.support.outbox import NEW, tell
from tests.support.pgbouncer import Pooler
from tests.support.postgresql import Server
from tests.support.store import Store

LEASE = 30.0


@pytest.fixture
def source(database: Path) -> str:
    """The URL of a file in which every table is filled."""
    engine = engine_on(database)
    fill(engine)
    engine.dispose()
    return f"sqlite:///{database}"


@pytest.fixture
def target(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/copy.db"


@pytest.fixture
def filled_url(source: str, bare_url: str) -> str:
    """The URL of a database on a server in which every table is filled."""
    copy(source, bare_url)
    return bare_url


def dump(url: str) -> list[str]:
    """All that is in a file, in an order of its own."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        return sorted(connection.iterdump())


def change(url: str, statement: str) -> None:
    """Changes something by hand."""
    if is_postgresql(url):
        with psycopg.connect(for_libpq(url), autocommit=True) as session:
            session.execute(statement.encode())
    else:
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection, connection:
            connection.execute(statement)


def next_id(url: str) -> int:
    """The number that a new delivery gets."""
    engine = engine_at(url) if is_postgresql(url) else existing(url)
    assert engine is not None
    values = "'default', 99, 'new', 'pending', '', '', '{}', 0, first_seen_at, first_seen_at, first_seen_at"
    statement = (
        "INSERT INTO deliveries (incident_id, destination, generation, kind, state, reason, external_id, payload, "
        f"attempts, occurred_at, created_at, due_at) SELECT id, {values} FROM incidents LIMIT 1 RETURNING id"
    )
    with transaction(engine, writes=True) as connection:
        found: int = connection.execute(text(statement)).scalar_one()
    engine.dispose()
    return found


# -- all of it --------------------------------------------------------------------------------------------------------


def test_a_server_knows_at_once_how_much_there_is(filled_url: str) -> None:
    with psycopg.connect(for_libpq(filled_url)) as session:
        (rows,) = session.execute("SELECT reltuples FROM pg_class WHERE relname = 'incidents'").fetchone() or (None,)
    assert rows == ROWS


def test_there_and_back_everything_is_the_same(source: str, bare_url: str, target: str) -> None:
    before = dump(source)
    there, back = copy(source, bare_url), copy(bare_url, target)
    assert there == back
    assert all(there.values()), "every table has rows"
    assert dump(target) == before == dump(source)


def test_from_file_to_file_everything_is_the_same(source: str, target: str) -> None:
    copy(source, target)
    assert dump(target) == dump(source)


def test_from_server_to_server_everything_is_the_same(filled_url: str, postgresql: Server, target: str) -> None:
    other = postgresql.create("copied")
    try:
        assert copy(filled_url, other) == copy(other, target)
    finally:
        postgresql.drop("copied")


def test_through_a_pooler_everything_is_the_same(
    source: str, postgresql: Server, pgbouncer: Pooler, target: str
) -> None:
    postgresql.create("pooled")
    try:
        copy(source, pgbouncer.url("pooled"))
        copy(pgbouncer.url("pooled"), target)
        assert dump(target) == dump(source)
    finally:
        postgresql.drop("pooled")


def test_what_goes_on_there_is_what_would_have_gone_on_here(file_engine: Engine, bare_url: str) -> None:
    tell(Store(file_engine), "1", NEW)
    source = str(file_engine.url)
    file_engine.dispose()
    copy(source, bare_url)
    engine = writer(bare_url, "read")
    assert queries.snapshot(engine) == queries.snapshot(file_engine)
    record(bare_url, "2")
    assert queries.snapshot(engine).pending_deliveries == 2


@each("first", [1, 501, 2**40])
def test_no_number_is_given_twice(source: str, bare_url: str, target: str, first: int) -> None:
    """The highest delivery was deleted: its id may be in a log, or with somebody who looks at a list."""
    change(source, f"UPDATE sqlite_sequence SET seq = {ROWS + first} WHERE name = 'deliveries'")
    copy(source, bare_url)
    copy(bare_url, target)
    assert next_id(target) == ROWS + first + 1
    assert next_id(bare_url) == ROWS + first + 1
    change(bare_url, "DROP SCHEMA public CASCADE")
    change(bare_url, "CREATE SCHEMA public")
    Path(target.removeprefix("sqlite:///")).unlink()


def test_the_order_in_which_incidents_were_recorded_is_kept(source: str, bare_url: str) -> None:
    def order(engine: Engine) -> list[str]:
        with transaction(engine, writes=False) as connection:
            return list(connection.execute(text("SELECT id FROM incidents ORDER BY rowid")).scalars())

    change(source, "UPDATE incidents SET rowid = 1000 - rowid")
    file = writer(source, "read")
    before = [one.replace("\ufdd0", "\ufdd01").replace("\0", "\ufdd00") for one in order(file)]
    file.dispose()
    copy(source, bare_url)
    assert order(writer(bare_url, "read")) == before


def test_thousands_of_rows_are_copied_in_parts_and_people_see_how_far_it_is(source: str, bare_url: str) -> None:
    change(
        source,
        "INSERT INTO history (incident_id, generation, at, what, why) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL "
        "SELECT i + 1 FROM n WHERE i < 2500) SELECT (SELECT id FROM incidents LIMIT 1), i, "
        "'2026-11-23 09:30:00.000000', 'seen', 'x' FROM n",
    )
    seen: list[tuple[str, float | None]] = []
    counts = copy(source, bare_url, lambda doing, done: seen.append((doing, done)))
    assert counts["history"] == ROWS - 1 + 2500
    for doing in ("copying", "comparing"):
        parts = [done for what, done in seen if what == doing and done is not None]
        assert parts == sorted(parts)
        assert len(parts) > 5
        assert parts[-1] == 1.0


# -- what stands in the way ------------------------------------------------------------------------------------------


def test_nothing_is_copied_to_where_something_is(source: str, filled_url: str) -> None:
    change(filled_url, "DELETE FROM page_proofs")
    for target in (filled_url, source):
        with pytest.raises(DatabaseUnusableError, match=r"holds a state \(rows in .*name another one$"):
            copy(filled_url, target)


def test_a_database_in_which_nothing_is_recorded_yet_is_a_target(source: str, server_url: str, target: str) -> None:
    copy(source, server_url)
    copy(server_url, target)
    assert dump(target) == dump(source)


def test_one_that_has_polled_is_none(source: str, server_url: str) -> None:
    change(server_url, "UPDATE progress SET last_complete_round_at = '2026-11-23 09:30:00'")
    with pytest.raises(DatabaseUnusableError, match="holds the state of a daemon that polled at 2026-11-23 09:30:00"):
        copy(source, server_url)


@each("made", [False, True])
def test_there_is_nothing_to_copy_from_where_nothing_is(made: bool, bare_url: str, target: str) -> None:
    if made:
        create(bare_url)
    with pytest.raises(DatabaseUnusableError, match="so there is nothing to copy"):
        copy(bare_url, target)
    assert not Path(target.removeprefix("sqlite:///")).exists()


@each("which", ["source", "target"])
def test_another_schema_is_brought_up_to_date_first(source: str, server_url: str, which: str) -> None:
    older = source if which == "source" else server_url
    change(older, f"UPDATE alembic_version SET version_num = '{REVISIONS[0]}'")
    with pytest.raises(DatabaseUnusableError, match=r"older version; run first: DATABASE__URL='.*' .* db upgrade"):
        copy(source, server_url)
    change(older, f"UPDATE alembic_version SET version_num = '{REVISIONS[-1]}'")


def test_a_daemon_that_works_on_the_file_is_in_the_way(source: str, bare_url: str) -> None:
    with locked(source), pytest.raises(AnotherInstanceError):
        copy(source, bare_url)
    assert revision_of(bare_url) is None


@pytest.fixture
def made_url(bare_url: str) -> str:
    """The URL of a database on a server in which nothing is recorded; and which no other test takes a lease of."""
    create(bare_url)
    return bare_url


def record(url: str, incident_id: str) -> None:
    """As a daemon or a command does."""
    engine = engine_at(url)
    try:
        tell(Store(engine), incident_id, NEW)
    finally:
        engine.dispose()


@pytest.mark.parametrize("which", ["source", "target"])
def test_a_daemon_that_works_on_the_server_is_in_the_way(source: str, made_url: str, target: str, which: str) -> None:
    if which == "source":
        record(made_url, "1")
    with closing(Contender(made_url, LEASE)) as contender:
        contender.look()
        term = contender.take_over()
        assert term is not None
        with pytest.raises(AnotherInstanceError, match=r"^process \d+ on \S+ works on .*; stop it first"):
            copy(*((made_url, target) if which == "source" else (source, made_url)))
        term.give_back()
        term.close()


@pytest.mark.parametrize("which", ["source", "target"])
def test_no_daemon_can_begin_and_no_command_write_meanwhile(
    source: str, made_url: str, target: str, which: str
) -> None:
    met: list[str] = []
    if which == "source":
        copy(source, made_url)
    file = target if which == "source" else source
    with closing(Contender(made_url, LEASE)) as contender:
        contender.look()

        def meanwhile(doing: str, done: float | None) -> None:
            if doing == "comparing" and done == 1.0:
                with pytest.raises(DatabaseBusyError):
                    contender.take_over()
                with pytest.raises(DatabaseBusyError):
                    record(made_url, "1")
                with pytest.raises(AnotherInstanceError), locked(file):
                    pass
                assert holder(made_url) is None
                met.append(doing)

        copy(*((made_url, file) if which == "source" else (file, made_url)), meanwhile)
        assert met == ["comparing"]
        term = contender.take_over()
        assert term is not None
        term.close()


# -- whole or none ----------------------------------------------------------------------------------------------------


class GoneError(Exception):
    """The process ends here."""


@each("moment", [("copying", 0.3), ("copying", 1.0), ("comparing", 0.5), ("comparing", 1.0), ("writing", 0)])
@each("kind", ["file", "server"])
def test_whenever_it_ends_the_target_has_no_state(
    source: str, target: str, bare_url: str, moment: tuple[str, float], kind: str
) -> None:
    def ends(doing: str, done: float | None) -> None:
        if doing.startswith(moment[0]) and (done or 0) >= moment[1]:
            raise GoneError

    url, before = target if kind == "file" else bare_url, dump(source)
    with pytest.raises(GoneError):
        copy(source, url, ends)
    assert revision_of(url) is None
    assert dump(source) == before
    assert holder(source) is None


def test_a_row_that_came_out_different_is_named_and_nothing_is_kept(source: str, bare_url: str) -> None:
    """By a trigger, as a database may have for reasons of its own."""
    spoil = (
        "CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.why = 'other'; RETURN NEW; END $$;"
        "CREATE TRIGGER spoil BEFORE INSERT ON unreadable FOR EACH ROW EXECUTE FUNCTION spoil()"
    )
    create(bare_url)
    change(bare_url, spoil)
    with pytest.raises(
        DatabaseUnusableError, match=r"^the copy differs, and was not kept: unreadable \(.* id .*\) is another one "
    ):
        copy(source, bare_url)
    change(bare_url, "DROP TRIGGER spoil ON unreadable")
    copy(source, bare_url)


def test_a_row_that_did_not_arrive_is_noticed(source: str, bare_url: str) -> None:
    create(bare_url)
    change(bare_url, "CREATE RULE lost AS ON INSERT TO unreadable WHERE NEW.id LIKE '%7' DO INSTEAD NOTHING")
    with pytest.raises(DatabaseUnusableError, match=r"unreadable has 12 rows, and 11 in the copy"):
        copy(source, bare_url)


POISON = {
    "UPDATE incidents SET told = 7 WHERE generation = 3": r"incidents \(id .*\) has '7' as told, where 0 or 1 belongs",
    "UPDATE incidents SET changed_at = '2026-11-23' WHERE generation = 3": (
        r"has '2026-11-23' as changed_at, where a time like 2026-11-23 09:30:00.000000 belongs"
    ),
    "UPDATE incidents SET changed_at = 5 WHERE generation = 3": "has '5' as changed_at, where a time like",
    "UPDATE deliveries SET attempts = 'many' WHERE generation = 3": "has 'many' as attempts, where a whole number",
    "UPDATE history SET seconds = 'long' WHERE id = 3": "has 'long' as seconds, where a number belongs",
    "UPDATE incidents SET name = x'00ff' WHERE generation = 3": "as name, where a text belongs",
    "UPDATE deliveries SET payload = char(34, 0, 34) WHERE generation = 3": "has the character NUL in payload, which ",
}
"""What only somebody else than this program writes."""


@each(("statement", "sentence"), POISON.items())
def test_a_value_that_the_other_cannot_hold_is_named(
    source: str, bare_url: str, statement: str, sentence: str, tmp_path: Path
) -> None:
    file = tmp_path / "poisoned.db"
    file.write_bytes(Path(source.removeprefix("sqlite:///")).read_bytes())
    change(f"sqlite:///{file}", statement)
    with pytest.raises(DatabaseUnusableError, match=sentence) as refused:
        copy(f"sqlite:///{file}", bare_url)
    assert "copy again" in str(refused.value)
    assert revision_of(bare_url) is None
    file.unlink()


def test_a_row_that_a_constraint_refuses_is_named(source: str, bare_url: str) -> None:
    change(
        source, "INSERT INTO history VALUES (77, 'no such incident', 1, NULL, '2026-11-23 09:30:00.000000', '', '', 1)"
    )
    with pytest.raises(
        DatabaseUnusableError, match=r"a row between history .* cannot be written: .*fk_history_incident"
    ):
        copy(source, bare_url)


def test_a_server_that_goes_away_in_the_middle_leaves_the_source_as_it_was(source: str) -> None:
    with Server() as server:
        url, before = server.create("moved"), dump(source)

        def dies(doing: str, done: float | None) -> None:
            if doing == "comparing" and done == 1.0:
                server.stop("immediate")

        with pytest.raises(DatabaseBusyError):
            copy(source, url, dies)
        server.start()
        assert revision_of(url) is None
        assert dump(source) == before
        assert copy(source, url)
