"""Runs the components on a schedule, until told to stop.

Two jobs, and a third that watches over them, meet in the database. The main thread does no work: it waits for the end,
compares the clocks, and watches that the jobs get on, of which it tells systemd. A hang ends the process, since a
restart is always safe; an outage of either service does not. A new configuration takes over between two rounds.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from functools import partial
from threading import Lock, Thread
from typing import Any

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED, JobExecutionEvent
from apscheduler.jobstores.base import JobLookupError

from daemon import __version__
from daemon.clients.signl4 import LONGEST_HOLD
from daemon.config.load import Configuration, differences
from daemon.config.types import spelled
from daemon.host.clock import utc_now
from daemon.host.liveness import Vigil
from daemon.host.output import end_at_once, flush
from daemon.host.signals import Stop
from daemon.host.systemd import Systemd
from daemon.model.errors import ConfigError, DatabaseBusyError
from daemon.model.events import Log
from daemon.model.snapshot import Duty
from daemon.runtime.build import Components, Shared, build, opened, share
from daemon.runtime.jobs import After, Workers, scheduler, start
from daemon.runtime.poll_loop import PollLoop
from daemon.runtime.reload import Reload

TICK = 2.0
"""Seconds between two looks of the main thread."""
STOP_GRACE = 1.5
"""Seconds beyond `http.timeout` that the jobs may take to end once a stop was asked for."""
LAST_WORDS = 0.2
"""Seconds that the log may take, after that."""
PAUSE = timedelta(seconds=1)
"""After deliveries that a fault ended, of the database or of ours."""
LOOK_AGAIN = timedelta(seconds=10)
"""Between two looks at the outbox: what `retry` makes due in a process of its own rings no bell here."""
EXIT_STUCK = 70
MORE_TIME = 60.0
"""Seconds that each sign of progress gives a long migration."""


def run(
    configuration: Configuration, read: Callable[[], Configuration], log_for: Callable[[Configuration], Log]
) -> None:
    """The daemon, until SIGTERM or SIGINT. Raises what `opened` and `build` raise.

    `read` gives the configuration as it is by then, when SIGHUP asks for that; `log_for` sets the log up for one.
    """
    log = log_for(configuration)
    stop, reload, systemd = Stop(), Reload(read, log_for), Systemd(os.environ)
    stop.raise_on_signals()
    reload.ask_on_signal()
    with opened(configuration.settings.database.url, partial(systemd.more_time, MORE_TIME), Duty.RUN) as keeper:
        service = Service(stop, reload, systemd)
        shared = share(keeper, stop, service.wake)
        service.run(shared, build(configuration, shared, lambda _: log))


class Service:
    """The jobs and their rhythm."""

    def __init__(self, stop: Stop, reload: Reload, systemd: Systemd) -> None:
        self._stop = stop
        self._reload = reload
        self._systemd = systemd
        self._delivering, self._self_checking = Lock(), Lock()
        self._rounds = PollLoop()
        self._wakes = 0
        self._begin_anew = True
        self._put_off: str | None = None
        self._refused: str | None = None
        self._reload_put_off = False
        self._polled = False
        self._next_round_in = 0.0
        self._preparing: Thread | None = None
        self._workers = Workers(("poll", "deliver", "self_check"))
        self._scheduler = scheduler(self._workers)

    def run(self, shared: Shared, components: Components) -> None:
        """Starts the jobs, waits for the end, and stops them in order."""
        self._shared, self._components = shared, components
        self._begin()
        jobs = {"poll": self._poll, "deliver": self._deliver, "self_check": self._self_check}
        for name, interval in self._intervals():
            self._scheduler.add_job(jobs[name], After(interval), id=name)
        # The end of the first round makes the third job due: before that there is nothing to judge.
        for name in ("poll", "deliver"):
            self._due(name, 0)
        shared.liveness.poll.idle(0)
        self._scheduler.add_listener(self._after_job, EVENT_JOB_EXECUTED | EVENT_JOB_ERROR)
        start(self._scheduler)
        components.log.info("started", version=__version__, interval=spelled(components.settings.poll.interval))
        self._systemd.ready()
        vigil = Vigil({"poll": shared.liveness.poll, "deliver": shared.liveness.deliver}, TICK)
        while not self._stop.wait(TICK):
            self._notice_step()
            self._mind_progress(vigil)
            self._mind_reload()
            self._systemd.status("; ".join(filter(None, (self._components.self_check.line(), self._refused))))
        self._shut_down()

    def _intervals(self) -> Iterator[tuple[str, timedelta]]:
        """For the first two jobs only the net below `_after_job`, which sets the time of each next run."""
        yield "poll", self._components.settings.poll.interval
        yield "deliver", self._components.settings.poll.interval
        yield "self_check", self._components.settings.heartbeat.interval

    def _patience(self) -> float:
        """Seconds in which a request that is under way has ended."""
        return self._components.settings.http.timeout.total_seconds() + STOP_GRACE

    def _begin(self) -> None:
        """What was held back under other settings, or by another process, is tried anew."""
        settings, now = self._components.settings, self._shared.clock()
        self._components.store.cut_waits(max(LONGEST_HOLD, settings.delivery.retry_max), now)
        self._components.store.try_secret_again(now)
        self._begin_anew = False

    def wake(self) -> None:
        """Something was put into the outbox: it goes out now."""
        self._wakes += 1
        self._components.deliver.wake()
        self._due("deliver", 0)

    # -- jobs ---------------------------------------------------------------------------------------------------------

    def _poll(self) -> None:
        self._shared.liveness.poll.beat()
        # What remains of a round that a fault of ours ends.
        self._next_round_in = self._components.settings.poll.interval.total_seconds()
        self._change_over()
        self._reload_put_off = self._reload.ready
        self._next_round_in = self._rounds.one(self._components, self._mind_changes)

    def _change_over(self) -> None:
        """Between two rounds: the new configuration is in force, once nothing is sent under the old one."""
        locks, beat = (self._self_checking, self._delivering), self._shared.liveness.poll.beat
        with self._reload.taking_over(self._components.deliver, locks, self._patience(), beat) as new:
            if new is None:
                return
            beat()
            new.inherit(self._components)
            old, self._components = self._components, new
            old.close()
            self._refused, self._begin_anew = None, True
            with suppress(DatabaseBusyError):
                self._begin()
        for job, interval in self._intervals():
            self._modify(job, trigger=After(interval))
        changed = differences(old.settings, new.settings)
        new.log.info("configuration reloaded", changed="; ".join(changed) or "nothing")
        self._systemd.ready()
        self._due("deliver", 0)

    def _mind_changes(self) -> None:
        """Between two rounds: what time would prove starts again, and only then the jobs see the new time."""
        self._shared.keep(self._components.log, self._shared.liveness.poll.beat)
        if self._begin_anew:
            self._begin()
            self._due("deliver", 0)
        if (step := self._shared.clock.step()) is None:
            return
        now = self._shared.clock() + step
        self._components.store.forget_spans(now)
        self._components.store.cut_waits(timedelta(0), now)
        self._shared.clock.set_right()
        self._components.log.warning("the clock was set", by=f"{step.total_seconds():+.1f}s")
        self._due("deliver", 0)

    def _deliver(self) -> None:
        self._shared.liveness.deliver.beat()
        try:
            with self._delivering:
                self._components.deliver.drain()
        except DatabaseBusyError as error:
            if str(error) != self._put_off:
                self._components.log.warning("deliveries put off", error=str(error))
            self._put_off = str(error)
        else:
            if self._put_off is not None:
                self._components.log.info("deliveries go on", after=self._put_off)
            self._put_off = None

    def _self_check(self) -> None:
        with self._self_checking:
            if self._components.self_check.run() and not self._stop.wait(0):
                self._components.self_check.beat()

    def _after_job(self, event: JobExecutionEvent) -> None:
        """Sets when the job runs next. By now it no longer counts as running, so that it can be woken."""
        match event.job_id:
            case "poll":
                self._polled = True
                rest = 0.0 if self._reload.ready and not self._reload_put_off else self._next_round_in
                self._shared.liveness.poll.idle(rest)
                self._due("poll", rest)
                self._due("self_check", 0)
            case "deliver":
                self._after_deliver(faulty=event.exception is not None)

    def _after_deliver(self, *, faulty: bool) -> None:
        if self._polled:
            self._due("self_check", 0)
        self._shared.liveness.deliver.idle()
        wakes = self._wakes
        try:
            next_at = self._components.deliver.next_at()
        except DatabaseBusyError:
            faulty, next_at = True, self._shared.clock()
        latest = self._shared.clock() + LOOK_AGAIN
        rest = min(next_at or latest, latest) - self._shared.clock()
        self._due("deliver", (max(rest, PAUSE) if faulty else rest).total_seconds())
        if self._wakes != wakes:
            # Something was put into the outbox behind that look; the line above may have put its run off.
            self._due("deliver", 0)

    def _due(self, job: str, seconds: float) -> None:
        if not self._stop.wait(0):
            self._modify(job, next_run_time=utc_now() + timedelta(seconds=max(seconds, 0)))

    def _modify(self, job: str, **how: Any) -> None:
        """A stop may come at any moment, also right before this: a scheduler that is shut down has no jobs."""
        with suppress(JobLookupError):
            self._scheduler.modify_job(job, **how)

    # -- the main thread ----------------------------------------------------------------------------------------------

    def _notice_step(self) -> None:
        """The scheduler follows the wall clock: after a step back by an hour it would sleep for an hour."""
        if self._shared.clock.step() is not None:
            self._due("poll", 0)
            self._due("deliver", 0)

    def _mind_progress(self, vigil: Vigil) -> None:
        settings = self._components.settings
        limit = 3 * settings.poll.interval.total_seconds() + 2 * settings.http.timeout.total_seconds()
        hanging = vigil.hanging(limit)
        if hanging is not None:
            self._components.log.error(
                "stuck, so this process ends; a restart is safe", job=hanging, silent_for=f"{limit:.0f}s"
            )
            end_at_once(LAST_WORDS, EXIT_STUCK)
        self._systemd.alive()

    def _mind_reload(self) -> None:
        """What reads files works in a thread of its own, since a file may be on a disk that hangs."""
        busy = self._preparing is not None and self._preparing.is_alive()
        if busy or not self._reload.asked():
            return
        if self._reload.terminal_closed():
            self._components.log.info("the terminal that this was started from was closed")
            self._stop.set()
            return
        self._preparing = Thread(target=self._prepare, name="reload", daemon=True)
        try:
            self._preparing.start()
        except RuntimeError:
            self._preparing = None
            self._reload.ask()

    def _prepare(self) -> None:
        self._systemd.reloading()
        try:
            self._reload.prepare(self._components.settings, self._shared)
        except ConfigError as error:
            self._refuse("; ".join(error.problems))
        except Exception as error:  # noqa: BLE001 - a fault of ours must not end what works
            self._refuse(f"a fault of this program: {type(error).__name__}")
        else:
            self._due("poll", 0)

    def _refuse(self, why: str) -> None:
        self._refused = f"the new configuration is refused, the old one stays in force: {why}"
        self._systemd.ready()
        self._components.log.error(self._refused)

    def _shut_down(self) -> None:
        patience = self._patience()
        self._components.log.info("stopping")
        self._systemd.stopping(patience + STOP_GRACE)
        # This does not wait for the jobs: one of them may be about to call the scheduler.
        self._scheduler.shutdown(wait=False)
        if not self._workers.ended(patience - self._stop.since()):
            self._components.log.error(
                "requests in flight did not end in time; what they did is found out at the next start"
            )
            end_at_once(LAST_WORDS, EXIT_STUCK)
        self._components.close()
        self._components.log.info("stopped")
        flush(sys.stderr, LAST_WORDS)
