"""The statements on recorded incidents. Each is built once, with parameters, as those of the outbox are."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import Insert, RowMapping, bindparam, exists, select

from daemon.model.incident import IncidentState, Phase, Progress
from daemon.model.routing import Routing
from daemon.storage import delivery_rows as rows
from daemon.storage import source_rows
from daemon.storage.schema import DELIVERIES, DOUBTED, INCIDENTS, OPEN, OPEN_FLAP
from daemon.storage.source_schema import PROGRESS, UNREADABLE
from daemon.storage.upsert import by_dialect

_FIELDS = tuple(field.name for field in fields(IncidentState))
STATES = select(*(INCIDENTS.c[name].label(name) for name in _FIELDS))
KNOWN = STATES.where(INCIDENTS.c.id.in_(bindparam("ids", expanding=True)))
STARTED = select(INCIDENTS.c.started_at).where(
    INCIDENTS.c.id.in_(bindparam("ids", expanding=True)), INCIDENTS.c.started_at.is_not(None)
)
_OURS = INCIDENTS.c.polled_from == bindparam("of_source")
TRACKED = select(INCIDENTS.c.id).where(OPEN, _OURS)
VANISHED = TRACKED.where(INCIDENTS.c.gone_since.is_not(None))
DOUBTED_ONES = select(INCIDENTS.c.id).where(DOUBTED, _OURS)
BEGIN = select(
    *(PROGRESS.c[field.name] for field in fields(Progress)),
    # Mostly there are none, and asking for them takes longer than counting.
    *(
        exists().where(which, _OURS).label(name)
        for name, which in (("any_open", OPEN), ("any_doubted", DOUBTED), ("any_flaps", OPEN_FLAP))
    ),
    select(UNREADABLE.c.id).where(UNREADABLE.c.source == bindparam("of_source")).exists().label("any_odd"),
).where(source_rows.OF_ONE)
ANY_WAITS = select(exists().where(rows.PENDING))
BEFORE = select(INCIDENTS.c.id).where(INCIDENTS.c.first_seen_at < bindparam("moment"), _OURS)
_STATE_COLUMNS = (*_FIELDS, "changed_at")


@by_dialect
def put_incident(insert: Callable[..., Any]) -> Insert:
    """A new state, in place of the one that was recorded."""
    new = insert(INCIDENTS)
    statement: Insert = new.on_conflict_do_update(
        index_elements=["id"], set_={name: new.excluded[name] for name in _STATE_COLUMNS}
    )
    return statement


@by_dialect
def put_delivery(insert: Callable[..., Any]) -> Insert:
    """The unique key stops a transition that was seen twice from being sent twice."""
    statement: Insert = insert(DELIVERIES).on_conflict_do_nothing()
    return statement


def values_of(state: IncidentState) -> dict[str, Any]:
    """What `state_of` reads back."""
    routing = None if state.routing is None else asdict(state.routing)
    # `asdict` of the whole would copy each text deeply.
    return {**{name: getattr(state, name) for name in _FIELDS}, "routing": routing}


def state_of(row: Mapping[str, Any] | RowMapping) -> IncidentState:
    """From the columns that are its fields."""
    routing = None if row["routing"] is None else Routing.read(row["routing"])
    return IncidentState(**{**row, "phase": Phase(row["phase"]), "routing": routing})
