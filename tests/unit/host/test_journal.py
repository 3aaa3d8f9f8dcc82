"""Entries for the journal, as a socket in its place gets them; and who gets lines instead."""

import os
from collections.abc import Iterator
from pathlib import Path
from socket import AF_UNIX, SOCK_DGRAM, socket
from typing import Any, TextIO

import pytest
import structlog

from daemon.host import journal, log
from daemon.host.journal import Journal, entry, reaches
from tests.support.fakes import LONG
from tests.support.service_manager import fill


@pytest.fixture
def stream(tmp_path: Path) -> Iterator[TextIO]:
    with (tmp_path / "stderr").open("w+") as opened:
        yield opened


@pytest.fixture
def there(tmp_path: Path) -> Iterator[socket]:
    with socket(AF_UNIX, SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "journal"))
        listening.settimeout(5)
        yield listening


def place_of(stream: TextIO) -> str:
    there = os.fstat(stream.fileno())
    return f"{there.st_dev}:{there.st_ino}"


@pytest.fixture
def under_systemd(stream: TextIO, there: socket, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A log whose stream leads to the journal."""
    monkeypatch.setenv("JOURNAL_STREAM", place_of(stream))
    monkeypatch.setattr(journal, "PATIENCE", LONG)
    monkeypatch.setattr(log, "Journal", lambda: Journal(there.getsockname()))
    log.set_up("info", "auto", ("s3cret",), stream)
    return structlog.get_logger()


def written(stream: TextIO) -> str:
    stream.seek(0)
    return stream.read()


def test_a_line_is_an_entry_with_its_level_and_its_fields(under_systemd: Any, there: socket, stream: TextIO) -> None:
    under_systemd.warning("not delivered yet", incident="1030000001", kind="new", error="HTTP 503")
    assert there.recv(4096).decode().splitlines() == [
        'MESSAGE=not delivered yet incident=1030000001 kind=new error="HTTP 503"',
        "PRIORITY=4",
        "SYSLOG_IDENTIFIER=betterstack-signl4",
        "INCIDENT=1030000001",
        "KIND=new",
        "ERROR=HTTP 503",
    ]
    assert written(stream) == ""


def test_no_field_holds_a_secret_or_begins_another(under_systemd: Any, there: socket) -> None:
    under_systemd.error("round failed", error="at s3cret\nPRIORITY=7")
    lines = there.recv(4096).decode().splitlines()
    assert "s3cret" not in "".join(lines)
    assert [line for line in lines if line.startswith("PRIORITY")] == ["PRIORITY=3"]


@pytest.mark.parametrize("unwelcome", ["gone", "too large"])
def test_what_the_journal_does_not_take_is_a_line_with_its_level(
    under_systemd: Any, there: socket, stream: TextIO, unwelcome: str
) -> None:
    if unwelcome == "gone":
        Path(there.getsockname()).unlink()
    text = "x" * (1 if unwelcome == "gone" else 1_000_000)
    under_systemd.warning("odd", text=text)
    assert written(stream) == f"<4>odd text={text}\n"


def test_a_journal_that_takes_nothing_more_holds_nobody_up(there: socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "PATIENCE", 0.5)
    fill(there.getsockname())
    sink = Journal(there.getsockname())
    for _ in range(1000):
        sink.write("MESSAGE=x\n")


@pytest.mark.parametrize("named", ["", "1:2", "rubbish"])
def test_a_stream_that_leads_elsewhere_is_none_of_the_journal(stream: TextIO, named: str) -> None:
    assert reaches(stream, {"JOURNAL_STREAM": named}) is False
    assert reaches(stream, {}) is False
    assert reaches(stream, {"JOURNAL_STREAM": place_of(stream)}) is True


def test_a_name_of_a_field_is_spelled_as_the_journal_wants_it() -> None:
    assert entry("m", "info", {"event_id": 1, "next in-ü": 2}).splitlines()[3:] == ["EVENT_ID=1", "NEXT_IN__=2"]
