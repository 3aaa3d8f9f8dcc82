"""What is read when somebody asks."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, update

from daemon.host.clock import SteadyClock, TheirClock
from daemon.model.delivery import Answer, Delivered, RateLimit
from daemon.model.destination import BETTER_STACK
from daemon.model.readings import Headroom, TeamOutbox
from daemon.runtime.readings import read
from daemon.runtime.shared import Shared
from daemon.runtime.surroundings import Surroundings
from daemon.storage.engine import transaction
from daemon.storage.schema import DESTINATIONS
from daemon.storage.two_way_schema import TWO_WAY
from tests.support.outbox import NEW, kill, tell
from tests.support.refused import lost
from tests.support.store import Store
from tests.support.values import settings

URL = settings().signl4.base_url
TEAMS = {"secret": "96sbq49u", "teams": {"night": {"secret": "n1"}, "other": {"secret": "o1", "account": "another"}}}


@pytest.fixture
def shared(engine: Engine) -> Shared:
    clock = SteadyClock()
    return Shared(engine, Surroundings(), clock, TheirClock(clock))


def test_every_team_and_account_of_the_configuration_is_there(shared: Shared) -> None:
    for account in (URL, "another"):
        assert shared.limiters[account]
    readings = read(shared, settings(signl4=TEAMS))
    assert readings.outboxes == dict.fromkeys(("default", "night", "other"), TeamOutbox())
    assert readings.headroom == dict.fromkeys((URL, "another"), Headroom(10, 10))
    assert readings.database_bytes


def test_better_stack_is_there_where_anything_is_written_back(shared: Shared) -> None:
    assert read(shared, settings(signl4={**TEAMS, "api_key": "k1"})).outboxes.keys() == {
        *("default", "night", "other"),
        BETTER_STACK,
    }


def test_a_reading_makes_no_limiter(shared: Shared) -> None:
    """The address is served while the teams are still being built: one of two would be another than the teams share."""
    assert read(shared, settings(signl4=TEAMS)).headroom == {}
    assert shared.limiters == {}


def test_the_problems_are_those_of_status(shared: Shared, store: Store) -> None:
    store.complete_round(datetime.now(UTC))
    assert read(shared, settings()).problems == ()
    tell(store, "7", NEW)
    kill(store, "7")
    [problem] = read(shared, settings()).problems
    assert problem == "1 dead; look at: deliveries --state dead, and bring back with: retry --dead"


def test_that_nobody_is_on_duty_is_a_problem_as_it_is_in_status(shared: Shared, store: Store, engine: Engine) -> None:
    now = datetime.now(UTC)
    store.complete_round(now)
    with transaction(engine, writes=True) as connection:
        connection.execute(update(DESTINATIONS).values(off_duty_since=now - timedelta(hours=2)))
        connection.execute(update(TWO_WAY).values(duty_looked_at=now))
    [problem] = read(shared, settings(duty={"warn_after": "1h"})).problems
    assert problem.startswith("nobody is on duty in team default since ")
    assert read(shared, settings()).problems == ()


def test_a_state_that_cannot_be_written_is_a_problem(shared: Shared, store: Store) -> None:
    store.complete_round(datetime.now(UTC))
    shared.notes.state_error = 0.0, datetime.now(UTC), "the disk is full"
    assert read(shared, settings()).problems == ("the state cannot be written: the disk is full",)


def test_that_the_state_can_be_written_again_fails_no_reading(shared: Shared, store: Store) -> None:
    """The self-check takes it back in a thread of its own, between any two looks."""
    store.complete_round(datetime.now(UTC))

    class Changing:
        looks = 0

        @property
        def state_error(self) -> object:
            self.looks += 1
            return (0.0, datetime.now(UTC), "the disk is full") if self.looks == 1 else None

    # It is frozen, and so is what a reading is made of.
    object.__setattr__(shared, "notes", Changing())
    assert read(shared, settings()).problems == ("the state cannot be written: the disk is full",)


def test_a_database_that_cannot_be_read_is_a_problem(shared: Shared, engine: Engine) -> None:
    with lost(engine, "unreadable"):
        readings = read(shared, settings())
    assert readings.snapshot is None
    assert len(readings.problems) == 1
    assert readings.database_bytes


def test_the_limit_and_the_clock_of_signl4_are_those_of_its_answers(shared: Shared) -> None:
    limiter, now = shared.limiters[URL], shared.clock()
    answer = Answer(Delivered("id"), rate_limit=RateLimit(150, 40, timedelta(seconds=9)), ahead=timedelta(seconds=3))
    limiter.sent(now)
    limiter.answered(answer, 0, now, sent_at=now)
    readings = read(shared, settings())
    assert readings.signl4_ahead == timedelta(seconds=3)
    assert readings.headroom == {URL: Headroom(150, 40)}
    limiter.answered(replace(answer, ahead=None), 0, now, sent_at=now)
    assert read(shared, settings()).signl4_ahead == timedelta(seconds=3), "the latest that shows it"
