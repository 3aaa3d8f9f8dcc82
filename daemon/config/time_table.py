"""Times of day and weekdays in a time zone, as `times` and `zone` give them."""

import re
from dataclasses import dataclass

from daemon.config.alike import alike
from daemon.config.recurrence import Recurrence
from daemon.config.zone import read_zone

DAY = 24 * 60
"""Minutes."""
WEEK = 7 * DAY
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_NAMES = {name: number for number, day in enumerate(_DAYS) for name in (day, day[:3])}
_TIMES = re.compile(r"(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})", re.ASCII)
_FORM = 'write it like "22:00-06:00", "Mon-Fri 09:00-17:00" or "Sat,Sun"'


@dataclass(frozen=True, slots=True)
class Span:
    """The same hours on some days of the week, by the clock on the wall."""

    days: tuple[int, ...]
    """The days on which it begins, Monday being 0, in order."""
    begins: int
    """Minutes after midnight."""
    ends: int
    """Minutes after the midnight before it begins, later than `begins` by a day at most."""


@dataclass(frozen=True, slots=True)
class Times:
    """Hours of the week in a time zone; they may overlap."""

    spans: tuple[Span, ...]
    zone: str
    """A name that `zone_of` knows."""

    def leave_no_gap(self) -> bool:
        """Whether they cover the whole week."""
        covered = {
            (day * DAY + minute) % WEEK
            for span in self.spans
            for day in span.days
            for minute in range(span.begins, span.ends)
        }
        return len(covered) == WEEK


Window = Times | Recurrence
"""When something applies: hours of the week, or what a rule of calendars gives."""


def read_times(times: object, zone: object) -> Times:
    """Reads one text or a list of them, and the name of their time zone.

    Raises `ValueError` with a sentence that begins with the key, `times` or `zone`, and ends with the fix.
    """
    texts = [times] if isinstance(times, str) else times
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise ValueError(f"times is not a list of times of day; {_FORM}")
    return Times(tuple(_span(text) for text in texts), read_zone(zone))


def as_texts(times: Times) -> list[str]:
    """The texts that `read_times` reads as these times."""
    return [f"{_spelled_days(span.days)} {_clock(span.begins)}-{_clock(span.ends)}" for span in times.spans]


def _spelled_days(days: tuple[int, ...]) -> str:
    return "Mon-Sun" if len(days) == len(_DAYS) else ",".join(_DAYS[day][:3].capitalize() for day in days)


def _clock(minutes: int) -> str:
    hour, minute = divmod(minutes - DAY if minutes > DAY else minutes, 60)
    return f"{hour:02d}:{minute:02d}"


def _span(text: str) -> Span:
    """One text, such as `Mon-Fri 09:00-17:00`."""
    words = re.sub(r"\s*([-,])\s*", r"\1", text.strip()).split()
    try:
        return _of_words(words)
    except ValueError as error:
        raise ValueError(f"times ({text[:80]!r}) {error}") from None


def _of_words(words: list[str]) -> Span:
    match words:
        case [days, times] if ":" not in days:
            return Span(_days(days), *_hours(times))
        case [times] if ":" in times:
            return Span(tuple(range(7)), *_hours(times))
        case [days]:
            return Span(_days(days), 0, DAY)
        case _:
            raise ValueError(f"is not days and times of day; {_FORM}")


def _days(text: str) -> tuple[int, ...]:
    """The days of `Mon-Fri,Sun`; a range may pass over the end of the week."""
    found = set[int]()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        begin, end = _day(first), _day(last if dash else first)
        found |= {day % 7 for day in range(begin, begin + (end - begin) % 7 + 1)}
    return tuple(sorted(found))


def _day(name: str) -> int:
    if (day := _NAMES.get(name.lower())) is not None:
        return day
    near = alike(name.lower(), _NAMES)
    mend = f"the nearest is {near.capitalize()}" if near else "days are Mon, Tue, Wed, Thu, Fri, Sat and Sun"
    raise ValueError(f"has no day of the week at {name[:20]!r}; {mend}")


def _hours(text: str) -> tuple[int, int]:
    """Begin and end of `22:00-06:00`, in minutes after the midnight before it begins."""
    match = _TIMES.fullmatch(text)
    if match is None:
        raise ValueError(f"has no times of day at {text[:20]!r}; {_FORM}")
    begins, ends = (int(hour) * 60 + int(minute) for hour, minute in ((match[1], match[2]), (match[3], match[4])))
    if begins >= DAY or ends > DAY or int(match[2]) > 59 or int(match[4]) > 59:
        raise ValueError("names a time that no day has; a day begins at 00:00 and ends at 24:00")
    if begins == ends:
        raise ValueError("ends when it begins; write the whole day as 00:00-24:00")
    return begins, ends if ends > begins else ends + DAY
