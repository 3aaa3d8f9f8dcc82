"""A delivery that arrives while the job is just ending is not left waiting for the retry of another one."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from apscheduler.events import EVENT_JOB_EXECUTED, JobExecutionEvent
from sqlalchemy import Engine

from daemon.config.configuration import Configuration
from daemon.deliver import Deliver
from daemon.host.clock import SteadyClock, TheirClock
from daemon.model.destination import BETTER_STACK
from daemon.runtime.jobs import LOOK, Jobs
from daemon.runtime.shared import Shared
from daemon.runtime.surroundings import Surroundings
from daemon.storage import destination_rows
from tests.support.kept_log import KeptLog
from tests.support.values import settings


class Deliveries:
    """Says that the next retry is minutes away; before that is acted upon, a round puts something into the outbox."""

    def __init__(self, jobs: Jobs, arrives: bool) -> None:
        self.jobs, self.arrives = jobs, arrives

    def wake(self) -> None:
        pass

    def trusted(self) -> bool:
        return True

    idle = False

    def drain(self) -> datetime:
        retry = datetime.now(UTC) + timedelta(minutes=5)
        if self.arrives:
            self.jobs.wake()
        return retry


@pytest.mark.parametrize(("arrives", "within"), [(False, 301), (True, 1)])
def test_a_wake_up_between_the_look_at_the_outbox_and_the_next_run_is_not_lost(
    engine: Engine, log: KeptLog, arrives: bool, within: float
) -> None:
    clock = SteadyClock()
    jobs = Jobs(
        Configuration(settings(), None, ()), Shared(engine, Surroundings(), clock, TheirClock(clock)), lambda _: log
    )
    deliveries = cast("Deliver", Deliveries(jobs, arrives))
    jobs._deliveries["deliver"].deliver = deliveries
    scheduler: Any = jobs._scheduler
    scheduler.add_job(lambda: None, "interval", seconds=3600, id="deliver")
    try:
        jobs._deliveries["deliver"].run()
        jobs._after_job(JobExecutionEvent(EVENT_JOB_EXECUTED, "deliver", "default", datetime.now(UTC)))
        due = scheduler.get_job("deliver").next_run_time - datetime.now(UTC)
    finally:
        jobs.close()
    assert due <= timedelta(seconds=within)


KEY = {"api_key": "a-key-of-signl4"}
NOTHING = {"acknowledge": False}
PAGING = ["poll", "deliver", "self-check"]


@pytest.mark.parametrize(
    ("sections", "more"),
    [
        ({}, []),
        ({"signl4": KEY}, ["two-way", "deliver-better-stack"]),
        ({"signl4": KEY, "write_back": NOTHING}, ["two-way"]),
    ],
    ids=["no key", "a key", "a key, and nothing is written back"],
)
def test_with_an_api_key_there_are_more_jobs_and_none_of_them_ends_the_process(
    engine: Engine, log: KeptLog, sections: dict[str, Any], more: list[str]
) -> None:
    clock = SteadyClock()
    shared = Shared(engine, Surroundings(), clock, TheirClock(clock))
    jobs = Jobs(Configuration(settings(**sections), None, ()), shared, lambda _: log)
    try:
        scheduler: Any = jobs._scheduler
        scheduler.pause()
        jobs.begin()
        names = [job.id for job in scheduler.get_jobs()]
        scheduler.pause()
    finally:
        shared.stop.set()
        jobs.close()
    assert sorted(names) == sorted([*PAGING, *more])
    assert [name for name in jobs.liveness if name in more] == []
    assert (BETTER_STACK in configured(engine)) is ("deliver-better-stack" in more)


def configured(engine: Engine) -> set[str]:
    """The destinations of the configuration in force."""
    with engine.connect() as connection:
        return {name for name, is_configured in destination_rows.known(connection).items() if is_configured}


def test_a_pause_ends_what_waits_for_signl4_and_a_resume_looks_again(engine: Engine, log: KeptLog) -> None:
    clock = SteadyClock()
    shared = Shared(engine, Surroundings(), clock, TheirClock(clock))
    jobs = Jobs(Configuration(settings(signl4=KEY), None, ()), shared, lambda _: log)
    try:
        look = jobs._looks[LOOK]
        jobs.pause()
        assert look._breath(0)
        jobs.resume()
        assert not look._breath(0)
    finally:
        shared.stop.set()
        jobs.close()
