"""What `status` says of SIGNL4's REST API. Read only if there is something to say."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, exists, literal_column, or_, select

from daemon.model.drift import Drift, DriftKind, OffDuty
from daemon.model.incident import Phase
from daemon.model.page_proof import PageVerdict, Unpaged
from daemon.storage.columns import constant
from daemon.storage.schema import DELIVERIES, DESTINATIONS, INCIDENTS, OF_THE_PROGRAM
from daemon.storage.two_way_schema import PAGE_PROOFS, TWO_WAY

_NOT_PAGED = PAGE_PROOFS.c.verdict == constant(PageVerdict.NOT_PAGED)


def any_to_say() -> ColumnElement[bool]:
    """Whether there may be any of it: two looks at what is empty where no API key is used."""
    looked = or_(TWO_WAY.c.drift != literal_column("'[]'"), TWO_WAY.c.duty_looked_at.is_not(None))
    return or_(exists().where(_NOT_PAGED), exists().where(looked))


def read(connection: Connection) -> dict[str, Any]:
    """The fields of the `Snapshot`."""
    looked_at = connection.execute(select(TWO_WAY.c.duty_looked_at)).scalar_one()
    off_duty = connection.execute(_off_duty()) if looked_at is not None else ()
    return {
        "unpaged": tuple(Unpaged(**row._mapping) for row in connection.execute(_unpaged())),
        "off_duty": tuple(OffDuty(row.name, row.off_duty_since, looked_at) for row in off_duty),
        "drift": tuple(one for one in recorded_drift(connection) if one.is_certain and _lasts(connection, one)),
    }


def recorded_drift(connection: Connection) -> Iterator[Drift]:
    """What the latest reconciliation found."""
    for recorded in connection.execute(select(TWO_WAY.c.drift)).scalar_one() or ():
        yield Drift.read(recorded)


@cache
def _unpaged() -> "Select[*tuple[Any, ...]]":
    return (
        select(
            INCIDENTS.c.id.label("incident_id"),
            DELIVERIES.c.destination.label("team"),
            PAGE_PROOFS.c.why,
            case((OF_THE_PROGRAM, True), else_=False).label("is_alarm"),
        )
        .select_from(PAGE_PROOFS)
        .join(INCIDENTS, INCIDENTS.c.id == PAGE_PROOFS.c.incident_id)
        .join(DELIVERIES, DELIVERIES.c.id == PAGE_PROOFS.c.delivery_id)
        .where(
            _NOT_PAGED,
            INCIDENTS.c.phase != constant(Phase.RESOLVED),
            INCIDENTS.c.generation == PAGE_PROOFS.c.generation,
        )
        # By the number as it is SQLite would look at every row, and not use the index of those that paged nobody.
        .order_by(PAGE_PROOFS.c.delivery_id + 0)
    )


@cache
def _off_duty() -> "Select[*tuple[Any, ...]]":
    since = DESTINATIONS.c.off_duty_since
    return (
        select(DESTINATIONS.c.name, since)
        .where(since.is_not(None), DESTINATIONS.c.configured)
        .order_by(since, DESTINATIONS.c.name)
    )


def _lasts(connection: Connection, one: Drift) -> bool:
    """Whether the incident is still as it was when that was found."""
    is_over = INCIDENTS.c.phase == constant(Phase.RESOLVED)
    same = is_over if one.kind is DriftKind.LEFT_OPEN else and_(~is_over, INCIDENTS.c.generation == one.generation)
    return bool(connection.execute(select(exists().where(INCIDENTS.c.id == one.incident_id, same))).scalar_one())
