"""Whether the token for Better Stack may be another team's: then "no such record" proves no deletion. Pure."""

from collections.abc import Collection
from datetime import datetime, timedelta
from enum import Enum, auto

from daemon.model.incident import RoundStart

SUSPECT_FROM = 3
"""With fewer tracked incidents, a deletion of all at once is normal."""
SUSPICION_LASTS = timedelta(hours=1)


class Token(Enum):
    """What is known of the token for Better Stack."""

    KNOWN = auto()
    """It has read known records before."""
    NEW = auto()
    """It has changed, and has not read a known record yet."""
    RECOGNISED = auto()
    """It has changed, and has just read a known record."""


def suspect_since(
    start: RoundStart,
    seen: Collection[str],
    gone: Collection[str],
    before: datetime | None,
    now: datetime,
    token: Token = Token.KNOWN,
) -> datetime | None:
    """Since when the token is suspected to be another team's; `None` if deletions can be trusted.

    A known token is suspected if three or more incidents are tracked, none was seen, and lookups found no record; a new
    one as soon as a lookup of a tracked incident finds no record. The suspicion ends when a vanished incident is seen
    again, when a new token is recognised, or after an hour. `before`: the result of the previous round.
    """
    tracked, vanished = start.tracked, start.vanished
    goes_on = before is not None and bool(vanished) and vanished.isdisjoint(seen)
    all_gone = len(tracked) >= SUSPECT_FROM and bool(gone) and tracked.isdisjoint(seen)
    begins = not tracked.isdisjoint(gone) if token is Token.NEW else all_gone
    if token is Token.RECOGNISED or not (goes_on or begins):
        return None
    since = min(before or now, now)
    return since if now - since < SUSPICION_LASTS else None
