"""`run`: the daemon's start. On a file it leads at once; on a server several hosts take turns."""

from collections.abc import Callable
from contextlib import closing
from functools import partial

from daemon.config.configuration import Configuration
from daemon.host.reload_outcome import ReloadOutcome
from daemon.host.startup import HANGUP
from daemon.host.systemd import Systemd
from daemon.model.event import Listener
from daemon.model.snapshot import RunMode
from daemon.runtime.exposure import Exposure
from daemon.runtime.life import Life, lead
from daemon.runtime.shared import opened, share
from daemon.runtime.surroundings import Surroundings
from daemon.storage.place import is_postgresql

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
    log_for(configuration)
    systemd, outcome = Systemd(surroundings.environ), ReloadOutcome(surroundings.environ)
    surroundings.stop.raise_on_signals()
    HANGUP.listen()
    exposure = Exposure(allowed=surroundings.shows_metrics)
    life = Life(read, log_for, surroundings, systemd, outcome, exposure)
    more_time = partial(systemd.more_time, MORE_TIME)
    with surroundings.state(configuration.settings.database.url) as url, closing(exposure):
        if is_postgresql(url):
            from daemon.runtime.turns import take_turns  # noqa: PLC0415 - only who has a server pays for it

            take_turns(life, configuration, url, more_time)
            return
        with opened(url, more_time, RunMode.RUN) as guard:
            shared = share(guard, surroundings, life.exposure, life.notes)
            lead(life, configuration, shared, lambda: None)
