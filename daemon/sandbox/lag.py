"""Ready-made lags: how old the world is that a replica of Better Stack answers a request from."""

from collections.abc import Callable
from datetime import timedelta
from random import Random

from daemon.sandbox.exchange import Request
from daemon.sandbox.mishaps import lists, lookups

Lag = Callable[[Request], timedelta]
NONE = timedelta(0)


def no_lag(_: Request) -> timedelta:
    """Every answer is up to date."""
    return NONE


def now_and_then(
    share: float,
    random: Random,
    least: timedelta = timedelta(seconds=0.5),
    most: timedelta = timedelta(seconds=6),
) -> Lag:
    """Such a share of the requests is answered from between `least` and `most` ago, whatever they ask for."""

    def lag(_: Request) -> timedelta:
        return least + (most - least) * random.random() if random.random() < share else NONE

    return lag


def apart(*, in_lists: timedelta = NONE, in_lookups: timedelta = NONE) -> Lag:
    """Lists, single records, or both differently, are always that old."""

    def lag(request: Request) -> timedelta:
        if lists(request):
            return in_lists
        return in_lookups if lookups(request) else NONE

    return lag
