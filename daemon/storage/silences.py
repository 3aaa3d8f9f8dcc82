"""The silences: what `silence` writes and lists, and what the daemon asks.

Each verb that takes an engine is one transaction, and raises `DatabaseBusyError` if it fails.
"""

from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Select, bindparam, delete, func, insert, select, update

from daemon.model.history import Happening
from daemon.model.silence import Silence, Stage
from daemon.storage import delivery_rows as rows
from daemon.storage import history_rows
from daemon.storage.columns import Moment
from daemon.storage.engine import transaction
from daemon.storage.schema import DELIVERIES, SILENCES

_NOW = bindparam("now", type_=Moment)
_EVERY = select(*(SILENCES.c[field.name] for field in fields(Silence)))
_LATER, _NOT_EXPIRED = SILENCES.c.ends_at > _NOW, SILENCES.c.expired_at.is_(None)
# The daemon asks for these often, so the statement is built once; an order by id alone would not use the index.
_ENDED_AFTER = _EVERY.where(_LATER).order_by(SILENCES.c.ends_at, SILENCES.c.id)
_IN_FORCE = _ENDED_AFTER.where(_NOT_EXPIRED, SILENCES.c.starts_at <= _NOW)
_HELD = select(DELIVERIES.c.held_because, func.count()).where(rows.HELD).group_by(DELIVERIES.c.held_because)

_HELD_BY = select(DELIVERIES.c.id, DELIVERIES.c.incident_id, DELIVERIES.c.generation).where(
    rows.HELD, DELIVERIES.c.held_because == bindparam("why")
)


def add(engine: Engine, silence: Silence) -> int:
    """Records a new silence; returns its id."""
    values = {name: value for name, value in asdict(silence).items() if name != "id"}
    with transaction(engine, writes=True) as connection:
        return int(connection.execute(insert(SILENCES).returning(SILENCES.c.id), values).scalar_one())


def in_force(connection: Connection, now: datetime) -> list[Silence]:
    """The silences in force; the first to end is the first."""
    return _read(connection, _IN_FORCE, now)


def ended_after(connection: Connection, moment: datetime) -> list[Silence]:
    """Those in force, to come, and over since then; the first to end is the first."""
    return _read(connection, _ENDED_AFTER, moment)


def count_in_force(engine: Engine, now: datetime) -> int:
    """How many silences are in force."""
    with transaction(engine, writes=False) as connection:
        return len(in_force(connection, now))


def every(engine: Engine, now: datetime, *, over: bool) -> list[tuple[Silence, int]]:
    """The silences in force and to come, oldest first, each with how many messages it holds.

    `over`: with those that are over.
    """
    query = (_EVERY if over else _EVERY.where(_LATER, _NOT_EXPIRED)).order_by(SILENCES.c.id)
    with transaction(engine, writes=False) as connection:
        held: dict[str, int] = dict(connection.execute(_HELD).all())
        return [(silence, held.get(silence.reason, 0)) for silence in _read(connection, query, now)]


def expire(engine: Engine, silence_id: int, now: datetime) -> Silence | None:
    """Ends a silence now; what it held is looked at again. Returns it as it was before; `None`: there is none.

    One that is over stays as it is.
    """
    this = SILENCES.c.id == silence_id
    if not 0 < silence_id < 2**63:
        return None
    with transaction(engine, writes=True) as connection:
        found = _read(connection, _EVERY.where(this), now)
        if not found:
            return None
        if found[0].stage(now) in {Stage.TO_COME, Stage.IN_FORCE}:
            connection.execute(update(SILENCES).where(this).values(expired_at=now))
            held = connection.execute(_HELD_BY, {"why": found[0].reason}).all()
            why = Happening.RELEASED, f"silence {silence_id} was made to expire", now
            history_rows.add(connection, [history_rows.of(row, *why) for row in held])
            rows.release_held(connection, now)
        return found[0]


def prune(connection: Connection, before: datetime) -> None:
    """Deletes what was over before then."""
    connection.execute(delete(SILENCES).where(SILENCES.c.ends_at < before))


def _read(connection: Connection, query: "Select[*tuple[Any, ...]]", now: datetime) -> list[Silence]:
    return [Silence(**{**row._mapping, "match": _table(row.match)}) for row in connection.execute(query, {"now": now})]


def _table(kept: object) -> dict[str, Any]:
    """The match; one that is damaged is none that anything meets."""
    return kept if isinstance(kept, dict) else {"damaged": True}
