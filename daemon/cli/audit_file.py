"""Reads SIGNL4's monthly audit file (`YYYY_M_AlertAuditReport.csv`), and says what is wrong with another.

The file is what signl4/signl4-reporting shows: UTF-8 with a byte order mark, semicolons, one line for each event of an
alert. What a spreadsheet makes of it is read as well: other encodings, commas or tabs, other spellings of a heading.
"""

import codecs
import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from daemon.cli.pasted import named
from daemon.model.audit import Alert, AuditFile
from daemon.model.errors import DaemonError

MOST_BYTES = 200_000_000
COLUMNS = {"timestamp": "Timestamp", "eventtype": "Event Type", "eventid": "Event ID", "content": "Content"}
"""The headings that are needed, without what is between their letters."""
DELIMITERS = ";,\t|"
NEW, CONFIRMED, CLOSED = "alertnew", "alertconfirmed", "alertclosed"
FORM = "it must be the file that SIGNL4's portal offers for a month (AlertAuditReport.csv), as it was downloaded"


def read(file: Path) -> AuditFile:
    """What it says of alerts. Raises `DaemonError`."""
    alerts, times, unreadable = dict[str, Alert](), list[datetime](), 0
    for line in _lines(file):
        at = _time(line["timestamp"])
        if at is None or not line["eventid"]:
            unreadable += 1
            continue
        times.append(at)
        _add(alerts, at, line)
    if not times:
        raise DaemonError(f"{file} has no line with a time and an event id; {FORM}")
    return AuditFile(tuple(alerts.values()), min(times), max(times), unreadable)


def _add(alerts: dict[str, Alert], at: datetime, line: Mapping[str, str]) -> None:
    """Of an alert that began in an earlier month there is no beginning here, so it is no alert of this file."""
    event, what = line["eventid"], _folded(line["eventtype"])
    known = alerts.get(event)
    if what == NEW:
        alerts.setdefault(event, Alert(event, line["content"].partition(" | ")[0].strip(), at))
    elif known is not None and what == CONFIRMED:
        alerts[event] = replace(known, acknowledged_at=known.acknowledged_at or at)
    elif known is not None and what == CLOSED:
        alerts[event] = replace(known, closed_at=at)


def _lines(file: Path) -> Iterator[Mapping[str, str]]:
    """The needed columns of each line. Raises `DaemonError`."""
    stream = io.StringIO(_text(file), newline="")
    first = stream.readline()
    stream.seek(0)
    delimiter = max(DELIMITERS, key=first.count)
    rows = csv.reader(stream, delimiter=delimiter)
    try:
        places = _places(file, next(rows, []))
        for row in rows:
            if any(row):
                yield {column: row[at].strip() if at < len(row) else "" for column, at in places.items()}
    except csv.Error as error:
        raise DaemonError(f"{file} is no CSV in line {rows.line_num} ({error}); {FORM}") from None


def _places(file: Path, heading: Iterable[str]) -> dict[str, int]:
    """Where each needed column is. Raises `DaemonError` for one that is missing."""
    found = {_folded(name): at for at, name in reversed(list(enumerate(heading)))}
    missing = [name for column, name in COLUMNS.items() if column not in found]
    if missing:
        listed = ", ".join(f'"{name}"' for name in missing)
        raise DaemonError(f"{file} has no column {listed} in its first line; {FORM}")
    return {column: found[column] for column in COLUMNS}


def _text(file: Path) -> str:
    """Its text, in whatever encoding an editor may have saved it. Raises `DaemonError`."""
    try:
        with file.open("rb") as stream:
            held = stream.read(MOST_BYTES + 1)
    except OSError as error:
        raise DaemonError(f"{named(str(file))} cannot be read ({error.strerror}); name another file") from None
    if len(held) > MOST_BYTES:
        raise DaemonError(f"{file} holds more than {MOST_BYTES:,} bytes; {FORM}")
    wide = held.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = held.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError:
        # Only titles hold letters that a western spreadsheet saves otherwise; no byte is invalid in this encoding.
        text = held.decode("latin-1")
    return text.replace("\0", "")


def _time(text: str) -> datetime | None:
    """In UTC, which the file means; `None` if it is no time."""
    try:
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _folded(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())
