"""How the demo writes one thing that happened: when, what, and to which incident. Seconds count from its start."""

from datetime import datetime, timedelta

from rich.text import Text

from daemon.model.destination import DEFAULT
from daemon.model.incident import Kind, Phase
from daemon.sandbox.history import Act, Happening
from daemon.sandbox.verdict import Case, Told

WORD_WIDTH = 19
"""Of the time and the word."""
COLOURS: dict[str, str] = {
    Act.OPENED: "red",
    Act.CONFIRMED: "red",
    Act.REOPENED: "red",
    Act.REOPENED_AFRESH: "red",
    Kind.NEW: "red",
    Kind.ACKNOWLEDGED: "yellow",
    Kind.RESOLVED: "green",
    Act.DELETED: "green",
}


def title(case: Case) -> str:
    """The name of the incident, with the team that is told unless it is the team `default`."""
    return case.name if case.team == DEFAULT else f"{case.name} ({case.team})"


def happening(one: Happening, began: datetime, name: str = "") -> Text:
    """One change at Better Stack."""
    unconfirmed = (one.act, one.phase) == (Act.OPENED, Phase.UNCONFIRMED)
    by = f"by {one.by}" if one.by else ""
    return _line(one.at - began, one.phase if unconfirmed else one.act, f"{name} {by}".strip())


def told_line(told: Told, began: datetime, name: str = "") -> Text:
    """One event that SIGNL4 got; after it the time since what it tells."""
    took = "" if told.took is None else f"+{told.took.total_seconds():.1f}"
    return _line(told.at - began, told.kind, f"{took:<5} {name}".rstrip())


def _line(time: timedelta, word: str, more: str) -> Text:
    line = Text.assemble(f"{time.total_seconds():4.1f}  ", (word, COLOURS.get(word, "")))
    return line.append(" " * max(1, WORD_WIDTH - len(line)) + more if more else "")
