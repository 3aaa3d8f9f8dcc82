"""What a shell completes: commands, options, teams and ids."""

import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from daemon.model.monitor import MonitorKind
from daemon.model.silence import Silence
from daemon.storage import silences
from tests.support.each import each
from tests.support.outbox import NEW, deliver, kill, tell
from tests.support.paths import ROOT
from tests.support.store import Store
from tests.support.terminal import command, proposed
from tests.support.watched import standing, watched

SHELLS = ["bash", "zsh", "fish"]
CONFIG = '[betterstack]\ntoken = "t"\n[signl4]\nsecret = "s"\n[signl4.teams.database]\nsecret = "d"\n'


@pytest.fixture
def filled(database: Path, store: Store, engine: Engine) -> Path:
    for incident_id in ("101", "102", "201"):
        tell(store, incident_id, NEW, name=f"shop {incident_id}\x1b[2J")
    deliver(store, "102")
    kill(store, "201")
    now = datetime.now(UTC)
    silences.add(engine, Silence(0, {"name": "x"}, now, now + timedelta(hours=1), "new disks", "ada", now))
    watched(engine, standing("2345678"), standing("2345679"), standing("77", kind=MonitorKind.HEARTBEAT))
    return database


def values(database: Path, line: str) -> list[str]:
    return [one.partition(" ")[0] for one in proposed(database, line)]


LINES = [
    ("wa", ["watch"]),
    ("db ", ["backup", "copy", "restore", "upgrade"]),
    ("deliveries --state ", ["pending", "delivered", "superseded", "dead"]),
    ("watch --u", ["--utc"]),
    ("completion ", SHELLS),
    ("why 10", ["102", "101"]),
    ("deliveries --incident 2", ["201"]),
    ("retry ", ["3", "1"]),
    ("drop 3", ["3"]),
    ("silence expire ", ["1"]),
    ("why 9", []),
    ("monitors ", ["2345678", "2345679", "77"]),
    ("monitors 23", ["2345678", "2345679"]),
]


@each(("line", "found"), LINES)
def test_what_can_follow_is_proposed(filled: Path, line: str, found: list[str]) -> None:
    assert sorted(values(filled, line)) == sorted(found)


def test_beside_an_id_stands_what_it_is_on_one_line_that_steers_nothing(filled: Path) -> None:
    assert proposed(filled, "why 201") == ["201 (open: shop 201\N{REPLACEMENT CHARACTER}[2J)"]
    assert proposed(filled, "silence expire ") == ["1 (new disks)"]


def test_teams_are_those_of_the_configuration_file(filled: Path, tmp_path: Path) -> None:
    (tmp_path / "some.toml").write_text(CONFIG)
    assert values(filled, f"test-alert --config {tmp_path}/some.toml --team ") == ["default", "database"]
    assert values(filled, f"--config {tmp_path}/some.toml test-alert --team d") == ["default", "database"]
    assert values(filled, f"report --config {tmp_path}/some.toml --audit x --team ") == ["default", "database"]


def test_where_nothing_can_be_read_nothing_is_proposed_and_nothing_said(tmp_path: Path) -> None:
    for text in ("[[", 'signl4 = "x"\n', "[signl4]\nteams = 7\n"):
        (tmp_path / "some.toml").write_text(text)
        assert values(tmp_path / "none.db", f"--config {tmp_path}/some.toml test-alert --team ") in ([], ["default"])
    assert values(tmp_path / "none.db", "why ") == []
    (tmp_path / "bad.db").write_bytes(b"no database" * 1000)
    assert values(tmp_path / "bad.db", "retry ") == []


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_is_one_that_the_shell_understands(tmp_path: Path, shell: str) -> None:
    said = command(tmp_path / "state.db", f"completion {shell}")
    assert (said.exit_code, said.stderr) == (0, "")
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell} here")
    script = tmp_path / "script"
    script.write_text(said.stdout)
    subprocess.run([shell, "-n", str(script)], check=True)


def test_bash_completes_with_it(filled: Path, tmp_path: Path) -> None:
    program = tmp_path / "betterstack-signl4"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m daemon "$@"\n')
    program.chmod(0o755)
    script = command(filled, "completion bash").stdout
    ask = "COMP_WORDS=(betterstack-signl4 why 10) COMP_CWORD=2; _betterstack_signl4_completion betterstack-signl4"
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["bash", "--norc", "-c", f'{script}\n{ask}; printf "%s\\n" "${{COMPREPLY[@]}}"'],
        env=environment | {"DATABASE__URL": f"sqlite:///{filled}"},
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
    )
    assert (sorted(done.stdout.split()), done.stderr) == (["101", "102"], "")


def test_an_unknown_shell_is_named_with_those_there_are(tmp_path: Path) -> None:
    said = command(tmp_path / "state.db", "completion tcsh")
    assert said.exit_code == 2
    assert "'tcsh' is not one of 'bash', 'zsh', 'fish'" in said.stderr
