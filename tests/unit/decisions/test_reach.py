"""Whether SIGNL4 reaches people: each problem is a sentence with its mend, and none stops a heartbeat."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from daemon.decisions.alarm import causes
from daemon.decisions.health import but_for_odd_records, problems
from daemon.decisions.reach import unpaged_sentence
from daemon.model.alarm import Cause
from daemon.model.drift import Drift, DriftKind, OffDuty
from daemon.model.page_proof import Unpaged
from daemon.model.snapshot import Snapshot
from tests.support.values import NOW, ago

HOUR = timedelta(hours=1)
LATE = timedelta(minutes=5)
WELL = Snapshot(last_complete_round_at=NOW)
FILTERED = Unpaged("7", "default", "SIGNL4 filtered it; look at the keyword filter of the team")
MISSING = Drift(DriftKind.MISSING, "7", 1, "default", times=2)
EMPTY = OffDuty("night", since=ago(hours=2), looked_at=ago(minutes=4))


def told(snapshot: Snapshot, warn_after: timedelta | None = HOUR) -> list[str]:
    return list(problems(snapshot, timedelta(seconds=30), LATE, NOW, warn_after=warn_after))


SENTENCES: list[tuple[dict[str, Any], str]] = [
    (
        {"unpaged": (FILTERED,)},
        "nobody was paged for incident 7: SIGNL4 filtered it; look at the keyword filter of the team",
    ),
    (
        {"unpaged": (replace(FILTERED, team="night", incident_id="an-alarm", is_alarm=True),)},
        (
            "nobody was paged for the alarm an-alarm at team night: SIGNL4 filtered it; look at the keyword filter of "
            "the team"
        ),
    ),
    (
        {"off_duty": (EMPTY,)},
        (
            "nobody is on duty in team night since 2026-11-23 07:30 UTC, so an alert wakes nobody; put somebody on "
            "duty in SIGNL4"
        ),
    ),
    (
        {"drift": (MISSING,)},
        "SIGNL4 has no alert of incident 7, which is open and was told; send it again with: reconcile --repair",
    ),
    (
        {"drift": (replace(MISSING, kind=DriftKind.LEFT_OPEN, team="night"),)},
        (
            "the alert of incident 7 at team night is still open in SIGNL4, although its end was told again; close it "
            "there"
        ),
    ),
]


@pytest.mark.parametrize(("snapshot", "sentence"), SENTENCES)
def test_each_problem_is_a_sentence_with_its_mend_and_stops_no_heartbeat(
    snapshot: dict[str, Any], sentence: str
) -> None:
    found = replace(WELL, **snapshot)
    assert told(found) == [sentence]
    assert told(but_for_odd_records(found)) == []


def test_only_some_are_named() -> None:
    many = [replace(FILTERED, incident_id=str(number)) for number in range(7)]
    assert told(replace(WELL, unpaged=tuple(many)))[5:] == ["nobody was paged for 2 more; the log and `why` say why"]
    missing = [replace(MISSING, incident_id=str(number)) for number in range(8)]
    assert told(replace(WELL, drift=tuple(missing)))[5:] == [
        "3 more alerts of SIGNL4 do not agree with our incidents; look at: reconcile"
    ]


def test_what_paged_nobody_is_not_said_to_be_missing_as_well() -> None:
    assert len(told(replace(WELL, unpaged=(FILTERED,), drift=(MISSING,)))) == 1
    assert len(told(replace(WELL, unpaged=(FILTERED,), drift=(replace(MISSING, team="night"),)))) == 2


@pytest.mark.parametrize(
    ("off_duty", "warn_after"),
    [
        (EMPTY, None),
        (EMPTY, timedelta(hours=3)),
        (replace(EMPTY, looked_at=ago(minutes=15, seconds=1)), HOUR),
        (replace(EMPTY, looked_at=NOW + timedelta(hours=1)), HOUR),
    ],
)
def test_nobody_on_duty_is_no_problem_unasked_too_early_or_when_nobody_looked_lately(
    off_duty: OffDuty, warn_after: timedelta | None
) -> None:
    assert told(replace(WELL, off_duty=(off_duty,)), warn_after) == []


def test_what_paged_nobody_raises_one_alarm_however_many_they_are() -> None:
    two = replace(WELL, unpaged=(FILTERED, replace(FILTERED, incident_id="8")))
    assert causes(two, LATE, NOW) == {
        Cause.UNPAGED: (
            "Nobody was paged for incident 7, and for 1 more: SIGNL4 filtered it; look at the keyword filter of the "
            "team"
        )
    }
    assert unpaged_sentence(replace(WELL, unpaged=(FILTERED,))) == (
        "Nobody was paged for incident 7: SIGNL4 filtered it; look at the keyword filter of the team"
    )


def test_an_alarm_that_pages_nobody_raises_none_nor_do_duty_and_drift() -> None:
    own = replace(FILTERED, is_alarm=True)
    assert causes(replace(WELL, unpaged=(own,), off_duty=(EMPTY,), drift=(MISSING,)), LATE, NOW) == {}


def test_the_open_alarm_is_not_a_second_problem() -> None:
    assert len(told(replace(WELL, unpaged=(FILTERED,), open_alarms={Cause.UNPAGED.external_id: "told"}))) == 1
