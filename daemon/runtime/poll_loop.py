"""One round after the other: what each does besides, what it came to, and when the next is due.

Whatever a round raises ends here: a fault fails this round, and no other.
"""

import math
import time
import traceback
from collections.abc import Callable
from datetime import timedelta

from daemon.decisions.retry import next_round
from daemon.model.errors import BetterStackError, DatabaseBusyError, StoppedError
from daemon.runtime.build import Components

PRUNE_EVERY = 3600.0
"""Seconds."""


class PollLoop:
    """What the rounds of one process have in common."""

    def __init__(self) -> None:
        self._failures = 0
        self._last_error: str | None = None
        self._swept_at = self._pruned_at = -math.inf

    def one(self, components: Components, before: Callable[[], None]) -> float:
        """Makes one round. The seconds until the next. `before` comes first, and may raise `DatabaseBusyError`."""
        started = time.monotonic()
        sweep = started - self._swept_at >= components.settings.poll.sweep_interval.total_seconds()
        try:
            before()
            components.poll.round(sweep=sweep)
        except StoppedError:
            components.log.debug("round put down")
            return 0.0
        except BetterStackError as error:
            components.self_check.state_works()
            return self._failed(components, str(error), error.retry_after)
        except DatabaseBusyError as error:
            components.self_check.state_failed(str(error))
            return self._failed(components, str(error))
        except Exception as error:  # noqa: BLE001 - a fault of ours fails this round, and no other
            return self._failed(components, f"a fault of this program: {traceback.format_exc()}{error!r}")
        components.self_check.state_works()
        self._swept_at = started if sweep else self._swept_at
        return self._succeeded(components, started)

    def _succeeded(self, components: Components, started: float) -> float:
        if self._last_error is not None:
            components.log.info("rounds succeed again", after=self._last_error, failed_rounds=self._failures)
        self._failures, self._last_error = 0, None
        next_in = max(_interval(components).total_seconds() - (time.monotonic() - started), 0)
        self._prune(components)
        return next_in

    def _failed(self, components: Components, why: str, retry_after: timedelta | None = None) -> float:
        self._failures += 1
        next_in = next_round(_interval(components), self._failures, retry_after).total_seconds()
        if why != self._last_error:
            components.log.error("round failed", error=why, next_in=f"{next_in:.0f}s")
        self._last_error = why
        return next_in

    def _prune(self, components: Components) -> None:
        if time.monotonic() - self._pruned_at < PRUNE_EVERY:
            return
        try:
            pruned = components.store.prune(components.clock() - components.settings.database.retention)
            components.store.checkpoint()
        except DatabaseBusyError as error:
            components.log.warning("pruning put off", error=str(error))
            return
        self._pruned_at = time.monotonic()
        if pruned:
            components.log.info("pruned", incidents=pruned)


def _interval(components: Components) -> timedelta:
    try:
        busy = components.store.has_work()
    except DatabaseBusyError:
        busy = True
    return components.settings.poll.active_interval if busy else components.settings.poll.interval
