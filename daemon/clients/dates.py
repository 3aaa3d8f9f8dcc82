"""Times and spans in response headers: `Date`, `Retry-After`, and the resets of rate limits.

RFC 9110 has two forms of `Retry-After`, whole seconds and a date. Servers and proxies send others, which are read where
they can mean only one thing: decimals, units, the spans and dates of .NET and ISO 8601, Unix times.
"""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

WRITTEN = datetime(2026, 1, 1, tzinfo=UTC)
"""When the program was written: a clock that shows an earlier time is wrong."""
OUTLIVED = datetime(2100, 1, 1, tzinfo=UTC)
"""A clock that shows a later time is wrong."""
EPOCH_FROM, MILLISECONDS_FROM = 1e9, 1e12
"""A number from the first on is a Unix time, not a span; from the second on it is one in milliseconds."""

_NUMBER = re.compile(r"\+?(\d+\.?\d*) ?(|ms|s|secs?|seconds?|m|mins?|minutes?|h|hours?)", re.ASCII | re.IGNORECASE)
_UNITS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_SPAN = re.compile(r"(?:(\d{1,3})\.)?(\d\d?):(\d\d):(\d\d(?:\.\d{1,9})?)", re.ASCII)
"""A span of .NET: `[d.]hh:mm:ss[.fffffff]`."""


def wait_asked(retry_after: str, most: timedelta, now: datetime) -> timedelta | None:
    """`Retry-After`, limited to 0…`most`; `None` if it is invalid. If proxies added to it, the longest wait counts."""
    text = _unquoted(retry_after)
    waits = [_seconds(part, now) for part in text.split(",")]
    if None not in waits:
        longest = max(wait for wait in waits if wait is not None)
        return timedelta(seconds=min(max(longest, 0), most.total_seconds()))
    at = moment(text)
    return None if at is None else min(max(at - now, timedelta(0)), most)


def clock_ahead(date: str, now: datetime) -> timedelta | None:
    """How far a clock that sends this `Date` is ahead of ours; `None` if it is invalid or implausible."""
    at = _http_date(date)
    return at - now if at is not None and WRITTEN <= at < OUTLIVED else None


def moment(text: str) -> datetime | None:
    """The time that a date of HTTP or of ISO 8601 means, or a plausible Unix time; aware. `None` if it is invalid."""
    text = _unquoted(text)
    if re.fullmatch(r"\d{10,13}(\.\d+)?", text, re.ASCII):
        return _epoch(float(text))
    try:
        at = datetime.fromisoformat(text) if re.match(r"\d{4}-\d\d-\d\d[T ]", text, re.ASCII) else None
    except ValueError:
        return None
    return _http_date(text) if at is None else _aware(at)


def _seconds(text: str, now: datetime) -> float | None:
    """The seconds that a number or a span means; infinity for an absurd number."""
    text = text.strip()
    if span := _SPAN.fullmatch(text):
        days, hours, minutes, seconds = (float(part or 0) for part in span.groups())
        return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    number = _NUMBER.fullmatch(text)
    if number is None:
        return None
    value, unit = float(number[1]), number[2].lower()
    if not unit and value >= EPOCH_FROM:
        at = _epoch(value)
        return float("inf") if at is None else (at - now).total_seconds()
    return value * _UNITS[unit if unit == "ms" else unit[:1]]


def _epoch(value: float) -> datetime | None:
    """A Unix time in seconds or milliseconds; `None` if it is implausible."""
    seconds = value / 1000 if value >= MILLISECONDS_FROM else value
    return datetime.fromtimestamp(seconds, UTC) if WRITTEN.timestamp() <= seconds < OUTLIVED.timestamp() else None


def _http_date(text: str) -> datetime | None:
    """An HTTP date, aware; `None` if it is invalid."""
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return _aware(at)


def _aware(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _unquoted(text: str) -> str:
    text = text.strip()
    return text[1:-1].strip() if len(text) > 1 and text[0] == text[-1] == '"' else text
