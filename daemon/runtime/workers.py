"""In which thread each job runs.

Each job has a thread of its own, which is started once: nothing that the machine lacks later keeps a job from running,
and none runs twice at a time. The scheduler's locks are never held by anybody who waits for a job, so a job may call
the scheduler at any moment; the end of the jobs is waited for apart, once the scheduler is shut down.
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
    """So long after now, whenever that is: the library's own interval counts through every run that a clock skipped."""

    def __init__(self, interval: timedelta) -> None:
        self._interval = interval

    def get_next_fire_time(self, _previous: datetime | None, now: datetime) -> datetime:
        """The time of the next run."""
        return now + self._interval


class Workers(BaseExecutor):  # type: ignore[misc]  # as above
    """A thread for each job. Held, released and waited for by the main thread; the scheduler's own hands runs over."""

    def __init__(self, jobs: Iterable[str]) -> None:
        super().__init__()
        self._runs: dict[str, SimpleQueue[tuple[Any, list[datetime]] | None]] = {job: SimpleQueue() for job in jobs}
        self._threads = [Thread(target=self._work, args=(job,), name=job, daemon=True) for job in self._runs]
        self._held = frozenset[str]()
        self._at_work = set[str]()
        self._closed = False
        self._changed = Condition()

    def start(self, scheduler: BackgroundScheduler, alias: str) -> None:
        """The scheduler calls it. Raises `RuntimeError` where no thread can be started."""
        super().start(scheduler, alias)
        for thread in self._threads:
            thread.start()

    def shutdown(self, wait: bool = True) -> None:  # noqa: ARG002 - the scheduler holds its locks meanwhile
        """The scheduler calls it. Nothing new is begun, and nothing is waited for."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for runs in self._runs.values():
            runs.put(None)

    def hold(self, *jobs: str) -> frozenset[str]:
        """From here on these, and no others, begin no run: it is put off. Which of them are at work still."""
        with self._changed:
            self._held = frozenset(jobs)
            self._changed.notify_all()
            return self._held & self._at_work

    def ended(self, within: float) -> bool:
        """Whether all that was under way has ended, in so many seconds at most."""
        until = time.monotonic() + within
        for thread in self._threads:
            thread.join(max(until - time.monotonic(), 0))
        return not any(thread.is_alive() for thread in self._threads)

    def _do_submit_job(self, job: Any, run_times: list[datetime]) -> None:
        self._runs[job.id].put((job, run_times))

    def _work(self, name: str) -> None:
        while (run := self._runs[name].get()) is not None and self._begins(name):
            job, run_times = run
            # It raises nothing: what a job raises is an event.
            self._run_job_success(name, run_job(job, job._jobstore_alias, run_times, self._logger.name))
            with self._changed:
                self._at_work.discard(name)

    def _begins(self, name: str) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or name not in self._held)
            if not self._closed:
                self._at_work.add(name)
            return not self._closed


def scheduler(workers: Workers) -> BackgroundScheduler:
    """One that runs its jobs there, on the wall clock."""
    # A late run is run late, never dropped; several late ones are one.
    defaults = {"max_instances": 1, "coalesce": True, "misfire_grace_time": None}
    return BackgroundScheduler(timezone=UTC, executors={"default": workers}, job_defaults=defaults)


def start(scheduler: BackgroundScheduler) -> None:
    """Starts its threads; no job runs before `resume`. Raises `DaemonError` where no thread can be started."""
    try:
        scheduler.start(paused=True)
    except RuntimeError as error:
        raise DaemonError(
            f"no thread can be started now ({error}); look at TasksMax= of the unit, and at ulimit -u"
        ) from None
