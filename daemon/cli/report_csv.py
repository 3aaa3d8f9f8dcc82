"""A report as CSV (RFC 4180): one line for each opening of an incident.

A text from outside that a spreadsheet would run as a formula begins with an apostrophe.
"""

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice

from daemon.model.printable import printable
from daemon.model.report import Episode

COLUMNS = (
    *("incident_id", "generation", "name", "cause", "began_at", "seen_at", "told_at", "acknowledged_at", "resolved_at"),
    *("seconds_to_alert", "seconds_to_acknowledge", "seconds_to_resolve", "tries", "was_held", "untold_because"),
)
BATCH = 500
_FORMULA = tuple("=+-@")
"""With such a beginning a cell is a formula (owasp.org, CSV injection)."""


def parts(episodes: Iterable[Episode]) -> Iterator[str]:
    """The heading and the lines; a batch at a time."""
    remaining, rows = iter(episodes), [COLUMNS]
    yield _written(rows)
    while batch := list(islice(remaining, BATCH)):
        yield _written(map(_row, batch))


def _written(rows: Iterable[tuple[object, ...]]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue()


def _row(one: Episode) -> tuple[object, ...]:
    spans = (_seconds(one.began_at, end) for end in (one.told_at, one.acknowledged_at, one.resolved_at))
    times = (one.began_at, one.seen_at, one.told_at, one.acknowledged_at, one.resolved_at)
    return (
        _text(one.incident_id),
        one.generation,
        _text(one.name),
        _text(one.cause),
        *(moment and moment.isoformat() for moment in times),
        *spans,
        one.tries,
        "yes" if one.was_held else "no",
        _text(one.untold_because or ""),
    )


def _seconds(begins: datetime, ends: datetime | None) -> float | None:
    return None if ends is None else round((ends - begins).total_seconds(), 3)


def _text(text: str) -> str:
    shown = printable(text)
    return f"'{shown}" if shown.lstrip().startswith(_FORMULA) else shown
