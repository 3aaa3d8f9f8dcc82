"""What two looks show of a monitor: who changed what, and when one is really deleted."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from daemon.decisions.monitors import LONGEST_DETAIL, Observed, gone, observe, patience
from daemon.decisions.suspicion import SUSPICION_LASTS
from daemon.model.monitor import MonitorChange, MonitorEvent, MonitorState
from tests.support.monitors import SET, change, monitor, state
from tests.support.outbox import after
from tests.support.values import NOW, ago

CREATED, UPDATED, PAUSED, UNPAUSED, DELETED = MonitorEvent
GONE_AFTER = timedelta(minutes=1)
LISTED = ago(minutes=5)
WAS_PAUSED: dict[str, Any] = {"status": "paused", "status_since": ago(hours=3)}
NOW_PAUSED: dict[str, Any] = {"status": "paused", "updated_at": ago(minutes=2)}
OTHER_URL: dict[str, Any] = {"configuration": {**SET, "url": "99"}, "updated_at": ago(minutes=2)}

Case = tuple[dict[str, Any], dict[str, Any], list[MonitorChange], datetime]
"""What was recorded, what is seen, what is told, and since when its status is."""

CASES: dict[str, Case] = {
    "nothing": ({}, {}, [], ago(days=2)),
    "down": ({}, {"status": "down", "updated_at": NOW}, [], NOW),
    "paused": ({}, {**NOW_PAUSED, "paused_at": ago(minutes=3)}, [change(PAUSED, ago(minutes=3))], ago(minutes=3)),
    "paused, without a time": ({}, NOW_PAUSED, [change(PAUSED, ago(minutes=2))], ago(minutes=2)),
    "paused, and no time says so": ({}, {"status": "paused"}, [change(PAUSED)], NOW),
    "paused, by a clock that is ahead": ({}, {**NOW_PAUSED, "paused_at": after(minutes=3)}, [change(PAUSED)], NOW),
    "still paused": (WAS_PAUSED, {"status": "paused", "paused_at": ago(hours=3)}, [], ago(hours=3)),
    "still paused, without a time": (WAS_PAUSED, {"status": "paused"}, [], ago(hours=3)),
    "still paused, by a clock that is ahead": (
        WAS_PAUSED,
        {"status": "paused", "paused_at": ago(hours=2, minutes=30)},
        [],
        ago(hours=3),
    ),
    "unpaused and paused again": (
        WAS_PAUSED,
        {**NOW_PAUSED, "paused_at": ago(minutes=3)},
        [change(UNPAUSED, ago(minutes=3)), change(PAUSED, ago(minutes=3))],
        ago(minutes=3),
    ),
    "unpaused": (WAS_PAUSED, {"updated_at": ago(minutes=2)}, [change(UNPAUSED, ago(minutes=2))], NOW),
    "unpaused, and no time says so": (WAS_PAUSED, {}, [change(UNPAUSED)], NOW),
    "from paused to pending": (WAS_PAUSED, {"status": "pending", "updated_at": NOW}, [change(UNPAUSED)], NOW),
    "changed": ({}, OTHER_URL, [change(UPDATED, ago(minutes=2), "url")], ago(days=2)),
    "changed, without a time": (
        {},
        {**OTHER_URL, "updated_at": None},
        [change(UPDATED, NOW, "url")],
        ago(days=2),
    ),
    "changed, by a clock that is ahead": (
        {},
        {**OTHER_URL, "updated_at": after(minutes=9)},
        [change(UPDATED, NOW, "url")],
        ago(days=2),
    ),
    "changed, and no time says so": ({}, {"configuration": {**SET, "url": "99"}}, [], ago(days=2)),
    "two attributes": (
        {},
        {"configuration": {"url": "9", "check_frequency": "9", "request_headers": "33"}, "updated_at": NOW},
        [change(UPDATED, NOW, "check_frequency, url")],
        ago(days=2),
    ),
    "an attribute that Better Stack newly has": (
        {},
        {"configuration": {**SET, "new": "1"}, "updated_at": NOW},
        [],
        ago(days=2),
    ),
    "an attribute that is not there any more": (
        {},
        {"configuration": {"url": "11"}, "updated_at": NOW},
        [],
        ago(days=2),
    ),
    "touched, and nothing is another": ({}, {"updated_at": NOW}, [], ago(days=2)),
    "paused and changed": (
        {},
        {**OTHER_URL, "status": "paused"},
        [change(PAUSED, ago(minutes=2)), change(UPDATED, ago(minutes=2), "url")],
        ago(minutes=2),
    ),
    "older": ({}, {"status": "paused", **OTHER_URL, "updated_at": ago(days=31)}, [], ago(days=2)),
    "back": ({"deleted_at": ago(days=1)}, {"status": "pending"}, [change(CREATED, ago(days=1), "it is back")], NOW),
    "in maintenance": ({}, {"status": "maintenance", "updated_at": NOW}, [], NOW),
    "a status that nobody knows": ({}, {"status": "sleeping", "updated_at": NOW}, [], NOW),
    "no status at all": ({}, {"status": ""}, [], NOW),
}


@pytest.mark.parametrize("case", CASES)
def test_a_record_tells_what_somebody_did(case: str) -> None:
    before, seen, told, since = CASES[case]
    observed = observe(state(**before), monitor(**seen), NOW, LISTED)
    assert list(observed.changes) == told
    assert observed.after.status_since == since


def test_a_record_is_recorded_as_it_is_but_for_what_it_does_not_say() -> None:
    seen = monitor(name="New", url="new", team_name="Other", status="down", updated_at=NOW, configuration={"url": "9"})
    assert observe(state(gone_since=ago(minutes=1)), seen, NOW, LISTED).after == MonitorState(
        kind=seen.kind,
        id=seen.id,
        name="New",
        url="new",
        team_name="Other",
        status="down",
        status_since=NOW,
        created_at=seen.created_at,
        updated_at=NOW,
        configuration={"url": "9"},
        first_seen_at=ago(days=2),
    )


FIRST: dict[str, tuple[dict[str, Any], datetime | None, list[MonitorChange]]] = {
    "the first look": ({"created_at": NOW}, None, []),
    "a new one": ({"created_at": ago(minutes=2)}, LISTED, [change(CREATED, ago(minutes=2))]),
    "one that the list lacked": ({"created_at": ago(days=1)}, LISTED, []),
    "one of a clock that lags": (
        {"created_at": LISTED - timedelta(minutes=59)},
        LISTED,
        [change(CREATED, ago(minutes=64))],
    ),
    "one of a clock that is ahead": ({"created_at": after(minutes=9)}, LISTED, [change(CREATED)]),
    "one that does not say": ({"created_at": None}, LISTED, [change(CREATED)]),
    "one that does not say, at the first look": ({"created_at": None}, None, []),
}


@pytest.mark.parametrize("case", FIRST)
def test_one_that_is_seen_for_the_first_time_was_created_only_if_a_list_could_have_shown_it(case: str) -> None:
    seen, listed_at, told = FIRST[case]
    observed = observe(None, monitor(**seen), NOW, listed_at)
    assert list(observed.changes) == told
    assert (observed.after.first_seen_at, observed.after.status_since) == (NOW, NOW)


def test_one_that_is_paused_when_it_is_first_seen_is_so_since_better_stack_says() -> None:
    observed = observe(None, monitor(status="paused", paused_at=ago(days=9)), NOW, None)
    assert (observed.after.status_since, observed.changes) == (ago(days=9), ())


def test_a_long_list_of_attributes_is_cut() -> None:
    names = {f"attribute {number}": "1" for number in range(200)}
    seen = monitor(configuration=dict.fromkeys(names, "2"), updated_at=NOW)
    [told] = observe(state(configuration=names), seen, NOW, LISTED).changes
    assert len(told.detail) == LONGEST_DETAIL


# -- gone -------------------------------------------------------------------------------------------------------------


def test_two_answers_far_enough_apart_delete_and_one_never_does() -> None:
    first = gone(state(), NOW, GONE_AFTER)
    assert first == Observed(state(gone_since=NOW))
    too_soon = gone(first.after, after(seconds=59), GONE_AFTER)
    assert too_soon == Observed(first.after)
    second = gone(too_soon.after, after(seconds=60), GONE_AFTER)
    assert second == Observed(state(deleted_at=NOW), (change(DELETED, NOW),))


def test_an_answer_from_the_future_is_counted_from_now_on() -> None:
    assert gone(state(gone_since=after(days=1)), NOW, GONE_AFTER) == Observed(state(gone_since=NOW))


@pytest.mark.parametrize("updated_at", [ago(days=31), ago(days=30), NOW])
def test_a_record_that_shows_it_refutes_the_answer(updated_at: datetime) -> None:
    observed = observe(state(gone_since=ago(days=1)), monitor(updated_at=updated_at), NOW, LISTED)
    assert observed.after.gone_since is None


OLD: dict[str, Any] = {"first_seen_at": ago(days=1)}
FRESH: dict[str, Any] = {"first_seen_at": after(minutes=1)}
THREE = [state(str(number), **OLD) for number in (1, 2, 3)]
MISSING = state("1", **OLD, gone_since=NOW)
PATIENCE: dict[str, tuple[Sequence[MonitorState], set[str], timedelta]] = {
    "another is listed": (THREE, {"2"}, GONE_AFTER),
    "none is listed": (THREE, set(), SUSPICION_LASTS),
    "none is listed of two": (THREE[:2], set(), GONE_AFTER),
    "none is listed of three, one of which was deleted": (
        [*THREE[:2], replace(THREE[2], deleted_at=ago(days=1))],
        set(),
        GONE_AFTER,
    ),
    "those of another team, known from its first list": ([*THREE, state("8", **FRESH)], {"8"}, SUSPICION_LASTS),
    "one that was first seen at the moment of the answer": (
        [*THREE, state("8", first_seen_at=NOW)],
        {"8"},
        SUSPICION_LASTS,
    ),
    "one that does not say when it was first seen": ([*THREE, state("8", first_seen_at=None)], {"8"}, GONE_AFTER),
}


@pytest.mark.parametrize("case", PATIENCE)
def test_it_takes_longer_if_the_token_may_be_another_teams(case: str) -> None:
    known, listed, expected = PATIENCE[case]
    assert patience(MISSING, known, listed, GONE_AFTER) == expected


def test_before_the_first_answer_all_that_is_known_tells_whose_token_it_is() -> None:
    known = [*THREE, state("8", **FRESH)]
    assert patience(replace(MISSING, gone_since=None), known, {"8"}, GONE_AFTER) == GONE_AFTER
