"""The parts of an RRULE (RFC 5545), checked more strictly than dateutil does.

dateutil passes by the number of `BYDAY=2MO` in a weekly rule, fails with an `IndexError` at a day that a month has too
few of, takes any number for an hour or a month, and walks for ever at an interval of 0.
"""

import re
from collections.abc import Callable
from datetime import datetime

from daemon.config.alike import nearest_of

_FREQUENCIES = ("HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_BY_DATE = {"MONTHLY", "YEARLY"}
_DAY = re.compile(r"[+-]?(?P<number>[1-9]\d?)?(MO|TU|WE|TH|FR|SA|SU)", re.ASCII)
_UNTIL = re.compile(r"\d{8}(T\d{6}Z?)?", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d{1,4}", re.ASCII)
_MOST_A_DAY = 48
_FORM = "write it like FREQ=WEEKLY;BYDAY=SA"


def _numbers(least: int, most: int, *, negative: bool = False) -> Callable[[str], str | None]:
    """A check of a list of numbers: the phrase for what may be there, if something else is."""

    def check(value: str) -> str | None:
        for text in value.split(","):
            number = int(text) if _NUMBER.fullmatch(text) else most + 1
            if not least <= (abs(number) if negative else number) <= most:
                return f"numbers from {least} to {most}{', or below zero from the end' if negative else ''}"
        return None

    return check


def _number(least: int, most: int) -> Callable[[str], str | None]:
    inner = _numbers(least, most)
    return lambda value: f"a number from {least} to {most}" if "," in value or inner(value) else None


def _frequency(value: str) -> str | None:
    return None if value in _FREQUENCIES else f"one of {', '.join(_FREQUENCIES)}, the shortest that windows may have"


def _weekdays(value: str) -> str | None:
    good = all(_DAY.fullmatch(day) for day in value.split(","))
    return None if good else "days like MO,WE or, by month or year, 2SU and -1FR"


def _week_start(value: str) -> str | None:
    return None if re.fullmatch("MO|TU|WE|TH|FR|SA|SU", value) else "a day, like MO"


def _until(value: str) -> str | None:
    try:
        good = _UNTIL.fullmatch(value) is not None and 1900 < datetime.fromisoformat(value).year < 9999
    except ValueError:  # a day that no month has
        good = False
    return None if good else "a date like 20261231 or 20261231T220000, with Z for UTC"


_PARTS: dict[str, Callable[[str], str | None]] = {
    "FREQ": _frequency,
    "INTERVAL": _number(1, 1000),
    "COUNT": _number(1, 1000),
    "UNTIL": _until,
    "WKST": _week_start,
    "BYDAY": _weekdays,
    "BYMONTH": _numbers(1, 12),
    "BYHOUR": _numbers(0, 23),
    "BYMINUTE": _numbers(0, 59),
    "BYMONTHDAY": _numbers(1, 31, negative=True),
    "BYYEARDAY": _numbers(1, 366, negative=True),
    "BYWEEKNO": _numbers(1, 53, negative=True),
    "BYSETPOS": _numbers(1, 366, negative=True),
}
"""What a rule may hold, and the check of each."""
_OF_DATES = ("BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYSETPOS")
"""Filters that belong to rules by the month and the year."""


def read_parts(rule: str) -> dict[str, str]:
    """The parts of a rule in capitals. Raises `ValueError` with a sentence that lacks its subject, the rule."""
    parts = dict[str, str]()
    for pair in rule.rstrip(";").split(";"):
        name, equals, value = pair.partition("=")
        if name.startswith("DTSTART"):
            raise ValueError("holds DTSTART; move that to start, and leave what follows RRULE:")
        if not equals or not value:
            raise ValueError(f"is not a rule at {pair[:40]!r}; {_FORM}")
        if name not in _PARTS:
            raise ValueError(f"has an unknown part, {name[:40]!r}; {_nearest(name)}")
        if name in parts:
            raise ValueError(f"has {name} twice; join them, or leave one out")
        if (wanted := _PARTS[name](value)) is not None:
            raise ValueError(f"has a {name} that windows cannot have ({value[:40]!r}); take {wanted}")
        parts[name] = value
    _check_together(parts)
    return parts


def _nearest(name: str) -> str:
    if name == "BYSECOND":
        return "windows begin at the second of start; leave it out"
    return nearest_of(name, _PARTS, "the parts are")


def _check_together(parts: dict[str, str]) -> None:
    """What is wrong with a rule although each part of it is right."""
    if "FREQ" not in parts:
        raise ValueError(f"has no FREQ; {_FORM}")
    if "COUNT" in parts and "UNTIL" in parts:
        raise ValueError("has both COUNT and UNTIL; leave one out")
    frequency = parts["FREQ"]
    if frequency not in _BY_DATE:
        for name in _OF_DATES:
            if name in parts:
                raise ValueError(f"has {name} with FREQ={frequency}; take FREQ=MONTHLY or FREQ=YEARLY with it")
    _check_numbered_days(parts)
    hours = parts["BYHOUR"].count(",") + 1 if "BYHOUR" in parts else 24 if frequency == "HOURLY" else 1
    if hours * (parts.get("BYMINUTE", "").count(",") + 1) > _MOST_A_DAY:
        raise ValueError(f"begins more than {_MOST_A_DAY} windows a day; take fewer, longer ones")


def _check_numbered_days(parts: dict[str, str]) -> None:
    """Days like 2SU count within the month or the year, and neither has very many of them."""
    matches = [_DAY.fullmatch(day) for day in parts.get("BYDAY", "").split(",")]
    most = max((int(match["number"] or 0) for match in matches if match), default=0)
    if most and parts["FREQ"] not in _BY_DATE:
        raise ValueError(
            f"numbers the days of BYDAY with FREQ={parts['FREQ']}; take FREQ=MONTHLY or FREQ=YEARLY with it, or leave "
            "the numbers out"
        )
    period, has = ("year", 53) if parts["FREQ"] == "YEARLY" and "BYMONTH" not in parts else ("month", 5)
    if most > has:
        raise ValueError(f"has a BYDAY that no {period} has ({parts['BYDAY'][:40]!r}); take a number up to {has}")
