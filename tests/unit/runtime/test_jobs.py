"""A delivery that arrives while the job is just ending is not left waiting for the retry of another one."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from apscheduler.events import EVENT_JOB_EXECUTED, JobExecutionEvent
from sqlalchemy import Engine

from daemon.config.configuration import Configuration
from daemon.deliver import Deliver
from daemon.host.clock import SteadyClock, TheirClock
from daemon.runtime.jobs import Jobs
from daemon.runtime.shared import Shared
from daemon.runtime.surroundings import Surroundings
from tests.support.kept_log import KeptLog
from tests.support.values import settings


class Deliveries:
    """Says that the next retry is minutes away; before that is acted upon, a round puts something into the outbox."""

    def __init__(self, jobs: Jobs, arrives: bool) -> None:
        self.jobs, self.arrives = jobs, arrives

    def wake(self) -> None:
        pass

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
