"""A delivery that arrives while the job is just ending is not left waiting for the retry of another one."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from apscheduler.events import EVENT_JOB_EXECUTED, JobExecutionEvent

from daemon.config.load import Configuration
from daemon.host.signals import Stop
from daemon.host.systemd import Systemd
from daemon.runtime.build import Components, JobsLiveness, Shared
from daemon.runtime.reload import Reload
from daemon.runtime.run import Service
from tests.conftest import KeptLog
from tests.given import settings


class Deliveries:
    """Says that the next retry is minutes away; before that is acted upon, a round puts something into the outbox."""

    def __init__(self, service: Service, arrives: bool) -> None:
        self.service, self.arrives, self.deaths = service, arrives, 0

    def wake(self) -> None:
        pass

    def next_at(self) -> datetime:
        retry = datetime.now(UTC) + timedelta(minutes=5)
        if self.arrives:
            self.service.wake()
        return retry


@pytest.mark.parametrize(("arrives", "within"), [(False, 301), (True, 1)])
def test_a_wake_up_between_the_look_at_the_outbox_and_the_next_run_is_not_lost(
    log: KeptLog, arrives: bool, within: float
) -> None:
    configuration = Configuration(settings(), None, ())
    service = Service(Stop(), Reload(lambda: configuration, lambda _: log), Systemd({}))
    service._components = cast("Components", SimpleNamespace(deliver=Deliveries(service, arrives)))
    service._shared = cast("Shared", SimpleNamespace(clock=lambda: datetime.now(UTC), liveness=JobsLiveness()))
    scheduler: Any = service._scheduler
    scheduler.add_job(lambda: None, "interval", seconds=3600, id="deliver")
    scheduler.start(paused=True)
    try:
        service._after_job(JobExecutionEvent(EVENT_JOB_EXECUTED, "deliver", "default", datetime.now(UTC)))
        due = scheduler.get_job("deliver").next_run_time - datetime.now(UTC)
    finally:
        scheduler.shutdown()
    assert due <= timedelta(seconds=within)
