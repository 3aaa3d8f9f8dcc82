"""A process of its own reads the configuration, and hands over what `load` would give."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from daemon.config import reading
from daemon.config.load import load
from daemon.config.reading import How, Reading, read
from daemon.model.errors import ConfigError, DaemonError
from tests.support.each import each
from tests.support.paths import ROOT

SECRETS = {"BETTERSTACK__TOKEN": "the-token", "SIGNL4__SECRET": "the-secret"}
WHOLE = """
[poll]
interval = "7m"
[http]
proxy = "http://proxy.example.com:3128"
[heartbeat]
urls = ["https://one.example.com/beat", "https://two.example.com/beat"]
[payload]
new = {Title = "$NAME", Tags = [1, 2.5, true, "é"]}
"""
GIVEN: dict[str, tuple[str, dict[str, str], How]] = {
    "everything": (WHOLE, SECRETS, "whole"),
    "nothing but the secrets": ("", SECRETS, "whole"),
    "a variable": (WHOLE, {**SECRETS, "POLL__INTERVAL": "11s"}, "whole"),
    "no secrets": (WHOLE, {}, "offline"),
}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


@pytest.fixture
def environ() -> dict[str, str]:
    """The variables of this process, without any that are settings."""
    return {name: value for name, value in os.environ.items() if "__" not in name}


@each("what", GIVEN)
def test_it_hands_over_what_was_read(config: Path, environ: dict[str, str], what: str) -> None:
    text, variables, how = GIVEN[what]
    config.write_text(text)
    environ |= variables
    found = read(config, environ, how)
    assert found == load(config, environ, offline=how == "offline")
    assert found.settings.secrets() == load(config, environ, offline=how == "offline").settings.secrets()


def test_it_hands_over_all_that_is_wrong(config: Path, environ: dict[str, str]) -> None:
    config.write_text('[poll]\ninterval = "soon"\n[lgo]\nlevel = "info"\n')
    with pytest.raises(ConfigError) as here:
        load(config, environ)
    with pytest.raises(ConfigError) as there:
        read(config, environ)
    assert there.value.problems == here.value.problems
    assert len(here.value.problems) == 4


def test_a_relative_name_is_looked_up_where_the_program_stands(
    config: Path, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config.write_text(WHOLE)
    monkeypatch.chdir(config.parent)
    assert read(None, environ | SECRETS).file == Path("config.toml")
    assert read(Path("config.toml"), environ | SECRETS).named == Path("config.toml")


def test_a_machine_that_has_no_process_left_is_told_of_and_says_nothing_of_the_configuration(
    config: Path, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left(*_: object, **__: object) -> None:
        raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr(subprocess, "Popen", none_left)
    with pytest.raises(
        DaemonError, match=r"no process can be started for it \(Resource temporarily unavailable\)"
    ) as said:
        read(config, environ)
    assert not isinstance(said.value, ConfigError)


def test_a_process_that_comes_to_no_end_of_its_own_says_nothing_of_the_configuration(
    config: Path, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(reading, "MODULE", "daemon.config.missing")
    with pytest.raises(DaemonError, match="ended with 1; look at the limits") as said:
        read(config, environ)
    assert not isinstance(said.value, ConfigError)
    assert "daemon.config.missing" in capfd.readouterr().err


def test_leaving_the_block_ends_a_process_that_waits_for_its_file(config: Path, environ: dict[str, str]) -> None:
    os.mkfifo(config)
    with Reading(config, environ):
        # Both ends are open once that process reads; here nothing is written.
        writing = os.open(config, os.O_WRONLY)
    try:
        with pytest.raises(BrokenPipeError):
            os.write(writing, b"[poll]")
    finally:
        os.close(writing)


def test_pydantic_stays_out_of_this_process(config: Path, environ: dict[str, str]) -> None:
    config.write_text(WHOLE)
    script = (
        "import os, sys; from pathlib import Path; from daemon.config.reading import read; "
        f"read(Path({str(config)!r}), os.environ); import daemon.runtime.run, daemon.cli.work; "
        "print([name for name in sys.modules if name.startswith('pydantic')])"
    )
    said = subprocess.run(
        [sys.executable, "-c", script], env=environ | SECRETS, cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert said.stdout == "[]\n"
