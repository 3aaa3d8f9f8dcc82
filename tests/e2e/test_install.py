"""The wheel carries all that the program needs, and a later release takes over the database of an earlier one."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from daemon.storage.revision import REVISIONS
from tests.support.outbox import dump
from tests.support.paths import ROOT

ENTRY = "from daemon.cli.main import main; main(prog_name='betterstack-signl4')"
"""What the installed command does."""


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with what the wheel holds, as an installer would unpack it."""
    built, site = tmp_path_factory.mktemp("built"), tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(built)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=60)
    (wheel,) = built.iterdir()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return site


def command(site: Path, directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The installed command, run from `directory`: like any console script without that directory on its path."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(site)}
    return subprocess.run(
        [sys.executable, "-P", "-c", ENTRY, *arguments],
        cwd=directory,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_wheel_holds_every_module_and_every_migration_of_the_checkout(installed: Path) -> None:
    def sources(directory: Path) -> set[Path]:
        return {file.relative_to(directory) for kind in ("*.py", "*.mako") for file in directory.rglob(kind)}

    migrations = {Path("migrations") / file for file in sources(ROOT / "migrations")}
    assert len(migrations) >= 3
    assert sources(installed / "daemon") == sources(ROOT / "daemon") | migrations
    assert {path.name for path in installed.iterdir() if not path.name.endswith(".dist-info")} == {"daemon"}


def test_the_wheel_names_the_command(installed: Path) -> None:
    (names,) = installed.glob("*.dist-info/entry_points.txt")
    assert "betterstack-signl4 = daemon.__main__:start" in names.read_text()


def test_an_installed_program_makes_and_reads_its_database(installed: Path, tmp_path: Path, database: Path) -> None:
    directory = tmp_path / "somewhere else"
    directory.mkdir()
    for done in ("was brought", "is"):
        made = command(installed, directory, "db", "upgrade")
        assert (made.returncode, made.stdout, made.stderr) == (0, f"{directory}/state.db {done} up to date\n", "")
    assert sorted(dump(directory / "state.db")) == sorted(dump(database))
    assert command(installed, directory, "deliveries").stdout == "none\n"


def test_python_dash_m_works_from_an_installed_wheel_as_well(installed: Path, tmp_path: Path) -> None:
    made = subprocess.run(
        [sys.executable, "-m", "daemon", "db", "upgrade"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(installed)},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (made.returncode, made.stdout) == (0, f"{tmp_path}/state.db was brought up to date\n")


def test_a_stranger_in_the_working_directory_is_never_run(installed: Path, tmp_path: Path) -> None:
    for stranger in ("daemon", "alembic", "sqlalchemy", "logging"):
        (tmp_path / f"{stranger}.py").write_text("open('it was run', 'w').close()\n")
    made = command(installed, tmp_path, "db", "upgrade")
    assert (made.returncode, made.stderr) == (0, "")
    assert not (tmp_path / "it was run").exists()


# -- a later release --------------------------------------------------------------------------------------------------

LATER = f'''
"""A later release adds a column."""

import sqlalchemy as sa
from alembic import op

revision = "9000"
down_revision = "{REVISIONS[-1]}"


def upgrade() -> None:
    op.add_column("incidents", sa.Column("severity", sa.String()))
    op.execute("UPDATE progress SET last_round_error = 'migrated'")
'''


@pytest.fixture
def later(installed: Path, tmp_path: Path) -> Path:
    """The program as a later release might be."""
    site = tmp_path / "later release"
    shutil.copytree(installed, site)
    (site / "daemon" / "migrations" / "versions" / "9000_severity.py").write_text(LATER)
    return site


def test_an_older_database_is_named_as_such_until_it_is_upgraded(later: Path, database: Path) -> None:
    directory, before = database.parent, dump(database)
    asked = command(later, directory, "deliveries")
    assert asked.returncode == 78
    assert asked.stderr == f"{database} is of an older version; run: betterstack-signl4 db upgrade\n"
    assert dump(database) == before
    upgraded = command(later, directory, "db", "upgrade")
    assert (upgraded.returncode, upgraded.stderr) == (0, "")
    assert any("migrated" in line for line in dump(database))
    assert command(later, directory, "incidents").stdout == "none\n"


def test_an_earlier_release_refuses_the_database_of_a_later_one(installed: Path, later: Path, database: Path) -> None:
    assert command(later, database.parent, "db", "upgrade").returncode == 0
    before = database.read_bytes()
    for name in ("status", "db upgrade"):
        refused = command(installed, database.parent, *name.split())
        assert refused.returncode == 78
        assert f"was written by a newer version (schema 9000, known here up to {REVISIONS[-1]})" in refused.stderr
    assert database.read_bytes() == before


@pytest.mark.parametrize("fault", ["raise ValueError('a fault of ours')", "op.execute('SELEKT')"])
def test_a_migration_that_fails_half_way_leaves_the_file_as_it_was(later: Path, database: Path, fault: str) -> None:
    (script,) = (later / "daemon" / "migrations" / "versions").glob("9000*")
    script.write_text(f"{LATER}    {fault}\n")
    before = dump(database)
    failed = command(later, database.parent, "db", "upgrade")
    assert failed.returncode == 78
    assert failed.stderr.startswith(f"{database} cannot be brought up to date: ")
    assert dump(database) == before
