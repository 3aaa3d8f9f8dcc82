"""The jobs and their threads: a job may call the scheduler at any moment, also while it is shut down."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from daemon.host.clock import utc_now
from daemon.model.errors import DaemonError
from daemon.runtime.workers import After, Workers, scheduler, start
from tests.support.slowness import SLOWNESS

LONG = 20.0 * SLOWNESS
"""Seconds that nothing takes, unless it hangs."""


class Jobs:
    """One job, and what runs it."""

    def __init__(self) -> None:
        self.workers = Workers(["job"])
        self.scheduler = scheduler(self.workers)

    def begin(self, job: Callable[[], None]) -> None:
        self.scheduler.add_job(job, After(timedelta(hours=1)), id="job")
        self.due()
        start(self.scheduler)
        self.scheduler.resume()

    def due(self) -> None:
        self.scheduler.modify_job("job", next_run_time=utc_now())


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    jobs = Jobs()
    yield jobs
    if jobs.scheduler.running:
        jobs.scheduler.shutdown()
    assert jobs.workers.ended(LONG)


def test_a_stop_waits_for_no_job_that_is_about_to_call_the_scheduler(jobs: Jobs) -> None:
    """It has looked whether to stop, and calls only now."""
    looked, stopping = threading.Event(), threading.Event()
    errors: list[Exception] = []

    def job() -> None:
        looked.set()
        assert stopping.wait(LONG)
        try:
            jobs.due()
        except LookupError as error:
            errors.append(error)

    jobs.begin(job)
    assert looked.wait(LONG)
    shutdown = threading.Thread(target=jobs.scheduler.shutdown, daemon=True)
    shutdown.start()
    shutdown.join(LONG)
    stopping.set()
    assert not shutdown.is_alive()
    assert jobs.workers.ended(LONG)
    assert len(errors) == 1


def test_what_is_under_way_is_waited_for_but_no_longer_than_asked(jobs: Jobs) -> None:
    begun, over = threading.Event(), threading.Event()

    def job() -> None:
        begun.set()
        over.wait(LONG)

    jobs.begin(job)
    assert begun.wait(LONG)
    jobs.scheduler.shutdown(wait=False)
    assert jobs.workers.ended(0.05) is False
    assert jobs.workers.ended(-1) is False
    over.set()
    assert jobs.workers.ended(LONG) is True


def test_a_job_runs_again_and_never_twice_at_a_time_whatever_it_raises(jobs: Jobs) -> None:
    at_work, runs = threading.Lock(), threading.Semaphore(0)

    def job() -> None:
        with at_work:
            assert threading.current_thread().name == "job"
            runs.release()
            raise SystemExit

    jobs.begin(job)
    for _ in range(5):
        assert runs.acquire(timeout=LONG)
        with at_work:
            pass
        while jobs.workers._instances:
            threading.Event().wait(0.001)
        jobs.due()
    assert runs.acquire(timeout=LONG)


def test_what_is_paused_begins_no_run_until_it_is_resumed(jobs: Jobs) -> None:
    runs = threading.Semaphore(0)
    assert jobs.workers.pause("job") == frozenset()
    jobs.begin(runs.release)
    assert runs.acquire(timeout=0.2) is False
    jobs.workers.pause("another")
    assert runs.acquire(timeout=LONG)


def test_whoever_pauses_a_job_learns_whether_it_is_at_work(jobs: Jobs) -> None:
    begun, over = threading.Event(), threading.Event()

    def job() -> None:
        begun.set()
        over.wait(LONG)

    jobs.begin(job)
    assert begun.wait(LONG)
    assert jobs.workers.pause("another") == frozenset()
    assert jobs.workers.pause("job", "another") == {"job"}
    over.set()
    while jobs.workers.pause("job"):
        threading.Event().wait(0.001)


def test_a_stop_waits_for_no_job_that_is_paused(jobs: Jobs) -> None:
    jobs.workers.pause("job")
    jobs.begin(lambda: None)
    jobs.scheduler.shutdown(wait=False)
    assert jobs.workers.ended(LONG)


def without_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    def start_none(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start_none)


def test_no_thread_that_is_missing_later_keeps_a_job_from_running(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = threading.Semaphore(0)
    jobs.begin(runs.release)
    assert runs.acquire(timeout=LONG)
    without_threads(monkeypatch)
    while jobs.workers._instances:
        threading.Event().wait(0.001)
    jobs.due()
    assert runs.acquire(timeout=LONG)


def test_without_a_thread_for_the_start_the_error_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    without_threads(monkeypatch)
    workers: Any = Workers(["job"])
    with pytest.raises(DaemonError, match=r"^no thread can be started now .*TasksMax="):
        start(scheduler(workers))
