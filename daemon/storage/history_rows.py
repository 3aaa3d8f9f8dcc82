"""The history of incidents, as other statements write it in their transaction."""

from collections.abc import Collection
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Float, Row, bindparam, insert, select

from daemon.model.delivery import Delivered, Result
from daemon.model.history import HAD_ALREADY, Entry, Happening
from daemon.storage.columns import TEXT, Moment, constant
from daemon.storage.schema import DELIVERIES, HISTORY

_NAMES = [field.name for field in fields(Entry)]
_ADD = insert(HISTORY)
# Of a delivery that is not there any more nothing is recorded: an error here would stop everything that is sent.
_OF_ATTEMPT = select(
    DELIVERIES.c.incident_id,
    DELIVERIES.c.generation,
    DELIVERIES.c.id,
    bindparam("at", type_=Moment),
    constant(Happening.ATTEMPT),
    bindparam("why", type_=TEXT),
    bindparam("seconds", type_=Float),
).where(DELIVERIES.c.id == bindparam("this"), DELIVERIES.c.incident_id == bindparam("incident"))
_COLUMNS = ["incident_id", "generation", "delivery_id", "at", "what", "why", "seconds"]
_ADD_ATTEMPT = insert(HISTORY).from_select(_COLUMNS, _OF_ATTEMPT)


def add(connection: Connection, entries: Collection[Entry]) -> None:
    """Adds entries, in this order."""
    if entries:
        connection.execute(_ADD, [{name: getattr(entry, name) for name in _NAMES} for entry in entries])


def add_attempts(connection: Connection, results: Collection[Result]) -> None:
    """Adds what came of attempts, in this order."""
    if results:
        connection.execute(_ADD_ATTEMPT, list(map(_attempt, results)))


def of(row: "Row[*tuple[Any, ...]]", what: Happening, why: str, now: datetime) -> Entry:
    """An entry about a delivery, given as a row with `id`, `incident_id` and `generation`."""
    return Entry(row.incident_id, row.generation, now, what, why, row.id)


def _attempt(result: Result) -> dict[str, Any]:
    delivery, outcome = result.delivery, result.answer.outcome
    if isinstance(outcome, Delivered):
        accepted = HAD_ALREADY if outcome.found else "accepted"
        why = accepted if outcome.event_id is None else f"{accepted}; event {outcome.event_id}"
    else:
        why = outcome.why
    this = {"this": delivery.id, "incident": delivery.incident_id}
    return {**this, "at": result.at, "why": why, "seconds": round(result.seconds, 3)}
