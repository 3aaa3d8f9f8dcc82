"""The listings of incidents and deliveries, however many there are.

1. Which rows belong to a listing, and their order, is decided at once: a row is in it exactly once.
2. The rows themselves are read in batches of short transactions. However long somebody looks at a listing, no
   transaction keeps the write-ahead log from being checkpointed.
3. Memory holds a batch, and eight bytes for each row.
"""

from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Row,
    Select,
    bindparam,
    func,
    or_,
    select,
)

from daemon.model.delivery import Alert, DeliveryState
from daemon.model.incident import Kind
from daemon.storage.columns import constant
from daemon.storage.engine import transaction
from daemon.storage.parts import as_they_come
from daemon.storage.row_number import ROW_NUMBER
from daemon.storage.schema import DELIVERIES, INCIDENTS, OPEN

BATCH = 200
_ALERT = DELIVERIES.alias("alert")
_TOLD = DELIVERIES.alias("told_of")


class Listing:
    """The rows of a listing. Each time it is read, it raises `DatabaseBusyError` if the database cannot be."""

    def __init__(
        self,
        engine: Engine,
        keys: Sequence[int],
        left_out: int,
        query: "Select[*tuple[Any, ...]]",
        value: Callable[[Row[Any]], dict[str, Any]],
    ) -> None:
        """`keys`: those of the rows, newest first. `query` reads the rows with some `keys`, labelled `key`."""
        self._engine = engine
        self._keys = keys
        self.left_out = left_out
        """How many older rows the limit left out."""
        self._query = query
        self._value = value

    def __len__(self) -> int:
        return len(self._keys)

    def newest_first(self) -> Iterator[dict[str, Any]]:
        """The rows; one that is pruned meanwhile is left out."""
        return self._read(self._keys)

    def newest_last(self) -> Iterator[dict[str, Any]]:
        """The same in the other order."""
        return self._read(self._keys[::-1])

    def _read(self, keys: Sequence[int]) -> Iterator[dict[str, Any]]:
        for start in range(0, len(keys), BATCH):
            batch = list(keys[start : start + BATCH])
            with transaction(self._engine, writes=False) as connection:
                found = {row.key: row for row in connection.execute(self._query, {"keys": batch})}
            yield from (self._value(found[key]) for key in batch if key in found)


def incidents(
    engine: Engine,
    *,
    open_only: bool = False,
    incident_id: str | None = None,
    named: Callable[[str], bool] | None = None,
    since: datetime | None = None,
    limit: int = 0,
) -> Listing:
    """The recorded incidents without own alarms, by their latest change, each with its `alert`, the `new` of its
    generation. `since`: that changed since then. `limit`: at most so many, 0: all. Raises `DatabaseBusyError`.
    """
    which = [OPEN if open_only else ~INCIDENTS.c.is_alarm]
    if incident_id is not None:
        which.append(INCIDENTS.c.id == incident_id)
    if since is not None:
        which.append(INCIDENTS.c.changed_at >= since)
    query = select(ROW_NUMBER).where(*which).order_by(INCIDENTS.c.changed_at.desc(), INCIDENTS.c.id.desc())
    with transaction(engine, writes=False) as connection:
        if named is None:
            keys, left_out = _keys(connection, query, limit)
        else:
            found = as_they_come(connection, query.add_columns(INCIDENTS.c.name))
            keys = array("q", (key for key, name in found if named(name)))
            keys, left_out = (keys[:limit], max(len(keys) - limit, 0)) if limit else (keys, 0)
    return Listing(engine, keys, left_out, _incident_rows(), _incident)


def deliveries(
    engine: Engine,
    *,
    state: DeliveryState | None = None,
    incident_id: str | None = None,
    since: datetime | None = None,
    limit: int = 0,
) -> Listing:
    """The outbox, each delivery with the name of its incident. `since`: that were created or tried since then.

    `limit`: at most so many, 0: all. Raises `DatabaseBusyError`.
    """
    which: list[ColumnElement[bool]] = []
    if state is not None:
        which.append(DELIVERIES.c.state == state)
    if incident_id is not None:
        which.append(DELIVERIES.c.incident_id == incident_id)
    if since is not None:
        which.append(or_(DELIVERIES.c.created_at >= since, DELIVERIES.c.attempted_at >= since))
    query = select(DELIVERIES.c.id).where(*which).order_by(DELIVERIES.c.id.desc())
    with transaction(engine, writes=False) as connection:
        keys, left_out = _keys(connection, query, limit)
    return Listing(engine, keys, left_out, _delivery_rows(), _delivery)


def _keys(connection: Connection, query: "Select[*tuple[int]]", limit: int) -> tuple["array[int]", int]:
    """The keys that the query finds, at most `limit` (0: all), and how many more there are."""
    keys = array("q", as_they_come(connection, query.limit(limit or None)).scalars())
    if not limit or len(keys) < limit:
        return keys, 0
    every = select(func.count()).select_from(query.order_by(None).subquery())
    return keys, connection.execute(every).scalar_one() - len(keys)


@cache
def _incident_rows() -> "Select[*tuple[Any, ...]]":
    of_alert = [_ALERT.c[field.name].label(f"alert_{field.name}") for field in fields(Alert)]
    # Of several teams that were told: one that SIGNL4 accepted, else the first.
    told = (
        select(_TOLD.c.id)
        .where(
            _TOLD.c.incident_id == INCIDENTS.c.id,
            _TOLD.c.generation == INCIDENTS.c.generation,
            _TOLD.c.kind == constant(Kind.NEW),
        )
        .order_by((_TOLD.c.state == constant(DeliveryState.DELIVERED)).desc(), _TOLD.c.id)
        .limit(1)
        .scalar_subquery()
    )
    query = select(ROW_NUMBER.label("key"), *INCIDENTS.c, *of_alert).select_from(INCIDENTS)
    query = query.outerjoin(_ALERT, _ALERT.c.id == told)
    return query.where(ROW_NUMBER.in_(bindparam("keys", expanding=True)))


@cache
def _delivery_rows() -> "Select[*tuple[Any, ...]]":
    query = select(DELIVERIES.c.id.label("key"), *DELIVERIES.c, INCIDENTS.c.name.label("incident_name"))
    return query.outerjoin(INCIDENTS).where(DELIVERIES.c.id.in_(bindparam("keys", expanding=True)))


def _incident(row: Row[Any]) -> dict[str, Any]:
    values = {column.name: row._mapping[column.name] for column in INCIDENTS.c}
    if row.alert_state is None:
        return {**values, "alert": None}
    state = DeliveryState(row.alert_state)
    return {**values, "alert": Alert(state, *(getattr(row, f"alert_{field.name}") for field in fields(Alert)[1:]))}


def _delivery(row: Row[Any]) -> dict[str, Any]:
    return {name: value for name, value in row._mapping.items() if name != "key"}
