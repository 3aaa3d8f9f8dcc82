"""The file for node_exporter: never half of it, and never through a link."""

import os
import stat
from pathlib import Path

import pytest

from daemon.host import textfile


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "metrics.prom"


def test_it_is_readable_for_others_whatever_the_umask(file: Path) -> None:
    before = os.umask(0o077)
    try:
        textfile.write(file, b"a 1\n")
    finally:
        os.umask(before)
    assert file.read_bytes() == b"a 1\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert textfile.read(file) == "a 1\n"


def test_it_is_another_file_each_time(file: Path) -> None:
    """Who has it open reads the earlier one to its end."""
    textfile.write(file, b"a 1\n" * 1000)
    with file.open("rb") as stream:
        assert stream.read(4) == b"a 1\n"
        textfile.write(file, b"b 2\n")
        assert stream.read() == b"a 1\n" * 999
    assert file.read_bytes() == b"b 2\n"
    assert list(file.parent.iterdir()) == [file]


def test_what_a_killed_process_left_is_no_hindrance(file: Path) -> None:
    beside = file.with_name(".metrics.prom.new")
    beside.write_text("half")
    textfile.write(file, b"a 1\n")
    assert list(file.parent.iterdir()) == [file]


def test_it_goes_through_no_link(file: Path, tmp_path: Path) -> None:
    others = tmp_path / "of somebody else"
    others.write_text("precious")
    file.symlink_to(others)
    file.with_name(".metrics.prom.new").symlink_to(others)
    with pytest.raises(OSError, match="symbolic"):
        textfile.read(file)
    textfile.write(file, b"a 1\n")
    assert others.read_text() == "precious"
    assert not file.is_symlink()


def test_a_failure_leaves_the_earlier_one_and_nothing_else(file: Path) -> None:
    textfile.write(file, b"a 1\n")
    with pytest.raises(OSError, match="directory"):
        textfile.write(file.parent / "nowhere" / "x.prom", b"")
    directory = file.with_name("directory.prom")
    (directory / "x").mkdir(parents=True)
    with pytest.raises(OSError, match=r"[Dd]irectory"):
        textfile.write(directory, b"b 2\n")
    assert sorted(file.parent.iterdir()) == [directory, file]
    assert file.read_bytes() == b"a 1\n"


def test_a_pipe_in_its_place_does_not_hang(file: Path) -> None:
    os.mkfifo(file)
    assert textfile.read(file) == ""
