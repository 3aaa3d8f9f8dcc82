"""The jobs of one configuration, and when each runs: poll, deliver and the self-check.

They meet only in the database. A round of an account is due one interval after the one before it; deliveries are due
when something was put into the outbox, or when the next one may be sent; the self-check follows both.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED, JobExecutionEvent
from apscheduler.jobstores.base import JobLookupError

from daemon.config.configuration import Configuration
from daemon.config.settings import Settings
from daemon.host.clock import utc_now
from daemon.host.liveness import Liveness
from daemon.model.event import Listener
from daemon.runtime.build import Components, build, looks_at_monitors
from daemon.runtime.build_sources import poll_job
from daemon.runtime.delivery_job import DeliveryJob, job_of
from daemon.runtime.poll_loop import PollLoop
from daemon.runtime.readings import read
from daemon.runtime.shared import Shared
from daemon.runtime.upkeep import Upkeep
from daemon.runtime.workers import After, Workers, scheduler, start

if TYPE_CHECKING:
    from daemon.runtime.shown import Wanted

STOP_GRACE = 1.5
"""Seconds beyond `http.timeout` that the jobs may take to end once they are asked to."""
LOOK = "two-way"
"""The job that looks at SIGNL4."""
MONITORS = "monitors"
"""The job that looks at what Better Stack watches."""
WRITE = "deliver-better-stack"
"""The job that writes to Better Stack."""
TURN = 1.0
"""Seconds at most between the first rounds of two accounts."""
CHECK_GAP = 2.0
"""Seconds between two self-checks that follow rounds, where there are several accounts."""
CLOSE_ENOUGH = timedelta(milliseconds=50)
"""Two times for the next run of a job that are no further apart are one."""


class Jobs:
    """Built in any thread; begun, paused, watched and ended by the main thread. `wake` is called by the jobs.

    `_self_check` runs in the thread of its job, `_after_job` in that of the job that ended.
    """

    def __init__(
        self, configuration: Configuration, shared: Shared, log_for: Callable[[Configuration], Listener]
    ) -> None:
        """Does all that can fail: raises `ConfigError`, and `DaemonError` if no thread can be started."""

        def heard(configuration: Configuration) -> Listener:
            return shared.exposure.heard(configuration.settings, log_for(configuration))

        teams = {job_of(team.name): team.name for team, _ in configuration.settings.signl4.every_team()}
        polls = [poll_job(name) for name in configuration.settings.polled]
        self.liveness = {job: Liveness() for job in (*polls, *teams)}
        self.configuration, self._shared = configuration, shared
        look_jobs = tuple(_look_jobs(shared, configuration.settings))
        self._workers = Workers((*polls, *teams, "self-check", *look_jobs))
        self._scheduler = scheduler(self._workers)
        self._polled, self._checked_at = False, 0.0
        self._metrics: Wanted | None = None
        try:
            start(self._scheduler)
            settings = configuration.settings
            self._metrics = shared.exposure.prepare(settings, lambda: read(shared, settings))
            self.components: Components = build(configuration, shared, heard, self.liveness, self.wake)
        except BaseException:
            self._workers.shutdown()
            self._discard_metrics()
            raise
        components = self.components
        self._deliveries = {
            job: DeliveryJob(components.senders[team], self.liveness[job], components.log, shared.clock)
            for job, team in teams.items()
        }
        two_way = components.two_way
        looks = {LOOK: None if two_way is None else two_way.job, MONITORS: components.monitors}
        # An alert about a monitor that was opened in between is closed at the next start.
        self._looks = {name: job for name, job in looks.items() if job is not None and name in look_jobs}
        if two_way is not None and two_way.sender is not None:
            # These signs of life are not watched: that nothing is written back is no reason to restart.
            written = DeliveryJob(two_way.sender, Liveness(), components.log, shared.clock)
            self._deliveries[WRITE] = written
        self._loops = dict(self._poll_loops())

    def _poll_loops(self) -> Iterator[tuple[str, PollLoop]]:
        components, shared = self.components, self._shared
        upkeep = Upkeep(components, shared, self.wake)
        for job, source in components.sources.items():
            yield job, PollLoop(source, components, shared, upkeep, self.liveness[job].beat)

    # -- for the main thread ------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """The first round is due now. Its begin makes deliveries due, and its end the self-check.

        Those of several accounts begin one after the other, within an interval: so they never do all at once.
        """
        settings = self.components.settings
        # For the first two the interval is only a safety net: `_after_job` sets the time of each next run.
        for job, name, interval in (
            *((loop.run, job, loop.interval) for job, loop in self._loops.items()),
            *((delivery.run, job, settings.poll.interval) for job, delivery in self._deliveries.items()),
            (self._self_check, "self-check", settings.heartbeat.interval),
            *((look.run, name, timedelta(seconds=look.interval)) for name, look in self._looks.items()),
        ):
            self._scheduler.add_job(job, After(interval), id=name)
        for name in self._looks:
            self._due(name, 0)
        self._spread_rounds()
        for poll, loop in self._loops.items():
            self.liveness[poll].idle(loop.interval.total_seconds())
        self._scheduler.add_listener(self._after_job, EVENT_JOB_EXECUTED | EVENT_JOB_ERROR)
        self._scheduler.resume()
        self._shared.exposure.begin(self._metrics, self.components.log)

    def pause_rounds(self) -> bool:
        """From here on no round begins. Returns whether one is still under way."""
        return bool(self._workers.pause(*self._loops))

    def pause(self) -> bool:
        """From here on no job begins; results in flight are still recorded. Returns whether a job is still at work."""
        for delivery in self._deliveries.values():
            delivery.deliver.pause()
        for look in self._looks.values():
            look.pause()
        return bool(self._workers.pause(*self._loops, *self._deliveries, "self-check", *self._looks))

    def resume(self) -> None:
        """Undoes both pauses."""
        for delivery in self._deliveries.values():
            delivery.deliver.resume()
        for look in self._looks.values():
            look.resume()
        self._workers.pause()
        self.due_now()

    def due_now(self) -> None:
        """Makes a round and deliveries due now, also after the clock was set back."""
        for job in (*self._deliveries, *self._looks):
            self._due(job, 0)
        self._spread_rounds()

    def watch(self) -> None:
        """Says which looks hang, if any do. Nothing else may: that ends the process."""
        for look in self._looks.values():
            look.watch()

    def patience(self) -> float:
        """Seconds within which a request that is under way ends."""
        return self.components.settings.http.timeout.total_seconds() + STOP_GRACE

    def close(self) -> None:
        """Ends the jobs while none is at work."""
        self.ended(self.patience())

    def ended(self, within: float) -> bool:
        """Ends the jobs for good, and closes the connections. Returns whether all ended within so many seconds."""
        # Without waiting: a job may be about to call the scheduler.
        self._scheduler.shutdown(wait=False)
        ended = self._workers.ended(within)
        if ended:
            self.components.close()
        self._discard_metrics()
        return ended

    def _discard_metrics(self) -> None:
        """Of metrics that are in force, nothing."""
        if self._metrics is not None:
            self._metrics.close()

    # -- for the jobs -------------------------------------------------------------------------------------------------

    def wake(self) -> None:
        """Something was put into the outbox: deliveries are due now."""
        for job, delivery in self._deliveries.items():
            delivery.wake()
            self._due(job, 0)

    def _spread_rounds(self) -> None:
        for number, (job, loop) in enumerate(self._loops.items()):
            self._due(job, loop.first_in(number * min(loop.interval.total_seconds() / len(self._loops), TURN)))

    def _until_check(self) -> float:
        """Of many accounts a round ends all the time, and what is wrong with one is wrong at the end of each."""
        return 0.0 if len(self._loops) == 1 else self._checked_at + CHECK_GAP - time.monotonic()

    def _self_check(self) -> None:
        self._checked_at = time.monotonic()
        if self.components.self_check.run() and not self._shared.stop.wait(0):
            self.components.self_check.send_heartbeats()

    def _after_job(self, event: JobExecutionEvent) -> None:
        """Sets when the job runs next. It no longer counts as running by now, so it can be woken."""
        match event.job_id:
            case job if job in self._loops:
                self._polled = True
                loop = self._loops[job]
                self.liveness[job].idle(loop.next_in)
                self._due(job, loop.next_in)
                if self.components.self_check.is_due(loop.seen):
                    self._due("self-check", self._until_check())
            case job if job in self._deliveries:
                if self._polled and not self._deliveries[job].deliver.idle:
                    self._due("self-check", 0)
                self._due(job, self._deliveries[job].rest())
            case job if job in self._looks:
                self._due(job, self._looks[job].rest())

    def _due(self, job: str, seconds: float) -> None:
        """A stop may come at any moment, also right before this; a scheduler that is shut down has no jobs."""
        if self._shared.stop.wait(0):
            return
        at = utc_now() + timedelta(seconds=max(seconds, 0))
        planned = self._scheduler.get_job(job)
        # Setting a time wakes the scheduler's thread. After most rounds it would be the time that is set already.
        if planned is not None and abs(planned.next_run_time - at) > CLOSE_ENOUGH:
            with suppress(JobLookupError):
                self._scheduler.modify_job(job, next_run_time=at)


def _look_jobs(shared: Shared, settings: Settings) -> Iterator[str]:
    """What there is with an API key only, and with monitors. Raises `DatabaseBusyError`."""
    if settings.signl4.api_key is not None:
        yield LOOK
    if settings.written_back:
        yield WRITE
    if looks_at_monitors(shared, settings):
        yield MONITORS
