"""What makes the program unhealthy, each with the sentence that says so."""

from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from daemon.decisions.ages import age
from daemon.decisions.health import clock_sentence, line, problems, report
from daemon.decisions.poll_health import NO_DAEMON
from daemon.model.snapshot import HeldLog, Holder, OwnFault, Presence, RefusedSecret, RunMode, Snapshot
from tests.support.values import NOW, ago

INTERVAL = timedelta(seconds=30)
LATE = timedelta(minutes=5)
WELL = Snapshot(last_complete_round_at=ago(seconds=20))
LONGEST = 3 * INTERVAL + timedelta(minutes=1)


def told(**snapshot: Any) -> list[str]:
    return list(problems(replace(WELL, **snapshot), INTERVAL, LATE, NOW, warn_after=None))


def test_a_recent_round_with_nothing_waiting_is_healthy() -> None:
    assert told() == []


@pytest.mark.parametrize(
    "snapshot",
    [
        {"last_complete_round_at": NOW - LONGEST + timedelta(seconds=1)},
        {"last_round_error": "Better Stack answered HTTP 500"},
        {"open_incidents": 900, "pending_deliveries": 900, "oldest_pending_at": ago(minutes=5)},
        {"oldest_pending_at": ago(minutes=5), "oldest_due_at": ago(minutes=5), "pending_deliveries": 1},
        {"oldest_pending_at": ago(seconds=9), "oldest_due_at": ago(seconds=-300), "pending_deliveries": 1},
    ],
)
def test_what_is_no_reason_to_worry(snapshot: dict[str, Any]) -> None:
    assert told(**snapshot) == []


@pytest.mark.parametrize(
    ("snapshot", "sentence"),
    [
        (
            {"last_complete_round_at": None},
            "no round was ever complete; is the daemon running?",
        ),
        (
            {"last_complete_round_at": None, "last_round_error": "no such host"},
            "no round was ever complete (no such host)",
        ),
        (
            {"last_complete_round_at": NOW - LONGEST - timedelta(seconds=1)},
            "the last complete round was 2 min 31 s ago; is the daemon running?",
        ),
        (
            {"last_complete_round_at": ago(days=2, hours=3), "last_round_error": "no such host"},
            "the last complete round was 2 d 3 h ago (no such host)",
        ),
        (
            {"token_suspect_since": ago(minutes=10)},
            "the token is suspected to be another team's since 2026-11-23 09:20 UTC",
        ),
        (
            {"refused": (RefusedSecret("default", ago(minutes=10), "HTTP 404"),)},
            "SIGNL4 refuses the secret since 2026-11-23 09:20 UTC (HTTP 404); nothing is dropped meanwhile",
        ),
        (
            {"refused": (RefusedSecret("night", ago(minutes=10), "404"),)},
            "SIGNL4 refuses the secret of team night since 2026-11-23 09:20 UTC (404); nothing is dropped meanwhile",
        ),
        (
            {"strays": {"night": (4, 7)}},
            (
                "2 deliveries wait for team night, which the configuration does not have; add [signl4.teams.night], or "
                "give up with: drop 4 7"
            ),
        ),
        (
            {"oldest_due_at": ago(minutes=5, seconds=1), "oldest_pending_at": ago(hours=1)},
            "a delivery is overdue for 5 min 1 s; look at: deliveries --state pending",
        ),
        (
            {"oldest_due_at": ago(seconds=-20), "oldest_pending_at": ago(minutes=5, seconds=1)},
            "a delivery waits for 5 min 1 s; look at: deliveries --state pending",
        ),
        (
            {"dead_deliveries": 1},
            "1 dead; look at: deliveries --state dead, and bring back with: retry --dead",
        ),
    ],
)
def test_each_problem_is_a_sentence_with_its_mend(snapshot: dict[str, Any], sentence: str) -> None:
    assert told(**snapshot) == [sentence]


def own_fault(number: int = 12, **changes: Any) -> OwnFault:
    """One that fails on its own for ten minutes."""
    own = OwnFault(number, "7", "new", "HTTP 403", failing_since=ago(minutes=10), created_at=ago(minutes=11))
    return replace(own, **changes)


def test_a_delivery_that_fails_on_its_own_is_named_with_what_to_do_about_it() -> None:
    [sentence] = told(own_faults=(own_fault(),))
    assert sentence == (
        "delivery 12 (new of incident 7) fails while others are taken, since 2026-11-23 09:20 UTC (HTTP 403); "
        "try it: retry 12, or give it up: drop 12"
    )


def test_it_is_named_only_once_it_lasts() -> None:
    assert told(own_faults=(own_fault(failing_since=ago(minutes=4, seconds=59)),)) == []
    assert len(told(own_faults=(own_fault(failing_since=ago(minutes=5)),))) == 1


def test_of_very_many_only_the_first_are_named() -> None:
    sentences = told(own_faults=tuple(own_fault(number) for number in range(100)))
    assert len(sentences) == 6
    assert sentences[-1] == "95 more deliveries fail while others are taken; look at: deliveries --state pending"


def test_its_alarm_is_no_second_problem() -> None:
    alarm = {"betterstack-signl4-alarm-delivery": "SIGNL4 takes others, but not delivery 12"}
    assert len(told(own_faults=(own_fault(),), open_alarms=alarm)) == 1


def test_it_counts_for_the_age_of_the_oldest_pending_one() -> None:
    snapshot = replace(WELL, oldest_pending_at=ago(minutes=2), own_faults=(own_fault(),))
    assert report(snapshot, INTERVAL, LATE, timedelta(0), NOW, warn_after=None).oldest_pending_seconds == 660


def test_several_problems_are_all_told() -> None:
    worst = {
        "last_complete_round_at": None,
        "token_suspect_since": NOW,
        "refused": (RefusedSecret("default", NOW, "HTTP 404"),),
        "oldest_due_at": ago(days=1),
        "dead_deliveries": 3,
    }
    assert len(told(**worst)) == 5


def test_a_longer_interval_allows_an_older_round() -> None:
    snapshot = Snapshot(last_complete_round_at=ago(hours=3))
    assert list(problems(snapshot, timedelta(hours=1), LATE, NOW, warn_after=None)) == []
    assert list(problems(snapshot, timedelta(minutes=59), LATE, NOW, warn_after=None)) != []


def test_the_report_has_the_names_that_people_script_against() -> None:
    snapshot = Snapshot(
        last_complete_round_at=ago(seconds=20),
        last_round_error="HTTP 500",
        open_incidents=2,
        pending_deliveries=3,
        held_deliveries=1,
        dead_deliveries=0,
        oldest_pending_at=ago(seconds=90.4),
        ahead=timedelta(seconds=90.4),
    )
    assert asdict(report(snapshot, INTERVAL, LATE, timedelta(seconds=30), NOW, warn_after=None)) == {
        "queue_seconds": 30,
        "clock_ahead_seconds": -90,
        "healthy": True,
        "problems": [],
        "process": None,
        "last_complete_round_at": ago(seconds=20),
        "last_round_error": "HTTP 500",
        "open_incidents": 2,
        "pending_deliveries": 3,
        "held_deliveries": 1,
        "dead_deliveries": 0,
        "oldest_pending_seconds": 90,
        "silences": 0,
        "two_way": None,
        "monitors": None,
        "sources": None,
        "unpaged_alerts": 0,
        "drift": 0,
        "standbys": None,
    }


def test_a_report_with_problems_is_not_healthy() -> None:
    unhealthy = report(Snapshot(dead_deliveries=4), INTERVAL, LATE, timedelta(0), NOW, warn_after=None)
    assert unhealthy.healthy is False
    assert len(unhealthy.problems) == 2
    assert unhealthy.dead_deliveries == 4


@pytest.mark.parametrize(("oldest", "seconds"), [(None, None), (ago(seconds=-40), 0), (NOW, 0), (ago(hours=1), 3600)])
def test_a_clock_that_was_set_gives_no_negative_age(oldest: datetime | None, seconds: int | None) -> None:
    snapshot = Snapshot(oldest_pending_at=oldest)
    assert report(snapshot, INTERVAL, LATE, timedelta(0), NOW, warn_after=None).oldest_pending_seconds == seconds


@pytest.mark.parametrize(
    ("span", "shown"),
    [
        ({"seconds": -5}, "0 s"),
        ({"seconds": 0}, "0 s"),
        ({"seconds": 59.9}, "59 s"),
        ({"seconds": 60}, "1 min 0 s"),
        ({"minutes": 59, "seconds": 59}, "59 min 59 s"),
        ({"hours": 1}, "1 h 0 min"),
        ({"hours": 23, "minutes": 59, "seconds": 59}, "23 h 59 min"),
        ({"days": 1}, "1 d 0 h"),
        ({"days": 400, "hours": 5, "minutes": 59}, "400 d 5 h"),
    ],
)
def test_an_age_is_told_in_its_two_largest_units(span: dict[str, float], shown: str) -> None:
    assert age(ago(**span), NOW) == shown


@pytest.mark.parametrize(
    ("snapshot", "found", "expected"),
    [
        ({"open_incidents": 3}, [], "3 open, 0 pending, last round 20 s ago"),
        ({"pending_deliveries": 12}, [], "0 open, 12 pending, last round 20 s ago"),
        ({"last_complete_round_at": None}, ["no round"], "0 open, 0 pending, no complete round yet; no round"),
        ({}, ["one thing", "another"], "0 open, 0 pending, last round 20 s ago; one thing; another"),
    ],
)
def test_the_whole_in_a_line(snapshot: dict[str, Any], found: list[str], expected: str) -> None:
    assert line(replace(WELL, **snapshot), found, NOW) == expected


@pytest.mark.parametrize(
    ("ahead", "sentence"),
    [
        (None, None),
        (timedelta(0), None),
        (timedelta(minutes=1), None),
        (timedelta(minutes=-1), None),
        (
            timedelta(minutes=15),
            "the clock of this machine is 15 min 0 s behind Better Stack's; look at: timedatectl",
        ),
        (timedelta(hours=-2), "the clock of this machine is 2 h 0 min ahead of Better Stack's; look at: timedatectl"),
    ],
)
def test_a_clock_that_is_off_by_more_than_a_minute_is_said(ahead: timedelta | None, sentence: str | None) -> None:
    assert clock_sentence(Snapshot(ahead=ahead), NOW) == sentence


HELD = Presence(Holder(4711, "0.1.0", ago(seconds=12)))
FREE = Presence(None)
NEVER, LONG_AGO, FRESH = None, ago(hours=2), ago(seconds=20)


@pytest.mark.parametrize(
    ("presence", "duty", "last", "sentences"),
    [
        (HELD, RunMode.RUN, NEVER, ["no round was ever complete; first round under way"]),
        (HELD, None, NEVER, ["no round was ever complete; first round under way"]),
        (HELD, RunMode.RUN, LONG_AGO, ["the last complete round was 2 h 0 min ago; a round is under way"]),
        (HELD, RunMode.RUN, FRESH, []),
        (FREE, RunMode.RUN, FRESH, [NO_DAEMON]),
        (FREE, RunMode.RUN, LONG_AGO, ["the last complete round was 2 h 0 min ago", NO_DAEMON]),
        (FREE, RunMode.RUN, NEVER, ["no round was ever complete", NO_DAEMON]),
        (FREE, RunMode.ONCE, FRESH, []),
        (
            FREE,
            RunMode.ONCE,
            LONG_AGO,
            ["the last complete round was 2 h 0 min ago; let `once` be started regularly, or a daemon run"],
        ),
        (FREE, None, FRESH, []),
        (FREE, None, NEVER, [f"no round was ever complete; {NO_DAEMON}"]),
    ],
)
def test_the_lock_knows_whether_a_daemon_is_missing(
    presence: Presence, duty: RunMode | None, last: datetime | None, sentences: list[str]
) -> None:
    snapshot = Snapshot(run_mode=duty, last_complete_round_at=last)
    assert list(problems(snapshot, INTERVAL, LATE, NOW, presence, warn_after=None)) == sentences


@pytest.mark.parametrize("presence", [HELD, FREE])
def test_an_error_of_the_rounds_says_more_than_the_lock(presence: Presence) -> None:
    snapshot = Snapshot(run_mode=RunMode.ONCE, last_round_error="no such host")
    assert list(problems(snapshot, INTERVAL, LATE, NOW, presence, warn_after=None)) == [
        "no round was ever complete (no such host)"
    ]


@pytest.mark.parametrize(
    ("log", "parts"),
    [
        (
            HeldLog(41_700_000, 4711, "sqlite3", ago(hours=2)),
            (", which was last emptied at 2026-11-23 07:30 UTC,", "41 MB", "process 4711 (sqlite3)"),
        ),
        (HeldLog(9_000_000, 0, "", None), ("", "9 MB", "a process that cannot be seen from here")),
    ],
)
def test_a_reader_that_holds_the_log_is_named(log: HeldLog, parts: tuple[str, str, str]) -> None:
    since, size, who = parts
    sentence = (
        f"the log of the database{since} has grown to {size}: {who} keeps a transaction open; end that process, and "
        "the log is cut by itself"
    )
    for holder in (HELD.holder, None):
        assert next(problems(WELL, INTERVAL, LATE, NOW, Presence(holder, log), warn_after=None)) == sentence
    assert list(problems(WELL, INTERVAL, LATE, NOW, warn_after=None)) == [], "the daemon itself cannot see it"


def test_the_report_names_the_process() -> None:
    held = report(WELL, INTERVAL, LATE, timedelta(0), NOW, HELD, warn_after=None)
    assert asdict(held)["process"] == {
        "pid": 4711,
        "version": "0.1.0",
        "since": ago(seconds=12),
        "checkpointed_at": None,
        "host": None,
    }
    assert report(WELL, INTERVAL, LATE, timedelta(0), NOW, FREE, warn_after=None).process is None
