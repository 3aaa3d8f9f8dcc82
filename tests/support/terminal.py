"""The commands as somebody at a terminal meets them."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from contextlib import suppress
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from daemon.cli.completion import VARIABLE
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


def proposed(database: Path, line: str) -> list[str]:
    """What a shell proposes at the end of the line, with what is said of it."""
    words = f"betterstack-signl4 {line}"
    environment = {VARIABLE: "zsh_complete", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split(" ")) - 1)}
    said = command(database, "", **environment)
    assert (said.exit_code, said.stderr) == (0, "")
    parts = said.stdout.splitlines()
    return [f"{parts[n + 1]} ({parts[n + 2]})" for n in range(0, len(parts) - 1, 3)]


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


def on_a_screen(database: Path, line: str, columns: int) -> str:
    """What a command shows on a real terminal of so many columns."""
    person, program = pty.openpty()
    fcntl.ioctl(program, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {"DATABASE__URL": f"sqlite:///{database}", "TERM": "xterm", "PYTHONPATH": str(ROOT)}
    process = warm.started(
        [sys.executable, "-m", "daemon", *line.split()], env=environment, cwd=ROOT, stdout=program, stderr=program
    )
    os.close(program)
    seen = b""
    with suppress(OSError):  # the end of a terminal is an error
        while part := os.read(person, 65536):
            seen += part
    os.close(person)
    assert process.wait(30) == 0
    return re.sub(r"\x1b\[[0-9;]*m", "", seen.decode())
