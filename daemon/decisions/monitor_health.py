"""What is wrong with the looks at monitors: sentences for `status`. Pure."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from daemon.decisions.ages import age
from daemon.model.monitor import MonitorFigures


def problems(figures: MonitorFigures | None, poll_after: timedelta, now: datetime) -> Iterator[str]:
    """An outage that ends soon is none; and none keeps the program from paging. `poll_after`: `alarm.poll_after`."""
    since = None if figures is None else figures.failing_since
    if figures is not None and since is not None and now - since > poll_after:
        yield (
            f"Better Stack's monitors cannot be read for {age(since, now)} ({figures.last_error}), so no alert says "
            "that one is not watched; incidents are told as ever"
        )
