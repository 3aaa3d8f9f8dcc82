"""Ready-made replication lags: how old the state is from which a replica of Better Stack answers a request."""

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random

from daemon.sandbox.exchange import Request
from daemon.sandbox.mishaps import lists, monitor_lists, monitor_lookups

Lag = Callable[[Request], timedelta]
NONE = timedelta(0)


def no_lag(_: Request) -> timedelta:
    """No lag: every answer is up to date."""
    return NONE


def now_and_then(
    share: float,
    random: Random,
    *,
    least: timedelta = timedelta(seconds=0.5),
    most: timedelta = timedelta(seconds=6),
    of: Callable[[Request], bool] = lambda _: True,
) -> Lag:
    """Random lag: a `share` of the requests selected by `of` sees a state `least` to `most` old."""

    def lag(request: Request) -> timedelta:
        late = of(request) and random.random() < share
        return least + (most - least) * random.random() if late else NONE

    return lag


def apart(
    *,
    open_list: timedelta = NONE,
    sweep: timedelta = NONE,
    lookups: timedelta = NONE,
    monitors: timedelta = NONE,
) -> Lag:
    """Constant lag, separate for the list of open incidents, the sweep, single records, and all that is watched."""

    def lag(request: Request) -> timedelta:
        if lists(request):
            return open_list if "resolved" in request.query else sweep
        return monitors if monitor_lists(request) or monitor_lookups(request) else lookups

    return lag


def setting_in(lag: Lag, began: datetime) -> Lag:
    """A lag that begins at `began`: answers freeze at that state until they are as old as `lag` says."""
    return lambda request: min(lag(request), max(request.at - began, NONE))
