"""Rows of the accounts that are polled, on a given connection; the caller owns the transaction."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, exists, insert, or_, select, update

from daemon.model.polling import UNNAMED, Polling
from daemon.model.snapshot import Untracked
from daemon.storage.schema import INCIDENTS, OPEN, OPEN_FLAP
from daemon.storage.source_schema import PROGRESS

OF_ONE = PROGRESS.c.source == bindparam("of_source")
IS_UNNAMED = PROGRESS.c.source == UNNAMED
_OTHER = PROGRESS.alias("other")
ANY_NAMED = exists().where(_OTHER.c.source != UNNAMED, _OTHER.c.configured)
_TRACKERS = select(_OTHER.c.source).where(_OTHER.c.configured)
NOBODY_TRACKS = and_(OPEN, INCIDENTS.c.polled_from.not_in(_TRACKERS))
"""The open incidents of accounts that the configuration does not have any more."""
_RECORDED = select(INCIDENTS.c.id, INCIDENTS.c.polled_from).where(INCIDENTS.c.id.in_(bindparam("ids", expanding=True)))
_UPDATE = update(PROGRESS).where(OF_ONE)
SKEW = 60.0
"""Seconds by which the clock of a service may differ without a word."""
SETTLED: Mapping[str, Any] = {
    "last_round_error": None,
    "token_suspect_since": None,
    "failing_since": None,
    "refused_rounds": 0,
}
"""What a complete round leaves of the failures before it."""


def update_one(connection: Connection, polled_from: str, values: Mapping[str, Any]) -> None:
    """Changes the row of one account."""
    connection.execute(_UPDATE, {**values, "of_source": polled_from})


def known(connection: Connection) -> dict[str, timedelta | None]:
    """The accounts of the configuration in force, each with its interval; `None`: `poll.interval`."""
    rows = connection.execute(select(PROGRESS.c.source, PROGRESS.c.interval_seconds).where(PROGRESS.c.configured))
    return {row.source: _interval(row.interval_seconds) for row in rows}


def configure(connection: Connection, intervals: Mapping[str, timedelta | None]) -> None:
    """Makes these the accounts of the configuration in force."""
    connection.execute(update(PROGRESS).values(configured=False, interval_seconds=None))
    there = set(connection.execute(select(PROGRESS.c.source)).scalars())
    for name, interval in intervals.items():
        seconds = None if interval is None else interval.total_seconds()
        if name in there:
            update_one(connection, name, {"configured": True, "interval_seconds": seconds})
        else:
            connection.execute(insert(PROGRESS).values(source=name, configured=True, interval_seconds=seconds))
    # That something flaps can be judged by any account; that an incident is over, only by one that sees it.
    flaps = update(INCIDENTS).where(OPEN_FLAP, INCIDENTS.c.polled_from.not_in(list(intervals)))
    connection.execute(flaps.values(polled_from=next(iter(intervals), UNNAMED)))


def named(connection: Connection, *, ailing_only: bool) -> tuple[Polling, ...]:
    """The polling of each `[source.NAME]`, in the order of the names. `ailing_only`: of those that do not work."""
    return tuple(polling_of(row) for row in connection.execute(_named(ailing_only=ailing_only)))


def polling_of(row: Any) -> Polling:
    """From a row with the columns of `PROGRESS`."""
    return Polling(row.source, **figures_of(row))


def figures_of(row: Any) -> dict[str, Any]:
    """The same, as the fields of a value."""
    return {
        "is_configured": row.configured,
        "interval": _interval(row.interval_seconds),
        "last_complete_round_at": row.last_complete_round_at,
        "last_round_error": row.last_round_error,
        "token_suspect_since": row.token_suspect_since,
        "failing_since": row.failing_since,
        "refused_rounds": row.refused_rounds,
        "listed_records": row.listed_records,
        "unreadable_records": row.unreadable_records,
        "ahead": _interval(row.ahead_seconds),
    }


def trackers(connection: Connection, ids: Collection[str]) -> dict[str, str]:
    """Which account tracks each of these incidents, as far as they are recorded."""
    return {row.id: row.polled_from for row in connection.execute(_RECORDED, {"ids": list(ids)})}


def untracked(connection: Connection) -> tuple[Untracked, ...]:
    """What is open of accounts that the configuration does not have any more."""
    query = select(INCIDENTS.c.polled_from, INCIDENTS.c.id).where(NOBODY_TRACKS)
    found = dict[str, tuple[str, ...]]()
    for row in connection.execute(query.order_by(INCIDENTS.c.polled_from, INCIDENTS.c.id)):
        found[row.polled_from] = (*found.get(row.polled_from, ()), row.id)
    return tuple(Untracked(*one) for one in found.items())


def restart(connection: Connection, now: datetime) -> None:
    """Restarts elapsed-time proofs after a clock step."""
    for column in (PROGRESS.c.failing_since, PROGRESS.c.token_suspect_since):
        connection.execute(update(PROGRESS).where(column.is_not(None)).values({column: now}))
    # A time in the future would count later records as older than the token.
    ahead = PROGRESS.c.token_changed_at > now
    connection.execute(update(PROGRESS).where(ahead).values(token_changed_at=now))


@cache
def _named(*, ailing_only: bool) -> "Select[*tuple[Any, ...]]":
    query = select(PROGRESS).where(PROGRESS.c.source != UNNAMED, PROGRESS.c.configured).order_by(PROGRESS.c.source)
    ails = or_(
        PROGRESS.c.failing_since.is_not(None),
        PROGRESS.c.token_suspect_since.is_not(None),
        PROGRESS.c.unreadable_records > 1,
        PROGRESS.c.ahead_seconds > SKEW,
        PROGRESS.c.ahead_seconds < -SKEW,
    )
    return query.where(ails) if ailing_only else query


def _interval(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)
