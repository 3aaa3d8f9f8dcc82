"""The installed command: which commands run as the service, and as which."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from daemon.config.settings import SECTIONS, SOURCES
from tests.support.each import each
from tests.support.paths import ROOT

ECHO = '#!/bin/sh\nshift 2\n[ "$1" = daemon.host.as_service ] || [ "$1" = daemon ] || exit 9\nprintf "%s\\n" "$@"\n'
PLAIN, TEAM = "betterstack-signl4.service", "betterstack-signl4@ops.service"
AS_SERVICE = {
    ("check",): PLAIN,
    ("check", "--online"): PLAIN,
    ("test-alert",): PLAIN,
    ("once",): PLAIN,
    ("run", "--dry-run"): PLAIN,
    ("reconcile", "--repair"): PLAIN,
    ("--config", "ETC/ops.toml", "run", "--json", "--dry-run"): TEAM,
    ("import-webhook", "--from-better-stack"): PLAIN,
    ("--config", "ETC/ops.toml", "import-webhook", "--from-better-stack"): TEAM,
    ("check", "--template", "new", "--incident", "-"): PLAIN,
    ("--config", "ETC/ops.toml", "once"): TEAM,
    ("--config=ETC/ops.toml", "check"): TEAM,
    ("check", "--config", "ETC/ops.toml"): TEAM,
    ("check", "--config=ETC/ops.toml", "--online"): TEAM,
    ("--config", "ETC/config.toml", "check"): PLAIN,
}
IN_THE_SHELL = [
    (),
    ("--help",),
    ("check", "--help"),
    ("-h", "check"),
    ("--version",),
    ("status",),
    ("run",),
    ("run", "--dry-run", "--help"),
    ("import-webhook", "body.json"),
    ("import-webhook", "--template", "new", "-"),
    ("import-webhook", "--from-better-stack", "--help"),
    ("deliveries", "--incident", "check"),
    ("--config", "check", "status"),
    ("--config", "/elsewhere/config.toml", "check"),
    ("--config", "ETC/deeper/config.toml", "check"),
    ("--config", "ETC/config", "check"),
]


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    for name in ("etc", "etc/deeper", "opt"):
        (tmp_path / name).mkdir()
    return tmp_path / "etc"


def called(
    etc: Path, *arguments: str, cwd: Path | None = None, uid: int = 0, environ: Mapping[str, str] | None = None
) -> tuple[list[str], str]:
    """What the wrapper executes, and what it says."""
    python = etc.parent / "opt" / "python"
    python.write_text(ECHO)
    python.chmod(0o755)
    (etc.parent / "opt" / "id").write_text(f"#!/bin/sh\necho {uid}\n")
    (etc.parent / "opt" / "id").chmod(0o755)
    text = (ROOT / "systemd" / "betterstack-signl4").read_text()
    for place, own in (
        ("/opt/betterstack-signl4/bin/python", python),
        ("/etc/betterstack-signl4", etc),
        ("/run/systemd/system", etc),
    ):
        assert place in text
        text = text.replace(place, str(own))
    words = [word.replace("ETC", str(etc)) for word in arguments]
    done = subprocess.run(
        ["sh", "-c", text, "betterstack-signl4", *words],
        cwd=cwd,
        env={"PATH": f"{etc.parent}/opt:{os.environ['PATH']}", **(environ or {})},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines(), done.stderr


def as_service(etc: Path, unit: str, *arguments: str) -> list[str]:
    words = [word.replace("ETC", str(etc)) for word in arguments]
    return ["daemon.host.as_service", unit, f"{etc.parent}/opt/python", "-I", "-m", "daemon", *words]


@each("arguments", AS_SERVICE)
def test_what_needs_the_secrets_runs_as_the_service(etc: Path, arguments: tuple[str, ...]) -> None:
    assert called(etc, *arguments) == (as_service(etc, AS_SERVICE[arguments], *arguments), "")


@each("arguments", IN_THE_SHELL)
def test_all_else_runs_in_the_shell(etc: Path, arguments: tuple[str, ...]) -> None:
    words = [word.replace("ETC", str(etc)) for word in arguments]
    assert called(etc, *arguments) == (["daemon", *words], "")


def test_a_path_counts_from_where_the_command_is_called(etc: Path) -> None:
    expected = as_service(etc, TEAM, "check", "--config", "ETC/ops.toml")
    assert called(etc, "check", "--config", "ops.toml", cwd=etc)[0] == expected
    assert called(etc, "check", "--config", "../ops.toml", cwd=etc / "deeper")[0] == expected
    assert called(etc, "check", "--config", "ops.toml", cwd=etc / "deeper")[0] == [
        "daemon",
        "check",
        "--config",
        "ops.toml",
    ]


def test_the_words_arrive_as_they_are(etc: Path) -> None:
    odd = ("check", "a b", "$HOME", "*", "", "--x=y z")
    assert called(etc, *odd)[0] == as_service(etc, PLAIN, *odd)


def test_the_variable_that_names_the_file_counts(etc: Path) -> None:
    ops = f"{etc}/ops.toml"
    assert called(etc, "check", environ={"BETTERSTACK_SIGNL4_CONFIG": ops})[0] == as_service(etc, TEAM, "check")
    assert called(etc, "check", environ={"BETTERSTACK_SIGNL4_CONFIG": "/x/ops.toml"}) == (["daemon", "check"], "")


@each("variable", ["CREDENTIALS_DIRECTORY", "BETTERSTACK__TOKEN", "poll__interval", "LOG__LEVEL"])
def test_settings_of_the_shell_count_as_ever_and_that_is_said(etc: Path, variable: str) -> None:
    done, said = called(etc, "check", environ={variable: "x"})
    assert done == ["daemon", "check"]
    assert said == f"betterstack-signl4: with the settings of this shell, not with those of {PLAIN}\n"


def test_a_setting_of_any_section_is_one_of_the_shell(etc: Path) -> None:
    for section in (*SECTIONS, SOURCES):
        assert called(etc, "check", environ={f"{section.upper()}__KEY": "x"})[0] == ["daemon", "check"], section


def test_a_user_who_may_not_is_told(etc: Path) -> None:
    done, said = called(etc, "check", uid=1000)
    assert done == ["daemon", "check"]
    assert said == f"betterstack-signl4: as root, this runs with the secrets of {PLAIN}; here it does not\n"
    assert called(etc, "status", uid=1000)[1] == ""
