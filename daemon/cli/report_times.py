"""From when to when a report is, as people write it: so long ago, a date, or a time.

A date or a time is local unless it names its offset; a date is its midnight.
"""

from collections.abc import Callable
from datetime import UTC, datetime

from daemon.config.types import duration
from daemon.page.words import Clock

FORM = "write it like 30d, 2026-11-01, '2026-11-01 06:00' or 2026-11-01T06:00+01:00"


def period(now: datetime, since: str, until: str | None) -> tuple[datetime, datetime]:
    """From when to when, in UTC; not later than now. Raises `ValueError` with a sentence."""
    ends = now if until is None else min(_moment("--until", until, now), now)
    begins = _moment("--since", since, now)
    if begins >= ends:
        raise ValueError(f"--since {since!r} is not before the end of the report; give an earlier time")
    return begins, ends


def clock(now: datetime, *, utc: bool) -> Clock:
    """What a page shows as the time."""
    local: Callable[[datetime], datetime] = _same if utc else _there
    return Clock(local, "UTC" if utc else now.astimezone().tzname() or "local time")


def _moment(option: str, text: str, now: datetime) -> datetime:
    try:
        return now - duration(text)
    except (ValueError, OverflowError):
        pass
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"{option} {text!r} is no time; {FORM}") from None


def _same(moment: datetime) -> datetime:
    return moment


def _there(moment: datetime) -> datetime:
    return moment.astimezone()
