"""How the demo writes one thing that happened: when, what, and to which incident. Seconds count from its start."""

from datetime import datetime, timedelta

from rich.text import Text

from daemon.model.destination import DEFAULT
from daemon.model.incident import Kind, Phase
from daemon.sandbox.history import Act, AlertChange, AlertState, Happening
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
    AlertState.CLOSED: "green",
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


def act_line(one: AlertChange, began: datetime, name: str = "") -> Text:
    """What a person did in SIGNL4."""
    line = Text.assemble(
        f"{(one.at - began).total_seconds():4.1f}  {one.by} ", (one.alert.state, COLOURS[one.alert.state])
    )
    return line.append(f"  {name}".rstrip())


def signl4_lines(case: Case, began: datetime, name: str = "") -> list[tuple[datetime, Text]]:
    """A line for each event that SIGNL4 got of an incident and for what people did there, in order, with its time."""
    lines = [(one.at, told_line(one, began, name)) for one in case.told]
    lines += [(one.at, act_line(one, began, name)) for one in case.acts]
    return sorted(lines, key=lambda line: line[0])


def _line(time: timedelta, word: str, more: str) -> Text:
    line = Text.assemble(f"{time.total_seconds():4.1f}  ", (word, COLOURS.get(word, "")))
    return line.append(" " * max(1, WORD_WIDTH - len(line)) + more if more else "")
