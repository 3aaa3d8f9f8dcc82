"""One complete round, then all that is due; for those who have no place for a daemon."""

import signal
from collections.abc import Callable
from contextlib import closing

from daemon.config.load import Configuration
from daemon.host.signals import Stop
from daemon.model.errors import BetterStackError, StoppedError
from daemon.model.events import Log
from daemon.model.snapshot import Duty
from daemon.runtime.build import Components, build, opened, share


def once(configuration: Configuration, log_for: Callable[[Configuration], Log]) -> bool:
    """Whether all of it was done. Raises what `opened` and `build` raise."""
    log = log_for(configuration)
    stop = Stop()
    # A terminal that closes ends it in order, too.
    stop.raise_on_signals(signal.SIGHUP)
    with opened(configuration.settings.database.url, duty=Duty.ONCE) as keeper:
        shared = share(keeper, stop, on_told=lambda: None)
        with closing(build(configuration, shared, lambda _: log)) as components:
            complete = _round(components)
            components.self_check.run()
            components.deliver.drain()
            while (gap_ends_at := components.deliver.gap_ends_at()) is not None:
                if stop.wait((gap_ends_at - shared.clock()).total_seconds()):
                    return False
                components.deliver.drain()
            if components.self_check.run():
                components.self_check.beat()
            return complete and components.deliver.next_at() is None and not components.deliver.deaths


def _round(components: Components) -> bool:
    try:
        components.poll.round(sweep=True)
    except BetterStackError as error:
        components.log.error("round failed", error=str(error))
        return False
    except StoppedError:
        return False
    return True
