"""The man page is what the commands say, and man(1) can show it."""

import os
import shutil
import subprocess

import pytest

from tests.support.man_page import PAGE, written

CHECKS = {
    "mandoc": ["mandoc", "-T", "lint", str(PAGE)],
    "man": ["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", str(PAGE)],
}


def test_it_is_as_the_commands_are() -> None:
    assert PAGE.read_text("utf-8") == written(), "write it anew: python -m tests.support.man_page"


@pytest.mark.parametrize("checker", CHECKS)
def test_whatever_shows_it_finds_no_fault(checker: str) -> None:
    if shutil.which(checker) is None:
        pytest.skip(f"there is no {checker} here")
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "MANROFFSEQ": ""}
    done = subprocess.run(CHECKS[checker], env=environment, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout if checker == "mandoc" else "", done.stderr) == (0, "", "")


def test_what_looks_like_a_request_is_text() -> None:
    for line in written().splitlines():
        assert not line.startswith("'"), line
        assert not line.startswith(".") or line.split()[0] in {".TH", ".SH", ".SS", ".PP", ".TP", '.\\"'}, line
