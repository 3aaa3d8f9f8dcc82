"""The figures of a report, from openings that are given."""

import tracemalloc
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from daemon.decisions.report_figures import MOST_SOURCES, Collector, most_in_an_hour, spread
from daemon.decisions.report_timeline import Timeline
from daemon.model.report import Episode, Figures, Spread
from tests.support.values import NOW, ago

SINCE = ago(days=10)


def opening(began_at: datetime, name: str = "Shop", **more: Any) -> Episode:
    values = {"incident_id": "1", "generation": 1, "cause": "", "seen_at": began_at, **more}
    return Episode(name=name, began_at=began_at, **values)


def figures(*openings: Episode, zone: timezone = UTC) -> Figures:
    collector = Collector(SINCE, NOW, lambda moment: moment.astimezone(zone))
    for one in openings:
        collector.take(one)
    return collector.figures()


def after(began_at: datetime, **seconds: float) -> dict[str, Any]:
    return {f"{name}_at": began_at + timedelta(seconds=value) for name, value in seconds.items()}


def test_the_median_and_nine_in_ten_are_values_that_occurred() -> None:
    assert spread([]) is None
    assert spread([7]) == Spread(1, 7, 7, 7)
    assert spread(range(1, 11)) == Spread(10, 5, 9, 10)
    assert spread([30, 10, 20]) == Spread(3, 20, 30, 30)


@given(st.lists(st.floats(0, 1e9), min_size=1))
def test_half_of_all_take_at_most_the_median_and_nine_in_ten_the_second_figure(seconds: list[float]) -> None:
    found = spread(seconds)
    assert found is not None
    assert sum(one <= found.median for one in seconds) * 2 >= len(seconds)
    assert sum(one <= found.ninety for one in seconds) * 10 >= len(seconds) * 9
    assert found.median <= found.ninety <= found.longest == max(seconds)


def test_times_count_from_the_beginning_of_the_incident() -> None:
    began = ago(hours=5)
    found = figures(opening(began, **after(began, seen=4, told=5, acknowledged=60, resolved=600)))
    spans = (found.to_see, found.to_tell, found.to_alert, found.to_acknowledge, found.to_resolve)
    assert [one and one.median for one in spans] == [4, 1, 5, 60, 600]
    assert (found.incidents, found.still_open, found.untold) == (1, 0, 0)


def test_what_has_not_happened_is_no_span() -> None:
    found = figures(opening(ago(hours=5)))
    assert (found.to_alert, found.to_acknowledge, found.to_resolve) == (None, None, None)
    assert (found.still_open, found.untold) == (1, 1)


def test_an_end_before_the_beginning_took_no_time() -> None:
    """Two clocks: ours and Better Stack's."""
    began = ago(hours=5)
    found = figures(opening(began, **after(began, told=-3)))
    assert found.to_alert == Spread(1, 0, 0, 0)


def test_what_a_rule_held_says_nothing_of_how_fast_alerts_are() -> None:
    began = ago(hours=5)
    held = opening(began, was_held=True, **after(began, told=3600, resolved=7200))
    found = figures(held, opening(began, **after(began, told=5)))
    assert (found.held, found.to_alert, found.to_tell) == (1, Spread(1, 5, 5, 5), Spread(1, 5, 5, 5))
    assert found.to_resolve is not None
    assert found.sources[0].to_alert == Spread(1, 5, 5, 5)


def test_what_began_before_the_period_is_open_time_alone() -> None:
    began = SINCE - timedelta(days=1)
    found = figures(opening(began, **after(began, told=5, resolved=86400 + 3600)))
    assert found.incidents == 0
    assert found.to_alert is None
    assert [(one.openings, one.open_seconds) for one in found.sources] == [(0, 3600)]


def test_open_time_ends_with_the_period() -> None:
    [source] = figures(opening(ago(hours=2))).sources
    assert source.open_seconds == 7200


def test_sources_are_named_by_how_often_they_opened_and_the_rest_is_counted() -> None:
    rare = [opening(ago(hours=1), f"rare {number:02}") for number in range(MOST_SOURCES + 4)]
    often = [opening(ago(hours=number), "often") for number in range(1, 4)]
    found = figures(*rare, *often)
    assert found.sources[0].name == "often"
    assert len(found.sources) == MOST_SOURCES
    assert found.more_sources == 5


def test_a_source_flaps_that_opened_three_times_within_an_hour() -> None:
    flaps = [opening(ago(minutes=number), "flaps") for number in (10, 30, 69)]
    not_quite = [opening(ago(minutes=number), "not quite") for number in (10, 30, 70)]
    found = figures(*flaps, *not_quite)
    assert [(one.name, one.most_in_an_hour) for one in found.flapping] == [("flaps", 3)]


def test_the_most_within_an_hour_are_counted_wherever_that_hour_begins() -> None:
    assert most_in_an_hour([]) == 0
    assert most_in_an_hour([0, 3599, 3600]) == 2
    assert most_in_an_hour([7200, 0, 5400, 5000, 8599]) == 4


def test_hours_and_days_are_those_on_the_clock_of_the_reader() -> None:
    monday = datetime(2026, 11, 16, 23, 30, tzinfo=UTC)
    there = figures(opening(monday), zone=timezone(timedelta(hours=1)))
    assert there.by_weekday[1][0] == 1
    assert dict(there.by_day)["2026-11-17"] == 1
    here = figures(opening(monday))
    assert here.by_weekday[0][23] == 1
    assert sum(map(sum, here.by_weekday)) == 1


def test_how_long_it_took_is_known_for_each_hour_and_weekday_on_the_clock_of_the_reader() -> None:
    monday = datetime(2026, 11, 16, 23, 30, tzinfo=UTC)
    slow, fast = (opening(monday, **after(monday, told=seconds, resolved=600)) for seconds in (50, 10))
    friday = monday + timedelta(days=4, hours=1)
    found = figures(slow, fast, opening(friday, **after(friday, told=7)), zone=timezone(timedelta(hours=1)))
    by_hour = {hour: took.to_alert for hour, took in enumerate(found.took_by_hour) if took.to_alert}
    by_weekday = {day: took.to_alert for day, took in enumerate(found.took_by_weekday) if took.to_alert}
    assert by_hour == {0: Spread(2, 10, 50, 50), 1: Spread(1, 7, 7, 7)}
    assert by_weekday == {1: Spread(2, 10, 50, 50), 5: Spread(1, 7, 7, 7)}
    assert found.took_by_hour[0].to_resolve == Spread(2, 600, 600, 600)
    assert (len(found.took_by_hour), len(found.took_by_weekday)) == (24, 7)


def test_each_day_of_the_period_is_there() -> None:
    days = [day for day, _ in figures().by_day]
    assert (days[0], days[-1], len(days)) == ("2026-11-13", "2026-11-23", 11)


def test_an_opening_takes_a_few_bytes_and_a_source_a_few_more() -> None:
    began = ago(hours=5)
    openings = [opening(began, f"source {number}", resolved_at=began, told_at=began) for number in range(20_000)]
    tracemalloc.start()
    try:
        collector, timeline = Collector(SINCE, NOW, lambda moment: moment), Timeline(SINCE, NOW)
        for one in openings:
            collector.take(one)
            timeline.take(one)
        held, _ = tracemalloc.get_traced_memory()
        assert held / len(openings) < 400
        for _ in openings:
            collector.take(opening(began))
            timeline.take(opening(began))
        more = tracemalloc.get_traced_memory()[0] - held
        assert more / len(openings) < 120
    finally:
        tracemalloc.stop()
