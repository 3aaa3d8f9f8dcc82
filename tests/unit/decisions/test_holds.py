"""What rules hold of one untold message."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from daemon.config.zone import zone_of
from daemon.decisions.facts import facts
from daemon.decisions.holds import Holds, readable
from daemon.decisions.route import Routes
from daemon.model.alarm import Cause
from daemon.model.delivery import Delivery
from daemon.model.incident import Kind
from daemon.model.silence import Silence
from daemon.model.subject import Subject
from tests.support.outbox import after
from tests.support.values import NOW, ago, incident, settings

SUBJECT = Subject(facts(incident(name="db-2 disk")), "patient")
NEW = Delivery(
    1,
    "7",
    1,
    Kind.NEW,
    "7",
    {},
    0,
    refused=False,
    over_since=None,
    occurred_at=ago(minutes=1),
    created_at=NOW,
    subject=SUBJECT.written(),
)
PATIENT: dict[str, Any] = {"route": [{"name": "patient", "min_age": "5m"}]}
WINDOW: dict[str, Any] = {"maintenance": [{"name": "m", "times": "09:00-10:00", "zone": "UTC"}]}


def silence(**match: Any) -> Silence:
    return Silence(3, match, ago(minutes=1), after(minutes=20), "why", "jane", ago(minutes=1))


def held_until(
    delivery: Delivery = NEW, *silences: Silence, theirs: datetime = NOW, **rules: Any
) -> tuple[datetime, str] | None:
    hold = Holds(settings(**rules)).hold(delivery, readable(silences), NOW, theirs)
    assert hold is None or hold.by_rule
    return None if hold is None else (hold.until, hold.why)


HOLDS: dict[str, tuple[dict[str, Any], list[Silence], tuple[datetime, str] | None]] = {
    "nothing": ({}, [], None),
    "a route": (PATIENT, [], (after(minutes=4), 'not open for 5m yet (min_age of route "patient")')),
    "a route that did not choose it": ({"route": [{"name": "other", "min_age": "5m"}]}, [], None),
    "a window": (WINDOW, [], (after(minutes=30), 'maintenance "m"')),
    "a silence": ({}, [silence(name="db-*")], (after(minutes=20), "silence 3 (why)")),
    "a silence of others": ({}, [silence(name="web-*")], None),
    "a silence of an alarm": ({}, [silence(alarm=Cause.POLL.external_id)], None),
}


@pytest.mark.parametrize("what", HOLDS)
def test_each_kind_of_rule_holds_what_it_is_about(what: str) -> None:
    rules, silences, expected = HOLDS[what]
    assert held_until(NEW, *silences, **rules) == expected


def test_the_longest_hold_counts() -> None:
    found = held_until(NEW, silence(name="*"), **PATIENT, **WINDOW)
    assert found == (after(minutes=30), 'maintenance "m"')


def test_an_own_alarm_is_silenced_by_its_own_name_alone() -> None:
    alarm = replace(NEW, incident_id=Cause.POLL.external_id, subject=None)
    by_others = [silence(), silence(name="*"), silence(name={"not": "x"}), silence(alarm=Cause.DEAD.external_id)]
    assert held_until(alarm, *by_others, **WINDOW) is None
    assert held_until(alarm, silence(alarm=Cause.POLL.external_id)) == (after(minutes=20), "silence 3 (why)")


def test_a_silence_that_is_over_holds_only_what_was_over_within_it() -> None:
    past: dict[str, Any] = {"starts_at": ago(minutes=30), "ends_at": ago(minutes=10)}
    alarm = replace(NEW, incident_id=Cause.POLL.external_id, subject=None)
    of_alarm, of_all = replace(silence(alarm=alarm.incident_id), **past), replace(silence(name="*"), **past)
    over = replace(NEW, occurred_at=ago(minutes=25), over_since=ago(minutes=20))
    assert held_until(alarm, of_alarm) is None
    assert [held_until(NEW, of_all), held_until(replace(over, over_since=ago(minutes=5)), of_all)] == [None, None]
    assert held_until(over, of_all) is not None
    assert held_until(over, replace(of_all, expired_at=ago(minutes=22))) is None


@pytest.mark.parametrize("subject", [None, "", "{", "[]", '{"facts": 1, "moon": 2}', '{"facts": null}'])
def test_what_is_not_known_of_an_incident_matches_only_what_is_for_all(subject: str | None) -> None:
    unknown = replace(NEW, subject=subject)
    assert held_until(unknown, silence(name="*"), **PATIENT) is None
    assert held_until(unknown, **WINDOW) is not None


STEPS = [(timedelta(0), 4), (timedelta(minutes=3), 1), (timedelta(minutes=9), 0), (timedelta(hours=-9), 5)]


@pytest.mark.parametrize(("step", "minutes"), STEPS)
def test_a_step_of_better_stacks_clock_does_not_hold_it_longer(step: timedelta, minutes: int) -> None:
    found = held_until(NEW, theirs=NOW + step, **PATIENT)
    assert (found and found[0]) == (after(minutes=minutes) if minutes else None)
    waited = replace(NEW, created_at=ago(minutes=5))
    assert held_until(waited, theirs=NOW + step, **PATIENT) is None


def test_what_is_over_is_as_old_as_it_became() -> None:
    opened = replace(NEW, occurred_at=ago(minutes=30), created_at=ago(minutes=20))
    assert held_until(opened, **PATIENT) is None
    for minutes, is_held in ((-1, True), (0, True), (4, True), (5, False), (9, False)):
        over = replace(opened, over_since=opened.occurred_at + timedelta(minutes=minutes))
        assert (held_until(over, **PATIENT) is not None) is is_held, minutes


def test_windows_that_never_end_do_not_hold_for_ever() -> None:
    always: dict[str, Any] = {"maintenance": [{"name": "m", "times": "00:00-24:00", "zone": "UTC"}]}
    waiting = replace(NEW, created_at=ago(days=7) + timedelta(seconds=1))
    assert held_until(waiting, **always) == (after(days=7), 'maintenance "m"')
    assert held_until(replace(NEW, created_at=ago(days=7)), **always) is None
    assert held_until(replace(NEW, created_at=ago(days=7)), silence(name="db-*"), **always) is not None


def test_a_zone_is_known_from_the_start() -> None:
    """Another process has checked the configuration, and by the time of a window the files of zones may be gone."""
    times = {"times": "09:00-10:00", "zone": "Asia/Tokyo"}
    rules = settings(maintenance=[{"name": "m", **times}], route=[{"match": times}])
    for begin in (lambda: Holds(rules), lambda: Routes(rules.route)):
        zone_of.cache_clear()
        begin()
        assert zone_of.cache_info().currsize == 1


FLAPS: list[tuple[dict[str, Any], int]] = [
    ({"flap": {"count": 3, "within": "30m"}}, 29),
    ({"flap": {"count": 3, "within": "30m"}, "min_age": "10m"}, 9),
    ({"flap": {"count": 3, "within": "3m"}, "min_age": "10m"}, 2),
]


@pytest.mark.parametrize(("route", "minutes"), FLAPS)
def test_what_flaps_waits_until_it_has_stayed_open_or_been_calm(route: dict[str, Any], minutes: int) -> None:
    flapping = replace(NEW, subject=replace(SUBJECT, flaps=True).written())
    found = held_until(flapping, route=[{"name": "patient", **route}])
    assert found is not None
    assert found[0] == after(minutes=minutes)
