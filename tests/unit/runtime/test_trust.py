"""How long a request may still begin, and what a job does that may send nothing."""

from datetime import timedelta
from typing import Any, cast

import pytest
from sqlalchemy import Engine

from daemon.deliver import Deliver
from daemon.host.clock import SteadyClock, TheirClock, boottime
from daemon.host.liveness import Liveness
from daemon.model.errors import DatabaseBusyError
from daemon.runtime.delivery_job import PAUSE, DeliveryJob, drain
from daemon.runtime.shared import Shared
from daemon.runtime.surroundings import Surroundings
from tests.support.clock import Clock
from tests.support.kept_log import KeptLog
from tests.support.values import settings


@pytest.mark.parametrize(
    ("left", "trusted"), [(None, True), (60.0, True), (15.5, True), (14.9, False), (0.0, False), (-60.0, False)]
)
def test_a_request_begins_only_if_its_whole_time_is_trusted(
    file_engine: Engine, left: float | None, trusted: bool
) -> None:
    clock, until = SteadyClock(), boottime() + (left or 0)
    trusted_until = None if left is None else lambda: until
    shared = Shared(file_engine, Surroundings(), clock, TheirClock(clock), trusted_until=trusted_until)
    assert shared.trusts(settings(http={"timeout": "15s"}))() is trusted


class Distrusted:
    """Deliveries of a host that may send nothing."""

    def trusted(self) -> bool:
        return False

    def drain(self) -> None:
        raise AssertionError("it sends")


def test_a_job_without_trust_looks_again_after_a_pause_and_says_so_once(clock: Clock, log: KeptLog) -> None:
    job = DeliveryJob(cast("Deliver", Distrusted()), Liveness(), log, clock)
    for _ in range(3):
        job.run()
        assert timedelta(seconds=job.rest()) == PAUSE
    postponed: list[dict[str, Any]] = [shown for _, _, shown in log.events]
    assert ["another host may send" in str(shown) for shown in postponed] == [True]


def test_nothing_is_drained_without_trust() -> None:
    with pytest.raises(DatabaseBusyError, match="another host may send"):
        drain(cast("Deliver", Distrusted()))
