"""A state in which every table has rows and every column a value, with what databases differ about."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Boolean, Column, Engine, Float, Integer, Table, insert, update

from daemon.model.delivery import DeliveryState
from daemon.model.incident import Kind, Phase
from daemon.model.monitor import MonitorKind
from daemon.model.page_proof import PageVerdict
from daemon.model.signl4 import AlertPhase
from daemon.storage.columns import Moment
from daemon.storage.create import ALWAYS_THERE
from daemon.storage.engine import transaction
from daemon.storage.schema import METADATA

TEXTS = (
    "plain", "a\0b", "\ufdd0", "\ufdd01\0\ufdd00", "line\nbreak", "\U0001f525 ünïcode", "%s ? :x {} '\"\\", " blank ",
    "É", "é", "Z", "a" * 5000, "e\u0301", "\u2028", "\x1b[31m", "\x7f",
)  # fmt: skip
"""Empty texts are at the end of each row's turn."""
# No number by itself: SQLite takes a column of the type JSON for one of numbers, and would round it.
VALUES: tuple[Any, ...] = (
    {"b": 1, "a": [True, None, 1.5e300, -0.0]},
    [],
    {},
    "text \0 \ud83d\udd25",
    False,
    {"\0": {"deep": [[[{}]]]}},
    [2**70],
)
NUMBERS = (1, 2, 2**31, 2**63 - 1, 7)
MOMENTS = (
    datetime(2026, 11, 23, 9, 30, tzinfo=UTC),
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(2026, 3, 29, 1, 30, 0, 1, tzinfo=UTC),
    datetime(1, 1, 2, tzinfo=UTC),
    datetime(9999, 12, 30, 23, 59, 59, 999999, tzinfo=UTC),
)
FLOATS = (0.1, -0.0, 1e300, 5e-324, 3.0)
ROWS = 12


def fill(engine: Engine, rows: int = ROWS) -> None:
    """Fills a database that was just made."""
    with transaction(engine, writes=True) as connection:
        for table in METADATA.sorted_tables:
            values = [_row(table, number) for number in range(1, rows + 1)]
            if table in ALWAYS_THERE and isinstance(next(iter(table.primary_key)).type, Integer):
                # A table of a single row.
                connection.execute(update(table).values({**values[0], next(iter(table.primary_key)).name: 1}))
            else:
                connection.execute(insert(table), values)
        # Rows that are no more: their numbers are given to no other.
        for name in ("page_proofs", "deliveries", "history", "monitor_changes"):
            table = METADATA.tables[name]
            number = next(iter(table.primary_key))
            connection.execute(table.delete().where(number == rows))


def _row(table: Table, number: int) -> dict[str, Any]:
    exact = _exact(table.name, number)
    return {column.key: exact[column.key] if column.key in exact else _value(column, number) for column in table.c}


def _value(column: Column[Any], number: int) -> Any:
    if column.foreign_keys:
        return _value(next(iter(column.foreign_keys)).column, number)
    if column.primary_key:
        return number if isinstance(column.type, Integer) else f"{TEXTS[number % len(TEXTS)]} {number}"
    if column.nullable and number % 4 == 0:
        return None
    turn = number + sum(map(ord, column.name))
    for kind, values in _OF_KIND.items():
        if isinstance(column.type, kind):
            return values[turn % len(values)]
    return ("", *TEXTS)[turn % (len(TEXTS) + 1)]


_OF_KIND: Mapping[type[Any], tuple[Any, ...]] = {
    JSON: VALUES, Moment: MOMENTS, Boolean: (True, False), Float: FLOATS, Integer: NUMBERS,
}  # fmt: skip


def _exact(table: str, number: int) -> dict[str, Any]:
    """What the constraints of the tables ask for."""

    def one_of(values: type[StrEnum]) -> StrEnum:
        return tuple(values)[number % len(values)]

    state, at = one_of(DeliveryState), MOMENTS[0] + timedelta(seconds=number)
    delivery: dict[str, Any] = {"kind": one_of(Kind), "state": state, "attempts": number, "generation": number}
    delivery["delivered_at"] = at if state is DeliveryState.DELIVERED else None
    monitor = {"kind": one_of(MonitorKind)}
    exact: dict[str, dict[str, Any]] = {
        "incidents": {"phase": one_of(Phase), "generation": number},
        "deliveries": delivery,
        "silences": {"starts_at": at, "ends_at": at + timedelta(hours=1)},
        "monitors": monitor,
        "monitor_changes": monitor,
        "alerts": {"phase": one_of(AlertPhase)},
        "progress": {"duty": None},
        "page_proofs": {"verdict": one_of(PageVerdict)},
    }
    return exact.get(table, {})
