"""The daemon's life: start, watch, stop.

The main thread does no work of its own: it waits for the stop, checks the clock, feeds the watchdog while the jobs make
progress, and puts a new configuration in force.
"""

import sys
from collections.abc import Callable
from contextlib import closing
from functools import partial

from daemon import __version__
from daemon.config.configuration import Configuration
from daemon.config.types import spelled
from daemon.host.output import end_at_once, flush
from daemon.host.reload_outcome import ReloadOutcome
from daemon.host.signals import Stop
from daemon.host.startup import HANGUP
from daemon.host.systemd import Systemd
from daemon.model.event import Listener
from daemon.model.events import process as events
from daemon.model.snapshot import RunMode
from daemon.runtime.jobs import STOP_GRACE, Jobs
from daemon.runtime.reload import Reload
from daemon.runtime.shared import Shared, opened, share
from daemon.runtime.surroundings import Surroundings
from daemon.runtime.watchdog import EXIT_STUCK, LAST_WORDS, Watchdog

TICK = 2.0
"""Seconds between two looks of the main thread."""
SHORT_TICK = 0.05
"""The same, while a reload is under way."""
MORE_TIME = 60.0
"""Seconds of start-up time that each sign of progress of a migration buys from systemd."""


def run(
    configuration: Configuration,
    read: Callable[[], Configuration],
    log_for: Callable[[Configuration], Listener],
    surroundings: Surroundings,
) -> None:
    """The daemon, until SIGTERM or SIGINT. Raises what `opened` and `Jobs` raise.

    `read` gives the present configuration when SIGHUP asks for a reload; `log_for` sets up the log for one.
    """
    log = log_for(configuration)
    stop, systemd = surroundings.stop, Systemd(surroundings.environ)
    stop.raise_on_signals()
    HANGUP.listen()
    state = surroundings.state(configuration.settings.database.url)
    with state as url, opened(url, partial(systemd.more_time, MORE_TIME), RunMode.RUN) as guard:
        shared = share(guard, surroundings)
        outcome = ReloadOutcome(surroundings.environ)
        reload = Reload(read, lambda later: Jobs(later, shared, log_for), stop, systemd, outcome)
        with closing(shared.exposure):
            _live(Jobs(configuration, shared, lambda _: log), shared, reload, systemd)


def _live(jobs: Jobs, shared: Shared, reload: Reload, systemd: Systemd) -> None:
    jobs.begin()
    components = jobs.components
    components.log(events.Started(__version__, spelled(components.settings.poll.interval)))
    systemd.ready()
    watchdog, tick, hung_up = Watchdog(systemd), TICK, HANGUP.listen()
    while not shared.stop.wait(tick, hung_up):
        if shared.clock.step() is not None:
            # The scheduler follows the wall clock: after a step back by an hour it would sleep for an hour.
            jobs.due_now()
        watchdog.look(jobs, tick)
        jobs.watch()
        jobs = reload.look(jobs)
        tick = SHORT_TICK if reload.pending else TICK
        systemd.status("; ".join(filter(None, (jobs.components.self_check.line(), reload.refused))))
    reload.drop()
    _stop(jobs, shared.stop, systemd)


def _stop(jobs: Jobs, stop: Stop, systemd: Systemd) -> None:
    patience, log = jobs.patience(), jobs.components.log
    log(events.Stopping())
    systemd.stopping(patience + STOP_GRACE)
    if not jobs.ended(patience - stop.since()):
        log(events.StopOverdue())
        end_at_once(LAST_WORDS, EXIT_STUCK)
    log(events.Stopped())
    flush(sys.stderr, LAST_WORDS)
