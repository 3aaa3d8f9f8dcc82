"""Windows that recur by a rule: how they are read, and when they begin."""

import pickle
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import takewhile
from typing import Any

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.config.recurrence import Recurrence, read_recurrence
from tests.support.each import each

START = datetime(2026, 1, 6, 2, 0)  # noqa: DTZ001 - a Tuesday, by the clock on the wall
HOUR = timedelta(hours=1)


def read(
    rrule: object = "FREQ=DAILY", start: object = START, duration: object = "1h", zone: object = "UTC"
) -> Recurrence:
    return read_recurrence(rrule, start, duration, zone)


def test_the_values_are_read() -> None:
    assert read(" rrule:freq=weekly;byday=sa\n", START.replace(microsecond=7), "90m", "Europe/Berlin") == Recurrence(
        "FREQ=WEEKLY;BYDAY=SA", START, timedelta(minutes=90), "Europe/Berlin"
    )


@each(
    ("values", "part"),
    [
        ({"rrule": None}, "rrule is not a text; write it like"),
        ({"rrule": ["FREQ=DAILY"]}, "rrule is not a text; write it like"),
        ({"rrule": "FREQ=SECONDLY"}, "rrule ('FREQ=SECONDLY') has a FREQ"),
        ({"rrule": "FREQ=DAILY;UNTIL=20260101"}, "ends before its first date, 2026-01-06 02:00; take a later UNTIL"),
        ({"rrule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"}, "gives no date from start on"),
        ({"rrule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=1"}, "gives no date from start on"),
        ({"rrule": "FREQ=HOURLY;INTERVAL=24;BYHOUR=3"}, "gives no date from start on"),
        ({"rrule": "FREQ=DAILY;INTERVAL=7;BYDAY=MO"}, "gives no date from start on"),
        ({"start": None}, "start is missing; write the first local time"),
        (
            {"start": "2026-12-05T02:00:00"},
            "start is not a date with a time; write the first local time without quotes",
        ),
        ({"start": date(2026, 12, 5)}, "start is not a date with a time"),
        ({"start": time(2)}, "start is not a date with a time"),
        (
            {"start": START.replace(tzinfo=UTC)},
            "start (2026-01-06T02:00:00+00:00) has an offset, which zone is there for",
        ),
        ({"start": START.replace(year=1999)}, "take a year from 2000 to 2099"),
        ({"start": START.replace(year=2100)}, "take a year from 2000 to 2099"),
        ({"duration": None}, "duration is missing"),
        ({"duration": "soon"}, "duration ('soon') is not a duration; write it like"),
        ({"duration": "59s"}, "duration ('59s') is out of range; take 1m to 7d"),
        ({"duration": "8d"}, "duration ('8d') is out of range; take 1m to 7d"),
        ({"zone": None}, "zone is missing"),
        ({"zone": "Europe/Berln"}, "zone ('Europe/Berln') is not known"),
    ],
)
def test_a_mistake_is_a_sentence_with_key_and_fix(values: dict[str, object], part: str) -> None:
    with pytest.raises(ValueError, match=f"^{next(iter(values))} .*; ") as caught:
        read(**values)
    assert part in str(caught.value)


@each(
    ("rule", "zone", "last"),
    [
        ("FREQ=DAILY", "UTC", None),
        ("FREQ=DAILY;COUNT=1", "UTC", START),
        ("FREQ=WEEKLY;COUNT=3;BYDAY=TU", "UTC", START + timedelta(weeks=2)),
        ("FREQ=WEEKLY;COUNT=1000;BYDAY=SA;INTERVAL=1000", "UTC", datetime(2984, 4, 17, 2)),  # noqa: DTZ001
        ("FREQ=DAILY;UNTIL=20260203", "UTC", datetime(2026, 2, 3, 23, 59, 59)),  # noqa: DTZ001
        ("FREQ=DAILY;UNTIL=20260203T020000", "Europe/Berlin", datetime(2026, 2, 3, 2)),  # noqa: DTZ001
        ("FREQ=DAILY;UNTIL=20260203T010000Z", "Europe/Berlin", datetime(2026, 2, 3, 2)),  # noqa: DTZ001
        ("FREQ=DAILY;UNTIL=20260703T000000Z", "Europe/Berlin", datetime(2026, 7, 3, 2)),  # noqa: DTZ001
    ],
)
def test_the_end_of_a_rule_is_a_local_time_and_included(rule: str, zone: str, last: datetime | None) -> None:
    window = read(rule, zone=zone)
    assert window.last == last
    if last is not None:
        begins = window.starts(START, last + timedelta(days=400))
        assert last - timedelta(days=1) < begins[-1] <= last


def test_a_rule_whose_dates_are_over_is_no_mistake() -> None:
    over = read("FREQ=DAILY;COUNT=1", START.replace(year=2001))
    assert over.starts(START, START + timedelta(days=30)) == ()


RULES = st.builds(
    "{};INTERVAL={}{}".format,
    st.sampled_from(["FREQ=HOURLY", "FREQ=DAILY", "FREQ=WEEKLY;WKST=WE", "FREQ=WEEKLY", "FREQ=MONTHLY", "FREQ=YEARLY"]),
    st.integers(1, 30),
    st.sampled_from(["", ";BYDAY=TU,SU", ";BYHOUR=2,5,14", ";BYMONTH=1,7", ";BYDAY=MO,TU;BYMONTH=2,3;BYMINUTE=0,30"]),
)


@settings(deadline=None)
@given(RULES, st.integers(0, 6_000), st.integers(0, 1_500))
def test_nothing_is_lost_where_the_walk_does_not_begin_at_the_start(rule: str, hours: int, length: int) -> None:
    since = START + hours * HOUR
    until = since + length * HOUR
    try:
        window = read(rule)
    except ValueError:
        return
    walked = takewhile(lambda moment: moment <= until, rrulestr(rule, dtstart=START))
    assert window.starts(since, until) == tuple(moment for moment in walked if moment >= since)


def test_a_rule_of_long_ago_costs_no_walk_of_years(monkeypatch: pytest.MonkeyPatch) -> None:
    walked = list[datetime]()
    window = read("FREQ=HOURLY", START.replace(year=2000))

    def noted(rule: Any) -> Iterator[datetime]:
        for moment in rule._iter():
            walked.append(moment)
            yield moment

    monkeypatch.setattr("dateutil.rrule.rrule.__iter__", noted)
    assert len(window.starts(START, START + 5 * HOUR)) == 6
    assert len(walked) <= 8


@each(
    ("rule", "duration", "gapless"),
    [
        ("FREQ=DAILY", "1d", True),
        ("FREQ=DAILY", "25h", True),
        ("FREQ=DAILY", "1439m", False),
        ("FREQ=WEEKLY", "7d", True),
        ("FREQ=WEEKLY;BYDAY=MO,TH", "4d", True),
        ("FREQ=WEEKLY;BYDAY=MO,TH", "3d", False),
        ("FREQ=DAILY;COUNT=30", "1d", False),
        ("FREQ=DAILY;BYMONTH=1,2,3", "7d", False),
        ("FREQ=MONTHLY", "7d", False),
    ],
)
def test_windows_without_a_gap_are_noticed(rule: str, duration: str, gapless: bool) -> None:
    assert read(rule, duration=duration).leave_no_gap() is gapless


def test_it_passes_from_one_process_to_another() -> None:
    window = read("FREQ=DAILY;COUNT=3")
    assert pickle.loads(pickle.dumps(window)) == window


def test_dateutil_is_imported_for_a_rule_alone() -> None:
    script = (
        "import sys; from daemon.config.maintenance import read_maintenance; from datetime import *\n"
        "from daemon.decisions.time_windows import ends_at\n"
        "window = read_maintenance({'name': 'a', 'times': ['Sat'], 'zone': 'UTC'}).window\n"
        "ends_at(window, datetime.now(UTC)); window.leave_no_gap(); print('dateutil' in sys.modules)\n"
        "rule = {'name': 'a', 'rrule': 'FREQ=DAILY', 'start': datetime(2026, 1, 1), 'duration': '1h', 'zone': 'UTC'}\n"
        "ends_at(read_maintenance(rule).window, datetime.now(UTC)); print('dateutil' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
