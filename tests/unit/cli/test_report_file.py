"""Where a page is written: complete or not at all, and over nothing but an earlier report."""

import os
import stat
from pathlib import Path

import pytest

from daemon.cli.report_file import write_page
from daemon.model.errors import DaemonError
from tests.support.each import each

PAGE = "<!doctype html>\n<html>new</html>\n"


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def test_a_new_page_is_private_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    write_page(file, PAGE)
    assert file.read_text() == PAGE
    assert mode(file) == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_a_page_in_the_place_of_an_earlier_one_has_its_mode(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text("<!doctype html>old")
    file.chmod(0o644)
    before = file.stat().st_ino
    write_page(file, PAGE)
    assert (file.read_text(), mode(file)) == (PAGE, 0o644)
    assert file.stat().st_ino != before


def test_what_is_no_report_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "state.db"
    file.write_bytes(b"SQLite format 3\0")
    with pytest.raises(DaemonError, match="is no earlier report, and is left alone; remove it, or name another"):
        write_page(file, PAGE)
    assert file.read_bytes() == b"SQLite format 3\0"
    with pytest.raises(DaemonError, match="is no earlier report"):
        write_page(tmp_path, PAGE)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DaemonError, match="is no earlier report"):
        write_page(tmp_path / "pipe", PAGE)


@each("there", ["<!doctype html>other", None])
def test_a_link_in_a_directory_that_others_can_write_is_not_followed(tmp_path: Path, there: str | None) -> None:
    target = tmp_path / "target.html"
    if there:
        target.write_text(there)
    shared = tmp_path / "shared"
    shared.mkdir(exist_ok=True)
    shared.chmod(0o777)
    link = shared / "report.html"
    link.unlink(missing_ok=True)
    link.symlink_to(target)
    with pytest.raises(DaemonError, match="is a link in a directory that others can write, and is not followed"):
        write_page(link, PAGE)
    assert link.is_symlink()
    assert target.exists() is bool(there)
    target.unlink(missing_ok=True)


def test_a_link_of_our_own_is_followed_and_stays(tmp_path: Path) -> None:
    link, target = tmp_path / "report.html", tmp_path / "november.html"
    link.symlink_to(target)
    write_page(link, PAGE)
    assert link.is_symlink()
    assert target.read_text() == PAGE


def test_a_page_that_cannot_be_finished_leaves_the_earlier_one(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    write_page(file, PAGE)
    with pytest.raises(UnicodeEncodeError):
        write_page(file, f"{PAGE}\ud800")
    with pytest.raises(
        DaemonError, match=r"missing/report\.html cannot be written \(No such file or directory\); name"
    ):
        write_page(tmp_path / "missing" / "report.html", PAGE)
    assert file.read_text() == PAGE
    assert list(tmp_path.iterdir()) == [file]


def test_if_the_new_name_cannot_be_given_no_part_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "report.html"

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DaemonError, match="No space left on device"):
        write_page(file, PAGE)
    assert list(tmp_path.iterdir()) == []
