"""`[[maintenance]]`: windows in which nobody is told of something new."""

from collections.abc import Iterator
from dataclasses import dataclass

from daemon.config.alike import nearest_of
from daemon.config.match import EVERY, Match, read_match
from daemon.config.recurrence import read_recurrence
from daemon.config.time_table import Window, read_times

KEYS = ("name", "match", "times", "rrule", "start", "duration", "zone", "comment")
_FORMS = 'give times and zone, like times = ["Sun 02:00-04:00"], or rrule, start, duration and zone'


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceSection:
    """One table of `[[maintenance]]`."""

    name: str
    """What it is called in listings and reasons; no other has it."""
    window: Window
    match: Match = EVERY
    comment: str = ""

    def warnings(self) -> Iterator[str]:
        """A sentence for each thing that is allowed and hardly meant."""
        if self.window.leave_no_gap():
            yield (
                f"maintenance {self.name!r} never ends: one window follows the other without a gap, and each alert "
                "would be held for seven days; make them shorter or fewer"
            )


def read_maintenance(table: object) -> MaintenanceSection:
    """One table. Raises `ValueError` with a sentence that begins with the key and ends with the fix."""
    if not isinstance(table, dict):
        raise ValueError("it must be a table; write its keys below a line [[maintenance]]")
    for key in table:
        if key not in KEYS:
            mend = nearest_of(str(key).lower(), KEYS, "the keys of [[maintenance]] are")
            raise ValueError(f"{key} is not a known key; {mend}")
    return MaintenanceSection(
        name=_text(table, "name", 'what it is called, like name = "nightly backup"'),
        window=_window(table),
        match=read_match(table["match"]) if "match" in table else EVERY,
        comment=_text(table, "comment", "why it is there, or leave it out") if "comment" in table else "",
    )


def _text(table: dict[str, object], key: str, what: str) -> str:
    value = table.get(key)
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{key} is {'missing' if value is None else 'no text'}; write {what}")
    return value.strip()


def _window(table: dict[str, object]) -> Window:
    by_rule = [key for key in ("rrule", "start", "duration") if key in table]
    if "times" in table and by_rule:
        raise ValueError(f"times and {by_rule[0]} are two ways to give the same; {_FORMS}")
    if "times" in table:
        return read_times(table["times"], table.get("zone"))
    if "rrule" in table:
        return read_recurrence(table["rrule"], table.get("start"), table.get("duration"), table.get("zone"))
    raise ValueError(f"{'rrule' if by_rule else 'times'} is missing; {_FORMS}")
