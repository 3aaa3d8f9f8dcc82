"""The threads of the jobs: one per job, started once.

So no job runs twice at a time, and a lack of threads later on stops none. Nothing that waits for a job holds a lock of
the scheduler, so a job may call the scheduler at any time: shutting it down and waiting for the jobs are two steps.
"""

import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from queue import SimpleQueue
from threading import Condition, Thread
from typing import Any

from apscheduler.executors.base import BaseExecutor, run_job
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from daemon.model.errors import DaemonError


class After(BaseTrigger):  # type: ignore[misc]  # APScheduler 3 carries no types
    """An interval from now on. The library's own trigger counts through every run that a clock step skipped."""

    def __init__(self, interval: timedelta) -> None:
        self._interval = interval

    def get_next_fire_time(self, _previous: datetime | None, now: datetime) -> datetime:
        """The time of the next run."""
        return now + self._interval


class Workers(BaseExecutor):  # type: ignore[misc]  # as above
    """A thread per job. `pause` and `ended` are called by the main thread, all else by the scheduler's thread."""

    def __init__(self, jobs: Iterable[str]) -> None:
        super().__init__()
        self._runs: dict[str, SimpleQueue[tuple[Any, list[datetime]] | None]] = {job: SimpleQueue() for job in jobs}
        self._threads = [Thread(target=self._work, args=(job,), name=job, daemon=True) for job in self._runs]
        self._paused = frozenset[str]()
        self._at_work = set[str]()
        self._closed = False
        self._changed = Condition()

    def start(self, scheduler: BackgroundScheduler, alias: str) -> None:
        """Called by the scheduler. Raises `RuntimeError` if no thread can be started."""
        super().start(scheduler, alias)
        for thread in self._threads:
            thread.start()

    def shutdown(self, wait: bool = True) -> None:  # noqa: ARG002 - the scheduler holds its locks meanwhile
        """Called by the scheduler. No new run begins; this waits for none."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for runs in self._runs.values():
            runs.put(None)

    def pause(self, *jobs: str) -> frozenset[str]:
        """From here on these jobs, and no others, begin no run; a due run is kept. Returns those still at work."""
        with self._changed:
            self._paused = frozenset(jobs)
            self._changed.notify_all()
            return self._paused & self._at_work

    def ended(self, within: float) -> bool:
        """Waits up to so many seconds for the runs under way. Returns whether all have ended."""
        until = time.monotonic() + within
        for thread in self._threads:
            thread.join(max(until - time.monotonic(), 0))
        return not any(thread.is_alive() for thread in self._threads)

    def _do_submit_job(self, job: Any, run_times: list[datetime]) -> None:
        self._runs[job.id].put((job, run_times))

    def _work(self, name: str) -> None:
        while (run := self._runs[name].get()) is not None and self._begins(name):
            job, run_times = run
            # This raises nothing: an exception of the job becomes an event.
            self._run_job_success(name, run_job(job, job._jobstore_alias, run_times, self._logger.name))
            with self._changed:
                self._at_work.discard(name)

    def _begins(self, name: str) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or name not in self._paused)
            if not self._closed:
                self._at_work.add(name)
            return not self._closed


def scheduler(workers: Workers) -> BackgroundScheduler:
    """A scheduler on the wall clock that runs its jobs there."""
    # A late run is made late, never dropped; several late runs become one.
    defaults = {"max_instances": 1, "coalesce": True, "misfire_grace_time": None}
    return BackgroundScheduler(timezone=UTC, executors={"default": workers}, job_defaults=defaults)


def start(scheduler: BackgroundScheduler) -> None:
    """Starts its threads; no job runs before `resume`. Raises `DaemonError` if no thread can be started."""
    try:
        scheduler.start(paused=True)
    except RuntimeError as error:
        raise DaemonError(
            f"no thread can be started now ({error}); look at TasksMax= of the unit, and at ulimit -u"
        ) from None
