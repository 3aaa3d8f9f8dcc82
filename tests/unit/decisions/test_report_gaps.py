"""When no round was complete, as far as anything proves it."""

from datetime import datetime, timedelta

from daemon.decisions.report_gaps import ROUND, gap_seen_late, gaps, unrefuted, whole_hours, within
from daemon.model.alarm import Cause, is_unpolled
from daemon.model.report import Alarm, Episode, Gap, Rounds
from tests.support.each import each
from tests.support.values import NOW, ago

FIVE = timedelta(minutes=5)
TEN = timedelta(minutes=10)
HEALTHY = Rounds(ago(days=20), NOW, None)
POLL = Cause.POLL.external_id


def seen(began_at: datetime, seen_at: datetime, generation: int = 1) -> Episode:
    return Episode("7", generation, "Shop", "", began_at, seen_at)


def test_the_alarm_that_polling_fails_proves_a_gap_from_before_it_was_raised() -> None:
    alarm = Alarm(POLL, "HTTP 502", ago(hours=3), ago(hours=1))
    [gap] = gaps([alarm], [], HEALTHY, FIVE, NOW)
    assert (gap.begins_at, gap.ends_at) == (ago(hours=3, minutes=5), ago(hours=1))
    assert "HTTP 502" in gap.evidence


def test_an_open_alarm_proves_it_until_now_and_other_alarms_prove_nothing() -> None:
    others = [Alarm(cause.external_id, "", ago(hours=9)) for cause in Cause if not is_unpolled(cause.external_id)]
    [gap] = gaps([*others, Alarm(POLL, "", ago(hours=3))], [], HEALTHY, FIVE, NOW)
    assert (gap.begins_at, gap.ends_at) == (ago(hours=3, minutes=5), NOW)


SIGHTINGS = {
    "an hour late": (seen(ago(hours=3), ago(hours=2)), True),
    "just in time": (seen(ago(hours=3), ago(hours=3) + TEN), False),
    "by the first start": (seen(ago(days=21), ago(days=20)), False),
    "reopened": (seen(ago(hours=3), ago(hours=2), generation=2), False),
}


@each(("episode", "proves"), SIGHTINGS.values())
def test_an_incident_that_was_seen_late_proves_a_gap_but_not_what_the_first_start_found(
    episode: Episode, proves: bool
) -> None:
    gap = gap_seen_late(episode, HEALTHY, TEN)
    assert (gap is not None) is proves
    assert gap is None or (gap.begins_at, gap.ends_at) == (episode.began_at, episode.seen_at)


def test_what_was_seen_late_proves_nothing_if_rounds_went_on_meanwhile() -> None:
    late = Gap(ago(hours=3), ago(hours=1), "")
    begins, ends = late.begins_at.timestamp(), late.ends_at.timestamp()
    assert unrefuted([late], []) == [late]
    assert unrefuted([late], [begins - 9, begins, ends - ROUND, ends, ends + 9]) == [late]
    assert unrefuted([late], [begins - 9, begins + 1, ends]) == []
    assert unrefuted([late], [ends - ROUND - 1]) == []


def test_nothing_is_proven_by_an_empty_database() -> None:
    assert gap_seen_late(seen(ago(hours=3), ago(hours=2)), Rounds(None, None, None), TEN) is None
    assert gaps([], [], Rounds(None, None, None), FIVE, NOW) == []


def test_a_last_round_that_is_long_ago_proves_a_gap_until_now() -> None:
    [gap] = gaps([], [], Rounds(ago(days=20), ago(hours=2), None), FIVE, NOW)
    assert (gap.begins_at, gap.ends_at) == (ago(hours=2), NOW)
    assert gaps([], [], Rounds(ago(days=20), ago(minutes=4), None), FIVE, NOW) == []


def test_gaps_that_touch_are_one_and_the_earliest_is_first() -> None:
    late = [Gap(ago(hours=2), ago(hours=1), "b"), Gap(ago(hours=9), ago(hours=8), "c")]
    found = gaps([Alarm(POLL, "", ago(hours=3), ago(hours=2))], late, HEALTHY, FIVE, NOW)
    assert [(gap.begins_at, gap.ends_at) for gap in found] == [
        (ago(hours=9), ago(hours=8)),
        (ago(hours=3, minutes=5), ago(hours=1)),
    ]


def test_a_short_gap_within_a_long_one_does_not_end_it() -> None:
    late = [Gap(ago(hours=9), ago(hours=1), ""), Gap(ago(hours=8), ago(hours=7), "")]
    [gap] = gaps([], late, HEALTHY, FIVE, NOW)
    assert (gap.begins_at, gap.ends_at) == (ago(hours=9), ago(hours=1))


def test_only_what_lies_in_the_period_is_of_it() -> None:
    found = [Gap(ago(hours=9), ago(hours=7), ""), Gap(ago(hours=6), ago(hours=1), ""), Gap(ago(hours=5), NOW, "")]
    cut = within(found, ago(hours=7), ago(hours=4))
    assert [(gap.begins_at, gap.ends_at) for gap in cut] == [(ago(hours=6), ago(hours=4)), (ago(hours=5), ago(hours=4))]


def test_hours_count_that_are_covered_from_beginning_to_end() -> None:
    def hours(begins: str, ends: str) -> int:
        return whole_hours([Gap(datetime.fromisoformat(begins), datetime.fromisoformat(ends), "")])

    assert hours("2026-11-23T03:00Z", "2026-11-23T05:00Z") == 2
    assert hours("2026-11-23T03:01Z", "2026-11-23T05:00Z") == 1
    assert hours("2026-11-23T03:00Z", "2026-11-23T04:59Z") == 1
    assert hours("2026-11-23T03:10Z", "2026-11-23T03:50Z") == 0
    assert hours("2026-11-23T03:30Z", "2026-11-23T04:30Z") == 0
