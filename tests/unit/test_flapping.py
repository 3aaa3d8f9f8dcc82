"""What flaps: one alert says so, and the others wait until it has calmed down, or until it stays open."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event

from daemon.decisions.payload import EXTERNAL_ID, STATUS, minimal
from daemon.model.alarm import flap_id
from daemon.model.errors import DatabaseBusyError
from daemon.model.incident import Kind
from daemon.storage import queries
from tests.support.clock import Clock
from tests.support.fakes import ACCEPTED, REFUSED, Flows
from tests.support.kept_log import KeptLog
from tests.support.store import Store

ROUTE: dict[str, Any] = {"name": "flappy", "match": {"name": "db-*"}, "flap": {"count": 3, "within": "30m"}}


class Source:
    """One monitor whose incidents open and end."""

    def __init__(self, flows: Flows) -> None:
        self.flows = flows
        self._count = 0

    def opens(self, name: str = "db-2 disk", monitor_id: str = "77", *, ago: float = 0) -> str:
        """`ago`: so many minutes before it is seen."""
        self._count += 1
        incident_id = str(self._count)
        started_at = self.flows.clock() - timedelta(minutes=ago)
        self._about = {"name": name, "monitor_id": monitor_id, "started_at": started_at}
        self.flows.see(incident_id, **self._about)
        self.flows.drain()
        return incident_id

    def opens_at_once(self, times: int) -> None:
        """So often before anybody looks; a list shows the newest first."""
        for _ in range(times):
            self._count += 1
            about = {"name": "db-2 disk", "monitor_id": "77", "started_at": self.flows.clock()}
            self.flows.betterstack.has(str(self._count), **about)
            self.flows.clock.pass_(seconds=1)
        self.flows.round()
        self.flows.drain()

    def ends(self) -> None:
        self.flows.see(str(self._count), **self._about, status="Resolved", resolved_at=self.flows.clock())
        self.pass_(seconds=5)

    def pass_(self, **span: float) -> None:
        """Time goes by, and rounds are made."""
        self.flows.drain_for(**span)
        self.flows.round()
        self.flows.drain_for(seconds=5)

    def told(self) -> list[tuple[str, str]]:
        """Whose alert, and the kind: of an incident by its id, or that it flaps."""
        sent = [(str(body[EXTERNAL_ID]), str(body[STATUS])) for body in self.flows.signl4.sent]
        return [("flaps" if "flap" in external_id else external_id, kind) for external_id, kind in sent]


@contextmanager
def fails_to_record(flows: Flows) -> Iterator[None]:
    """The disk is full as soon as an incident is to be written."""

    def refuse(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("INSERT INTO incidents"):
            raise DatabaseBusyError("the disk is full")

    event.listen(flows.engine, "before_cursor_execute", refuse)
    try:
        yield
    finally:
        event.remove(flows.engine, "before_cursor_execute", refuse)


@pytest.fixture
def source(engine: Engine, clock: Clock, log: KeptLog, store: Store) -> Source:
    return Source(Flows(engine, clock, log, store, route=[ROUTE]))


def twice(source: Source) -> None:
    for _ in range(2):
        source.opens()
        source.pass_(minutes=1)
        source.ends()
        source.pass_(minutes=2)


BOTH = [("1", "new"), ("1", "resolved"), ("2", "new"), ("2", "resolved")]


def test_from_the_third_opening_on_one_alert_says_so_and_closes_when_it_is_calm(source: Source) -> None:
    twice(source)
    assert source.told() == BOTH
    for _ in range(4):
        source.opens()
        source.pass_(minutes=1)
        source.ends()
        source.pass_(minutes=4)
    assert source.told() == [*BOTH, ("flaps", "new")]
    said = source.flows.signl4.sent[-1]
    assert said["Title"] == "db-2 disk flaps: it opened 3 times within 30m"
    assert said["Cause"] == "Status 503"
    source.pass_(minutes=30)
    assert source.told() == [*BOTH, ("flaps", "new"), ("flaps", "resolved")]
    assert source.flows.signl4.sent[-1]["Note"] == "Calm again: nothing opened for 30m."
    held = {row for row in source.flows.outbox("state", "reason") if row[0] == "superseded" and "nobody" not in row[1]}
    assert held == {
        ("superseded", 'over while held: it flaps, and has not stayed open for 30m (route "flappy")'),
    }


def test_what_opens_several_times_between_two_rounds_is_counted_all_the_same(source: Source) -> None:
    source.opens_at_once(3)
    assert sorted(source.told()) == [("2", "new"), ("3", "new"), ("flaps", "new")]


def test_what_could_not_be_recorded_is_not_counted_twice(source: Source) -> None:
    with pytest.raises(DatabaseBusyError), fails_to_record(source.flows):
        source.opens_at_once(2)
    source.flows.round()
    source.flows.drain()
    assert sorted(source.told()) == [("1", "new"), ("2", "new")]


def test_one_that_stays_open_is_told_after_all_and_closes_that_alert(source: Source) -> None:
    twice(source)
    source.opens()
    source.pass_(minutes=28)
    assert source.told() == [*BOTH, ("flaps", "new")]
    source.pass_(minutes=3)
    assert source.told() == [*BOTH, ("flaps", "new"), ("3", "new"), ("flaps", "resolved")]
    source.ends()
    assert source.told()[-1] == ("3", "resolved")


def test_min_age_is_how_long_it_has_to_stay_open(source: Source) -> None:
    source.flows.configure(route=[{**ROUTE, "min_age": "2m"}])
    for _ in range(2):
        source.opens()
        source.pass_(minutes=3)
        source.ends()
        source.pass_(minutes=1)
    assert source.told() == BOTH
    source.opens()
    source.pass_(minutes=1)
    assert source.told() == [*BOTH, ("flaps", "new")]
    source.pass_(minutes=2)
    assert source.told() == [*BOTH, ("flaps", "new"), ("3", "new"), ("flaps", "resolved")]


@pytest.mark.parametrize("ahead", [-2, 2])
def test_how_long_it_has_been_calm_is_told_by_our_own_clock(source: Source, ahead: float) -> None:
    """Better Stack's may be hours ahead, or behind."""
    flows = source.flows
    flows.round()
    for number in range(3):
        opened = flows.clock() + timedelta(hours=ahead)
        over = {"status": "Resolved", "resolved_at": opened + timedelta(seconds=9)}
        flows.see(str(number), name="db-2", monitor_id="77", started_at=opened)
        flows.see(str(number), name="db-2", monitor_id="77", started_at=opened, **over)
        source.pass_(seconds=10)
    source.pass_(minutes=28)
    assert [kind for what, kind in source.told() if what == "flaps"] == ["new"]
    source.pass_(minutes=3)
    assert [kind for what, kind in source.told() if what == "flaps"] == ["new", "resolved"]


def test_it_flaps_again(source: Source) -> None:
    for _ in range(2):
        for _ in range(3):
            source.opens()
            source.pass_(minutes=1)
            source.ends()
        source.pass_(minutes=40)
    assert source.told().count(("flaps", "new")) == 2
    assert source.told().count(("flaps", "resolved")) == 2


def test_what_opens_seldom_does_not_flap(source: Source) -> None:
    for _ in range(4):
        source.opens()
        source.ends()
        source.pass_(minutes=20)
    assert ("flaps", "new") not in source.told()


def test_what_opened_later_counts_only_within_the_time(source: Source) -> None:
    """A list shows the newest first: what is much older than those flaps no more for it."""
    source.flows.clock.pass_(hours=2)
    for ago in (15, 10):
        source.opens(ago=ago)
    source.opens(ago=60)
    assert source.told() == [("1", "new"), ("2", "new"), ("3", "new")]
    source.opens(ago=20)
    assert source.told()[-1] == ("flaps", "new")


def test_that_something_flaps_is_said_in_the_smallest_body_too() -> None:
    flap = flap_id("monitor 77", "flappy")
    title = f"Something opens again and again; look at: betterstack-signl4 why {flap}"
    assert minimal(Kind.NEW, flap, flap)["Title"] == title


def test_a_dead_alert_that_something_flaps_is_told_of(source: Source) -> None:
    twice(source)
    source.flows.signl4.answer = lambda body: REFUSED if "flap" in str(body[EXTERNAL_ID]) else ACCEPTED
    source.opens()
    source.pass_(minutes=5)
    assert queries.snapshot(source.flows.engine).dead_alerts == 1


def test_another_source_does_not_count(source: Source) -> None:
    twice(source)
    source.opens(monitor_id="78")
    assert source.told() == [*BOTH, ("3", "new")]


def test_a_name_counts_where_nothing_else_is_known(source: Source) -> None:
    for _ in range(3):
        source.opens(monitor_id="")
        source.ends()
        source.pass_(minutes=1)
    assert source.told()[-1] == ("flaps", "new")


def test_a_configuration_without_it_closes_the_alert_and_releases_what_waits(source: Source) -> None:
    twice(source)
    source.opens()
    source.flows.configure(route=[{**ROUTE, "flap": {"count": 3, "within": "30m"}, "name": "another"}])
    source.flows.store.release_held(source.flows.clock())
    source.pass_(seconds=1)
    assert source.told() == [*BOTH, ("flaps", "new"), ("3", "new"), ("flaps", "resolved")]


def test_a_silence_of_the_incidents_silences_that_alert_too(source: Source) -> None:
    twice(source)
    source.flows.configure(
        route=[ROUTE], maintenance=[{"name": "m", "match": {"name": "db-*"}, "times": "Mon", "zone": "UTC"}]
    )
    source.opens()
    source.pass_(minutes=1)
    source.ends()
    assert source.told() == BOTH


def test_that_something_flaps_is_no_fault_of_the_program(source: Source) -> None:
    twice(source)
    source.opens()
    seen = queries.snapshot(source.flows.engine)
    assert (seen.open_alarms, seen.open_incidents) == ({}, 1)


MIN_AGE: list[tuple[float, str, list[tuple[str, str]]]] = [
    (1, "over before", []),
    (3, "over after", [("1", "new"), ("1", "resolved")]),
]


@pytest.mark.parametrize(("minutes", "what", "told"), MIN_AGE)
def test_min_age_holds_what_has_just_opened(
    source: Source, minutes: float, what: str, told: list[tuple[str, str]]
) -> None:
    source.flows.configure(route=[{"name": "patient", "min_age": "2m"}])
    source.opens()
    assert source.told() == []
    source.pass_(minutes=minutes)
    source.ends()
    assert source.told() == told, what
    reasons = [reason for state, reason in source.flows.outbox("state", "reason") if state == "superseded"]
    assert reasons == (
        []
        if told
        else [
            'over while held: not open for 2m yet (min_age of route "patient")',
            "nobody was told of the beginning",
        ]
    )


def test_what_has_been_open_for_long_when_it_is_first_seen_is_not_held(source: Source) -> None:
    source.flows.configure(route=[{"min_age": "2m"}])
    source.flows.see("9")
    source.flows.drain()
    assert source.told() == [("9", "new")]


def test_what_was_over_too_soon_wakes_nobody_however_late_it_is_seen(source: Source) -> None:
    source.flows.configure(route=[{"min_age": "2m"}])
    source.flows.round()
    opened = source.flows.clock()
    source.flows.clock.pass_(minutes=1)
    about = {"started_at": opened, "status": "Resolved", "resolved_at": source.flows.clock()}
    source.flows.clock.pass_(minutes=9)
    source.flows.see("9", **about)
    source.pass_(minutes=1)
    assert source.told() == []


def test_a_hold_that_the_configuration_takes_away_is_released(source: Source) -> None:
    source.flows.configure(route=[{"name": "patient", "min_age": "1h"}])
    source.opens()
    assert source.told() == []
    source.flows.configure(route=[{"name": "patient"}])
    source.flows.store.release_held(source.flows.clock())
    source.flows.drain()
    assert source.told() == [("1", "new")]


def test_a_step_of_better_stacks_clock_does_not_hold_it_longer(source: Source) -> None:
    source.flows.configure(route=[{"name": "patient", "min_age": "2m"}])
    source.flows.see("1", started_at=source.flows.clock())
    source.pass_(minutes=2)
    assert source.told() == [("1", "new")]
