"""How a page writes numbers and times."""

from datetime import timedelta, timezone

from daemon.page.words import LONGEST_NAME, MISSING, Clock, counted, name, span
from tests.support.each import each
from tests.support.values import NOW

SPANS = {
    None: MISSING,
    0: "0.0 s",
    4.24: "4.2 s",
    9.6: "10 s",
    59.4: "59 s",
    59.6: "1 min",
    65: "1 min 5 s",
    120: "2 min",
    599: "9 min 59 s",
    1500: "25 min",
    3580: "1 h",
    3599: "1 h",
    7500: "2 h 5 min",
    86399: "1 d",
    403200: "4 d 16 h",
    8640000: "100 d",
}


@each(("seconds", "said"), SPANS.items())
def test_a_span_is_as_short_as_it_can_be_read(seconds: float | None, said: str) -> None:
    assert span(seconds) == said


def test_a_time_is_that_on_the_clock_of_the_reader() -> None:
    clock = Clock(lambda moment: moment.astimezone(timezone(timedelta(hours=1))), "CET")
    assert (clock.minute(NOW), clock.day(NOW), clock.minute(None)) == ("2026-11-23 10:30", "23 Nov", MISSING)


def test_a_name_is_cut_and_an_empty_one_is_named() -> None:
    assert name("Shop") == "Shop"
    assert name(" \n") == "(no name)"
    assert len(name("x" * 4000)) == LONGEST_NAME
    assert name("x" * 4000).endswith("…")


def test_one_is_singular() -> None:
    assert counted(1, "day") == "1 day"
    assert counted(1204, "day") == "1,204 days"
    assert counted(0, "entry", "entries") == "0 entries"
