"""Times of day and weekdays as they are written."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.config.time_table import DAY, Span, Times, as_texts, read_times
from tests.support.each import each

EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)


@each(
    ("text", "span"),
    [
        ("22:00-06:00", Span(EVERY_DAY, 22 * 60, 30 * 60)),
        ("Mon-Fri 09:00-17:00", Span((0, 1, 2, 3, 4), 9 * 60, 17 * 60)),
        ("Sat,Sun 00:00-24:00", Span((5, 6), 0, DAY)),
        ("Sat-Sun", Span((5, 6), 0, DAY)),
        ("sunday", Span((6,), 0, DAY)),
        ("MONDAY,wed 9:30-10:00", Span((0, 2), 570, 600)),
        ("Fri-Mon 22:00-00:00", Span((0, 4, 5, 6), 22 * 60, DAY)),
        ("Tue,Tue,Mon-Wed", Span((0, 1, 2), 0, DAY)),
        ("  Mon - Fri ,  Sun   09:00 - 17:00 ", Span((0, 1, 2, 3, 4, 6), 9 * 60, 17 * 60)),
        ("Wed-Wed", Span((2,), 0, DAY)),
        ("23:59-23:58", Span(EVERY_DAY, 1439, 1438 + DAY)),
    ],
)
def test_a_text_is_read(text: str, span: Span) -> None:
    times = Times((span,), "UTC")
    assert read_times(text, "UTC") == read_times([text], "UTC") == read_times(as_texts(times), "UTC") == times


@each(
    ("times", "part"),
    [
        (None, "times is not a list"),
        (9, "times is not a list"),
        ([], "times is not a list"),
        (["Sat", 7], "times is not a list"),
        ("", "is not days and times of day"),
        ("Mon Tue Wed", "is not days and times of day"),
        ("09:00-17:00 Mon", "is not days and times of day"),
        ("25:00-26:00", "names a time that no day has"),
        ("24:00-06:00", "names a time that no day has"),
        ("09:00-24:01", "names a time that no day has"),
        ("09:60-10:00", "names a time that no day has"),
        ("09:00-10:75", "names a time that no day has"),
        ("9-17", "has no day of the week at '9'"),
        ("09:00", "has no times of day at '09:00'"),
        ("09:00-17:00-18:00", "has no times of day"),
        ("9am-5pm", "has no day of the week"),
        ("Mon 9:00pm-10:00pm", "has no times of day"),
        ("09:00-09:00", "write the whole day as 00:00-24:00"),
        ("Mnday 09:00-17:00", "the nearest is Monday"),
        ("Mo-Fr 09:00-17:00", "the nearest is Mon"),
        ("Mon-", "has no day of the week at ''"),
        ("Mon,,Tue", "has no day of the week at ''"),
        ("Montag", "at 'Montag'"),
        ("xyz", "days are Mon, Tue, Wed, Thu, Fri, Sat and Sun"),
        ("\u0660\u0669:00-17:00", "has no times of day"),
        ("a" * 5000, "has no day of the week"),
    ],
)
def test_a_mistake_is_a_sentence_with_the_fix(times: object, part: str) -> None:
    with pytest.raises(ValueError, match=r"^times ") as caught:
        read_times(times, "UTC")
    assert part in str(caught.value)
    assert "; " in str(caught.value)
    assert len(str(caught.value)) < 250


def test_the_mistake_of_one_text_among_many_is_named() -> None:
    with pytest.raises(ValueError, match=r"^times .'Sum 09:00-17:00'."):
        read_times(["Sat", "Sum 09:00-17:00"], "UTC")


CLOCK = st.builds("{}:{:02}".format, st.integers(0, 25), st.integers(0, 61))
HOURS = st.builds("{}-{}".format, CLOCK, CLOCK)


@given(HOURS | st.text("MonTueWdFri09:-, ", max_size=24) | st.text(max_size=12))
def test_whatever_is_written_is_a_span_or_a_sentence(text: str) -> None:
    try:
        times = read_times(text, "UTC")
    except ValueError as error:
        said = str(error)
        assert said.startswith("times"), text
    else:
        assert read_times(as_texts(times), "UTC") == times
        (span,) = times.spans
        assert 0 <= span.begins < DAY
        assert span.begins < span.ends <= span.begins + DAY
        assert span.days == tuple(sorted(set(span.days)))
        assert set(span.days) <= set(EVERY_DAY)


@each(
    ("times", "gapless"),
    [
        (["00:00-24:00"], True),
        (["22:00-06:00", "06:00-22:00"], True),
        (["Mon-Fri", "Sat 00:00-23:59", "Sun", "Sat 23:59-00:00"], True),
        (["Sun 12:00-11:59", "Mon-Sat"], False),
        (["00:00-23:59"], False),
        (["Mon-Sat"], False),
    ],
)
def test_times_that_cover_the_whole_week_are_noticed(times: list[str], gapless: bool) -> None:
    assert read_times(times, "UTC").leave_no_gap() is gapless


def test_they_pass_from_one_process_to_another() -> None:
    times = read_times(["Sat", "22:00-06:00"], "Europe/Berlin")
    assert pickle.loads(pickle.dumps(times)) == times
