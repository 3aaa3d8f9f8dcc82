"""What cannot work at the start is said in a sentence and ends with 78, so that systemd does not try it again."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import warm
from tests.support.each import each
from tests.support.earlier import left_by
from tests.support.namespace import needs_mounts, program_apart
from tests.support.paths import ROOT

SECRETS = {
    "BETTERSTACK__TOKEN": "a-token",
    "SIGNL4__SECRET": "a-secret",
    "BETTERSTACK__BASE_URL": "http://127.0.0.1:1",
    "SIGNL4__BASE_URL": "http://127.0.0.1:1",
    "PYTHONDONTWRITEBYTECODE": "1",
}
SCRIPT = """
disk=$1 database=$2
mount -t tmpfs -o size=4m tmpfs "$disk"
mkdir "$disk/state" "$disk/tmp"
[ -z "$database" ] || cp "$database" "$disk/state/state.db"
%s
"""


@dataclass(frozen=True)
class Case:
    """A machine on which the program cannot start."""

    script: str
    says: str


FILL = 'dd if=/dev/zero of="$disk/filling" bs=4k 2>/dev/null || :'
CASES = {
    "one full disk for all": Case(FILL, "full"),
    "nothing can be written anywhere": Case('mount -o remount,ro "$disk"', "cannot be"),
}


@needs_mounts
@pytest.mark.parametrize("held", ["no database", "a database"])
@pytest.mark.parametrize("case", CASES)
def test_what_cannot_work_is_a_sentence_and_78(tmp_path: Path, empty_database: bytes, case: str, held: str) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "empty.db").write_bytes(empty_database)
    database = tmp_path / "empty.db" if held == "a database" else ""
    disk = tmp_path / "disk"
    whole = {**SECRETS, "TMPDIR": str(disk / "tmp")}
    said = program_apart(
        "run", SCRIPT % CASES[case].script, disk, database, directory=disk / "state", environment=whole
    )
    assert "Traceback" not in said.stderr, said.stderr
    assert (said.returncode, CASES[case].says in said.stderr) == (78, True), said.stderr
    assert str(tmp_path / "disk") in said.stderr.splitlines()[-1]


@each("held", ["no database", "a database"])
@each("descriptors", [9, 14])
def test_with_too_few_descriptors_nothing_is_said_but_sentences(
    tmp_path_factory: pytest.TempPathFactory, empty_database: bytes, descriptors: int, held: str
) -> None:
    directory = tmp_path_factory.mktemp("few")
    if held == "a database":
        (directory / "state.db").write_bytes(empty_database)
    script = f'ulimit -n {descriptors}; exec "$0" -m daemon once'
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **SECRETS}
    said = subprocess.run(
        ["sh", "-c", script, sys.executable],
        cwd=directory,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    assert "Traceback" not in said.stderr, said.stderr
    assert said.returncode == 78 or (said.returncode == 1 and "round failed" in said.stderr), said.stderr


REFUSES = "CREATE TRIGGER refuses BEFORE UPDATE OF duty ON progress BEGIN SELECT RAISE(ABORT, 'no room'); END"


def test_what_fails_after_the_first_write_ends_it_too(tmp_path: Path, empty_database: bytes) -> None:
    (tmp_path / "state.db").write_bytes(empty_database)
    with closing(sqlite3.connect(tmp_path / "state.db")) as connection:
        connection.execute(REFUSES)
    environment = {"PATH": os.environ["PATH"], **SECRETS}
    said = warm.run([sys.executable, "-m", "daemon", "run"], env=environment, cwd=tmp_path, timeout=60)
    assert (said.returncode, f"{tmp_path}/state.db: the database cannot be written now" in said.stderr) == (78, True)


NO_TEMPORARY_FOLDER = """
import sys, tempfile
tempfile.tempdir = "/nowhere"
from daemon.storage.upgrade import upgrade
print(upgrade(f"sqlite:///{sys.argv[1]}"))
"""


def test_no_temporary_folder_is_needed(tmp_path: Path) -> None:
    # What is new is made without a migration.
    command = [sys.executable, "-c", NO_TEMPORARY_FOLDER, str(left_by("0002", tmp_path / "state.db"))]
    said = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert (said.returncode, said.stdout, said.stderr) == (0, "True\n", "")
