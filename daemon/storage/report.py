"""What `report` reads: openings of incidents, deliveries that needed more than one try, alarms, and what proves rounds.

1. Which incidents belong to a period is decided at once. Their rows are read in batches of short transactions, so that
   a report over years keeps nobody from emptying SQLite's log.
2. Memory holds a batch, and eight bytes for each incident.

Each function raises `DatabaseBusyError` if the database cannot be read.
"""

from array import array
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Engine,
    Row,
    Select,
    and_,
    bindparam,
    case,
    cast,
    func,
    or_,
    select,
)

from daemon.model.delivery import DeliveryState
from daemon.model.destination import BETTER_STACK
from daemon.model.incident import Kind, Phase
from daemon.model.polling import beside
from daemon.model.report import Alarm, Episode, Retried, Retries, Rounds
from daemon.storage.columns import NUMBER, constant
from daemon.storage.engine import transaction
from daemon.storage.parts import as_they_come
from daemon.storage.row_number import ROW_NUMBER
from daemon.storage.schema import DELIVERIES, INCIDENTS
from daemon.storage.source_schema import PROGRESS

BATCH = 500
MOST_RETRIED = 15
_IS_NEW = DELIVERIES.c.kind == constant(Kind.NEW)
_TO_TEAM = DELIVERIES.c.destination != BETTER_STACK


class Openings:
    """The openings that lie in a period, be it in part; one that is pruned meanwhile is left out."""

    def __init__(self, engine: Engine, since: datetime, until: datetime) -> None:
        self._engine = engine
        self._since, self._until = since, until
        is_open = INCIDENTS.c.phase != constant(Phase.RESOLVED)
        may_lie = and_(or_(is_open, INCIDENTS.c.changed_at >= since), ~INCIDENTS.c.is_alarm)
        with transaction(engine, writes=False) as connection:
            found = as_they_come(connection, select(ROW_NUMBER).where(may_lie).order_by(ROW_NUMBER))
            self._keys = array("q", found.scalars())

    def batches(self) -> Iterator[tuple[int, list[Episode]]]:
        """How many incidents are read by then, of `len(self)`, and the openings of the latest batch of them."""
        for start in range(0, len(self._keys), BATCH):
            keys = list(self._keys[start : start + BATCH])
            yield start + len(keys), self._read(keys)

    def __len__(self) -> int:
        return len(self._keys)

    def _read(self, keys: list[int]) -> list[Episode]:
        with transaction(self._engine, writes=False) as connection:
            incidents = connection.execute(_incidents(), {"keys": keys}).all()
            told = connection.execute(_told(), {"ids": [row.id for row in incidents]}).all()
        by_incident = dict[str, list[Row[Any]]]()
        for row in told:
            by_incident.setdefault(row.incident_id, []).append(row)
        found = (one for row in incidents for one in _episodes(row, by_incident.get(row.id, [])))
        return [one for one in found if self._lies_in(one)]

    def _lies_in(self, episode: Episode) -> bool:
        return episode.began_at < self._until and (episode.resolved_at is None or episode.resolved_at >= self._since)


def retries(engine: Engine, since: datetime, until: datetime) -> Retries:
    """Of the deliveries that were queued in the period."""
    in_period = and_(DELIVERIES.c.created_at >= since, DELIVERIES.c.created_at < until)
    tried = DELIVERIES.c.attempts > 1
    dead = DELIVERIES.c.state == constant(DeliveryState.DEAD)
    pending = DELIVERIES.c.state == constant(DeliveryState.PENDING)
    counts = select(func.count(), *(func.count(case((one, 1))) for one in (tried, dead, pending))).where(in_period)
    worst = (
        select(*DELIVERIES.c, INCIDENTS.c.name.label("incident_name"))
        .outerjoin(INCIDENTS)
        .where(in_period, or_(tried, dead))
        .order_by(DELIVERIES.c.attempts.desc(), DELIVERIES.c.id.desc())
        .limit(MOST_RETRIED)
    )
    with transaction(engine, writes=False) as connection:
        every, retried, dead_ones, waiting = map(int, connection.execute(counts).one())
        rows = connection.execute(worst).all()
    return Retries(every, retried, dead_ones, waiting, tuple(_retried(row) for row in rows))


def alarms(engine: Engine, since: datetime, until: datetime) -> list[Alarm]:
    """Those that were open in the period, earliest first: the program's own, and those that a source flaps."""
    raised, closed = _earliest(Kind.NEW, DELIVERIES.c.occurred_at), _earliest(Kind.RESOLVED, DELIVERIES.c.occurred_at)
    query = (
        select(
            INCIDENTS.c.id,
            INCIDENTS.c.name,
            func.min(case((_IS_NEW, DELIVERIES.c.payload))).label("payload"),
            raised.label("raised_at"),
            closed.label("closed_at"),
        )
        .join(DELIVERIES, DELIVERIES.c.incident_id == INCIDENTS.c.id)
        .where(INCIDENTS.c.is_alarm, INCIDENTS.c.monitor.is_(None))
        .group_by(INCIDENTS.c.id, DELIVERIES.c.generation)
        .having(raised < until, or_(closed.is_(None), closed >= since))
        .order_by(raised)
    )
    with transaction(engine, writes=False) as connection:
        return [Alarm(row.id, _sentence(row), row.raised_at, row.closed_at) for row in connection.execute(query)]


def rounds(engine: Engine) -> Rounds:
    """What is recorded of rounds: the latest alone, and the earliest trace of any.

    Of several accounts that are polled, it is what one of them lacks.
    """
    first = select(func.min(INCIDENTS.c.first_seen_at)).scalar_subquery()
    latest, failing_since = func.min(PROGRESS.c.last_complete_round_at), func.min(PROGRESS.c.failing_since)
    query = select(first, latest, failing_since).where(PROGRESS.c.configured)
    with transaction(engine, writes=False) as connection:
        return Rounds(*connection.execute(query).one())


@cache
def _incidents() -> "Select[*tuple[Any, ...]]":
    return select(INCIDENTS).where(ROW_NUMBER.in_(bindparam("keys", expanding=True))).order_by(ROW_NUMBER)


@cache
def _told() -> "Select[*tuple[Any, ...]]":
    """One row for each opening that anybody was to be told of, however many teams were.

    Who acknowledges it in SIGNL4 has acknowledged it. Who closes its alert there has not ended the incident.
    """
    row = DELIVERIES.c
    ended_at = func.min(case((and_(_TO_TEAM, row.kind == constant(Kind.RESOLVED)), row.occurred_at)))
    was_held = and_(_IS_NEW, row.held_because.is_not(None))
    untaken = and_(_IS_NEW, row.state != constant(DeliveryState.DELIVERED))
    return (
        select(
            row.incident_id,
            row.generation,
            _earliest(Kind.NEW, row.occurred_at).label("began_at"),
            _earliest(Kind.NEW, row.created_at).label("seen_at"),
            _earliest(Kind.NEW, row.delivered_at).label("told_at"),
            _earliest(Kind.ACKNOWLEDGED, row.occurred_at).label("acknowledged_at"),
            ended_at.label("resolved_at"),
            cast(func.sum(case((_TO_TEAM, row.attempts), else_=0)), NUMBER).label("tries"),
            func.count(case((was_held, 1))).label("held"),
            func.min(case((untaken, row.state))).label("state"),
            func.min(case((untaken, row.reason))).label("reason"),
        )
        .where(row.incident_id.in_(bindparam("ids", expanding=True)))
        .group_by(row.incident_id, row.generation)
    )


def _earliest(kind: Kind, column: ColumnElement[datetime]) -> ColumnElement[datetime]:
    return func.min(case((DELIVERIES.c.kind == constant(kind), column)))


def _episodes(row: Row[Any], told: list[Row[Any]]) -> Iterator[Episode]:
    """The openings of an incident: those that were to be told of, and the latest."""
    for one in told:
        if one.began_at is not None and one.generation != row.generation:
            yield _episode(row, one, one.resolved_at or row.reopened_at, one.acknowledged_at)
    yield _latest(row, next((one for one in told if one.generation == row.generation), None))


def _latest(row: Row[Any], one: Row[Any] | None) -> Episode:
    """That of which the incident's own row holds the times, told or not."""
    over = row.phase == Phase.RESOLVED
    began_at = row.started_at if row.generation == 1 else row.reopened_at
    known_at = None if one is None else one.began_at
    began_at = known_at or began_at or row.first_seen_at
    resolved_at = ((one and one.resolved_at) or row.resolved_at or row.changed_at) if over else None
    acknowledged_at = (one and one.acknowledged_at) or row.acknowledged_at
    is_older = acknowledged_at is not None and acknowledged_at < began_at
    if one is not None and known_at is not None:
        return _episode(row, one, resolved_at, None if is_older else acknowledged_at)
    return Episode(
        row.id,
        row.generation,
        beside(row.name, row.polled_from),
        row.cause,
        began_at,
        row.first_seen_at if row.generation == 1 else row.changed_at,
        None,
        None if is_older else acknowledged_at,
        resolved_at,
        untold_because=row.silent_because,
    )


def _episode(row: Row[Any], one: Row[Any], resolved_at: datetime | None, acknowledged_at: datetime | None) -> Episode:
    why = None if one.told_at is not None or one.state is None else f"{one.state}: {one.reason}"
    return Episode(
        row.id,
        one.generation,
        beside(row.name, row.polled_from),
        row.cause,
        one.began_at,
        row.first_seen_at if one.generation == 1 else one.seen_at,
        one.told_at,
        acknowledged_at,
        resolved_at,
        one.tries,
        bool(one.held),
        why,
    )


def _sentence(row: Any) -> str:
    """What was said when it was raised; the incident's own name is that of the latest time."""
    said = row.payload if isinstance(row.payload, dict) else {}
    return str(said.get("Cause") or said.get("Title") or row.name)


def _retried(row: Any) -> Retried:
    waited = None if row.delivered_at is None else (row.delivered_at - row.created_at).total_seconds()
    name = row.incident_name or ""
    return Retried(
        row.id, row.incident_id, name, row.kind, row.destination, row.state, row.attempts, waited, row.last_error
    )
