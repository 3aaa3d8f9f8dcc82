"""The jobs of one configuration, and when each runs: poll, deliver and the self-check.

They meet only in the database. A round is due one interval after the one before it; deliveries are due when something
was put into the outbox, or when the next one may be sent; the self-check follows both.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED, JobExecutionEvent
from apscheduler.jobstores.base import JobLookupError

from daemon.config.configuration import Configuration
from daemon.host.clock import utc_now
from daemon.host.liveness import Liveness
from daemon.model.errors import DatabaseBusyError
from daemon.model.event import Listener
from daemon.model.events import deliveries as events
from daemon.runtime.build import Components, build
from daemon.runtime.poll_loop import PollLoop
from daemon.runtime.shared import Shared
from daemon.runtime.workers import After, Workers, scheduler, start

STOP_GRACE = 1.5
"""Seconds beyond `http.timeout` that the jobs may take to end once they are asked to."""
PAUSE = timedelta(seconds=1)
"""After a pass of the deliveries that failed, by the database or by a fault of this program."""
CLOSE_ENOUGH = timedelta(milliseconds=50)
"""Two times for the next run of a job that are no further apart are one."""
LOOK_AGAIN = timedelta(seconds=10)
"""The longest time between two looks at the outbox: `retry` runs in another process and cannot wake this one."""


class Jobs:
    """Built in any thread; begun, paused, watched and ended by the main thread. `wake` is called by the jobs.

    `_poll`, `_deliver` and `_self_check` run each in the thread of its job, `_after_job` in that of the job that ended.
    """

    def __init__(
        self, configuration: Configuration, shared: Shared, log_for: Callable[[Configuration], Listener]
    ) -> None:
        """Does all that can fail: raises `ConfigError`, and `DaemonError` if no thread can be started."""
        self.liveness = {"poll": Liveness(), "deliver": Liveness()}
        self._shared = shared
        self._workers = Workers(("poll", "deliver", "self-check"))
        self._scheduler = scheduler(self._workers)
        self._wakes = self._wakes_before = 0
        self._polled = False
        self._next_round_in = 0.0
        self._next_delivery_at: datetime | None = None
        self._last_error: str | None = None
        try:
            start(self._scheduler)
            self.components: Components = build(configuration, shared, log_for, self.liveness, self.wake)
        except BaseException:
            self._workers.shutdown()
            raise
        self._loop = PollLoop(self.components, shared, self.liveness["poll"].beat, self.wake)

    # -- for the main thread ------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """The first round is due now. Its begin makes deliveries due, and its end the self-check."""
        settings = self.components.settings
        # For the first two the interval is only a safety net: `_after_job` sets the time of each next run.
        for job, name, interval in (
            (self._poll, "poll", settings.poll.interval),
            (self._deliver, "deliver", settings.poll.interval),
            (self._self_check, "self-check", settings.heartbeat.interval),
        ):
            self._scheduler.add_job(job, After(interval), id=name)
        self._due("poll", 0)
        self.liveness["poll"].idle(0)
        self._scheduler.add_listener(self._after_job, EVENT_JOB_EXECUTED | EVENT_JOB_ERROR)
        self._scheduler.resume()

    def pause_rounds(self) -> bool:
        """From here on no round begins. Returns whether one is still under way."""
        return bool(self._workers.pause("poll"))

    def pause(self) -> bool:
        """From here on no job begins; results in flight are still recorded. Returns whether a job is still at work."""
        self.components.deliver.pause()
        return bool(self._workers.pause("poll", "deliver", "self-check"))

    def resume(self) -> None:
        """Undoes both pauses."""
        self.components.deliver.resume()
        self._workers.pause()
        self.due_now()

    def due_now(self) -> None:
        """Makes a round and deliveries due now, also after the clock was set back."""
        self._due("poll", 0)
        self._due("deliver", 0)

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
        return ended

    # -- for the jobs -------------------------------------------------------------------------------------------------

    def wake(self) -> None:
        """Something was put into the outbox: deliveries are due now."""
        self._wakes += 1
        self.components.deliver.wake()
        self._due("deliver", 0)

    def _poll(self) -> None:
        # Used if a fault of this program ends the round.
        self._next_round_in = self.components.settings.poll.interval.total_seconds()
        self._next_round_in = self._loop.run_round()

    def _deliver(self) -> None:
        self.liveness["deliver"].beat()
        self._wakes_before = self._wakes
        log, next_at, failed = self.components.log, None, True
        try:
            next_at = self.components.deliver.drain()
            failed = False
        except DatabaseBusyError as error:
            if str(error) != self._last_error:
                log(events.Postponed(str(error)))
            self._last_error = str(error)
        else:
            if self._last_error is not None:
                log(events.Resumed(self._last_error))
            self._last_error = None
        finally:
            self._next_delivery_at = self._shared.clock() + PAUSE if failed else next_at

    def _self_check(self) -> None:
        if self.components.self_check.run() and not self._shared.stop.wait(0):
            self.components.self_check.send_heartbeats()

    def _after_job(self, event: JobExecutionEvent) -> None:
        """Sets when the job runs next. It no longer counts as running by now, so it can be woken."""
        match event.job_id:
            case "poll":
                self._polled = True
                self.liveness["poll"].idle(self._next_round_in)
                self._due("poll", self._next_round_in)
                if self.components.self_check.is_due():
                    self._due("self-check", 0)
            case "deliver":
                self._after_deliver()

    def _after_deliver(self) -> None:
        if self._polled and not self.components.deliver.idle:
            self._due("self-check", 0)
        self.liveness["deliver"].idle()
        latest = self._shared.clock() + LOOK_AGAIN
        rest = min(self._next_delivery_at or latest, latest) - self._shared.clock()
        self._due("deliver", rest.total_seconds())
        if self._wakes != self._wakes_before:
            # Something arrived during this run, and the line above may have postponed the run for it.
            self._due("deliver", 0)

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
