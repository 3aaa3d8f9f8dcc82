"""What a reconciliation reads of our incidents, and what it makes pending again.

Each method is one short transaction. It raises `DatabaseBusyError` if it fails, and then has changed nothing.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BindParameter,
    Connection,
    Engine,
    Row,
    Select,
    and_,
    bindparam,
    delete,
    exists,
    func,
    or_,
    select,
    update,
)

from daemon.model.delivery import DeliveryState
from daemon.model.drift import Drift, DriftKind, Reconciled, ToldIncident
from daemon.model.history import Entry, Happening
from daemon.model.incident import Kind, Phase
from daemon.model.signl4 import AlertPhase, SeenAlert
from daemon.storage import delivery_rows as rows
from daemon.storage import history_rows
from daemon.storage.columns import constant
from daemon.storage.engine import transaction
from daemon.storage.parts import in_parts
from daemon.storage.schema import DELIVERIES, DESTINATIONS, INCIDENTS, OPEN
from daemon.storage.two_way_figures import recorded_drift
from daemon.storage.two_way_schema import ALERTS, PAGE_PROOFS, TWO_WAY

_RECONCILED_AT = select(TWO_WAY.c.reconciled_at)
_END = DELIVERIES.alias("told_end")
_RESOLVED_AT = (
    select(func.max(_END.c.delivered_at))
    .where(rows.related(_END), _END.c.kind == constant(Kind.RESOLVED), _END.c.generation >= DELIVERIES.c.generation)
    .scalar_subquery()
)
_WAS_CLOSED = exists().where(
    ALERTS.c.incident_id == DELIVERIES.c.incident_id,
    ALERTS.c.generation == DELIVERIES.c.generation,
    or_(ALERTS.c.destination.is_(None), ALERTS.c.destination == DELIVERIES.c.destination),
    ALERTS.c.phase == constant(AlertPhase.CLOSED),
)
_TOLD = (
    select(
        INCIDENTS.c.id.label("incident_id"),
        DELIVERIES.c.external_id,
        DELIVERIES.c.generation,
        (DELIVERIES.c.generation == INCIDENTS.c.generation).label("is_current"),
        (INCIDENTS.c.phase == constant(Phase.RESOLVED)).label("is_over"),
        INCIDENTS.c.is_alarm,
        DELIVERIES.c.destination.label("team"),
        DELIVERIES.c.id.label("new_id"),
        DELIVERIES.c.event_id,
        DELIVERIES.c.created_at,
        DELIVERIES.c.delivered_at,
        DESTINATIONS.c.event_source,
        _RESOLVED_AT.label("resolved_at"),
        _WAS_CLOSED.label("was_closed"),
    )
    .join(INCIDENTS, INCIDENTS.c.id == DELIVERIES.c.incident_id)
    .join(DESTINATIONS, DESTINATIONS.c.name == DELIVERIES.c.destination)
    .where(
        DELIVERIES.c.kind == constant(Kind.NEW),
        DELIVERIES.c.attempts > 0,
        DELIVERIES.c.destination.in_(bindparam("teams", expanding=True)),
    )
)
_IDS: BindParameter[list[str]] = bindparam("ids", expanding=True)
_BY_EVENT = DELIVERIES.alias("by_event")
_OPEN = _TOLD.where(OPEN, DELIVERIES.c.generation == INCIDENTS.c.generation)
_WITH_ID = _TOLD.where(INCIDENTS.c.external_id.in_(_IDS))
_WITH_EVENT = _TOLD.where(INCIDENTS.c.id.in_(select(_BY_EVENT.c.incident_id).where(_BY_EVENT.c.event_id.in_(_IDS))))


class DriftRecords:
    """Called by the thread of the job `two-way`, and by the command `reconcile`, also while the daemon runs."""

    def __init__(self, engine: Engine, teams: Collection[str]) -> None:
        """`teams`: those of the account whose alerts are compared."""
        self._engine = engine
        self._teams = list(teams)

    def reconciled_at(self) -> datetime | None:
        """When the latest reconciliation was recorded."""
        with transaction(self._engine, writes=False) as connection:
            reconciled_at: datetime | None = connection.execute(_RECONCILED_AT).scalar_one()
        return reconciled_at

    def known(self) -> tuple[Drift, ...]:
        """What the latest reconciliation found."""
        with transaction(self._engine, writes=False) as connection:
            return tuple(recorded_drift(connection))

    def told(self, alerts: Collection[SeenAlert]) -> list[ToldIncident]:
        """The open incidents that were told, and whatever these alerts may be of."""
        ids = {alert.external_id for alert in alerts if alert.external_id}
        # An alert without an external id is rare, and finding its event takes a look at every delivery.
        events = {alert.event_id for alert in alerts if not alert.external_id and alert.event_id is not None}
        found = dict[int, ToldIncident]()
        with transaction(self._engine, writes=False) as connection:
            teams = {"teams": self._teams}
            found |= {row.new_id: _told(row) for row in connection.execute(_OPEN, teams)}
            for query, wanted in ((_WITH_ID, ids), (_WITH_EVENT, events)):
                found |= {row.new_id: _told(row) for row in self._in_parts(connection, query, wanted)}
        return [found[number] for number in sorted(found)]

    def record(
        self, found: Sequence[Drift], before: Collection[Drift], now: datetime, *, repair: bool
    ) -> list[Reconciled]:
        """Records what was found, and makes pending what mends it: each end that is to be told again, and with
        `repair` what is missing. What has changed meanwhile is left as it is.
        """
        with transaction(self._engine, writes=True) as connection:
            done = [Reconciled(one, _mend(connection, one, now, repair=repair)) for one in found]
            # What is sent again is not missing until it is looked for again.
            left = [one.drift for one in done if not (one.mended and one.drift.kind is DriftKind.MISSING)]
            history_rows.add(connection, list(_entries(left, before, now)))
            values = {"drift": [asdict(one) for one in left], "reconciled_at": now}
            connection.execute(update(TWO_WAY).values(values))
        return done

    def _in_parts(
        self, connection: Connection, query: "Select[*tuple[Any, ...]]", ids: Iterable[str]
    ) -> Iterator[Row[Any]]:
        for part in in_parts(sorted(ids)):
            yield from connection.execute(query, {"teams": self._teams, "ids": part})


def _told(row: Row[Any]) -> ToldIncident:
    flags = {name: bool(row._mapping[name]) for name in ("is_current", "is_over", "is_alarm", "was_closed")}
    return ToldIncident(**{**row._mapping, **flags})


def _mend(connection: Connection, drift: Drift, now: datetime, *, repair: bool) -> bool:
    """Whether a message was made pending again."""
    if drift.kind is DriftKind.LEFT_OPEN:
        again, why = _latest_end(connection, drift), "its alert is still open in SIGNL4, so it is sent again"
        is_over = exists().where(INCIDENTS.c.id == drift.incident_id, INCIDENTS.c.phase == constant(Phase.RESOLVED))
        # What waits may be another beginning, whose alert the end would close.
        as_it_was = and_(is_over, ~exists().where(_waits(drift)))
    elif repair:
        again, why = _beginning(connection, drift), "SIGNL4 has no alert of it, so it is sent again"
        as_it_was = exists().where(
            INCIDENTS.c.id == drift.incident_id, OPEN, INCIDENTS.c.generation == drift.generation
        )
    else:
        return False
    afresh = {"state": DeliveryState.PENDING, "due_at": now, "delivered_at": None, "event_id": None}
    told = DELIVERIES.c.state == constant(DeliveryState.DELIVERED)
    columns = [DELIVERIES.c.id, DELIVERIES.c.incident_id, DELIVERIES.c.generation]
    these = update(DELIVERIES).where(DELIVERIES.c.id.in_(again), told, as_it_was).returning(*columns)
    found = connection.execute(these.values({**afresh, **rows.NO_FAILURES})).all()
    connection.execute(delete(PAGE_PROOFS).where(PAGE_PROOFS.c.delivery_id.in_([row.id for row in found])))
    history_rows.add(connection, [history_rows.of(row, Happening.RECONCILED, why, now) for row in found])
    return bool(found)


def _latest_end(connection: Connection, drift: Drift) -> Sequence[int]:
    """The latest `resolved` that was told to the team: it closes every alert with the external id."""
    ends = (
        _of(drift),
        DELIVERIES.c.generation >= drift.generation,
        DELIVERIES.c.kind == constant(Kind.RESOLVED),
        DELIVERIES.c.delivered_at.is_not(None),
    )
    latest = select(DELIVERIES.c.id).where(*ends).order_by(DELIVERIES.c.id.desc()).limit(1)
    return connection.execute(latest).scalars().all()


def _beginning(connection: Connection, drift: Drift) -> Sequence[int]:
    """All that was told of an open generation: its `new`, and that somebody has acknowledged it."""
    begun = _of(drift), DELIVERIES.c.generation == drift.generation, DELIVERIES.c.kind != constant(Kind.RESOLVED)
    return connection.execute(select(DELIVERIES.c.id).where(*begun)).scalars().all()


def _of(drift: Drift) -> Any:
    return and_(DELIVERIES.c.incident_id == drift.incident_id, DELIVERIES.c.destination == drift.team)


def _waits(drift: Drift) -> Any:
    waiting = DELIVERIES.alias("waiting")
    is_pending = waiting.c.state == constant(DeliveryState.PENDING)
    return and_(waiting.c.incident_id == drift.incident_id, waiting.c.destination == drift.team, is_pending)


def _entries(found: Iterable[Drift], before: Collection[Drift], now: datetime) -> Iterator[Entry]:
    """What is certain now, and was not before."""
    for one in found:
        known = any(earlier.is_same(one) and earlier.is_certain for earlier in before)
        if one.kind is DriftKind.MISSING and one.is_certain and not known:
            why = f"SIGNL4 has no alert of it for team {one.team}"
            yield Entry(one.incident_id, one.generation, now, Happening.RECONCILED, why)
