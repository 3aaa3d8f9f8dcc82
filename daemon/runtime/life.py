"""The main thread while this process polls and sends: begin the jobs, watch them, end them.

It does no work of its own: it waits for the stop, checks the clock, feeds the watchdog while the jobs make progress,
and puts a new configuration in force.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field

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
from daemon.notes import Notes
from daemon.runtime.exposure import Exposure
from daemon.runtime.jobs import STOP_GRACE, Jobs
from daemon.runtime.reload import Reload
from daemon.runtime.shared import Shared
from daemon.runtime.surroundings import Surroundings
from daemon.runtime.watchdog import EXIT_STUCK, LAST_WORDS, Watchdog

TICK = 2.0
"""Seconds between two looks of the main thread."""
SHORT_TICK = 0.05
"""The same, while a reload is under way."""


@dataclass(frozen=True, slots=True)
class Life:
    """What a process has from its start to its end, whatever configuration is in force and whoever leads."""

    read: Callable[[], Configuration]
    """The present configuration, when a reload is asked for. Raises `ConfigError`."""
    log_for: Callable[[Configuration], Listener]
    """Sets up the log."""
    surroundings: Surroundings
    systemd: Systemd
    outcome: ReloadOutcome
    exposure: Exposure
    notes: Notes = field(default_factory=Notes)

    @property
    def stop(self) -> Stop:
        """The stop flag of the process."""
        return self.surroundings.stop


def lead(life: Life, configuration: Configuration, shared: Shared, standing: Callable[[], str | None]) -> Configuration:
    """Polls and sends until `shared.stop`. Returns the configuration that was in force last.

    `standing`: what the service manager is told first, if anything. Raises what `Jobs` raises.
    """
    reload = Reload(life.read, lambda later: Jobs(later, shared, life.log_for), life.stop, life.systemd, life.outcome)
    jobs = Jobs(configuration, shared, life.log_for)
    jobs.begin()
    components = jobs.components
    components.log(events.Started(__version__, spelled(components.settings.poll.interval)))
    life.systemd.ready()
    watchdog, tick, hung_up = Watchdog(life.systemd), TICK, HANGUP.listen()
    while not shared.stop.wait(tick, hung_up):
        if shared.clock.step() is not None:
            # The scheduler follows the wall clock: after a step back by an hour it would sleep for an hour.
            jobs.due_now()
        watchdog.look(jobs, tick)
        jobs.watch()
        jobs = reload.look(jobs)
        tick = SHORT_TICK if reload.pending else TICK
        life.systemd.status("; ".join(filter(None, (standing(), jobs.components.self_check.line(), reload.refused))))
    reload.drop()
    _end(jobs, life, shared.stop)
    return jobs.configuration


def _end(jobs: Jobs, life: Life, over: Stop) -> None:
    """Ends the jobs: at the stop of the process, or as another host leads."""
    patience, log, is_stop = jobs.patience(), jobs.components.log, life.stop.wait(0)
    if is_stop:
        log(events.Stopping())
        life.systemd.stopping(patience + STOP_GRACE)
    if not jobs.ended(patience - over.since()):
        log(events.StopOverdue())
        end_at_once(LAST_WORDS, EXIT_STUCK)
    if is_stop:
        log(events.Stopped())
        flush(sys.stderr, LAST_WORDS)
