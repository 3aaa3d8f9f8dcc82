"""Whether a time lies in a window, and when that window ends.

A window holds its begin, but not its end. Where the clocks change:

- Times of day are those of the clock on the wall: 02:00-04:00 lasts one hour in the night in which the hour from two to
  three is left out, and three in the night in which it comes twice.
- A time that is left out stands for the first moment after the gap. So a window that lies in the gap does not occur.
- Where a time comes twice, a window begins at the first one and ends at the second.
- A window of a rule begins at the local time that the rule gives, once, and lasts for its duration in real time. So
  an hourly rule has no window in the hour that comes again.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache

from daemon.config.recurrence import Recurrence
from daemon.config.time_table import Times, Window
from daemon.config.zone import zone_of

AHEAD = timedelta(days=7)
"""How far the end of a window is looked for."""
_DAY = timedelta(days=1)


def know_zones(windows: Iterable[Window]) -> None:
    """Reads the zones of a configuration that comes into force, which another process has checked.

    Their files may be gone at the time of a window, and then nothing could be sent.
    """
    for window in windows:
        zone_of(window.zone)


def within(window: Window, now: datetime) -> bool:
    """Whether a window covers `now`, which is aware."""
    return any(begin <= now < end for begin, end in _near(window, now, now))


@lru_cache(maxsize=64)
def ends_at(window: Window, now: datetime) -> datetime | None:
    """When the window that covers `now` (aware) ends, in UTC; `None` if none does.

    Windows that overlap or follow each other without a gap are one. At most 7 days ahead.
    """
    limit, covered_until = now.astimezone(UTC) + AHEAD, None
    for begin, end in sorted(_near(window, now, limit)):
        if begin > (covered_until or now):
            break
        if end > (covered_until or now):
            covered_until = end
    return covered_until and min(covered_until, limit)


def _near(window: Window, since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Begin and end of each single window that covers a moment from `since` to `until`, and of some others.

    While the clock on the wall is back on the day before, a window of the next day may have begun already, and the
    other way round, so there is a day to spare on both sides.
    """
    zone = zone_of(window.zone)
    first, last = (moment.astimezone(zone).replace(tzinfo=None) for moment in (since - _DAY, until + _DAY))
    if isinstance(window, Recurrence):
        for start in window.starts(first - window.duration, last):
            begin, _ = _moments(start, window.zone)
            yield begin, begin + window.duration
    else:
        yield from _hours(window, datetime.combine(first.date() - _DAY, time()), last)


def _hours(times: Times, midnight: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Begin and end of each window of the days from `midnight` to `until`, both local."""
    while midnight <= until:
        for span in times.spans:
            if midnight.weekday() in span.days:
                begin, _ = _moments(midnight + timedelta(minutes=span.begins), times.zone)
                _, end = _moments(midnight + timedelta(minutes=span.ends), times.zone)
                yield begin, end
        midnight += _DAY


@lru_cache(maxsize=512)
def _moments(local: datetime, zone: str) -> tuple[datetime, datetime]:
    """The first and the last moment (UTC) at which clocks there show a time; the end of the gap if they never do."""
    rules = zone_of(zone)
    first, last = (local.replace(tzinfo=rules, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first <= last:
        return first, last
    # In a gap these are the other way round (PEP 495): one moment after the change and one before it.
    seconds = range(int((first - last).total_seconds()) + 1)
    offset = first.astimezone(rules).utcoffset()
    gap = bisect_left(
        seconds, True, key=lambda second: (last + timedelta(seconds=second)).astimezone(rules).utcoffset() == offset
    )
    return (change := last + timedelta(seconds=gap)), change
