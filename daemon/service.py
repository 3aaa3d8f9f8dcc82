"""Runs the parts: once, or on a schedule until told to stop.

Two jobs meet only in the database. The main thread does no work: it waits for the end, compares the clocks, and watches
that the jobs get on. A hang ends the process with a message, since a restart is always safe; an outage of either
service does not.
"""

import math
import os
import time
import traceback
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from threading import Thread

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED, JobExecutionEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from daemon import __version__
from daemon.assembly import Parts, Pulses, assembled
from daemon.errors import BetterStackError, DatabaseBusyError, StoppedError
from daemon.events import Log
from daemon.retry import next_round
from daemon.setting_types import spelled
from daemon.settings import Settings
from daemon.signl4 import LONGEST_HOLD
from daemon.stop import Stop
from daemon.watch import SteadyClock

TICK = 2.0
"""Seconds between two looks of the main thread."""
STANDSTILL = 3.0
"""Seconds that a look of the main thread may be late; beyond that the whole process stood still, and no job hangs."""
STOP_GRACE = 1.5
"""Seconds beyond `http.timeout` that a stop may take."""
PRUNE_EVERY = 3600.0
"""Seconds."""
DATABASE_PAUSE = timedelta(seconds=1)
EXIT_STUCK = 70


def once(settings: Settings, log: Log) -> bool:
    """One complete round, then all that is due; whether all of it was done. Raises what `assembled` raises."""
    stop = Stop()
    stop.raise_on_signals()
    clock = SteadyClock()
    with assembled(settings, stop, Pulses(), clock, lambda: None, log) as parts:
        complete = _round(parts, log)
        parts.oversee.look()
        parts.deliver.drain()
        while (gap_ends_at := parts.deliver.gap_ends_at()) is not None:
            if stop.wait((gap_ends_at - clock()).total_seconds()):
                return False
            parts.deliver.drain()
        if parts.oversee.look():
            parts.oversee.beat()
        return complete and parts.deliver.next_at() is None and not parts.deliver.deaths


def _round(parts: Parts, log: Log) -> bool:
    try:
        parts.poll.round(sweep=True)
    except BetterStackError as error:
        log.error("round failed", error=str(error))
        return False
    except StoppedError:
        return False
    return True


def run(settings: Settings, log: Log) -> None:
    """The daemon, until SIGTERM or SIGINT. Raises what `assembled` raises."""
    stop = Stop()
    stop.raise_on_signals()
    service = Service(settings, stop, log)
    with assembled(settings, stop, service.pulses, service.clock, service.wake, log) as parts:
        service.run(parts)


class After(BaseTrigger):  # type: ignore[misc]  # APScheduler 3 carries no types
    """So long after now, whenever that is: the library's own interval counts through every run that a clock skipped."""

    def __init__(self, interval: timedelta) -> None:
        self._interval = interval

    def get_next_fire_time(self, _previous: datetime | None, now: datetime) -> datetime:
        """The time of the next run."""
        return now + self._interval


def utc_now() -> datetime:
    """The scheduler's time, which is the wall clock's."""
    return datetime.now(UTC)


class Service:
    """The two jobs and their rhythm."""

    def __init__(self, settings: Settings, stop: Stop, log: Log) -> None:
        self.pulses = Pulses()
        self.clock = SteadyClock()
        self._settings = settings
        self._stop = stop
        self._log = log
        self._failures = self._wakes = self._deaths = 0
        self._trouble: str | None = None
        self._put_off: str | None = None
        self._swept_at = self._pruned_at = -math.inf
        self._next_round_in = 0.0
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(3)},
            # A late run is run late, never dropped; several late ones are one.
            job_defaults={"max_instances": 1, "coalesce": True, "misfire_grace_time": None},
        )

    def run(self, parts: Parts) -> None:
        """Starts both jobs, waits for the end, and stops them in order."""
        self._parts = parts
        parts.store.cut_waits(max(LONGEST_HOLD, self._settings.delivery.retry_max), self.clock())
        parts.store.try_secret_again(self.clock())
        for job, name in ((self._poll, "poll"), (self._deliver, "deliver")):
            # The interval is only the net below `_after_job`, which sets the time of each next run.
            self._scheduler.add_job(job, After(self._settings.poll.interval), id=name, next_run_time=utc_now())
        # Before the first round ended there is nothing to judge; its end makes this job due.
        self._scheduler.add_job(self._oversee, After(self._settings.heartbeat.interval), id="oversee")
        self.pulses.poll.rest(0)
        self._scheduler.add_listener(self._after_job, EVENT_JOB_EXECUTED | EVENT_JOB_ERROR)
        self._scheduler.start()
        self._log.info("started", version=__version__, interval=spelled(self._settings.poll.interval))
        looked = time.monotonic()
        while not self._stop.wait(TICK):
            stood_still = time.monotonic() - looked > TICK + STANDSTILL
            looked = time.monotonic()
            self._notice_step()
            self._mind_progress(stood_still=stood_still)
        self._shut_down()

    def wake(self) -> None:
        """Something was put into the outbox: it goes out now."""
        self._wakes += 1
        self._parts.deliver.wake()
        self._due("deliver", 0)

    # -- jobs ---------------------------------------------------------------------------------------------------------

    def _poll(self) -> None:
        self.pulses.poll.beat()
        started = time.monotonic()
        sweep = started - self._swept_at >= self._settings.poll.sweep_interval.total_seconds()
        try:
            self._mind_clocks()
            self._parts.poll.round(sweep=sweep)
        except StoppedError:
            self._log.debug("round put down")
        except BetterStackError as error:
            self._parts.oversee.state_works()
            self._round_failed(str(error), error.retry_after)
        except DatabaseBusyError as error:
            self._parts.oversee.state_failed(str(error))
            self._round_failed(str(error))
        except Exception as error:  # noqa: BLE001 - a fault of ours fails this round, and no other
            self._round_failed(f"a fault of this program: {traceback.format_exc()}{error!r}")
        else:
            self._parts.oversee.state_works()
            self._round_succeeded(started, swept=sweep)

    def _mind_clocks(self) -> None:
        """Between two rounds: what time would prove starts again, and only then the jobs see the new time."""
        step = self.clock.step()
        if step is None:
            return
        now = self.clock() + step
        self._parts.store.forget_spans(now)
        self._parts.store.cut_waits(timedelta(0), now)
        self.clock.set_right()
        self._log.warning("the clock was set", by=f"{step.total_seconds():+.1f}s")
        self._due("deliver", 0)

    def _round_succeeded(self, started: float, *, swept: bool) -> None:
        if self._trouble is not None:
            self._log.info("rounds succeed again", after=self._trouble, failed_rounds=self._failures)
        self._failures, self._trouble = 0, None
        self._swept_at = started if swept else self._swept_at
        self._next_round_in = max(self._interval().total_seconds() - (time.monotonic() - started), 0)
        self._prune()

    def _round_failed(self, why: str, retry_after: timedelta | None = None) -> None:
        self._failures += 1
        self._next_round_in = next_round(self._interval(), self._failures, retry_after).total_seconds()
        if why != self._trouble:
            self._log.error("round failed", error=why, next_in=f"{self._next_round_in:.0f}s")
        self._trouble = why

    def _interval(self) -> timedelta:
        try:
            busy = self._parts.store.has_work()
        except DatabaseBusyError:
            busy = True
        return self._settings.poll.active_interval if busy else self._settings.poll.interval

    def _prune(self) -> None:
        if time.monotonic() - self._pruned_at < PRUNE_EVERY:
            return
        try:
            pruned = self._parts.store.prune(self.clock() - self._settings.database.retention)
        except DatabaseBusyError as error:
            self._log.warning("pruning put off", error=str(error))
            return
        self._pruned_at = time.monotonic()
        if pruned:
            self._log.info("pruned", incidents=pruned)

    def _deliver(self) -> None:
        self.pulses.deliver.beat()
        try:
            self._parts.deliver.drain()
        except DatabaseBusyError as error:
            if str(error) != self._put_off:
                self._log.warning("deliveries put off", error=str(error))
            self._put_off = str(error)
        else:
            if self._put_off is not None:
                self._log.info("deliveries go on", after=self._put_off)
            self._put_off = None

    def _oversee(self) -> None:
        if self._parts.oversee.look() and not self._stop.wait(0):
            self._parts.oversee.beat()

    def _after_job(self, event: JobExecutionEvent) -> None:
        """Sets when the job runs next. By now it no longer counts as running, so that it can be woken."""
        match event.job_id:
            case "poll":
                self.pulses.poll.rest(self._next_round_in)
                self._due("poll", self._next_round_in)
                self._due("oversee", 0)
            case "deliver":
                self._after_deliver()

    def _after_deliver(self) -> None:
        if self._parts.deliver.deaths > self._deaths:
            self._deaths = self._parts.deliver.deaths
            self._due("oversee", 0)
        self.pulses.deliver.rest()
        wakes = self._wakes
        try:
            next_at = self._parts.deliver.next_at()
        except DatabaseBusyError:
            next_at = self.clock() + DATABASE_PAUSE
        if next_at is not None:
            self._due("deliver", (next_at - self.clock()).total_seconds())
        if self._wakes != wakes:
            # Something was put into the outbox behind that look; the line above may have put its run off.
            self._due("deliver", 0)

    def _due(self, job: str, seconds: float) -> None:
        if self._stop.wait(0):
            return
        with suppress(JobLookupError):
            self._scheduler.modify_job(job, next_run_time=utc_now() + timedelta(seconds=max(seconds, 0)))

    # -- the main thread ----------------------------------------------------------------------------------------------

    def _notice_step(self) -> None:
        """The scheduler follows the wall clock: after a step back by an hour it would sleep for an hour."""
        if self.clock.step() is not None:
            self._due("poll", 0)
            self._due("deliver", 0)

    def _mind_progress(self, *, stood_still: bool) -> None:
        limit = 3 * self._settings.poll.interval.total_seconds() + 2 * self._settings.http.timeout.total_seconds()
        for name, pulse in (("poll", self.pulses.poll), ("deliver", self.pulses.deliver)):
            if stood_still:
                pulse.pardon()
            elif pulse.silent_for() > limit:
                self._log.error("stuck, so this process ends; a restart is safe", job=name, silent_for=f"{limit:.0f}s")
                os._exit(EXIT_STUCK)

    def _shut_down(self) -> None:
        self._log.info("stopping")
        ending = Thread(target=self._scheduler.shutdown, daemon=True)
        ending.start()
        ending.join(self._settings.http.timeout.total_seconds() + STOP_GRACE)
        if ending.is_alive():
            self._log.error("requests in flight did not end in time; what they did is found out at the next start")
            os._exit(EXIT_STUCK)
        self._log.info("stopped")
