"""The jobs of many accounts: one each, spread over an interval, with the work between rounds done once for all."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Event, Thread
from types import SimpleNamespace
from typing import Any

import pytest
from apscheduler.events import EVENT_JOB_EXECUTED, JobExecutionEvent
from sqlalchemy import Engine

from daemon.config.configuration import Configuration
from daemon.host.clock import SteadyClock, TheirClock
from daemon.runtime.build_sources import poll_job
from daemon.runtime.jobs import CHECK_GAP, TURN, Jobs
from daemon.runtime.shared import Chores, Shared
from daemon.runtime.surroundings import Surroundings
from daemon.runtime.upkeep import Upkeep
from daemon.storage import queries
from tests.support.kept_log import KeptLog
from tests.support.values import settings

COUNT = 20
EXACT = 0.01
"""Seconds by which two clocks may differ."""
SOURCES = {f"s{number}": {"token": f"token-of-{number}"} for number in range(COUNT)}


@contextmanager
def jobs_of(engine: Engine, log: KeptLog, **sections: Any) -> Iterator[Jobs]:
    """Of a configuration, begun; the scheduler stands still."""
    clock = SteadyClock()
    shared = Shared(engine, Surroundings(), clock, TheirClock(clock))
    jobs = Jobs(Configuration(settings(**sections), None, ()), shared, lambda _: log)
    try:
        scheduler: Any = jobs._scheduler
        scheduler.resume = lambda: None
        jobs.begin()
        yield jobs
    finally:
        shared.stop.set()
        jobs.close()


def due_at(jobs: Jobs, job: str) -> datetime:
    at: datetime = jobs._scheduler.get_job(job).next_run_time
    return at


def is_due_in(jobs: Jobs, job: str, seconds: float, since: datetime) -> bool:
    """Whether it is due so many seconds after some moment between `since` and now."""
    after = (due_at(jobs, job) - since).total_seconds() - seconds
    return -EXACT < after < (datetime.now(UTC) - since).total_seconds() + EXACT


def test_each_account_has_a_job_a_thread_and_signs_of_life_of_its_own(engine: Engine, log: KeptLog) -> None:
    with jobs_of(engine, log, source=SOURCES) as jobs:
        polls = [poll_job(name) for name in ("", *SOURCES)]
        assert polls[:2] == ["poll", "poll-s0"]
        assert [name for name in jobs.liveness if name.startswith("poll")] == polls
        assert {thread.name for thread in jobs._workers._threads} >= set(polls)
        clients = {id(one.poll._source._http) for one in jobs.components.sources.values()}  # type: ignore[attr-defined]
        assert len(clients) == COUNT + 1
    assert [one.polled_from for one in queries.snapshot(engine).polled] == ["", *sorted(SOURCES)]


@pytest.mark.parametrize(("interval", "seconds"), [("10.5s", 0.5), ("1h", TURN)])
def test_their_first_rounds_do_not_all_begin_at_once(
    engine: Engine, log: KeptLog, interval: str, seconds: float
) -> None:
    """Of many they are spread over an interval; of few each begins soon all the same."""
    begun = datetime.now(UTC)
    with jobs_of(engine, log, source=SOURCES, poll={"interval": interval}) as jobs:
        for again in (False, True):
            if again:
                begun = datetime.now(UTC)
                jobs.due_now()
            begins = [due_at(jobs, job) for job in jobs._loops]
            assert all(is_due_in(jobs, job, at * seconds, begun) for at, job in enumerate(jobs._loops)), begins


def test_who_was_polled_keeps_its_rhythm_through_a_reload_and_who_failed_is_tried_in_its_turn(
    engine: Engine, log: KeptLog
) -> None:
    with jobs_of(engine, log, source=SOURCES) as jobs:
        rounds, begun = jobs._shared.rounds, datetime.now(UTC)
        for name, ago, failures in (("s0", 25.0, 0), ("s1", 99.0, 0), ("s19", 25.0, 3)):
            rounds[name].begun_at, rounds[name].failures = time.monotonic() - ago, failures
        jobs.due_now()
        for name, seconds in (("s0", 5), ("s1", 0), ("s19", 20 * TURN)):
            assert is_due_in(jobs, f"poll-{name}", seconds, begun), name


def test_the_next_round_of_one_moves_no_other(engine: Engine, log: KeptLog) -> None:
    with jobs_of(engine, log, source=SOURCES) as jobs:
        before, begun = due_at(jobs, "poll-s7"), datetime.now(UTC)
        jobs._loops["poll-s3"].next_in = 1234.0
        jobs._after_job(JobExecutionEvent(EVENT_JOB_EXECUTED, "poll-s3", "default", datetime.now(UTC)))
        assert is_due_in(jobs, "poll-s3", 1234, begun)
        assert due_at(jobs, "poll-s7") == before


@pytest.mark.parametrize(("sources", "seconds"), [({}, 0), (SOURCES, CHECK_GAP)])
def test_what_is_wrong_with_one_is_not_judged_at_the_end_of_every_round(
    engine: Engine, log: KeptLog, sources: dict[str, Any], seconds: float
) -> None:
    with jobs_of(engine, log, source=sources) as jobs:
        begun = datetime.now(UTC)
        jobs._self_check()
        jobs._after_job(JobExecutionEvent(EVENT_JOB_EXECUTED, "poll", "default", datetime.now(UTC)))
        assert is_due_in(jobs, "self-check", seconds, begun)


def test_with_one_token_several_share_its_pace_and_with_another_nobody_does(engine: Engine, log: KeptLog) -> None:
    teams = {name: {"token": "a-global-token", "team_name": name} for name in ("acme", "globex")}
    with jobs_of(engine, log, source=teams) as jobs:
        found = {name: one.poll._source._quiet for name, one in jobs.components.sources.items()}  # type: ignore[attr-defined]
    assert found["poll-acme"] is found["poll-globex"]
    assert found["poll"] is not found["poll-acme"]


def test_while_one_repairs_the_file_the_others_wait_and_show_that_they_live() -> None:
    begun, go_on, beaten = Event(), Event(), Event()
    repairs: list[str] = []

    def repair(_log: object, _on_progress: object) -> None:
        repairs.append("begun")
        begun.set()
        assert go_on.wait(30)
        repairs.append("done")

    clock = SimpleNamespace(step=lambda: None)
    shared: Any = SimpleNamespace(repair_file=repair, clock=clock, chores=Chores())
    components: Any = SimpleNamespace(settings=settings(), housekeeping=None, log=None)
    upkeep = Upkeep(components, shared, lambda: None)
    upkeep._begun = True
    first = Thread(target=upkeep.prepare, args=(lambda: None,))
    first.start()
    assert begun.wait(30)
    second = Thread(target=upkeep.prepare, args=(beaten.set,))
    second.start()
    assert beaten.wait(30), "a sign of life while it waits"
    assert repairs == ["begun"]
    go_on.set()
    first.join()
    second.join()
    assert repairs == ["begun", "done"] * 2
