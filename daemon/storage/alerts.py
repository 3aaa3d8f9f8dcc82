"""SIGNL4's alerts of our incidents: which are watched, and what looks found.

What a person did and what follows from it are written in one transaction. Each method is one short transaction. It
raises `DatabaseBusyError` if it fails, and then has changed nothing.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from functools import cache
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import Engine, Insert, Row, Select, and_, bindparam, func, or_, select

from daemon.model.destination import BETTER_STACK
from daemon.model.incident import Kind, Phase
from daemon.model.signl4 import AlertPhase
from daemon.model.two_way import Finding, KnownAlert, Sent, Watched, WriteBack
from daemon.storage import history_rows, write_backs
from daemon.storage.columns import constant
from daemon.storage.engine import transaction
from daemon.storage.schema import DELIVERIES, DESTINATIONS, INCIDENTS, OPEN
from daemon.storage.two_way_schema import ALERTS
from daemon.storage.upsert import by_dialect


class Alerts:
    """What the looks at SIGNL4 read and write. Called by the thread of the job `two-way`."""

    def __init__(self, engine: Engine, teams: Collection[str]) -> None:
        """`teams`: those whose alerts can be read, with the API key of their account."""
        self._engine = engine
        self._teams = frozenset(teams)

    def begun_at(self) -> datetime | None:
        """Since when there may be an alert of an open incident; `None` if there can be none."""
        with transaction(self._engine, writes=False) as connection:
            begun_at: datetime | None = connection.execute(_begun(), {"teams": list(self._teams)}).scalar_one()
        return begun_at

    def watched(self, *incident_ids: str) -> list[Watched]:
        """The open incidents of which a `new` of the current generation was ever sent to one of the teams.

        With ids: those of them alone. While thousands are open, all of them take a while.
        """
        only = [INCIDENTS.c.id.in_(incident_ids)] if incident_ids else []
        with transaction(self._engine, writes=False) as connection:
            messages = connection.execute(_messages().where(*only)).all()
            known = connection.execute(_known().where(*only)).all() if messages else []
        alerts = dict[str, dict[str, KnownAlert]]()
        for row in known:
            alert = KnownAlert(AlertPhase(row.phase), row.acknowledged, row.destination)
            alerts.setdefault(row.incident_id, {})[row.id] = alert
        found = (
            self._watched(list(rows), alerts.get(incident_id, {}))
            for incident_id, rows in groupby(messages, key=attrgetter("incident_id"))
        )
        return [one for one in found if one.news]

    def record(self, findings: Sequence[Finding], now: datetime) -> list[tuple[Finding, WriteBack]]:
        """Writes what was found, and the rows of the outbox that follow; returns what these write back."""
        with transaction(self._engine, writes=True) as connection:
            for finding in findings:
                connection.execute(_put_alert(connection), _alert(finding, now))
                history_rows.add(connection, finding.history)
            return [(finding, one) for finding in findings for one in write_backs.put(connection, finding, now)]

    def _watched(self, rows: Sequence[Row[Any]], alerts: dict[str, KnownAlert]) -> Watched:
        first, *_ = rows
        current = [row for row in rows if row.generation == first.current]
        return Watched(
            incident_id=first.incident_id,
            external_id=first.external_id,
            generation=first.current,
            phase=Phase(first.phase),
            sent=tuple(_sent(row, rows) for row in current if row.destination in self._teams),
            earlier_events=frozenset(row.event_id for row in rows if row.generation < first.current and row.event_id),
            written=frozenset(
                Kind(row.kind) for row in current if row.destination == BETTER_STACK and not row.is_undone
            ),
            alerts=alerts,
        )


def _sent(row: Row[Any], rows: Iterable[Row[Any]]) -> Sent:
    before = (one.delivered_at for one in rows if one.destination == row.destination and one.id < row.id)
    not_before = max([row.created_at, *filter(None, before)])
    return Sent(Kind(row.kind), row.destination, row.attempts > 0, not_before, row.event_id, row.event_source)


def _alert(finding: Finding, now: datetime) -> dict[str, Any]:
    alert = finding.alert
    return {
        "id": alert.id,
        "incident_id": finding.incident_id,
        "generation": finding.generation,
        "destination": finding.team,
        "event_id": alert.event_id,
        "phase": alert.phase,
        "created_at": alert.created_at,
        "acknowledged_at": alert.acknowledged_at,
        "acknowledged": finding.acknowledged,
        "acknowledged_by": finding.acknowledged_by,
        "closed_at": alert.closed_at,
        "closed_by": finding.closed_by,
        "looked_at": now,
    }


@cache
def _messages() -> "Select[*tuple[Any, ...]]":
    """Of each open incident, in the order in which they were written."""
    of_delivery = ("id", "incident_id", "destination", "generation", "kind", "attempts", "created_at", "delivered_at")
    return (
        select(
            *(DELIVERIES.c[name] for name in (*of_delivery, "event_id")),
            INCIDENTS.c.external_id,
            INCIDENTS.c.generation.label("current"),
            INCIDENTS.c.phase,
            DESTINATIONS.c.event_source,
            write_backs.GIVEN_UP.label("is_undone"),
        )
        .select_from(INCIDENTS)
        .join(DELIVERIES, DELIVERIES.c.incident_id == INCIDENTS.c.id)
        .join(DESTINATIONS, DESTINATIONS.c.name == DELIVERIES.c.destination)
        .where(OPEN, INCIDENTS.c.alerted)
        .order_by(DELIVERIES.c.incident_id, DELIVERIES.c.id)
    )


@cache
def _begun() -> "Select[*tuple[Any, ...]]":
    current = [DELIVERIES.c.incident_id == INCIDENTS.c.id, DELIVERIES.c.generation == INCIDENTS.c.generation]
    sent = [DELIVERIES.c.kind == constant(Kind.NEW), DELIVERIES.c.attempts > 0]
    to_teams = DELIVERIES.c.destination.in_(bindparam("teams", expanding=True))
    # One incident after the other: a join SQLite would begin with all deliveries.
    of_one = select(func.min(DELIVERIES.c.created_at)).where(*current, *sent, to_teams).correlate(INCIDENTS)
    return select(func.min(of_one.scalar_subquery())).select_from(INCIDENTS).where(OPEN, INCIDENTS.c.alerted)


@cache
def _known() -> "Select[*tuple[Any, ...]]":
    current = and_(ALERTS.c.incident_id == INCIDENTS.c.id, ALERTS.c.generation == INCIDENTS.c.generation)
    columns = [ALERTS.c[name] for name in ("id", "incident_id", "phase", "acknowledged", "destination")]
    return select(*columns).select_from(INCIDENTS).join(ALERTS, current).where(OPEN)


@by_dialect
def _put_alert(insert: Callable[..., Any]) -> Insert:
    new = insert(ALERTS)
    # What a person did stays done: a message of ours may follow, and then nothing shows who was first.
    kept = {
        "acknowledged": or_(ALERTS.c.acknowledged, new.excluded.acknowledged),
        **{name: func.coalesce(ALERTS.c[name], new.excluded[name]) for name in ("acknowledged_by", "closed_by")},
    }
    values = {column.name: new.excluded[column.name] for column in ALERTS.c if column.name != "id"}
    statement: Insert = new.on_conflict_do_update(index_elements=["id"], set_={**values, **kept})
    return statement
