"""One complete round, then all due deliveries; for hosts on which no daemon can run."""

import signal
from collections.abc import Callable
from contextlib import closing

from daemon.config.configuration import Configuration
from daemon.host.liveness import Liveness
from daemon.host.signals import Stop
from daemon.model.errors import DatabaseBusyError, StoppedError
from daemon.model.event import Listener
from daemon.model.events import rounds as events
from daemon.model.snapshot import RunMode
from daemon.runtime.build import Components, build
from daemon.runtime.poll_loop import why_failed
from daemon.runtime.shared import Shared, opened, share


def once(configuration: Configuration, log_for: Callable[[Configuration], Listener]) -> bool:
    """Whether all of it was done. Called by the main thread. Raises what `opened` and `build` raise."""
    log = log_for(configuration)
    stop = Stop()
    # A terminal that is closed stops it like SIGTERM does.
    stop.raise_on_signals(signal.SIGHUP)
    with opened(configuration.settings.database.url, mode=RunMode.ONCE) as guard:
        shared = share(guard, stop)
        liveness = {"poll": Liveness(), "deliver": Liveness()}
        components = build(configuration, shared, lambda _: log, liveness, on_queued=lambda: None)
        with closing(components):
            return _do(components, shared)


def _do(components: Components, shared: Shared) -> bool:
    deliver, self_check = components.deliver, components.self_check
    complete = _round(components)
    self_check.run()
    deliver.drain()
    while (gap_ends_at := deliver.gap_ends_at()) is not None:
        if shared.stop.wait((gap_ends_at - shared.clock()).total_seconds()):
            return False
        deliver.drain()
    if self_check.run():
        self_check.send_heartbeats()
    return complete and deliver.next_at() is None and not deliver.deaths


def _round(components: Components) -> bool:
    try:
        components.poll.round(sweep=True)
    except StoppedError:
        return False
    except DatabaseBusyError:
        raise
    except Exception as error:  # noqa: BLE001 - what fails a round keeps no delivery back
        components.log(events.RoundFailed(why_failed(error)))
        return False
    return True
