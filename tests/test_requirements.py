"""What is installed is what was tested: each file of `requirements/` names versions and hashes, and they agree."""

import re
import tomllib
from typing import Any

import pytest

from tests.support.paths import ROOT

HASHES = r"(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+"
PIN = re.compile(rf"^([a-z0-9][a-z0-9.-]*)==(\S+)(?: ; .+)? \\\n({HASHES})", re.MULTILINE)
RUN, SERVER, BUILD, DEV = "run.txt", "postgresql.txt", "build.txt", "dev.txt"


def pins(name: str) -> dict[str, tuple[str, str]]:
    """Version and hashes of each package that a file names."""
    return {package: (version, hashes) for package, version, hashes in PIN.findall(text_of(name))}


def text_of(name: str) -> str:
    return (ROOT / "requirements" / name).read_text("utf-8")


def asked_for() -> dict[str, list[str]]:
    """By file, the names that pyproject.toml asks for."""
    given: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    project = given["project"]
    listed = {
        RUN: project["dependencies"],
        SERVER: [*project["dependencies"], *project["optional-dependencies"]["postgresql"]],
        BUILD: given["build-system"]["requires"],
        DEV: [*project["dependencies"], *project["optional-dependencies"]["dev"]],
    }
    return {file: [re.split(r"[\[<>=~! ]", line)[0] for line in lines] for file, lines in listed.items()}


@pytest.mark.parametrize("name", [RUN, SERVER, BUILD, DEV])
def test_a_file_names_nothing_without_version_and_hashes(name: str) -> None:
    rest = PIN.sub("", text_of(name))
    assert [line for line in rest.splitlines() if not line.startswith("#")] == []


@pytest.mark.parametrize("name", [RUN, SERVER, BUILD, DEV])
def test_a_file_has_all_that_is_asked_for(name: str) -> None:
    assert set(asked_for()[name]) <= pins(name).keys()


@pytest.mark.parametrize("name", [RUN, SERVER, BUILD])
def test_what_is_installed_is_what_was_tested(name: str) -> None:
    tested = pins(DEV)
    assert {package: pin for package, pin in pins(name).items() if tested.get(package) != pin} == {}
