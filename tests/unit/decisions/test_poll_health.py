"""Each account that is not polled is a problem by its name, and raises an alarm of its own."""

from dataclasses import replace
from datetime import timedelta

from daemon.decisions.alarm import MOST_ALONE, causes
from daemon.decisions.health import line, problems, report
from daemon.model.alarm import Cause, SourceCause, is_unpolled
from daemon.model.polling import Polling
from daemon.model.snapshot import Snapshot, Untracked
from tests.support.values import NOW, ago

INTERVAL, LATE = timedelta(seconds=30), timedelta(minutes=5)
WELL = Snapshot(last_complete_round_at=ago(seconds=10))
ACME = Polling("acme", last_complete_round_at=ago(seconds=20))
DEAD = replace(ACME, last_complete_round_at=ago(minutes=9), last_round_error="HTTP 401", failing_since=ago(minutes=8))


def said(snapshot: Snapshot) -> list[str]:
    return list(problems(snapshot, INTERVAL, LATE, NOW, warn_after=None))


def failing(count: int) -> tuple[Polling, ...]:
    return tuple(replace(DEAD, polled_from=f"s{number}") for number in range(count))


def test_all_is_well_only_if_every_account_is_polled() -> None:
    assert said(replace(WELL, named=(ACME,))) == []
    assert said(replace(WELL, named=(ACME, replace(DEAD, polled_from="globex")))) == [
        "[source.globex]: the last complete round was 9 min 0 s ago (HTTP 401)"
    ]
    assert said(replace(WELL, named=(Polling("acme"),))) == [
        "[source.acme]: no round was ever complete; is the daemon running?"
    ]


def test_beside_others_betterstack_is_named_and_where_it_is_not_polled_it_is_no_problem() -> None:
    old = replace(WELL, last_complete_round_at=ago(days=3), named=(ACME,))
    assert said(old) == ["[betterstack]: the last complete round was 3 d 0 h ago; is the daemon running?"]
    left_out = replace(old, is_configured=False, failing_since=ago(days=3), unreadable_records=9, listed_records=9)
    assert (said(left_out), causes(left_out, LATE, NOW)) == ([], {})
    only = replace(left_out, named=(replace(ACME, token_suspect_since=ago(hours=1)),))
    assert said(only) == ["[source.acme]: the token is suspected to be another team's since 2026-11-23 08:30 UTC"]


def test_an_account_is_late_by_its_own_interval() -> None:
    slow = replace(ACME, interval=timedelta(minutes=10), last_complete_round_at=ago(minutes=31))
    assert said(replace(WELL, named=(slow,))) == []
    assert len(said(replace(WELL, named=(replace(slow, last_complete_round_at=ago(minutes=31, seconds=1)),)))) == 1


def test_records_that_cannot_be_read_are_those_of_an_account() -> None:
    [sentence] = said(replace(WELL, named=(replace(ACME, unreadable_records=3, listed_records=9),)))
    assert sentence.startswith("[source.acme]: 3 of the 9 records in a list of Better Stack could not be read")


def test_what_nobody_tracks_is_named_with_both_mends() -> None:
    [sentence] = said(replace(WELL, untracked=(Untracked("acme", ("1", "2")),)))
    assert sentence == (
        "incident 1, 2 was tracked by [source.acme], which the configuration does not poll any more, and no other "
        "account shows it; poll [source.acme] until it is over, or give it up: drop --source acme"
    )
    [many] = said(replace(WELL, untracked=(Untracked("", tuple(map(str, range(25)))),)))
    assert " 19 and 5 more was tracked by [betterstack]" in many
    assert many.endswith("drop --source -")


def test_the_report_says_what_is_known_of_each() -> None:
    whole = report(replace(WELL, named=(ACME, DEAD)), INTERVAL, LATE, timedelta(0), NOW, warn_after=None)
    assert whole.sources is not None
    assert [(one.name, one.last_round_error) for one in whole.sources] == [
        ("", None),
        ("acme", None),
        ("acme", "HTTP 401"),
    ]
    assert (whole.last_complete_round_at, whole.last_round_error) == (DEAD.last_complete_round_at, "HTTP 401")
    assert line(replace(WELL, named=(ACME, DEAD)), [], NOW) == "0 open, 0 pending, last round 9 min 0 s ago"
    assert "no complete round yet" in line(replace(WELL, named=(Polling("acme"),)), [], NOW)


def test_the_clock_is_that_which_any_account_shows() -> None:
    off = replace(ACME, ahead=timedelta(minutes=3))
    assert replace(WELL, is_configured=False, named=(ACME, off)).service_ahead == timedelta(minutes=3)


def test_each_has_an_alarm_of_its_own() -> None:
    found = causes(replace(WELL, named=(ACME, DEAD)), LATE, NOW)
    assert found == {
        SourceCause("acme"): "Better Stack cannot be polled for [source.acme]: HTTP 401; "
        "incidents since 2026-11-23 09:21:00 UTC are unknown"
    }
    assert SourceCause("acme").external_id == "betterstack-signl4-alarm-poll-acme"
    assert causes(replace(WELL, named=(replace(DEAD, failing_since=ago(minutes=4)),)), LATE, NOW) == {}
    refused = replace(DEAD, failing_since=ago(seconds=9), refused_rounds=2)
    assert list(causes(replace(WELL, named=(refused,)), LATE, NOW)) == [SourceCause("acme")]


def test_of_many_that_cannot_be_polled_there_is_one_which_lasts_until_all_can() -> None:
    some = replace(WELL, named=failing(MOST_ALONE))
    assert list(causes(some, LATE, NOW)) == [SourceCause(f"s{number}") for number in range(MOST_ALONE)]
    many = causes(replace(WELL, named=failing(12)), LATE, NOW)
    assert list(many) == [Cause.SOURCES]
    assert many[Cause.SOURCES].startswith(
        "Better Stack cannot be polled for 12 accounts (s0, s1, s2, s3, s4, s5, s6, s7, s8, s9 and 2 more), for "
        "[source.s0]: HTTP 401; incidents since"
    )
    was_open = {Cause.SOURCES.external_id: "so many", SourceCause("s1").external_id: "it alone"}
    assert list(causes(replace(WELL, named=failing(2), open_alarms=was_open), LATE, NOW)) == [
        SourceCause("s1"),
        Cause.SOURCES,
    ]
    assert causes(replace(WELL, named=(ACME,), open_alarms=was_open), LATE, NOW) == {}


def test_which_alarm_says_that_an_account_is_not_polled() -> None:
    unpolled = [Cause.POLL.external_id, Cause.SOURCES.external_id, SourceCause("acme").external_id]
    assert all(map(is_unpolled, unpolled))
    assert not any(is_unpolled(one.external_id) for one in Cause if one not in {Cause.POLL, Cause.SOURCES})
    assert [SourceCause.of(one) for one in unpolled] == [None, None, SourceCause("acme")]
