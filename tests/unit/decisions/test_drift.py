"""What counts as drift, and what does not."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from daemon.decisions.drift import counted, is_known, left_open, left_open_drift, missing_drift, unseen
from daemon.model.drift import Drift, DriftKind, ToldIncident
from daemon.model.signl4 import AlertPhase, SeenAlert
from tests.support.rest import seen_alert
from tests.support.values import NOW, ago

NONE = timedelta(0)
OPEN, ACKNOWLEDGED, CLOSED = AlertPhase


def told(incident_id: str = "1", **changes: Any) -> ToldIncident:
    """An open incident that was told an hour ago."""
    values: dict[str, Any] = {
        "external_id": incident_id,
        "generation": 1,
        "is_current": True,
        "is_over": False,
        "is_alarm": False,
        "team": "default",
        "new_id": int(incident_id),
        "event_id": f"event {incident_id}",
        "created_at": ago(hours=1),
        "delivered_at": ago(hours=1),
    }
    return ToldIncident(incident_id, **{**values, **changes})


def over(incident_id: str = "1", **changes: Any) -> ToldIncident:
    """One that was told to be over ten minutes ago."""
    return told(incident_id, **{"is_over": True, "resolved_at": ago(minutes=10), **changes})


def by_event(incident_id: str = "1", phase: AlertPhase = OPEN, **changes: Any) -> SeenAlert:
    """The alert that its `new` raised."""
    return seen_alert(incident_id, phase, event_id=f"event {incident_id}", created_at=ago(hours=1), **changes)


def by_id(incident_id: str = "1", **changes: Any) -> SeenAlert:
    """An alert of which only the external id and the time tell."""
    return seen_alert(incident_id, **{"created_at": ago(minutes=59), **changes})


# -- an alert that is still open --------------------------------------------------------------------------------------


@pytest.mark.parametrize("phase", [OPEN, ACKNOWLEDGED])
def test_an_alert_that_is_open_after_its_incident_was_told_to_be_over_is_left_open(phase: AlertPhase) -> None:
    for alert in (by_event(phase=phase), by_id(phase=phase)):
        assert left_open([alert], [over()], NONE, NOW) == [over()]


@pytest.mark.parametrize(
    "one",
    [
        told(),
        over(resolved_at=None),
        over(resolved_at=ago(minutes=4, seconds=59)),
        over("2"),
    ],
)
def test_what_is_open_untold_or_just_told_is_not(one: ToldIncident) -> None:
    assert left_open([by_event(), by_id()], [one], NONE, NOW) == []


def test_a_closed_alert_is_not() -> None:
    assert left_open([by_event(phase=CLOSED)], [over()], NONE, NOW) == []


def test_without_its_event_an_alert_that_is_older_or_of_unknown_age_or_of_another_team_proves_nothing() -> None:
    one = over(event_source="day")
    for alert in (
        by_id(created_at=None),
        by_id(created_at=ago(hours=1, seconds=3)),
        by_id(event_source="night"),
    ):
        assert left_open([alert], [one], NONE, NOW) == []
    assert left_open([by_id(created_at=ago(hours=1, seconds=2))], [one], NONE, NOW) == [one]
    assert left_open([by_id(event_source="day")], [one], NONE, NOW) == [one]
    assert left_open([by_id()], [replace(one, is_current=False)], NONE, NOW) == []


def test_the_age_is_that_by_our_clock() -> None:
    ahead = timedelta(minutes=10)
    alert = by_id(created_at=ago(hours=1) + ahead)
    assert left_open([alert], [over()], ahead, NOW) == [over()]
    assert left_open([alert], [over(created_at=ago(minutes=55))], NONE, NOW) == [over(created_at=ago(minutes=55))]
    assert left_open([alert], [over(created_at=ago(minutes=55))], ahead, NOW) == []


def test_an_event_of_an_earlier_generation_is_known_and_the_alert_counts_once() -> None:
    earlier = over(is_current=False, event_id="event 0", new_id=9)
    alert = by_event()
    assert left_open([replace(alert, event_id="event 0")], [earlier, over()], NONE, NOW) == [earlier]
    assert left_open([alert, replace(alert, id="another")], [over()], NONE, NOW) == [over()]


def test_an_alert_whose_event_is_known_says_nothing_of_another_team() -> None:
    day, night = over(resolved_at=ago(minutes=1)), over(team="night", new_id=2, event_id="another")
    assert left_open([by_event()], [day, night], NONE, NOW) == []
    assert left_open([by_id()], [day, night], NONE, NOW) == [night]


# -- an incident without an alert -------------------------------------------------------------------------------------


def test_an_open_incident_that_no_list_shows_is_asked_for() -> None:
    assert unseen([by_event("2")], [told(), told("2")], [], NOW) == [told()]


@pytest.mark.parametrize(
    "one",
    [
        told(is_current=False),
        over(),
        told(is_alarm=True),
        told(was_closed=True),
        told(delivered_at=None),
        told(delivered_at=ago(minutes=4, seconds=59)),
    ],
)
def test_what_is_over_untold_just_told_or_was_closed_by_a_person_is_not(one: ToldIncident) -> None:
    assert unseen([], [one], [], NOW) == []


@pytest.mark.parametrize("alert", [by_event(), by_id(created_at=None), replace(by_event(), external_id="")])
def test_whatever_alert_is_in_the_list_is_enough(alert: SeenAlert) -> None:
    assert unseen([alert], [told()], [], NOW) == []


def test_an_alert_of_another_team_is_none_of_this_one() -> None:
    one = told(event_source="day")
    assert unseen([by_id(event_source="night")], [one], [], NOW) == [one]
    assert is_known(one, [by_id(event_source="day")])
    assert is_known(one, [by_id(phase=CLOSED)])
    assert not is_known(one, [by_id(event_source="night"), by_id("2")])
    assert not is_known(one, [])


def test_first_those_that_were_missing_before() -> None:
    before = [missing_drift(told("3"))]
    assert unseen([], [told("1"), told("2"), told("3")], before, NOW) == [told("3"), told("1"), told("2")]


# -- how often --------------------------------------------------------------------------------------------------------


def test_the_second_time_in_a_row_it_is_certain() -> None:
    for drift in (missing_drift(told()), left_open_drift(over())):
        [once] = counted([], [drift], at_once=False)
        assert not once.is_certain
        [twice] = counted([once], [drift], at_once=False)
        assert twice.is_certain
        [afresh] = counted([], [drift], at_once=False)
        assert not afresh.is_certain


def test_another_generation_team_or_kind_is_counted_by_itself() -> None:
    before = [replace(missing_drift(told()), times=5)]
    for other in (told(generation=2), told(team="night"), told("2")):
        assert counted(before, [missing_drift(other)], at_once=False)[0].times == 1
    assert counted(before, [left_open_drift(told())], at_once=False)[0].times == 1


def test_the_command_is_certain_of_what_is_missing_at_once() -> None:
    [missing, left] = counted([], [missing_drift(told()), left_open_drift(over("2"))], at_once=True)
    assert (missing.is_certain, left.is_certain) == (True, False)


def test_what_is_recorded_is_read_back() -> None:
    recorded = {"kind": "missing", "incident_id": "7", "generation": 2, "team": "night", "times": 3}
    assert Drift.read(recorded) == Drift(DriftKind.MISSING, "7", 2, "night", 3)
