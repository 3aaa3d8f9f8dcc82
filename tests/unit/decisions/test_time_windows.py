"""When windows begin and end, above all where the clocks change."""

from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import accumulate
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.config.recurrence import read_recurrence
from daemon.config.time_table import Span, Times, Window, read_times
from daemon.decisions.time_windows import AHEAD, ends_at, within
from tests.support.each import each

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
INSTANT = timedelta(microseconds=1)


def at(text: str) -> datetime:
    """The moment; UTC, if it has no offset."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def lasts(window: Window, begin: datetime, end: datetime) -> None:
    """One window is there from `begin` to `end`, and nothing right before and after it."""
    for moment in (begin, begin + (end - begin) / 2, end - INSTANT):
        assert within(window, moment), moment
        assert ends_at(window, moment) == end
    for moment in (begin - INSTANT, end):
        assert not within(window, moment), moment
        assert ends_at(window, moment) is None


@each(
    ("times", "zone", "begin", "end"),
    [
        # Plain days.
        (["Mon-Fri 09:00-17:00"], "Europe/Berlin", "2026-11-23T09:00+01:00", "2026-11-23T17:00+01:00"),
        (["Fri 22:00-06:00"], "UTC", "2026-11-27T22:00", "2026-11-28T06:00"),
        (["Sun 22:00-06:00"], "UTC", "2026-11-29T22:00", "2026-11-30T06:00"),
        (["Sat,Sun"], "Asia/Kathmandu", "2026-11-28T00:00+05:45", "2026-11-30T00:00+05:45"),
        # What follows without a gap, or overlaps, is one window.
        (["Fri 22:00-24:00", "Sat 00:00-02:00"], "UTC", "2026-11-27T22:00", "2026-11-28T02:00"),
        (["Sat 01:00-03:00", "Fri 22:00-02:00"], "UTC", "2026-11-27T22:00", "2026-11-28T03:00"),
        (["Sat 01:00-01:30", "Sat 00:00-02:00", "Sat 03:00-04:00"], "UTC", "2026-11-28T00:00", "2026-11-28T02:00"),
        # The hour from two to three is left out, or comes twice.
        (["02:00-04:00"], "Europe/Berlin", "2026-03-29T03:00+02:00", "2026-03-29T04:00+02:00"),
        (["02:00-04:00"], "Europe/Berlin", "2026-10-25T02:00+02:00", "2026-10-25T04:00+01:00"),
        (["02:30-04:00"], "Europe/Berlin", "2026-03-29T03:00+02:00", "2026-03-29T04:00+02:00"),
        (["01:00-02:30"], "Europe/Berlin", "2026-03-29T01:00+01:00", "2026-03-29T03:00+02:00"),
        (["01:00-02:30"], "Europe/Berlin", "2026-10-25T01:00+02:00", "2026-10-25T02:30+01:00"),
        (["02:15-02:45"], "Europe/Berlin", "2026-10-25T02:15+02:00", "2026-10-25T02:45+01:00"),
        (["22:00-02:30"], "Europe/Berlin", "2026-10-24T22:00+02:00", "2026-10-25T02:30+01:00"),
        (["Sun"], "America/New_York", "2026-03-08T00:00-05:00", "2026-03-09T00:00-04:00"),
        (["Sun"], "America/New_York", "2026-11-01T00:00-04:00", "2026-11-02T00:00-05:00"),
        # Half an hour; a change at midnight, back into the day before; a day left out.
        (["01:45-03:00"], "Australia/Lord_Howe", "2026-04-05T01:45+11:00", "2026-04-05T03:00+10:30"),
        (["02:15-03:00"], "Australia/Lord_Howe", "2026-10-04T02:30+11:00", "2026-10-04T03:00+11:00"),
        (["00:00-00:30"], "America/St_Johns", "2006-10-29T00:00-02:30", "2006-10-29T00:30-03:30"),
        (["23:30-23:45"], "America/St_Johns", "2006-10-28T23:30-02:30", "2006-10-28T23:45-03:30"),
        (["Thu 22:00-06:00"], "Pacific/Apia", "2011-12-29T22:00-10:00", "2011-12-31T00:00+14:00"),
        (["Thu-Sat"], "Pacific/Apia", "2011-12-29T00:00-10:00", "2012-01-01T00:00+14:00"),
    ],
)
def test_times_of_day_are_those_of_the_clock_on_the_wall(times: list[str], zone: str, begin: str, end: str) -> None:
    lasts(read_times(times, zone), at(begin), at(end))


@each(
    ("rule", "duration", "begin", "end"),
    [
        ("FREQ=DAILY;BYHOUR=23;BYMINUTE=0", "4h", "2026-03-28T23:00+01:00", "2026-03-29T04:00+02:00"),
        ("FREQ=DAILY;BYHOUR=23;BYMINUTE=0", "4h", "2026-10-24T23:00+02:00", "2026-10-25T02:00+01:00"),
        ("FREQ=DAILY", "1h", "2026-03-29T03:00+02:00", "2026-03-29T04:00+02:00"),
        ("FREQ=DAILY", "1h", "2026-10-25T02:30+02:00", "2026-10-25T02:30+01:00"),
        ("FREQ=HOURLY;BYDAY=SU", "10m", "2026-10-25T02:30+02:00", "2026-10-25T02:40+02:00"),
        ("FREQ=HOURLY;BYDAY=SU", "10m", "2026-10-25T03:30+01:00", "2026-10-25T03:40+01:00"),
        ("FREQ=MONTHLY;BYDAY=2SU", "7d", "2026-11-08T02:30+01:00", "2026-11-15T02:30+01:00"),
        ("FREQ=DAILY;COUNT=2", "1d", "2026-01-01T02:30+01:00", "2026-01-03T02:30+01:00"),
        ("FREQ=WEEKLY;BYDAY=MO,TU,WE", "30h", "2026-11-23T02:30+01:00", "2026-11-26T08:30+01:00"),
    ],
)
def test_a_window_of_a_rule_lasts_in_real_time(rule: str, duration: str, begin: str, end: str) -> None:
    start = datetime(2026, 1, 1, 2, 30)  # noqa: DTZ001
    lasts(read_recurrence(rule, start, duration, "Europe/Berlin"), at(begin), at(end))


@each(
    ("times", "day"),
    [
        (read_times("02:15-02:45", "Europe/Berlin"), "2026-03-29T00:00+01:00"),
        (read_times("Fri", "Pacific/Apia"), "2011-12-30T00:00-10:00"),
    ],
)
def test_what_lies_in_the_gap_does_not_occur(times: Times, day: str) -> None:
    assert not any(within(times, at(day) + count * MINUTE) for count in range(-600, 600))


def test_the_end_is_looked_for_no_further_than_a_week() -> None:
    always = (
        read_times("00:00-24:00", "Europe/Berlin"),
        read_recurrence("FREQ=HOURLY", datetime(2000, 1, 1), "1h", "UTC"),  # noqa: DTZ001
        read_recurrence("FREQ=HOURLY", datetime(2000, 1, 1), "7d", "Europe/Berlin"),  # noqa: DTZ001
    )
    for window in always:
        for now in (at("2026-11-29T12:34"), at("2026-10-24T12:34+02:00")):
            found = ends_at(window, now)
            assert found == now + AHEAD
            assert found.tzinfo is UTC


CHANGES = [
    ("Europe/Berlin", "2026-03-29T01:00"),
    ("Europe/Berlin", "2026-10-25T01:00"),
    ("America/New_York", "2026-03-08T07:00"),
    ("America/New_York", "2026-11-01T06:00"),
    ("Australia/Lord_Howe", "2026-04-04T15:00"),
    ("Australia/Lord_Howe", "2026-10-03T15:30"),
    ("America/Sao_Paulo", "2018-11-04T03:00"),
    ("America/St_Johns", "2006-10-29T02:31"),
    ("Pacific/Apia", "2011-12-30T10:00"),
    ("Asia/Kathmandu", "1985-12-31T18:30"),
]
AROUND = 4 * 24 * 60
"""So many minutes before and after a change are looked at."""
NEAR = 1500
"""So many of them with care."""


@cache
def wall(zone: str, change: str) -> list[datetime]:
    """What the clock on the wall shows in each minute around the change."""
    minutes = (at(change) + count * MINUTE for count in range(-AROUND, AROUND))
    return [minute.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for minute in minutes]


def covered(times: Times, change: str) -> list[bool]:
    """For each minute whether the clock has shown the begin of a window, and not yet for the last time its end."""
    shown = wall(times.zone, change)
    latest = list(accumulate(shown, max))
    earliest_to_come = list(accumulate(reversed(shown), min))[::-1]
    result = [False] * len(shown)
    for span in times.spans:
        for date in {moment.replace(hour=0, minute=0) + day * DAY for moment in shown[::60] for day in (-1, 0, 1)}:
            if date.weekday() in span.days:
                begin = bisect_left(latest, date + span.begins * MINUTE)
                end = bisect_left(earliest_to_come, date + span.ends * MINUTE)
                result[begin:end] = [True] * (end - begin)
    return result


@st.composite
def spans_near(draw: st.DrawFn, zone: str, change: str) -> Span:
    """Most begin and end within two hours of the time at which the clocks change, on some days or on all."""
    local = wall(zone, change)[AROUND - 1]
    close = st.integers(-120, 120).map(lambda minutes: (local.hour * 60 + local.minute + minutes) % 1440)
    begins, ends = draw(close | st.integers(0, 1439)), draw(close | st.integers(0, 1439))
    days = draw(st.just(frozenset(range(7))) | st.frozensets(st.integers(0, 6), min_size=1))
    return Span(tuple(sorted(days)), begins, ends if ends > begins else ends + 1440)


@settings(deadline=None)
@given(st.data())
def test_a_walk_minute_by_minute_finds_the_same(data: st.DataObject) -> None:
    zone, change = data.draw(st.sampled_from(CHANGES))
    times = Times(tuple(data.draw(st.lists(spans_near(zone, change), min_size=1, max_size=3))), zone)
    expected = covered(times, change)
    first = at(change) - AROUND * MINUTE
    for number in range(AROUND - NEAR, AROUND + NEAR):
        turns = expected[number] is not expected[number - 1]
        if turns or number % 17 == 0:
            assert within(times, first + number * MINUTE) is expected[number], number
            assert within(times, first + (number - 1) * MINUTE) is expected[number - 1], number
        if turns and expected[number] and False in expected[number:]:
            assert ends_at(times, first + number * MINUTE) == first + expected.index(False, number) * MINUTE
