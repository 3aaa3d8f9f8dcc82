"""Which alerts about a monitor are to be open: each has a cause, and is closed when that is over."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.config.monitors import MonitorsSection
from daemon.decisions.monitor_alerts import TOLD_CAUSE, alerts, decide
from daemon.model.incident import Incident, IncidentState, Kind, Phase, Transition
from daemon.model.monitor import MonitorChange, MonitorEvent, MonitorState
from tests.support.monitors import HEARTBEAT, change, state
from tests.support.outbox import after
from tests.support.values import NOW, ago, settings

CREATED, UPDATED, PAUSED, UNPAUSED, DELETED = MonitorEvent
PAUSE: dict[str, Any] = {"status": "paused", "status_since": ago(days=8)}
UPKEEP: dict[str, Any] = {"status": "maintenance", "status_since": ago(days=2)}
NEVER: dict[str, Any] = {"status": "pending", "status_since": ago(days=2)}
WAS_DELETED: dict[str, Any] = {"deleted_at": ago(hours=3)}
BEGAN = ago(days=8)


def section(**values: Any) -> MonitorsSection:
    return settings(monitors={"enabled": True, **values}).monitors


def wanted(one: MonitorState, incidents: int = 0, *seen: MonitorChange, **values: Any) -> list[Incident]:
    return list(alerts(one, section(**values), incidents, {told.what: told for told in seen}, NOW))


LASTING: dict[str, tuple[dict[str, Any], dict[str, Any], bool]] = {
    "up": ({}, {}, False),
    "down for years": ({"status": "down", "status_since": ago(days=900)}, {}, False),
    "paused": (PAUSE, {}, True),
    "paused for long enough": ({**PAUSE, "status_since": ago(hours=1)}, {"paused_after": "1h"}, True),
    "paused for not long enough": ({**PAUSE, "status_since": ago(minutes=59)}, {"paused_after": "1h"}, False),
    "paused, and off": (PAUSE, {"paused_after": "off"}, False),
    "paused, and told at once": ({**PAUSE, "status_since": NOW}, {"tell": ["paused"]}, True),
    "paused, off, and told at once": (
        {**PAUSE, "status_since": NOW},
        {"tell": ["paused"], "paused_after": "off"},
        True,
    ),
    "paused, and deleted": ({**PAUSE, **WAS_DELETED}, {}, False),
    "in maintenance": (UPKEEP, {}, True),
    "in maintenance for not long enough": ({**UPKEEP, "status_since": ago(hours=23)}, {}, False),
    "in maintenance, and off": (UPKEEP, {"maintenance_after": "off"}, False),
    "pending": (NEVER, {}, True),
    "pending for not long enough": ({**NEVER, "status_since": ago(hours=23)}, {}, False),
    "pending, and off": (NEVER, {"pending_after": "off"}, False),
    "a status that nobody knows": ({"status": "sleeping", "status_since": ago(days=900)}, {}, False),
}


@pytest.mark.parametrize("case", LASTING)
def test_what_lasts_has_an_alert(case: str) -> None:
    values, configured, expected = LASTING[case]
    ids = [one.id for one in wanted(state(**values), **configured)]
    assert ids == ([f"monitor-77-{values['status']}"] if expected else [])


TOLD: dict[MonitorEvent, str] = {
    CREATED: "Monitor Shop front page was created",
    UPDATED: "Monitor Shop front page was changed: url",
    UNPAUSED: "Monitor Shop front page is watched again",
    DELETED: "Monitor Shop front page was deleted",
}


@pytest.mark.parametrize("event", TOLD)
def test_an_event_is_told_to_who_wants_it(event: MonitorEvent) -> None:
    seen = change(event, ago(minutes=9), "url" if event is UPDATED else "")
    [alert] = wanted(state(), 0, seen, tell=[event])
    assert (alert.id, alert.text("name"), alert.started_at) == (f"monitor-77-{event}", TOLD[event], ago(minutes=9))
    assert wanted(state(), 0, seen, tell=[one for one in TOLD if one is not event]) == []
    assert wanted(state(), 0, tell=[event]) == []


def test_a_pause_is_told_as_long_as_it_lasts_and_has_one_alert() -> None:
    lasting = state(**{**PAUSE, "status_since": ago(minutes=1)})
    [alert] = wanted(lasting, 0, change(PAUSED, ago(minutes=1)), tell=["paused"])
    assert alert.text("name") == "Monitor Shop front page is paused since 2026-11-23 09:29 UTC"
    assert wanted(state(), 0, change(PAUSED, ago(minutes=1)), tell=["paused"]) == []


@pytest.mark.parametrize(("incidents", "said"), [(1, "an incident"), (7, "7 incidents")])
def test_one_that_is_deleted_with_open_incidents_has_an_alert(incidents: int, said: str) -> None:
    [alert] = wanted(state(**WAS_DELETED), incidents)
    assert alert.text("name") == f"Monitor Shop front page was deleted with {said} still open"
    assert wanted(state(**WAS_DELETED)) == []
    assert wanted(state(), incidents) == []
    assert wanted(state(**WAS_DELETED), incidents, deleted=False) == []


def test_a_deletion_that_is_told_and_has_open_incidents_is_one_alert() -> None:
    [alert] = wanted(state(**WAS_DELETED), 2, change(DELETED, ago(hours=3)), tell=["deleted"])
    assert alert.text("name").endswith("2 incidents still open")


def test_an_alert_is_about_its_monitor() -> None:
    [alert] = wanted(state("5", HEARTBEAT, **NEVER))
    assert (alert.id, alert.kind, alert.source, alert.source_id) == (
        "heartbeat-5-pending",
        "heartbeat",
        "heartbeat",
        "5",
    )
    assert alert.monitor == "heartbeat 5"
    assert alert.attributes == {
        "name": "Heartbeat Shop front page is pending since 2026-11-21 09:30 UTC",
        "cause": "It was never called. Let the job that it watches call it, or delete it in Better Stack.",
        "url": "https://shop.example.com/",
        "team_name": "Operations",
        "status": "pending",
        "started_at": "2026-11-21T09:30:00.000Z",
    }


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ({"name": ""}, "Monitor https://shop.example.com/ is paused"),
        ({"name": "", "url": ""}, "Monitor 77 is paused"),
    ],
)
def test_one_without_a_name_is_called_what_it_has(names: dict[str, Any], said: str) -> None:
    [alert] = wanted(state(**PAUSE, **names))
    assert alert.text("name").startswith(said)


# -- what is recorded -------------------------------------------------------------------------------------------------


def alert(since: datetime = BEGAN) -> Incident:
    [one] = wanted(state(status="paused", status_since=since), paused_after="1m")
    return one


def recorded(since: datetime = BEGAN, **values: Any) -> IncidentState:
    decision = decide(None, alert(since), ago(days=1))
    assert decision is not None
    return replace(decision.after, **values)


def test_the_first_is_told_under_an_external_id_of_its_own() -> None:
    decision = decide(None, alert(), NOW)
    assert decision is not None
    after_it = decision.after
    assert (after_it.id, after_it.external_id, after_it.generation) == ("monitor-77-paused", "monitor-77-paused", 1)
    assert (after_it.phase, after_it.alerted, after_it.is_alarm) == (Phase.OPEN, True, True)
    assert after_it.monitor == "monitor 77"
    assert after_it.as_incident().kind == "monitor"
    name = "Monitor Shop front page is paused since 2026-11-15 09:30 UTC"
    assert decision.transitions == (Transition(Kind.NEW, 1, NOW, name),)


def test_while_it_lasts_nothing_is_told() -> None:
    assert decide(recorded(), alert(), NOW) is None
    assert decide(recorded(), alert(ago(days=9)), NOW) is None
    assert decide(None, None, NOW) is None
    assert decide(recorded(phase=Phase.RESOLVED), None, NOW) is None


def test_when_its_cause_is_over_it_is_closed() -> None:
    decision = decide(recorded(), None, NOW)
    assert decision is not None
    assert decision.after == recorded(phase=Phase.RESOLVED, resolved_at=NOW)
    assert decision.transitions == (Transition(Kind.RESOLVED, 1, NOW, "the cause is over"),)


def test_the_end_of_one_that_nobody_was_told_of_is_not_told() -> None:
    decision = decide(recorded(alerted=False), None, NOW)
    assert decision is not None
    assert (decision.after.phase, decision.transitions) == (Phase.RESOLVED, ())


def test_one_that_began_anew_between_two_looks_is_closed_and_told() -> None:
    decision = decide(recorded(), alert(ago(days=7, hours=23)), NOW)
    assert decision is not None
    assert [(one.kind, one.generation) for one in decision.transitions] == [(Kind.RESOLVED, 1), (Kind.NEW, 2)]
    assert (decision.after.generation, decision.after.phase) == (2, Phase.OPEN)


def test_one_that_comes_back_is_a_later_generation() -> None:
    decision = decide(recorded(phase=Phase.RESOLVED), alert(ago(hours=1)), NOW)
    assert decision is not None
    assert [(one.kind, one.generation) for one in decision.transitions] == [(Kind.NEW, 2)]


# -- any sequence -----------------------------------------------------------------------------------------------------

STATES = st.builds(
    lambda status, hours, deleted: state(
        status=status, status_since=ago(hours=hours), deleted_at=ago(hours=1) if deleted else None
    ),
    st.sampled_from(["up", "paused", "maintenance", "pending", "sleeping"]),
    st.integers(0, 400),
    st.booleans(),
)
LATEST = st.dictionaries(st.sampled_from(list(MonitorEvent)), st.integers(0, 59)).map(
    lambda found: {what: change(what, ago(minutes=minutes)) for what, minutes in found.items()}
)
SECTIONS = st.builds(
    lambda tell, paused, deleted: section(tell=tell, paused_after=paused, deleted=deleted),
    st.lists(st.sampled_from([str(one) for one in MonitorEvent]), unique=True),
    st.sampled_from(["off", "1m", "7d"]),
    st.booleans(),
)
LOOKS = st.lists(st.tuples(STATES, st.integers(0, 2), LATEST, SECTIONS), min_size=1, max_size=6)
Look = tuple[MonitorState, int, Mapping[MonitorEvent, MonitorChange], MonitorsSection]


@given(LOOKS)
def test_no_alert_is_without_its_cause(looks: Sequence[Look]) -> None:
    for one, incidents, latest, configured in looks:
        for found in alerts(one, configured, incidents, latest, NOW):
            what = found.id.removeprefix("monitor-77-")
            told = what in configured.tell and what in latest
            lasts = what == one.status and one.deleted_at is None
            lost = what == "deleted" and one.deleted_at is not None and configured.deleted and bool(incidents)
            assert told or lasts or lost
            assert found.started_at is not None
            assert found.started_at <= NOW


@given(LOOKS)
def test_an_alert_is_open_exactly_as_long_as_it_is_wanted_and_each_beginning_has_its_end(
    looks: Sequence[Look],
) -> None:
    known: dict[str, IncidentState] = {}
    told: dict[str, list[Kind]] = {}
    for number, (one, incidents, latest, configured) in enumerate(looks):
        now = after(hours=number)
        seen = {found.id: found for found in alerts(one, configured, incidents, latest, now)}
        for identity in known.keys() | seen.keys():
            decision = decide(known.get(identity), seen.get(identity), now)
            if decision is not None:
                known[identity] = decision.after
                told.setdefault(identity, []).extend(transition.kind for transition in decision.transitions)
            assert decide(known[identity], seen.get(identity), now + timedelta(seconds=1)) is None
        still_open = {identity for identity, state in known.items() if state.phase is Phase.OPEN}
        assert still_open <= seen.keys()
        # What has happened is told once; all else is open as long as it is wanted.
        assert {seen[identity].text("cause") for identity in seen.keys() - still_open} <= {TOLD_CAUSE}
    for identity, kinds in told.items():
        assert kinds == [(Kind.NEW, Kind.RESOLVED)[number % 2] for number in range(len(kinds))]
        assert (kinds[-1] is Kind.NEW) == (known[identity].phase is Phase.OPEN)
