"""From when to when a silence is, as people write it, in zones whose clocks are set."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.cli.silence_times import FARTHEST, LONGEST, window
from tests.support.each import each
from tests.support.values import NOW

HOUR = timedelta(hours=1)


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    def set_to(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    with monkeypatch.context():
        yield set_to
    monkeypatch.undo()
    time.tzset()


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


ENDS = [
    # It is 10:30 there, a Monday in winter.
    ("12:00", "2026-11-23 11:00"),
    ("10:31", "2026-11-23 09:31"),
    ("10:30", "2026-11-24 09:30"),
    ("6:00", "2026-11-24 05:00"),
    ("00:00", "2026-11-23 23:00"),
    ("2026-11-30 06:00", "2026-11-30 05:00"),
    ("2026-11-30T06:00:30", "2026-11-30 05:00:30"),
    ("2026-11-30T06:00-05:00", "2026-11-30 11:00"),
    ("2026-11-30T06:00Z", "2026-11-30 06:00"),
]


@each(("until", "ends_at"), ENDS)
def test_a_time_is_local_and_a_time_of_day_the_next_one(zone: Callable[[str], None], until: str, ends_at: str) -> None:
    zone("Europe/Berlin")
    assert window(NOW, None, until, None) == (NOW, utc(ends_at))


def test_a_time_of_day_at_its_end_is_the_next_one_after_its_start(zone: Callable[[str], None]) -> None:
    zone("Europe/Berlin")
    expected = utc("2026-11-23 21:00"), utc("2026-11-24 05:00")
    assert window(NOW, "22:00", "06:00", None) == expected
    assert window(NOW, "22:00", None, 8 * HOUR) == expected
    assert window(NOW, "22:00", "21:00", None) == (expected[0], utc("2026-11-24 20:00"))


CLOCKS_SET: list[tuple[str, str, str]] = [
    ("back, the first of two", "2026-10-25 02:30", "2026-10-25 00:30"),
    ("back, the second of two", "2026-10-25T02:30+01:00", "2026-10-25 01:30"),
    ("back, after it", "2026-10-25 03:00", "2026-10-25 02:00"),
]


@each(("until", "ends_at"), [(until, ends_at) for _, until, ends_at in CLOCKS_SET], [case for case, *_ in CLOCKS_SET])
def test_a_night_in_which_clocks_are_set(zone: Callable[[str], None], until: str, ends_at: str) -> None:
    zone("Europe/Berlin")
    assert window(utc("2026-10-24 20:00"), None, until, None)[1] == utc(ends_at)


def test_a_time_that_the_clocks_left_out_today_is_that_of_tomorrow(zone: Callable[[str], None]) -> None:
    zone("Europe/Berlin")
    now = utc("2026-03-29 10:00")
    assert window(now, None, "02:30", None) == (now, utc("2026-03-30 00:30"))


def test_a_time_that_the_clocks_leave_out_is_refused(zone: Callable[[str], None]) -> None:
    zone("Europe/Berlin")
    for until in ("02:30", "2026-03-29 02:30"):
        with pytest.raises(ValueError, match=r"^--until '.*02:30' does not exist: the clocks are set forward"):
            window(utc("2026-03-28 20:00"), None, until, None)


REFUSED: list[tuple[str | None, str | None, timedelta | None, str]] = [
    (None, None, None, "say when it ends, either with --for 2h or with --until TIME"),
    (None, "12:00", HOUR, "say when it ends"),
    (None, None, timedelta(0), "it would be over before it begins"),
    (None, "2026-11-23 09:30", None, "it would be over before it begins"),
    (None, None, LONGEST + HOUR, "a silence lasts at most 30 days; what recurs goes into [[maintenance]]"),
    (None, "9998-12-31 23:59", None, "30 days"),
    (None, "0001-01-01T00:00+14:00", None, "--until '0001-01-01T00:00+14:00' is too far away"),
    (None, None, timedelta(days=10**8), "30 days"),
    ("2026-11-23 09:29", None, HOUR, "--start '2026-11-23 09:29' is in the past; leave it out to begin now"),
    ("2027-11-24 09:30", None, HOUR, "--start '2027-11-24 09:30' is more than a year ahead"),
    ("9998-12-31 23:59", None, HOUR, "more than a year ahead"),
    ("2026-11-24 09:30", "2026-11-23 12:00", None, "over before it begins"),
    *(
        (None, text, None, f"--until {text!r} is no time; write it like 06:00")
        for text in ("", "24:00", "2h", "12", "6pm", "2026-11-30", "tomorrow", "12:60", "\u0660\u0666:00")
    ),
]


@each(("start", "until", "lasts", "sentence"), REFUSED)
def test_what_is_no_span_is_refused_with_the_mend(
    zone: Callable[[str], None], start: str | None, until: str | None, lasts: timedelta | None, sentence: str
) -> None:
    zone("UTC")
    with pytest.raises(ValueError, match=r".") as refused:
        window(NOW, start, until, lasts)
    assert sentence in str(refused.value)


@given(
    st.none() | st.text() | st.datetimes().map(str),
    st.none() | st.text() | st.datetimes().map(str),
    st.none() | st.timedeltas(),
)
def test_whatever_is_given_is_a_bounded_span_or_a_sentence(
    start: str | None, until: str | None, lasts: timedelta | None
) -> None:
    try:
        starts_at, ends_at = window(NOW, start, until, lasts)
    except ValueError:
        return
    assert NOW <= starts_at <= NOW + FARTHEST
    assert timedelta(0) < ends_at - starts_at <= LONGEST
