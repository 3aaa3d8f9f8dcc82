"""The look whether somebody is on duty."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, update

from daemon.duty import Duty
from daemon.model.destination import DEFAULT
from daemon.model.drift import OffDuty
from daemon.model.errors import Signl4ApiError
from daemon.model.signl4 import Member
from daemon.storage import queries
from daemon.storage.duty import DutyRoster
from daemon.storage.engine import transaction
from daemon.storage.schema import DESTINATIONS
from tests.support.clock import Clock
from tests.support.kept_log import KeptLog
from tests.support.rest import FakeApi
from tests.support.store import Store
from tests.support.values import NOW


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


@pytest.fixture
def duty(api: FakeApi, engine: Engine, clock: Clock, log: KeptLog, store: Store) -> Duty:
    """Of two teams whose ids are known, and one whose id is not."""
    store.configure([DEFAULT, "night", "new"])
    with transaction(engine, writes=True) as connection:
        for name, team_id in ((DEFAULT, "team-1"), ("night", "team-2")):
            connection.execute(update(DESTINATIONS).where(DESTINATIONS.c.name == name).values(team_id=team_id))
    return Duty(api, DutyRoster(engine), [DEFAULT, "night", "new"], clock=clock, log=log)


def on_duty(api: FakeApi, *teams: str) -> None:
    everywhere = frozenset(["team-1", "team-2"])
    api.people = [Member("jane", "Jane", frozenset(teams), everywhere - frozenset(teams))]


def unmanned(engine: Engine) -> dict[str, OffDuty]:
    return {one.team: one for one in queries.snapshot(engine).off_duty}


def test_a_team_without_anybody_on_duty_is_known_from_then_on_until_somebody_is(
    duty: Duty, api: FakeApi, engine: Engine, clock: Clock, log: KeptLog
) -> None:
    on_duty(api, "team-1")
    duty.look()
    assert unmanned(engine) == {"night": OffDuty("night", NOW, NOW)}
    clock.pass_(minutes=10)
    duty.look()
    assert unmanned(engine) == {"night": OffDuty("night", NOW, NOW + timedelta(minutes=10))}
    on_duty(api, "team-1", "team-2")
    clock.pass_(minutes=10)
    duty.look()
    assert unmanned(engine) == {}
    assert [(event, fields) for _, event, fields in log.events] == [
        ("nobody on duty", {"team": "night"}),
        ("on duty again", {"team": "night"}),
    ]


def test_a_list_that_names_no_team_changes_nothing(duty: Duty, api: FakeApi, engine: Engine, clock: Clock) -> None:
    on_duty(api, "team-1")
    duty.look()
    api.people = []
    clock.pass_(minutes=5)
    duty.look()
    assert unmanned(engine).keys() == {"night"}


def test_it_looks_every_five_minutes_also_after_a_restart(
    duty: Duty, api: FakeApi, engine: Engine, clock: Clock, log: KeptLog
) -> None:
    for _ in range(10):
        duty.look()
        Duty(api, DutyRoster(engine), [DEFAULT], clock=clock, log=log).look()
        clock.pass_(minutes=1)
    assert api.asked == ["members"] * 2


def test_a_look_in_the_future_keeps_it_from_nothing(duty: Duty, api: FakeApi, clock: Clock) -> None:
    duty.look()
    clock.pass_(hours=-1)
    duty.look()
    assert api.asked == ["members"] * 2


def test_where_no_team_is_known_nobody_is_asked(api: FakeApi, engine: Engine, clock: Clock, log: KeptLog) -> None:
    Duty(api, DutyRoster(engine), [DEFAULT], clock=clock, log=log).look()
    assert api.asked == []


def test_a_team_of_another_account_is_not_looked_at(
    duty: Duty, api: FakeApi, engine: Engine, clock: Clock, log: KeptLog
) -> None:
    on_duty(api)
    Duty(api, DutyRoster(engine), [DEFAULT], clock=clock, log=log).look()
    assert unmanned(engine).keys() == {DEFAULT}


def test_a_failure_proves_nothing(duty: Duty, api: FakeApi, engine: Engine, clock: Clock) -> None:
    on_duty(api)
    api.fails = lambda _: Signl4ApiError("SIGNL4 answered HTTP 500")
    with pytest.raises(Signl4ApiError):
        duty.look()
    assert unmanned(engine) == {}
    api.fails = lambda _: None
    duty.look()
    assert unmanned(engine).keys() == {DEFAULT, "night"}


def test_a_team_that_the_configuration_does_not_have_any_more_is_no_problem(
    duty: Duty, api: FakeApi, engine: Engine, store: Store
) -> None:
    on_duty(api)
    duty.look()
    store.configure([DEFAULT])
    assert unmanned(engine).keys() == {DEFAULT}


def test_after_a_clock_step_the_time_without_anybody_begins_anew(
    duty: Duty, api: FakeApi, engine: Engine, store: Store
) -> None:
    on_duty(api)
    duty.look()
    store.forget_spans(NOW + timedelta(days=1))
    assert {one.since for one in unmanned(engine).values()} == {NOW + timedelta(days=1)}
