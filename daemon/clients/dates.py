"""What an answer says of time: when it was given, and when to ask again."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

WRITTEN = datetime(2026, 1, 1, tzinfo=UTC)
"""A clock that stands before this one, when the program was written, is wrong."""
OUTLIVED = datetime(2100, 1, 1, tzinfo=UTC)
"""So is one that stands after this one."""


def wait_asked(retry_after: str, most: timedelta, now: datetime) -> timedelta | None:
    """`Retry-After` in either of its forms, from nothing to `most`; `None` where it makes no sense."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return min(timedelta(seconds=min(int(text[:9]), 10**8)), most)
    at = _date(text)
    return None if at is None else min(max(at - now, timedelta(0)), most)


def clock_ahead(date: str, now: datetime) -> timedelta | None:
    """How far a clock that says this `Date` is ahead of ours; `None` where it cannot be true."""
    at = _date(date)
    return at - now if at is not None and WRITTEN <= at < OUTLIVED else None


def _date(text: str) -> datetime | None:
    """An HTTP date."""
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
