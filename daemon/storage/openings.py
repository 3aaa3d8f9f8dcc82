"""How often a source has opened, for routes that watch for flapping.

Each method is one short transaction. It raises `DatabaseBusyError` if it fails.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, cast, distinct, func, select

from daemon.model.incident import Kind
from daemon.storage.columns import TEXT, constant
from daemon.storage.engine import transaction
from daemon.storage.schema import DELIVERIES, INCIDENTS, OPEN_FLAP

_OPENING = DELIVERIES.c.kind == constant(Kind.NEW)


class Openings:
    """Called by the thread that polls an account."""

    def __init__(self, engine: Engine, polled_from: str) -> None:
        self._engine = engine
        self._polled_from = polled_from

    def count(self, source: str, since: datetime, until: datetime) -> int:
        """How many times the source opened in that time; an incident that opened again counts each time."""
        opening = distinct(DELIVERIES.c.incident_id + "/" + cast(DELIVERIES.c.generation, TEXT))
        with transaction(self._engine, writes=False) as connection:
            return int(
                _of(connection, source, func.count(opening), DELIVERIES.c.occurred_at.between(since, until)) or 0
            )

    def latest(self, source: str) -> datetime | None:
        """When it was last recorded that it opened, by our own clock: a wrong one of theirs closes no alert."""
        with transaction(self._engine, writes=False) as connection:
            moment: datetime | None = _of(connection, source, func.max(DELIVERIES.c.created_at))
        return moment

    def told(self, source: str, since: datetime) -> bool:
        """Whether the alert of an incident that began since then, and was held, was sent."""
        sent = [DELIVERIES.c.attempts > 0, DELIVERIES.c.held_because.is_not(None), DELIVERIES.c.created_at >= since]
        with transaction(self._engine, writes=False) as connection:
            return bool(_of(connection, source, func.count(), *sent))

    def flapping(self) -> list[str]:
        """Ids of the alerts that something in the account flaps, which are open."""
        query = select(INCIDENTS.c.id).where(OPEN_FLAP, INCIDENTS.c.polled_from == self._polled_from)
        with transaction(self._engine, writes=False) as connection:
            return list(connection.execute(query).scalars())


def _of(connection: Connection, source: str, what: ColumnElement[Any], *which: ColumnElement[bool]) -> Any:
    of_source = [INCIDENTS.c.source == source, ~INCIDENTS.c.is_alarm]
    query = select(what).select_from(DELIVERIES.join(INCIDENTS)).where(_OPENING, *of_source, *which)
    return connection.execute(query).scalar()
