"""Values of one database as the other one takes them: the same, or a sentence about the one that it cannot hold.

SQLite takes any value in any column, and its driver reads 7 as a truth and a half-written time as none. So values of a
file are read as they are, and checked here.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, Column, DateTime, Float, Integer, String
from sqlalchemy.types import TypeEngine

from daemon.storage.columns import Moment


def written_as(column: Column[Any]) -> TypeEngine[Any]:
    """The type under which a value is copied: a time without its zone, and JSON as the text that it is."""
    if isinstance(column.type, Moment):
        return DateTime()
    return String() if isinstance(column.type, JSON) else column.type


def check_of(column: Column[Any]) -> Callable[[Any], Any]:
    """What makes of a value that SQLite gives the one that is written. Raises `ValueError` with what belongs there."""
    return next(check for kind, check in _CHECKS.items() if isinstance(column.type, kind))


def is_misfit(column: Column[Any], value: Any) -> bool:
    """Whether PostgreSQL refuses the value: its texts lack NUL, and JSON is copied without the spelling of `TEXT`."""
    return isinstance(column.type, JSON) and isinstance(value, str) and "\0" in value


def _truth(value: Any) -> bool:
    if type(value) is int and value in {0, 1}:
        return bool(value)
    raise ValueError("0 or 1")


def _number(value: Any) -> int:
    if type(value) is int:
        return value
    raise ValueError("a whole number")


def _float(value: Any) -> float:
    if type(value) in {int, float}:
        return float(value)
    raise ValueError("a number")


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise ValueError("a text")


def _moment(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(_text(value))
    except ValueError:
        moment = None
    if moment is None or moment.isoformat(" ", "microseconds") != value:
        raise ValueError("a time like 2026-11-23 09:30:00.000000")
    return moment


_CHECKS: Mapping[type[TypeEngine[Any]], Callable[[Any], Any]] = {
    Moment: _moment,
    Boolean: _truth,
    Integer: _number,
    Float: _float,
    JSON: _text,
    String: _text,
}
