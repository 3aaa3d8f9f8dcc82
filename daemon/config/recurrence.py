"""Windows that recur by a rule of calendars (RRULE, RFC 5545), as `rrule`, `start`, `duration` and `zone` give them.

Dates are those of dateutil, which is imported where a rule is used, and nowhere else. It walks from the start of a rule
to each date, and where nothing matches to the year 9999, whatever its `UNTIL` says. So what a rule may say is bounded:

- nothing finer than hourly, and at most 48 windows a day;
- rules by the week, the day or the hour filter by month, weekday, hour and minute alone, so some date always is near.

Then the longest walk takes about a second, for a rule that is refused since it never occurs, and a few milliseconds
otherwise.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, pairwise, takewhile

from daemon.config.rule_parts import read_parts
from daemon.config.types import duration as read_duration
from daemon.config.zone import read_zone, zone_of

LEAST, MOST = timedelta(minutes=1), timedelta(days=7)
"""How long a window may be."""
_STEPS = {"HOURLY": timedelta(hours=1), "DAILY": timedelta(days=1), "WEEKLY": timedelta(weeks=1)}
_FAR_ENOUGH = timedelta(days=366)
"""Windows that follow each other without a gap for so long do so for ever, or for too long."""
_START = "write the first local time without quotes and without an offset, like start = 2026-12-05T02:00:00"


@dataclass(frozen=True, slots=True)
class Recurrence:
    """Windows of the same length that begin by a rule."""

    rule: str
    """The rule as it was written, without `RRULE:`."""
    start: datetime
    """The local time, naive, from which the rule counts. It is a window of its own only if the rule gives it."""
    duration: timedelta
    """Real time."""
    zone: str
    """A name that `zone_of` knows."""
    last: datetime | None = None
    """The local time, naive, after which no window begins: that of `UNTIL`, or of the last one of `COUNT`."""

    def starts(self, since: datetime, until: datetime) -> tuple[datetime, ...]:
        """The local times, naive, from `since` to `until`, both included, at which a window begins by the rule."""
        until = until if self.last is None else min(until, self.last)
        dates = _dates(read_parts(self.rule), self.start, since)
        return tuple(takewhile(lambda date: date <= until, (date for date in dates if date >= since)))

    def leave_no_gap(self) -> bool:
        """Whether one window follows the other without a gap, for a year."""
        first = next(_dates(read_parts(self.rule), self.start, self.start))
        starts = self.starts(first, first + _FAR_ENOUGH)
        joined = all(after - before <= self.duration for before, after in pairwise(starts))
        return joined and starts[-1] + self.duration >= first + _FAR_ENOUGH


def read_recurrence(rrule: object, start: object, duration: object, zone: object) -> Recurrence:
    """Reads the four values. Raises `ValueError` with a sentence that begins with the key and ends with the fix.

    A rule whose dates are all over is accepted: a window that is past must not keep the program from starting.
    """
    if not isinstance(rrule, str):
        raise ValueError('rrule is not a text; write it like rrule = "FREQ=WEEKLY;BYDAY=SA"')
    rule = rrule.strip().upper().removeprefix("RRULE:")
    name, begin, length = read_zone(zone), _start(start), _length(duration)
    try:
        parts = read_parts(rule)
    except ValueError as error:
        raise ValueError(f"rrule ({rrule[:80]!r}) {error}") from None
    try:
        last = _last(parts, begin, name)
        first = next(_dates(parts, begin, begin))
    except (StopIteration, ValueError, OverflowError):
        raise ValueError(f"rrule ({rule[:80]!r}) gives no date from start on; mend it, or take another start") from None
    if last is not None and first > last:
        raise ValueError(
            f"rrule ({rule[:80]!r}) ends before its first date, {first:%Y-%m-%d %H:%M}; take a later UNTIL"
        )
    return Recurrence(rule, begin, length, name, last)


def _start(value: object) -> datetime:
    if isinstance(value, datetime) and value.tzinfo is not None:
        raise ValueError(f"start ({value.isoformat()}) has an offset, which zone is there for; {_START}")
    if not isinstance(value, datetime):
        raise ValueError(f"start is {'missing' if value is None else 'not a date with a time'}; {_START}")
    if not 2000 <= value.year < 2100:
        raise ValueError(f"start ({value.isoformat()}) is out of range; take a year from 2000 to 2099")
    return value.replace(microsecond=0)


def _length(value: object) -> timedelta:
    if value is None:
        raise ValueError('duration is missing; write how long each window is, like duration = "2h"')
    try:
        length = read_duration(value)
    except ValueError as error:
        raise ValueError(f"duration ({str(value)[:80]!r}) {error}") from None
    if not LEAST <= length <= MOST:
        raise ValueError(f"duration ({str(value)[:80]!r}) is out of range; take 1m to 7d")
    return length


def _last(parts: Mapping[str, str], start: datetime, zone: str) -> datetime | None:
    """After which local time no window begins. Raises `ValueError` where none ever does."""
    if "COUNT" in parts:
        # Towards the end of all years dateutil fails with some rules, and nobody counts that far.
        dates = takewhile(lambda date: date.year < 3000, _dates(parts, start, start))
        *_, last = islice(dates, int(parts["COUNT"]))
        return last
    if "UNTIL" not in parts:
        return None
    moment = datetime.fromisoformat(parts["UNTIL"])
    if moment.tzinfo is not None:
        # What calendars write: the standard wants UTC here.
        return moment.astimezone(zone_of(zone)).replace(tzinfo=None)
    return moment if "T" in parts["UNTIL"] else moment + timedelta(days=1, seconds=-1)


def _dates(parts: Mapping[str, str], start: datetime, since: datetime) -> Iterator[datetime]:
    """The dates of a rule without its end: all of those from `since` on, and perhaps some before it.

    Raises `ValueError` where interval and filters never meet.
    """
    from dateutil.rrule import rrulestr  # noqa: PLC0415 - see above: only where a rule is used

    endless = ";".join(f"{name}={value}" for name, value in parts.items() if name not in {"COUNT", "UNTIL"})
    return iter(rrulestr(endless, dtstart=_nearer(parts, start, since)))


def _nearer(parts: Mapping[str, str], start: datetime, since: datetime) -> datetime:
    """A start as good as the given one, since it is a whole number of intervals later, and not after `since`.

    By the month and the year there is none, as not each month has a 31st; these dates are few.
    """
    step = _STEPS.get(parts["FREQ"])
    if step is None or since <= start:
        return start
    interval = step * int(parts.get("INTERVAL", "1"))
    return start + (since - start) // interval * interval
