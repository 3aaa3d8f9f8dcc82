"""One complete round, then all that is due; for those who have no place for a daemon."""

import signal
from collections.abc import Callable
from contextlib import closing

from daemon.config.load import Configuration
from daemon.host.signals import Stop
from daemon.model.errors import BetterStackError, StoppedError
from daemon.model.events import Log
from daemon.model.snapshot import Duty
from daemon.runtime.build import Components, assemble, frame_for, opened


def once(configuration: Configuration, log_for: Callable[[Configuration], Log]) -> bool:
    """Whether all of it was done. Raises what `opened` and `assemble` raise."""
    log = log_for(configuration)
    stop = Stop()
    # A terminal that closes ends it in order, too.
    stop.raise_on_signals(signal.SIGHUP)
    with opened(configuration.settings.database.url, duty=Duty.ONCE) as keeper:
        frame = frame_for(keeper, stop, on_told=lambda: None)
        with closing(assemble(configuration, frame, lambda _: log)) as parts:
            complete = _round(parts)
            parts.oversee.look()
            parts.deliver.drain()
            while (gap_ends_at := parts.deliver.gap_ends_at()) is not None:
                if stop.wait((gap_ends_at - frame.clock()).total_seconds()):
                    return False
                parts.deliver.drain()
            if parts.oversee.look():
                parts.oversee.beat()
            return complete and parts.deliver.next_at() is None and not parts.deliver.deaths


def _round(parts: Components) -> bool:
    try:
        parts.poll.round(sweep=True)
    except BetterStackError as error:
        parts.log.error("round failed", error=str(error))
        return False
    except StoppedError:
        return False
    return True
