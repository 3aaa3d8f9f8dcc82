"""Rows of the outbox to Better Stack, on a given connection: what people did in SIGNL4."""

from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Insert, Row, Select, and_, bindparam, case, func, or_, select, update

from daemon.model.delivery import DeliveryState
from daemon.model.destination import BETTER_STACK
from daemon.model.history import Happening
from daemon.model.incident import IncidentState, Kind, Phase
from daemon.model.two_way import Finding, WriteBack
from daemon.storage import delivery_rows as rows
from daemon.storage import history_rows
from daemon.storage.columns import constant
from daemon.storage.parts import in_parts
from daemon.storage.schema import DELIVERIES, INCIDENTS
from daemon.storage.two_way_schema import ALERTS
from daemon.storage.upsert import by_dialect

SWITCHED_OFF = "writing this back is switched off"
_OURS = DELIVERIES.c.destination == BETTER_STACK
_THIS = [DELIVERIES.c.id, DELIVERIES.c.incident_id, DELIVERIES.c.generation]
_KNOWN_IN = {Kind.ACKNOWLEDGED: Phase.ACKNOWLEDGED, Kind.RESOLVED: Phase.RESOLVED}
GIVEN_UP = and_(DELIVERIES.c.state == constant(DeliveryState.SUPERSEDED), DELIVERIES.c.reason == SWITCHED_OFF)
"""It was given up while nothing was written back, so it is still to be done."""


@by_dialect
def _put_one(insert: Callable[..., Any]) -> Insert:
    """The unique key lets a kind be written back once in a generation."""
    new = insert(DELIVERIES)
    names = ("state", "reason", "payload", "occurred_at", "created_at", "due_at")
    statement: Insert = new.on_conflict_do_update(
        index_elements=["incident_id", "generation", "kind", "destination"],
        set_={**{name: new.excluded[name] for name in names}, **rows.NO_FAILURES},
        where=GIVEN_UP,
    )
    return statement.returning(DELIVERIES.c.id)


def put(connection: Connection, finding: Finding, now: datetime) -> list[WriteBack]:
    """Writes rows for what Better Stack is not known to have by now; returns for which."""
    state = connection.execute(_state(), {"this": finding.incident_id}).one_or_none()
    if state is None or state.generation != finding.generation:
        return []
    return [
        one for one in finding.write_backs if _is_news(one.kind, state.phase) and _put(connection, finding, one, now)
    ]


def _put(connection: Connection, finding: Finding, one: WriteBack, now: datetime) -> bool:
    values = {
        "incident_id": finding.incident_id,
        "destination": BETTER_STACK,
        "generation": finding.generation,
        "kind": one.kind,
        "state": DeliveryState.PENDING,
        "reason": one.reason,
        "external_id": finding.external_id,
        "payload": {"by": one.by},
        "attempts": 0,
        "occurred_at": one.at,
        "created_at": now,
        "due_at": now,
    }
    return connection.execute(_put_one(connection), values).one_or_none() is not None


def _is_news(kind: Kind, phase: str) -> bool:
    return phase == Phase.OPEN or (kind is Kind.RESOLVED and phase == Phase.ACKNOWLEDGED)


@cache
def _state() -> "Select[*tuple[Any, ...]]":
    return select(INCIDENTS.c.generation, INCIDENTS.c.phase).where(INCIDENTS.c.id == bindparam("this"))


def supersede_known(connection: Connection, states: Iterable[IncidentState], now: datetime) -> None:
    """Supersedes what Better Stack has by now, attempted or not: it is acknowledged, resolved or opened again."""
    known = {state.id: state for state in states if state.generation > 1 or state.phase in _KNOWN_IN.values()}
    for ids in in_parts(known):
        for row in connection.execute(_of_incidents(), {"ids": ids}).all():
            if why := _why_known(row, known[row.incident_id]):
                _supersede(connection, row, why, now)


def _why_known(row: "Row[*tuple[Any, ...]]", state: IncidentState) -> str | None:
    if row.generation < state.generation:
        return "the incident was opened again"
    if state.phase is Phase.RESOLVED:
        return "Better Stack's incident is resolved"
    return "Better Stack's incident is acknowledged" if _KNOWN_IN[Kind(row.kind)] is state.phase else None


@cache
def _of_incidents() -> "Select[*tuple[Any, ...]]":
    these = DELIVERIES.c.incident_id.in_(bindparam("ids", expanding=True))
    return select(*_THIS, DELIVERIES.c.kind).where(these, _OURS, or_(rows.PENDING, rows.DEAD))


def give_up(connection: Connection, wanted: Collection[Kind], now: datetime) -> None:
    """Supersedes all that the configuration does not want to be written back any more."""
    unwanted = [_OURS, DELIVERIES.c.kind.not_in(wanted)]
    # One state at a time, so that each is read from its own index.
    for state in (rows.PENDING, rows.DEAD):
        for row in connection.execute(select(*_THIS).where(state, *unwanted)).all():
            _supersede(connection, row, SWITCHED_OFF, now)


def _supersede(connection: Connection, row: "Row[*tuple[Any, ...]]", why: str, now: datetime) -> None:
    superseded = {"state": DeliveryState.SUPERSEDED, "reason": why}
    connection.execute(update(DELIVERIES).where(DELIVERIES.c.id == row.id).values(superseded))
    history_rows.add(connection, [history_rows.of(row, Happening.SUPERSEDED, why, now)])


@cache
def acknowledged_first() -> "Select[*tuple[Any, ...]]":
    """Whether there is an alert of the team, and people have acknowledged all that may be the team's."""
    ours = ALERTS.c.destination == bindparam("ours")
    of_it = [ALERTS.c.incident_id == bindparam("incident"), ALERTS.c.generation == bindparam("of_generation")]
    found = and_(func.count(ALERTS.c.destination) > 0, func.count(case((~ALERTS.c.acknowledged, 1))) == 0)
    return select(found).where(*of_it, or_(ours, ALERTS.c.destination.is_(None)))
