"""SIGNL4's audit file, as it is downloaded and as spreadsheets leave it; and what is said of other files."""

from datetime import datetime
from pathlib import Path

import pytest

from daemon.cli import audit_file
from daemon.model.audit import AuditFile
from daemon.model.errors import DaemonError
from tests.support.each import each
from tests.support.paths import ROOT

SAMPLE = ROOT / "tests" / "data" / "audit-sample.csv"
"""In the form of the one that SIGNL4 shows: a byte order mark, semicolons, the line breaks of Windows."""
TEXT = SAMPLE.read_text("utf-8-sig").replace("\r\n", "\n")
HEADING = "Timestamp;EventType;EventId;Content\n"


def event(number: int) -> str:
    return f"251706600000000{number:04}_00000000-0000-0000-0000-{number:012x}"


def moment(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+00:00")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "2026_11_AlertAuditReport.csv"


def test_the_sample_is_read_alert_by_alert() -> None:
    found = audit_file.read(SAMPLE)
    assert [one.event_id for one in found.alerts] == [event(number) for number in (1, 2, 3, 4, 5, 6)]
    first, second, *_ = found.alerts
    assert first.title == "Shop front page"
    assert first.created_at == moment("2026-11-02T03:10:05.123456")
    assert first.acknowledged_at == moment("2026-11-02T03:12:40.765432")
    assert first.closed_at == moment("2026-11-02T03:31:00")
    assert (second.title, second.acknowledged_at, second.closed_at) == ("Datenbank „Süd“", None, None)
    assert (found.first_at, found.last_at) == (first.created_at, moment("2026-11-10T00:00:00"))
    assert found.unreadable == 0


FORMS = {
    "as it is": TEXT.encode("utf-8-sig"),
    "without the mark": TEXT.encode(),
    "of Windows": TEXT.replace("\n", "\r\n").encode("utf-8-sig"),
    "of an old Mac": TEXT.replace("\n", "\r").encode(),
    "UTF-16": TEXT.encode("utf-16"),
    "UTF-16, other order": b"\xfe\xff" + TEXT.encode("utf-16-be"),
    "other spelling": TEXT.replace('"Event ID"', " event_id").replace('"Event Type"', "EventType").encode(),
    "with blank lines": TEXT.replace("\n", "\n\n;;;\n").encode(),
}


@each("form", FORMS)
def test_it_is_the_same_in_whatever_form(file: Path, form: str) -> None:
    file.write_bytes(FORMS[form])
    assert audit_file.read(file) == audit_file.read(SAMPLE), form


@each("delimiter", [",", "\t", "|"])
def test_other_delimiters_are_seen_in_the_heading(file: Path, delimiter: str) -> None:
    time = "2026-11-02T03:10:05Z"
    file.write_text(HEADING.replace(";", delimiter) + delimiter.join([time, "Alert_New", "1", "Shop; a / b"]))
    found = audit_file.read(file)
    assert [(one.event_id, one.title) for one in found.alerts] == [("1", "Shop; a / b")]


def test_a_western_encoding_costs_no_alert(file: Path) -> None:
    file.write_bytes(TEXT.replace("„", '""').replace("“", '""').encode("cp1252", "replace"))
    assert [one.event_id for one in audit_file.read(file).alerts] == [
        one.event_id for one in audit_file.read(SAMPLE).alerts
    ]


def test_lines_that_cannot_be_read_are_counted(file: Path) -> None:
    file.write_text(
        HEADING + "2026-11-02T03:10:05Z;Alert_New;1;A\n"
        "02.11.2026 03:10;Alert_New;2;B\n"
        "2026-11-02T03:10:05Z;Alert_New\n"
        "\0 2026-11-03T03:10:05;Alert_New;4;D\n"
    )
    found = audit_file.read(file)
    assert ([one.event_id for one in found.alerts], found.unreadable) == (["1", "4"], 2)
    assert found.last_at == moment("2026-11-03T03:10:05")


def test_the_first_acknowledgement_and_the_last_end_count(file: Path) -> None:
    lines = ["New;1;A", "Confirmed;1;", "Confirmed;1;", "Closed;1;", "Closed;1;"]
    file.write_text(HEADING + "\n".join(f"2026-11-02T03:1{at}:00Z;Alert_{line}" for at, line in enumerate(lines)))
    [alert] = audit_file.read(file).alerts
    assert (alert.acknowledged_at, alert.closed_at) == (moment("2026-11-02T03:11:00"), moment("2026-11-02T03:14:00"))


MISTAKES = {
    "empty": (b"", 'has no column "Timestamp", "Event Type", "Event ID", "Content" in its first line; it must be'),
    "a column is missing": (HEADING.replace("EventId;", "").encode(), 'has no column "Event ID" in its first line'),
    "another file of SIGNL4": (b"Name;Email;Start;End;Hours\n", 'has no column "Timestamp"'),
    "no line": (HEADING.encode(), "has no line with a time and an event id; it must be the file that SIGNL4's portal"),
    "local times": (HEADING.encode() + b"02.11.2026 03:10;Alert_New;1;A\n", "has no line with a time"),
    "no text": (bytes(range(256)) * 40, "has no column"),
    "a huge field": (HEADING.encode() + b'"' + b"x" * 200_000 + b'"', "is no CSV in line 2 (field larger than"),
}


@each("mistake", MISTAKES)
def test_another_file_is_refused_with_a_sentence(file: Path, mistake: str) -> None:
    content, said = MISTAKES[mistake]
    file.write_bytes(content)
    with pytest.raises(DaemonError) as raised:
        audit_file.read(file)
    assert said in str(raised.value), mistake
    assert "\n" not in str(raised.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "missing.csv"):
        with pytest.raises(DaemonError, match="cannot be read"):
            audit_file.read(place)


def test_a_file_that_is_too_large_is_refused(file: Path) -> None:
    with file.open("wb") as stream:
        stream.truncate(audit_file.MOST_BYTES + 1)
    with pytest.raises(DaemonError, match="holds more than 200,000,000 bytes; it must be"):
        audit_file.read(file)


def test_its_values_are_whole() -> None:
    assert isinstance(audit_file.read(SAMPLE), AuditFile)
