"""Whether the token reads what Better Stack watches, for `check --online`."""

from collections.abc import Iterator
from datetime import datetime

from daemon.clients.betterstack import BetterStack
from daemon.clients.monitors import PER_PAGE, Monitors
from daemon.config.monitors import SWITCHES
from daemon.config.settings import Settings
from daemon.decisions.monitor_alerts import alerts
from daemon.decisions.monitors import observe
from daemon.model.errors import BetterStackError, ForbiddenError, NoSuchRouteError
from daemon.model.incident import Incident
from daemon.model.monitor import Monitor, MonitorKind


def readable(source: BetterStack, settings: Settings, now: datetime) -> Iterator[tuple[bool, str]]:
    """For each kind that is looked at, by one request, whether its list can be read, and a sentence."""
    lists = Monitors(source)
    for kind in settings.monitors.kinds:
        try:
            page = lists.first_page(kind)
        except BetterStackError as error:
            yield False, f"Better Stack: the list of {kind}s cannot be read: {_why(kind, error)}"
            continue
        number = len(page.monitors)
        more = " on the first page" if number + page.unreadable >= PER_PAGE else ""
        odd = f"; records that cannot be read, and are left out: {page.unreadable}" if page.unreadable else ""
        due = sum(1 for one in page.monitors for _ in _alerts(one, settings, now))
        alerts = f", of which are paused for so long that they alert at the first look: {due}" if due else ""
        yield True, f"Better Stack: the token reads the list of {kind}s; there are{more}: {number}{alerts}{odd}"


def _alerts(seen: Monitor, settings: Settings, now: datetime) -> Iterator[Incident]:
    """Those of a first look. Of all but a pause nobody knows when it began."""
    return alerts(observe(None, seen, now, None).after, settings.monitors, 0, {}, now)


def _why(kind: MonitorKind, error: BetterStackError) -> str:
    if isinstance(error, ForbiddenError | NoSuchRouteError):
        return f"the token may not read it; take one that may, or set {SWITCHES[kind]} = false"
    return str(error)
