"""The commands as somebody at a terminal meets them."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from daemon.cli.main import main
from tests.support import warm
from tests.support.canary import leaked
from tests.support.paths import ROOT
from tests.support.read_here import read_here

SECRETS = {"BETTERSTACK__TOKEN": "a-token-of-better-stack", "SIGNL4__SECRET": "96sbq49u"}


def command(database: Path, line: str, *more: str, encoding: str = "utf-8", **environment: str) -> Result:
    """Runs one command on this database, in this process, without secrets. `more` are arguments as they are."""
    environment = {"DATABASE__URL": f"sqlite:///{database}", **environment}
    with read_here():
        said = CliRunner(encoding).invoke(main, [*line.split(), *more], env=environment)
    assert leaked(said.output) == []
    return said


def process(database: Path, line: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Runs one command in a process of its own, with secrets."""
    whole: dict[str, Any] = {**os.environ, **SECRETS, "DATABASE__URL": f"sqlite:///{database}", **environment}
    command = [sys.executable, "-m", "daemon", *line.split()]
    return warm.run(command, env=whole, cwd=ROOT, timeout=30)


def assert_sentence(said: str, *parts: str) -> None:
    """One sentence for the operator, and nothing that looks like a fault of ours."""
    assert "Traceback" not in said
    assert said.endswith("\n")
    assert said.count("\n") == 1
    for part in parts:
        assert part in said
