"""The migrations and the tables say the same, and every migration is whole or not at all."""

import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import NullPool, create_engine

from daemon.model.delivery import DeliveryState
from daemon.model.incident import Kind, Phase
from daemon.storage.revision import MIGRATIONS, REVISIONS, revision_of
from daemon.storage.schema import METADATA
from tests.support.earlier import contents
from tests.support.paths import ROOT


@pytest.fixture
def migrated(tmp_path: Path) -> Path:
    """A database that went through all migrations. A new one is made at once, by `create`."""
    file = tmp_path / "migrated.db"
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("sqlalchemy.url", f"sqlite:///{file}")
    command.upgrade(config, "head")
    return file


def schema(file: str) -> dict[tuple[str, str], set[str]]:
    """Each table and index, as the set of its columns and constraints: an added column comes behind them."""
    with closing(sqlite3.connect(file)) as connection:
        made = connection.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    return {
        (kind, name): {part.strip() for part in re.split(r",(?![^(]*\))", _inside(re.sub(r"\s+", " ", sql)))}
        for kind, name, sql in made
        if not name.startswith(("sqlite_", "alembic_"))
    }


def _inside(sql: str) -> str:
    """What stands between the outer parentheses of a table; an index as it is."""
    return sql.partition("(")[2].rpartition(")")[0] if sql.startswith("CREATE TABLE") else sql


def test_alembic_finds_nothing_to_migrate(migrated: Path) -> None:
    with create_engine(f"sqlite:///{migrated}", poolclass=NullPool).connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_every_column_constraint_and_index_is_the_same(database: Path, migrated: Path) -> None:
    made = schema(str(database))
    assert made == schema(str(migrated))
    assert {name for kind, name in made if kind == "table"} == set(METADATA.tables)
    assert {name for kind, name in made if kind == "index"} == {
        "ix_incidents_open",
        "ix_incidents_doubted",
        "ix_deliveries_pending",
        "ix_deliveries_attempted",
        "ix_deliveries_dead",
        "ix_deliveries_failing",
        "ix_incidents_changed",
        "ix_incidents_gone",
        "ix_incidents_source",
        "ix_silences_ends_at",
        "ix_history_incident_id",
        "ix_alerts_incident_id",
        "ix_page_proofs_due_at",
        "ix_page_proofs_incident_id",
        "ix_page_proofs_unpaged",
        "ix_monitor_changes_kind",
        "ix_monitor_changes_seen_at",
    }


def test_the_columns_come_in_the_same_order(database: Path, migrated: Path) -> None:
    for table in METADATA.tables:
        orders = []
        for file in (database, migrated):
            with closing(sqlite3.connect(file)) as connection:
                orders.append(connection.execute(f"SELECT * FROM pragma_table_info('{table}')").fetchall())
        assert orders[0] == orders[1]


def test_the_rows_of_a_new_database_are_the_same(database: Path, migrated: Path) -> None:
    for table in ("alembic_version", *METADATA.tables):
        assert contents(database, table) == contents(migrated, table), table


def test_the_known_revisions_are_those_of_the_scripts_in_their_order() -> None:
    scripts = ScriptDirectory(str(MIGRATIONS))
    assert scripts.get_heads() == [REVISIONS[-1]]
    assert [script.revision for script in reversed(list(scripts.walk_revisions()))] == REVISIONS


def test_a_new_database_and_one_that_was_migrated_are_at_the_newest_revision(database: Path, migrated: Path) -> None:
    assert [revision_of(f"sqlite:///{file}") for file in (database, migrated)] == [REVISIONS[-1]] * 2


def test_the_single_rows_exist_from_the_start(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:
        [progress] = connection.execute("SELECT * FROM progress").fetchall()
        assert (progress[:2], set(progress[2:])) == (("", 1), {None, 0})
        destinations = connection.execute("SELECT * FROM destinations").fetchall()
        assert connection.execute("SELECT * FROM accounts").fetchall() == []
        [two_way] = connection.execute("SELECT * FROM two_way").fetchall()
    assert destinations == [("default", None, None, None, None, "", "[]", "[]", None, 0, 1, None, None, None)]
    assert two_way == (1, None, None, None, None, None, None, None, "[]")


@pytest.mark.parametrize(("column", "words"), [("phase", Phase), ("kind", Kind), ("state", DeliveryState)])
def test_each_word_the_program_knows_is_one_the_database_takes(database: Path, column: str, words: type[Phase]) -> None:
    table = "incidents" if column == "phase" else "deliveries"
    with closing(sqlite3.connect(database)) as connection:
        (sql,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", [table]).fetchone()
    match = re.search(rf"{column} IN \(([^)]*)\)", sql)
    assert match is not None
    assert re.findall(r"'(\w+)'", match[1]) == [str(word) for word in words]


LOADED = """
import sys
import daemon.runtime.jobs, daemon.runtime.poll_loop, daemon.storage.alerts, daemon.storage.drift
import daemon.storage.monitors, daemon.storage.report
from daemon.runtime.shared import opened
with opened(sys.argv[1]) as guard:
    pass
print([name for name in sys.modules if name.startswith(("psycopg", "sqlalchemy.dialects.postgresql"))])
"""


def test_who_has_a_file_loads_nothing_of_a_server(tmp_path: Path) -> None:
    """It would take megabytes of resident memory."""
    command = [sys.executable, "-c", LOADED, f"sqlite:///{tmp_path / 'state.db'}"]
    assert subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout == "[]\n"
