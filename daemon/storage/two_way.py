"""How far the looks at SIGNL4 have come, and the figures of this flow.

Each method is one short transaction. It raises `DatabaseBusyError` if it fails, and then has changed nothing.
"""

from dataclasses import fields
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Engine, ScalarSelect, Select, func, select, update

from daemon.model.destination import BETTER_STACK
from daemon.model.two_way import TwoWay, TwoWayState
from daemon.storage import delivery_rows as rows
from daemon.storage.columns import moment
from daemon.storage.engine import transaction
from daemon.storage.schema import DELIVERIES, DESTINATIONS
from daemon.storage.two_way_schema import TWO_WAY

WORKS = {"last_error": None, "failing_since": None, "key_refused_since": None}
"""Column values while SIGNL4 can be read."""
USED = TWO_WAY.c.last_look_at.is_not(None) | TWO_WAY.c.failing_since.is_not(None)
"""SIGNL4 was ever looked at, or cannot be."""
_OURS = DELIVERIES.c.destination == BETTER_STACK


class TwoWayProgress:
    """Called by the thread of the job `two-way`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def read(self) -> TwoWayState:
        """What is recorded."""
        columns = [TWO_WAY.c[field.name] for field in fields(TwoWayState)]
        with transaction(self._engine, writes=False) as connection:
            return TwoWayState(*connection.execute(select(*columns)).one())

    def failure(self) -> tuple[str, bool] | None:
        """Why SIGNL4 cannot be read, and whether it refuses the key; `None`: it can be read."""
        state = self.read()
        return None if state.last_error is None else (state.last_error, state.key_refused_since is not None)

    def looked(self, read_until: datetime, now: datetime) -> None:
        """SIGNL4's alerts were read up to then, by its clock."""
        self._write(read_until=read_until, last_look_at=now)

    def works(self) -> None:
        """SIGNL4 can be read."""
        self._write(**WORKS)

    def failed(self, why: str, now: datetime, *, key_refused: bool = False) -> None:
        """SIGNL4 cannot be read."""
        since = func.coalesce(TWO_WAY.c.failing_since, moment(now))
        refused_since = func.coalesce(TWO_WAY.c.key_refused_since, moment(now)) if key_refused else None
        self._write(last_error=why, failing_since=since, key_refused_since=refused_since)

    def _write(self, **values: Any) -> None:
        with transaction(self._engine, writes=True) as connection:
            connection.execute(update(TWO_WAY).values(values))


def forget(connection: Connection) -> None:
    """There is no API key any more: what it told is no state of the present."""
    told = [column.name for column in TWO_WAY.c if column.name not in {"id", "drift"}]
    connection.execute(update(TWO_WAY).values({**dict.fromkeys(told), "drift": []}))
    off_duty = DESTINATIONS.c.off_duty_since
    connection.execute(update(DESTINATIONS).where(off_duty.is_not(None)).values({off_duty: None}))


def restart(connection: Connection, now: datetime) -> None:
    """Durations begin anew: the clock was set."""
    connection.execute(update(TWO_WAY).where(TWO_WAY.c.failing_since.is_not(None)).values(failing_since=now))


def figures(connection: Connection) -> TwoWay:
    """Of this flow; all other figures leave out what is written back."""
    return TwoWay(**connection.execute(_figures()).one()._mapping)


@cache
def _figures() -> "Select[*tuple[Any, ...]]":
    state = [TWO_WAY.c[name] for name in ("last_look_at", "last_error", "failing_since", "key_refused_since")]
    refused = DESTINATIONS.c.secret_refused_since
    of_writing: dict[str, ScalarSelect[Any]] = {
        "pending_write_backs": select(func.count()).where(rows.PENDING, _OURS).scalar_subquery(),
        "dead_write_backs": select(func.count()).where(rows.DEAD, _OURS).scalar_subquery(),
        "oldest_write_back_at": select(func.min(DELIVERIES.c.created_at)).where(rows.PENDING, _OURS).scalar_subquery(),
        "refused_since": _of_destination(refused),
        "refused_because": _of_destination(DESTINATIONS.c.why),
    }
    return select(*state, *(figure.label(name) for name, figure in of_writing.items()))


def _of_destination(column: Any) -> ScalarSelect[Any]:
    is_refused = DESTINATIONS.c.secret_refused_since.is_not(None)
    ours = [DESTINATIONS.c.name == BETTER_STACK, DESTINATIONS.c.configured, is_refused]
    return select(column).where(*ours).scalar_subquery()
