"""From when to when a silence is, as people write it.

A time is local unless it names its offset. A time of day is the next one; of two (clocks set back), it is the first.
"""

import re
from datetime import UTC, datetime, time, timedelta

LONGEST = timedelta(days=30)
FARTHEST = timedelta(days=365)
FORM = "write it like 06:00, '2026-11-30 06:00' or 2026-11-30T06:00+01:00"
_TIME_OF_DAY = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)", re.ASCII)


def window(now: datetime, start: str | None, until: str | None, lasts: timedelta | None) -> tuple[datetime, datetime]:
    """From when to when, in UTC: from `start` or else now, `until` then or for so long (`lasts`).

    Raises `ValueError` with a sentence.
    """
    starts_at = now if start is None else _moment("--start", start, now)
    if starts_at < now:
        raise ValueError(f"--start {start!r} is in the past; leave it out to begin now")
    if starts_at > now + FARTHEST:
        raise ValueError(f"--start {start!r} is more than a year ahead; give an earlier time")
    if until is not None and lasts is None:
        lasts = _moment("--until", until, starts_at) - starts_at
    elif until is not None or lasts is None:
        raise ValueError("say when it ends, either with --for 2h or with --until TIME")
    if lasts <= timedelta(0):
        raise ValueError("it would be over before it begins; give a later end")
    if lasts > LONGEST:
        raise ValueError(
            f"a silence lasts at most {LONGEST.days} days; what recurs goes into [[maintenance]] of the configuration"
        )
    return starts_at, starts_at + lasts


def _moment(option: str, text: str, after: datetime) -> datetime:
    """In UTC; a time of day is the next one after `after`."""
    if found := _TIME_OF_DAY.fullmatch(text):
        there = after.astimezone().replace(tzinfo=None)
        today = datetime.combine(there, time(int(found[1]), int(found[2])))
        return _in_utc(option, text, today if today > there else today + timedelta(days=1))
    try:
        # A date alone would leave open whether that day is a part of it.
        written = datetime.fromisoformat(text) if ":" in text else None
    except ValueError:
        written = None
    if written is None:
        raise ValueError(f"{option} {text!r} is no time; {FORM}")
    return _in_utc(option, text, written)


def _in_utc(option: str, text: str, written: datetime) -> datetime:
    try:
        found = written.astimezone(UTC)
        there = found.astimezone(written.tzinfo)
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"{option} {text!r} is too far away; {FORM}") from None
    if there.replace(tzinfo=written.tzinfo) != written:
        raise ValueError(f"{option} {text!r} does not exist: the clocks are set forward then; give another time")
    return found
