"""The response headers `Date` and `Retry-After`."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

WRITTEN = datetime(2026, 1, 1, tzinfo=UTC)
"""When the program was written: a clock that shows an earlier time is wrong."""
OUTLIVED = datetime(2100, 1, 1, tzinfo=UTC)
"""A clock that shows a later time is wrong."""


def wait_asked(retry_after: str, most: timedelta, now: datetime) -> timedelta | None:
    """`Retry-After`, as seconds or as a date, limited to 0…`most`; `None` if it is invalid."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return min(timedelta(seconds=min(int(text[:9]), 10**8)), most)
    at = _date(text)
    return None if at is None else min(max(at - now, timedelta(0)), most)


def clock_ahead(date: str, now: datetime) -> timedelta | None:
    """How far a clock that sends this `Date` is ahead of ours; `None` if it is invalid or implausible."""
    at = _date(date)
    return at - now if at is not None and WRITTEN <= at < OUTLIVED else None


def _date(text: str) -> datetime | None:
    """An HTTP date, aware; `None` if it is invalid."""
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
