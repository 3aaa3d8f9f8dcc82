"""What the listings show people of a row, and how a pipe gets it: a row is a line, whole and uncut.

Texts from outside come without control characters. What is missing is a dash.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from rich.cells import cell_len

from daemon.cli.times import Times
from daemon.model.delivery import DeliveryState
from daemon.model.destination import DEFAULT
from daemon.model.polling import beside
from daemon.model.printable import printable

BATCH = 200
"""Lines that are aligned with each other. The first of them waits for the last."""
EVENT_TAIL = 12
"""Characters at the end of an event id, which tell it apart where there is no room for all of it."""
MISSING = "-"

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a listing."""

    heading: str
    """With {} for the zone of times that do not name it."""
    value: Callable[[Row, Times], object]
    """Falsy where there is none. At a terminal its text may have several lines."""
    folds: bool = False
    """Whether a narrow terminal may break its lines further."""

    def text(self, row: Row, times: Times) -> str:
        """The text of a row whose texts are safe."""
        return str(self.value(row, times) or MISSING)


@dataclass(frozen=True, slots=True)
class Table:
    """A kind of listing."""

    line: tuple[Column, ...]
    """A line for each row."""
    screen: tuple[Column, ...]
    """A few lines for each row, which fit into a terminal."""


INCIDENTS = Table(
    line=(
        Column("incident", lambda row, _: row["id"]),
        Column("phase", lambda row, _: row["phase"]),
        Column("gen.", lambda row, _: row["generation"]),
        Column("name", lambda row, _: beside(row["name"], row["polled_from"])),
        Column("cause", lambda row, _: row["cause"]),
        Column("started", lambda row, times: times.whole(row["started_at"])),
        Column("changed", lambda row, times: times.whole(row["changed_at"])),
        Column("told", lambda row, _: _told(row)),
    ),
    screen=(
        Column(
            "incident, name, cause",
            lambda row, _: _joined("\n", row["id"], beside(row["name"], row["polled_from"]), row["cause"]),
            folds=True,
        ),
        Column("phase", lambda row, _: _phase(row)),
        Column("started ({})", lambda row, times: times.brief(row["started_at"])),
        Column("changed ({})", lambda row, times: times.brief(row["changed_at"])),
        Column("told", lambda row, _: _told(row), folds=True),
    ),
)
DELIVERIES = Table(
    line=(
        Column("id", lambda row, _: row["id"]),
        Column("incident", lambda row, _: row["incident_id"]),
        Column("name", lambda row, _: row["incident_name"]),
        Column("kind", lambda row, _: _kind(row)),
        Column("state", lambda row, _: row["state"]),
        Column("tries", lambda row, _: str(row["attempts"])),
        Column("created", lambda row, times: times.whole(row["created_at"])),
        Column("SIGNL4's event", lambda row, _: row["event_id"]),
        Column("why, and last error", lambda row, _: _joined("; ", row["reason"], _held(row), _error(row))),
    ),
    screen=(
        Column("id", lambda row, _: row["id"]),
        Column("created ({})", lambda row, times: times.brief(row["created_at"])),
        Column("incident, name", lambda row, _: _joined("\n", row["incident_id"], row["incident_name"]), folds=True),
        Column("kind", lambda row, _: _kind(row, "\n")),
        Column("state, why, and last error", lambda row, _: _progress(row), folds=True),
    ),
)
SILENCES = Table(
    line=(
        Column("id", lambda row, _: row["id"]),
        Column("state", lambda row, _: row["state"]),
        Column("match", lambda row, _: row["match"]),
        Column("starts", lambda row, times: times.whole(row["starts_at"])),
        Column("ends", lambda row, times: times.whole(_end(row))),
        Column("holds", lambda row, _: str(row["held_deliveries"])),
        Column("by", lambda row, _: row["created_by"]),
        Column("comment", lambda row, _: row["comment"]),
    ),
    screen=(
        Column("id", lambda row, _: row["id"]),
        Column("state", lambda row, _: f"{row['state']}\nholds {row['held_deliveries']}"),
        Column("starts ({})", lambda row, times: times.brief(row["starts_at"])),
        Column("ends ({})", lambda row, times: times.brief(_end(row))),
        Column("match, comment, by", lambda row, _: _whose(row), folds=True),
    ),
)

MONITORS = Table(
    line=(
        Column("id", lambda row, _: row["id"]),
        Column("kind", lambda row, _: row["kind"]),
        Column("name", lambda row, _: row["name"]),
        Column("status", lambda row, _: _status(row)),
        Column("since", lambda row, times: times.whole(_status_since(row))),
        Column("latest change", lambda row, _: row["change"]),
        Column("changed", lambda row, times: times.whole(row["changed_at"])),
        Column("open alerts", lambda row, _: row["alerts"]),
    ),
    screen=(
        Column("id, name", lambda row, _: _joined("\n", f"{row['kind']} {row['id']}", row["name"]), folds=True),
        Column("status ({})", lambda row, times: _joined("\n", _status(row), times.brief(_status_since(row)))),
        Column(
            "latest change, open alerts",
            lambda row, times: _joined("\n", row["change"], _changed_at(row, times), row["alerts"]),
            folds=True,
        ),
    ),
)


def safe(row: Row) -> Row:
    """The row with texts that are safe for a terminal."""
    return {name: printable(value) if isinstance(value, str) else value for name, value in row.items()}


def lines(table: Table, rows: Iterable[Row], times: Times) -> Iterator[str]:
    """The heading and a line for each row; a batch of lines at a time."""
    remaining, columns = iter(rows), table.line
    above = [tuple(column.heading for column in columns)]
    widths = [0] * len(columns)
    while batch := list(islice(remaining, BATCH)):
        cells = above + [tuple(column.text(row, times) for column in columns) for row in map(safe, batch)]
        widths = [max(widths[n], *(cell_len(texts[n]) for texts in cells)) for n in range(len(columns))]
        yield "\n".join(_aligned(texts, widths) for texts in cells)
        above = []


def _aligned(texts: Sequence[str], widths: Sequence[int]) -> str:
    padded = (f"{text}{' ' * (width - cell_len(text))}" for text, width in zip(texts, widths, strict=True))
    return "  ".join(padded).rstrip()


def _joined(separator: str, *texts: str | None) -> str:
    return separator.join(filter(None, texts))


def _kind(row: Row, separator: str = " ") -> str:
    """With the team, if it is not `default`."""
    return str(row["kind"]) if row["destination"] == DEFAULT else f"{row['kind']}{separator}to {row['destination']}"


def _told(row: Row) -> str:
    """Whether SIGNL4 was told that the incident began; and what Better Stack says that is not believed yet."""
    told = "yes" if row["told"] else f"no: {row['silent_because']}"
    doubt = row["doubted_at"] and "in doubt, since its record now says otherwise; later rounds decide"
    missing = row["gone_since"] and "its record is missing; later rounds decide if it was deleted"
    return _joined("; ", told, doubt, missing)


def _phase(row: Row) -> str:
    return row["phase"] if row["generation"] == 1 else f"{row['phase']}\ngen. {row['generation']}"


def _progress(row: Row) -> str:
    tries = f"{row['state']}, {row['attempts']} {'try' if row['attempts'] == 1 else 'tries'}"
    event = row["event_id"] and f"event \N{HORIZONTAL ELLIPSIS}{row['event_id'][-EVENT_TAIL:]}"
    return _joined("\n", tries, _joined("; ", row["reason"], _held(row), _error(row), event))


def _end(row: Row) -> datetime | None:
    ended: datetime | None = row["expired_at"] or row["ends_at"]
    return ended


def _whose(row: Row) -> str:
    return _joined("\n", row["match"], row["comment"], row["created_by"])


def _status(row: Row) -> str:
    """As Better Stack has it, and what of it is not proven yet."""
    if row["deleted_at"]:
        return "deleted"
    return f"{row['status'] or MISSING}, missing" if row["gone_since"] else row["status"]


def _status_since(row: Row) -> datetime | None:
    since: datetime | None = row["deleted_at"] or row["status_since"]
    return since


def _changed_at(row: Row, times: Times) -> str:
    return (times.brief(row["changed_at"]) or "").replace("\n", ", ")


def _held(row: Row) -> str | None:
    """The rule that holds what was never sent."""
    is_held = row["held_because"] and row["state"] == DeliveryState.PENDING and not row["attempts"]
    return f"held: {row['held_because']}" if is_held else None


def _error(row: Row) -> str | None:
    """The last error; of what was delivered in the end it is history."""
    before = "before that: " if row["state"] == DeliveryState.DELIVERED else ""
    return row["last_error"] and f"{before}{row['last_error']}"
