"""The figures of `status`, read in one transaction."""

from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, ScalarSelect, Select, and_, exists, func, or_, select

from daemon.model.delivery import DeliveryState
from daemon.model.destination import BETTER_STACK, DEFAULT
from daemon.model.incident import Phase
from daemon.model.polling import UNNAMED
from daemon.model.snapshot import OwnFault, RefusedSecret, RunMode, Snapshot
from daemon.storage import delivery_rows as rows
from daemon.storage import monitor_figures, source_rows, two_way, two_way_figures, unreadable_rows
from daemon.storage.columns import constant
from daemon.storage.engine import transaction
from daemon.storage.schema import (
    ACCOUNTS,
    DELIVERIES,
    DESTINATIONS,
    DOUBTED,
    INCIDENTS,
    OF_THE_PROGRAM,
    OPEN,
)
from daemon.storage.source_schema import PROGRESS, UNREADABLE

_IN_THE_WAY, _DEAD = DELIVERIES.alias("in_the_way"), DELIVERIES.alias("dead")
_IS_HELD = rows.held(_IN_THE_WAY)
_EVERY = DESTINATIONS.alias("every")
_IS_TEAM = _EVERY.c.name != BETTER_STACK
_REFUSED = _EVERY.c.secret_refused_since.is_not(None)
_UNWELL = and_(_IS_TEAM, or_(_REFUSED, ~_EVERY.c.configured))
_TO_TEAM = DELIVERIES.c.destination != BETTER_STACK
"""What is written back has figures of its own."""
_OPEN_ALARM = and_(OF_THE_PROGRAM, INCIDENTS.c.phase != constant(Phase.RESOLVED))


def snapshot(engine: Engine, *, ailing_only: bool = False) -> Snapshot:
    """The figures behind `status`. Raises `DatabaseBusyError`.

    `ailing_only`: of the accounts of `[source.NAME]` only those whose polling does not work.
    """
    with transaction(engine, writes=False) as connection:
        return figures(connection, ailing_only=ailing_only)


def tracker_of(engine: Engine, incident_id: str) -> str:
    """The account that tracks an incident, as far as it is recorded. Raises `DatabaseBusyError`."""
    with transaction(engine, writes=False) as connection:
        return source_rows.trackers(connection, [incident_id]).get(incident_id, UNNAMED)


def figures(connection: Connection, *, ailing_only: bool = False) -> Snapshot:
    """The same, in the transaction of a caller."""
    found = connection.execute(_figures()).one()
    return Snapshot(
        run_mode=None if found.duty is None else RunMode(found.duty),
        **source_rows.figures_of(found),
        refused=tuple(RefusedSecret(*row) for row in connection.execute(_refused())) if found.unwell else (),
        strays=_read_strays(connection) if found.unwell else {},
        open_incidents=found.open_incidents,
        doubted_incidents=found.doubted_incidents,
        pending_deliveries=found.pending_deliveries,
        held_deliveries=found.held_deliveries,
        dead_deliveries=found.dead_deliveries,
        dead_alerts=found.dead_alerts,
        dead_incident=found.dead_incident,
        too_late=tuple(sorted(connection.execute(_dead_and_too_late()).scalars())) if found.dead_alerts else (),
        open_alarms={row.id: row.name for row in connection.execute(_open_alarms())} if found.alarms else {},
        event_limit=found.event_limit,
        unreadable=tuple(unreadable_rows.read(connection)) if found.set_aside else (),
        oldest_pending_at=found.oldest_pending_at,
        oldest_due_at=found.oldest_due_at,
        own_faults=_read_own_faults(connection) if found.pending_deliveries else (),
        two_way=two_way.figures(connection) if found.has_two_way else None,
        monitors=monitor_figures.figures(connection) if found.has_monitors else None,
        named=source_rows.named(connection, ailing_only=ailing_only) if found.has_named else (),
        untracked=source_rows.untracked(connection) if found.has_untracked else (),
        **(two_way_figures.read(connection) if found.of_two_ways else {}),
    )


def _read_own_faults(connection: Connection) -> tuple[OwnFault, ...]:
    return tuple(OwnFault(**row._mapping) for row in connection.execute(_own_faults()))


@cache
def _figures() -> "Select[*tuple[Any, ...]]":
    limit = select(ACCOUNTS.c.event_limit).where(ACCOUNTS.c.name == DESTINATIONS.c.account)
    figures: dict[str, ScalarSelect[Any]] = {
        "open_incidents": _count(OPEN),
        "doubted_incidents": _count(DOUBTED),
        "pending_deliveries": _count(rows.PENDING, _TO_TEAM),
        "held_deliveries": _count(rows.HELD),
        "dead_deliveries": _count(rows.DEAD, _TO_TEAM),
        "dead_alerts": _count(rows.DEAD, _TO_TEAM, ~rows.of_the_program()),
        "dead_incident": _latest_dead(),
        "oldest_pending_at": _earliest(DELIVERIES.c.created_at, _IS_HELD),
        "oldest_due_at": _earliest(DELIVERIES.c.due_at, and_(_IS_HELD, _IN_THE_WAY.c.id != DELIVERIES.c.id)),
        "event_limit": limit.scalar_subquery(),
        "alarms": _count(_OPEN_ALARM),
        "unwell": select(func.count()).select_from(_EVERY).where(_UNWELL).scalar_subquery(),
        "set_aside": select(func.count(UNREADABLE.c.id)).scalar_subquery(),
        "has_two_way": select(exists().where(two_way.USED)).scalar_subquery(),
        "has_monitors": select(exists().where(monitor_figures.USED)).scalar_subquery(),
        "has_named": select(source_rows.ANY_NAMED).scalar_subquery(),
        "has_untracked": select(exists().where(source_rows.NOBODY_TRACKS)).scalar_subquery(),
        "of_two_ways": select(two_way_figures.any_to_say()).scalar_subquery(),
    }
    polling = [column for column in PROGRESS.c if column.name != "source"]
    labelled = [figure.label(name) for name, figure in figures.items()]
    both = PROGRESS.join(DESTINATIONS, DESTINATIONS.c.name == DEFAULT)
    return select(*polling, *labelled).select_from(both).where(source_rows.IS_UNNAMED)


def _latest_dead() -> ScalarSelect[str]:
    # For the greatest id alone SQLite would look at every row from the newest on, and not use the index of dead ones.
    latest = select(func.max(_DEAD.c.id + 0)).where(
        _DEAD.c.state == constant(DeliveryState.DEAD), _DEAD.c.destination != BETTER_STACK, ~rows.of_the_program(_DEAD)
    )
    return select(DELIVERIES.c.incident_id).where(DELIVERIES.c.id == latest.scalar_subquery()).scalar_subquery()


def _count(*which: ColumnElement[bool]) -> ScalarSelect[int]:
    return select(func.count()).where(*which).scalar_subquery()


def _earliest(moment: ColumnElement[datetime], is_held: ColumnElement[bool]) -> ScalarSelect[datetime]:
    return select(func.min(moment)).where(unobstructed(is_held)).scalar_subquery()


def unobstructed(is_held: ColumnElement[bool] = _IS_HELD) -> ColumnElement[bool]:
    """The pending deliveries of incidents without a delivery that has a fault of its own, or that `is_held`."""
    in_the_way = [
        rows.related(_IN_THE_WAY),
        _IN_THE_WAY.c.state == constant(DeliveryState.PENDING),
        or_(_IN_THE_WAY.c.own_fault, is_held),
    ]
    return and_(rows.PENDING, _TO_TEAM, ~exists().where(*in_the_way))


@cache
def _refused() -> "Select[*tuple[Any, ...]]":
    named = select(_EVERY.c.name, _EVERY.c.secret_refused_since, _EVERY.c.why)
    return named.where(_IS_TEAM, _REFUSED, _EVERY.c.configured).order_by(_EVERY.c.name)


def _read_strays(connection: Connection) -> dict[str, tuple[int, ...]]:
    strays = dict[str, tuple[int, ...]]()
    for row in connection.execute(_strays()):
        strays[row.destination] = (*strays.get(row.destination, ()), row.id)
    return strays


@cache
def _strays() -> "Select[*tuple[Any, ...]]":
    strange = select(_EVERY.c.name).where(_IS_TEAM, ~_EVERY.c.configured)
    waiting = select(DELIVERIES.c.destination, DELIVERIES.c.id).where(
        rows.PENDING, DELIVERIES.c.destination.in_(strange)
    )
    return waiting.order_by(DELIVERIES.c.destination, DELIVERIES.c.id)


@cache
def _dead_and_too_late() -> "Select[*tuple[Any, ...]]":
    return select(DELIVERIES.c.id).where(rows.DEAD, _TO_TEAM, ~rows.of_the_program(), rows.too_late())


@cache
def _open_alarms() -> "Select[*tuple[Any, ...]]":
    return select(INCIDENTS.c.id, INCIDENTS.c.name).where(_OPEN_ALARM)


@cache
def _own_faults() -> "Select[*tuple[Any, ...]]":
    names = ("id", "incident_id", "kind", "last_error", "failing_since", "created_at")
    return (
        select(*(DELIVERIES.c[name] for name in names), INCIDENTS.c.is_alarm)
        .join(INCIDENTS, INCIDENTS.c.id == DELIVERIES.c.incident_id)
        .where(rows.PENDING, _TO_TEAM, DELIVERIES.c.own_fault)
        .order_by(DELIVERIES.c.failing_since.nulls_first(), DELIVERIES.c.id)
    )
