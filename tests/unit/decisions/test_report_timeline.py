"""The timeline of a report."""

from datetime import datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from daemon.decisions.report_timeline import ACKNOWLEDGED, MOST_LANES, OTHERS, SLOTS, UNACKNOWLEDGED, Timeline
from daemon.model.report import Bar, Episode, Lane
from tests.support.values import NOW

SINCE = NOW - timedelta(minutes=SLOTS)
"""A slot is a minute."""


def at(minute: float) -> datetime:
    return SINCE + timedelta(minutes=minute)


def lanes(*openings: Episode) -> tuple[Lane, ...]:
    timeline = Timeline(SINCE, NOW)
    for one in openings:
        timeline.take(one)
    return timeline.lanes()


def opening(begins: float, ends: float | None, name: str = "Shop", taken: float | None = None) -> Episode:
    times: dict[str, Any] = {"resolved_at": None if ends is None else at(ends)}
    times |= {"acknowledged_at": None if taken is None else at(taken)}
    return Episode("1", 1, name, "", at(begins), at(begins), **times)


def test_an_opening_is_a_bar_over_each_slot_that_it_touches() -> None:
    [lane] = lanes(opening(10.5, 12.5))
    assert lane == Lane("Shop", 1, (Bar(10, 13, UNACKNOWLEDGED, 1),))


def test_the_shortest_opening_is_seen() -> None:
    [lane] = lanes(opening(10.1, 10.1))
    assert lane.bars == (Bar(10, 11, UNACKNOWLEDGED, 1),)


def test_from_the_acknowledgement_on_somebody_is_on_it() -> None:
    [lane] = lanes(opening(10, 30.5, taken=20.5))
    assert lane.bars == (Bar(10, 21, UNACKNOWLEDGED, 1), Bar(21, 31, ACKNOWLEDGED, 1))


def test_what_is_open_ends_with_the_period_and_what_is_older_begins_with_it() -> None:
    [lane] = lanes(opening(-500, None))
    assert lane.bars == (Bar(0, SLOTS, UNACKNOWLEDGED, 1),)
    [lane] = lanes(opening(-500, 5000, taken=-400))
    assert lane.bars == (Bar(0, SLOTS, ACKNOWLEDGED, 1),), "somebody was on it before the period"


def test_where_one_waits_and_another_does_not_the_slot_waits() -> None:
    [lane] = lanes(opening(10, 30, taken=11), opening(20, 22))
    assert lane.bars == (
        Bar(10, 12, UNACKNOWLEDGED, 1),
        Bar(12, 20, ACKNOWLEDGED, 1),
        Bar(20, 23, UNACKNOWLEDGED, 2),
        Bar(23, 31, ACKNOWLEDGED, 1),
    )


def test_the_sources_that_were_open_longest_have_lanes_and_all_others_share_one() -> None:
    found = lanes(*(opening(0, 10 + number, f"source {number:02}") for number in range(MOST_LANES + 3)))
    assert len(found) == MOST_LANES + 1
    assert (found[0].name, found[-1].name, found[-1].openings) == (f"source {MOST_LANES + 2}", OTHERS, 3)


def test_without_openings_there_are_no_lanes() -> None:
    assert lanes() == ()


SPANS = st.tuples(st.floats(-100, SLOTS), st.floats(0, 200), st.floats(0, 200) | st.none())


@given(st.lists(SPANS, max_size=30))
def test_however_openings_lie_bars_are_in_order_apart_and_within_the_period(spans: list[Any]) -> None:
    openings = [opening(begins, begins + lasts, taken=taken and begins + taken) for begins, lasts, taken in spans]
    for lane in lanes(*(one for one in openings if one.resolved_at and one.resolved_at >= SINCE)):
        edges = [edge for bar in lane.bars for edge in (bar.begins, bar.ends)]
        assert edges == sorted(edges)
        assert all(0 <= bar.begins < bar.ends <= SLOTS and bar.incidents >= 1 for bar in lane.bars)
