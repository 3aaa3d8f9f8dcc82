"""Ready-made lags: how old the world is that a replica of Better Stack answers a request from."""

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random

from daemon.sandbox.exchange import Request
from daemon.sandbox.mishaps import lists

Lag = Callable[[Request], timedelta]
NONE = timedelta(0)


def no_lag(_: Request) -> timedelta:
    """Every answer is up to date."""
    return NONE


def now_and_then(
    share: float,
    random: Random,
    *,
    least: timedelta = timedelta(seconds=0.5),
    most: timedelta = timedelta(seconds=6),
    of: Callable[[Request], bool] = lambda _: True,
) -> Lag:
    """Such a share of the requests is answered from between `least` and `most` ago: `of` all, or of some alone."""

    def lag(request: Request) -> timedelta:
        late = of(request) and random.random() < share
        return least + (most - least) * random.random() if late else NONE

    return lag


def apart(*, open_list: timedelta = NONE, sweep: timedelta = NONE, lookups: timedelta = NONE) -> Lag:
    """What is open, what began since a day, and single records are always that old, each by a replica of its own."""

    def lag(request: Request) -> timedelta:
        if lists(request):
            return open_list if "resolved" in request.query else sweep
        return lookups

    return lag


def setting_in(lag: Lag, began: datetime) -> Lag:
    """Replication stops at this moment: answers stay as they were then until they are as old as `lag` has it."""
    return lambda request: min(lag(request), max(request.at - began, NONE))
