"""Numbers, spans and times as a page writes them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

MISSING = "\N{EN DASH}"
LONGEST_NAME = 90


@dataclass(frozen=True, slots=True)
class Clock:
    """The time that a page shows."""

    local: Callable[[datetime], datetime]
    zone: str
    """What it is called."""

    def minute(self, moment: datetime | None) -> str:
        """As in "2026-11-28 03:12"."""
        return MISSING if moment is None else f"{self.local(moment):%Y-%m-%d %H:%M}"

    def day(self, moment: datetime) -> str:
        """As in "28 Nov"."""
        return day(self.local(moment))


def day(there: date) -> str:
    """As in "28 Nov"."""
    return f"{there.day} {there:%b}"


def span(seconds: float | None) -> str:
    """As short as it can be read: "4.2 s", "3 min 5 s", "25 min", "2 h 5 min", "4 d 16 h"."""
    if seconds is None:
        return MISSING
    whole, minutes = round(seconds), round(seconds / 60)
    if whole < 60:
        return f"{whole} s" if whole >= 10 else f"{seconds:.1f} s"
    if whole < 600:
        return _two(whole, 60, "min", "s")
    if minutes < 24 * 60:
        return f"{minutes} min" if minutes < 60 else _two(minutes, 60, "h", "min")
    return _two(round(seconds / 3600), 24, "d", "h")


def name(text: str) -> str:
    """The name of an incident, cut to what can be read at a glance."""
    if not text.strip():
        return "(no name)"
    return text if len(text) <= LONGEST_NAME else f"{text[: LONGEST_NAME - 1]}\N{HORIZONTAL ELLIPSIS}"


def counted(number: int, one: str, many: str = "") -> str:
    """As in "1 incident", "1,204 incidents"."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def _two(whole: int, size: int, larger: str, smaller: str) -> str:
    rest = f" {whole % size} {smaller}" if whole % size else ""
    return f"{whole // size} {larger}{rest}"
