"""What is wrong with the looks at SIGNL4 and with what is written back, in sentences. Pure.

An outage that ends soon is none of them; a credential that is refused is one at once, since it needs a person.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from daemon.decisions.ages import age
from daemon.model.errors import KEY_REFUSED
from daemon.model.two_way import TwoWay


def problems(figures: TwoWay | None, poll_after: timedelta, now: datetime) -> Iterator[str]:
    """Each as a sentence with its mend. `poll_after`: `alarm.poll_after`; a failure that is shorter is none."""
    if figures is None:
        return
    since, refused_since = figures.failing_since, figures.key_refused_since
    if refused_since is not None:
        why = (figures.last_error or "").removeprefix(f"{KEY_REFUSED}: ")
        yield (
            f"{KEY_REFUSED} since {refused_since:%Y-%m-%d %H:%M} UTC ({why}), so nothing that people do there is seen; "
            "give signl4.api_key a valid one. Paging goes on"
        )
    elif since is not None and now - since > poll_after:
        yield (
            f"SIGNL4's alerts cannot be read for {age(since, now)} ({figures.last_error}), so nothing that people do "
            "there is seen; paging goes on"
        )
    oldest = figures.oldest_write_back_at
    if figures.refused_since is not None:
        yield (f"nothing is written back since {figures.refused_since:%Y-%m-%d %H:%M} UTC: {figures.refused_because}")
    elif oldest is not None and now - oldest > poll_after:
        yield (
            f"what a person did in SIGNL4 waits for {age(oldest, now)} to be done in Better Stack; look at: deliveries "
            "--state pending"
        )
    if figures.dead_write_backs:
        yield (
            f"{figures.dead_write_backs} write-backs are dead, since Better Stack refused them; look at: deliveries "
            "--state dead, and bring back with: retry --dead"
        )
