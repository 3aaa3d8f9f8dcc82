"""What SIGNL4 accepted from us, for `report --audit`."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Engine, and_, func, select

from daemon.model.audit import Told
from daemon.model.delivery import DeliveryState
from daemon.model.destination import BETTER_STACK
from daemon.model.incident import Kind
from daemon.storage.columns import constant
from daemon.storage.engine import transaction
from daemon.storage.schema import DELIVERIES, INCIDENTS

_ACKNOWLEDGED, _RESOLVED = DELIVERIES.alias("acknowledged"), DELIVERIES.alias("resolved")


def told(engine: Engine, team: str, begins_at: datetime, ends_at: datetime) -> list[Told]:
    """The alerts that SIGNL4 accepted for a team from then to then, earliest first; those of the program included.

    Raises `DatabaseBusyError`.
    """
    row = DELIVERIES.c
    query = (
        select(
            row.id,
            row.incident_id,
            row.payload,
            INCIDENTS.c.name,
            row.event_id,
            row.delivered_at,
            _ACKNOWLEDGED.c.delivered_at.label("acknowledged_at"),
            _RESOLVED.c.delivered_at.label("resolved_at"),
        )
        .join(INCIDENTS, INCIDENTS.c.id == row.incident_id)
        .outerjoin(_ACKNOWLEDGED, _follows(_ACKNOWLEDGED, Kind.ACKNOWLEDGED))
        .outerjoin(_RESOLVED, _follows(_RESOLVED, Kind.RESOLVED))
        .where(row.destination == team, row.kind == constant(Kind.NEW))
        .where(row.state == constant(DeliveryState.DELIVERED))
        .where(row.delivered_at >= begins_at, row.delivered_at <= ends_at)
        .order_by(row.delivered_at)
    )
    with transaction(engine, writes=False) as connection:
        return [
            Told(
                one.id,
                one.incident_id,
                _title(one.payload, one.name),
                one.event_id,
                one.delivered_at,
                one.acknowledged_at,
                one.resolved_at,
            )
            for one in connection.execute(query)
        ]


def teams(engine: Engine) -> dict[str, int]:
    """How many deliveries there are, by team."""
    to_team = DELIVERIES.c.destination != BETTER_STACK
    counted = select(DELIVERIES.c.destination, func.count().label("deliveries"))
    query = counted.where(to_team).group_by(DELIVERIES.c.destination)
    with transaction(engine, writes=False) as connection:
        return {row.destination: row.deliveries for row in connection.execute(query)}


def _follows(other: Any, kind: Kind) -> ColumnElement[bool]:
    """`other` is the message of that kind about the same opening, to the same team."""
    same = [other.c[name] == DELIVERIES.c[name] for name in ("incident_id", "generation", "destination")]
    return and_(*same, other.c.kind == constant(kind))


def _title(payload: Mapping[str, Any] | None, name: str) -> str:
    """The title that was sent, else the name of the incident; case of keys is free."""
    found = (value for key, value in (payload or {}).items() if key.lower() == "title" and isinstance(value, str))
    return next(found, name)
