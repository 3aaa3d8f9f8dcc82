"""Reads a recorded history of alerts from a CSV file, and turns it into a script that plays it in compressed time.

The columns are `offset_s`, `title`, `ack_after_s` and `close_after_s`; the last two are seconds after the alert, empty
if that never happened. The first mistake is reported in a sentence with its line and column.
"""

import csv
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from daemon.model.errors import DaemonError
from daemon.sandbox.history import Act
from daemon.sandbox.script import Cue, Script

COLUMNS = ("offset_s", "title", "ack_after_s", "close_after_s")
PLAYING_TIME = 75.0
"""Default duration of a replay, in seconds."""


class ReplayError(DaemonError):
    """The recorded history cannot be played."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One line of the history. Times are in seconds."""

    line: int
    offset: float
    title: str
    ack_after: float | None
    close_after: float | None

    @property
    def end(self) -> float:
        """The time of its last change."""
        return self.offset + max(self.ack_after or 0.0, self.close_after or 0.0)


@dataclass(frozen=True, slots=True)
class Recording:
    """A complete history, and how many times faster than real time it is played."""

    alerts: tuple[Alert, ...]
    speed: float

    @property
    def script(self) -> Script:
        """The history as a script."""
        cues = [cue for alert in self.alerts for cue in _cues(alert, self.speed)]
        return Script(tuple(cues))

    @property
    def duration(self) -> float:
        """The original duration of the history, in seconds."""
        return max(alert.end for alert in self.alerts)


def read_recording(file: Path, speed: float | None) -> Recording:
    """Reads the file. Raises `ReplayError`. Without a `speed` the replay takes at most `PLAYING_TIME`."""
    if speed is not None and not (math.isfinite(speed) and speed > 0):
        raise ReplayError(f"the speed must be a number above zero, and {speed:g} is not")
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            alerts = tuple(_alerts(file.name, lines))
    except OSError as error:
        raise ReplayError(f"{file} cannot be read ({error.strerror})") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise ReplayError(f"{file} is not a CSV file in UTF-8 ({error})") from None
    if not alerts:
        raise ReplayError(f"{file} holds no alert; put one on a line below the header")
    whole = Recording(alerts, 1.0)
    return Recording(alerts, speed or max(1.0, whole.duration / PLAYING_TIME))


def _alerts(name: str, lines: Iterator[str]) -> Iterator[Alert]:
    reader = csv.DictReader(lines, strict=True)
    for column in COLUMNS:
        if column not in (reader.fieldnames or ()):
            raise ReplayError(f"{name} line 1: column {column} is missing; the header must be {','.join(COLUMNS)}")
    for row in reader:
        yield _alert(f"{name} line {reader.line_num}", reader.line_num, row)


def _alert(place: str, line: int, row: Mapping[str | None, str | None]) -> Alert:
    if None in row or None in row.values():
        raise ReplayError(f"{place}: the number of columns is not that of the header; quote a title that holds a comma")
    offset = _seconds(place, "offset_s", row)
    if offset is None:
        raise ReplayError(f"{place}, column offset_s: is empty; every alert needs its time")
    title = (row["title"] or "").strip()
    if not title:
        raise ReplayError(f"{place}, column title: is empty; every alert needs one")
    ack, close = _seconds(place, "ack_after_s", row), _seconds(place, "close_after_s", row)
    if ack is not None and close is not None and ack > close:
        raise ReplayError(f"{place}, column ack_after_s: {ack:g} lies after the close at {close:g}")
    return Alert(line, offset, title, ack, close)


def _seconds(place: str, column: str, row: Mapping[str | None, str | None]) -> float | None:
    text = (row[column] or "").strip()
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds >= 0):
        raise ReplayError(f"{place}, column {column}: {text[:40]!r} is not a number of seconds from zero up")
    return seconds


def _cues(alert: Alert, speed: float) -> Iterator[Cue]:
    actor = str(alert.line)
    yield Cue(alert.offset / speed, Act.OPENED, actor, name=alert.title, cause="Replayed alert")
    if alert.ack_after is not None:
        yield Cue((alert.offset + alert.ack_after) / speed, Act.ACKNOWLEDGED, actor, by="On duty")
    if alert.close_after is not None:
        yield Cue((alert.offset + alert.close_after) / speed, Act.RESOLVED, actor)
