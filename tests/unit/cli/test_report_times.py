"""From when to when a report is, as people write it."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from daemon.cli.report_times import clock, period
from tests.support.each import each
from tests.support.values import NOW, ago


@pytest.fixture(autouse=True)
def _in_berlin() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as changed:
        changed.setenv("TZ", "Europe/Berlin")
        time.tzset()
        yield
    time.tzset()


TIMES = {
    "30d": ago(days=30),
    "2h": ago(hours=2),
    "90": ago(seconds=90),
    "2026-11-01": datetime(2026, 10, 31, 23, tzinfo=UTC),
    "2026-11-01 06:00": datetime(2026, 11, 1, 5, tzinfo=UTC),
    "2026-11-01T06:00Z": datetime(2026, 11, 1, 6, tzinfo=UTC),
    "2026-11-01T06:00+05:00": datetime(2026, 11, 1, 1, tzinfo=UTC),
}


@each(("text", "moment"), TIMES.items())
def test_the_beginning_is_so_long_ago_a_date_or_a_time(text: str, moment: datetime) -> None:
    assert period(NOW, text, None) == (moment, NOW)


def test_the_end_is_written_alike_and_is_not_later_than_now() -> None:
    assert period(NOW, "30d", "2026-11-01") == (ago(days=30), datetime(2026, 10, 31, 23, tzinfo=UTC))
    assert period(NOW, "30d", "7d") == (ago(days=30), ago(days=7))
    assert period(NOW, "30d", "2027-01-01") == (ago(days=30), NOW)


MISTAKES = {
    ("soon", None): "--since 'soon' is no time; write it like 30d, 2026-11-01,",
    ("30d", "x"): "--until 'x' is no time; write it like",
    ("2026-02-30", None): "--since '2026-02-30' is no time",
    ("0001-01-01T00:00+14:00", None): "is no time",
    ("7d", "30d"): "--since '7d' is not before the end of the report; give an earlier time",
    ("2027-01-01", None): "is not before the end",
}


@each(("given", "said"), MISTAKES.items())
def test_what_is_no_period_is_a_sentence(given: tuple[str, str | None], said: str) -> None:
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - the sentence is compared below
        period(NOW, *given)
    assert said in str(raised.value)


def test_the_clock_of_the_page_is_local_or_utc() -> None:
    assert clock(NOW, utc=True).minute(NOW) == "2026-11-23 09:30"
    assert clock(NOW, utc=True).zone == "UTC"
    local = clock(NOW, utc=False)
    assert (local.minute(NOW), local.zone) == ("2026-11-23 10:30", "CET")
    assert local.minute(NOW - timedelta(days=60)) == "2026-09-24 11:30"
