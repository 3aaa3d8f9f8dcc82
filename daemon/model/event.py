"""The base class of events: values with fields, a level, and advice for the operator."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import cache
from typing import Any, ClassVar


class Level(StrEnum):
    """The severity of an event."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    """The program handles it by itself."""
    ERROR = "error"
    """A person must act."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. The docstring of each subclass says what."""

    event: ClassVar[str]
    """Its name in the log."""
    level: ClassVar[Level] = Level.INFO
    todo: ClassVar[str] = ""
    """What an operator should do; empty: nothing."""

    def text(self) -> str:
        """The log message."""
        return self.event

    def severity(self) -> Level:
        """The level of this event; a repetition is logged at debug level."""
        return Level.DEBUG if getattr(self, "repeated", False) else self.level

    def shown(self) -> dict[str, Any]:
        """The fields that the log shows: all that are set, except those in `HIDDEN`."""
        names, optional = _names(type(self))  # type: ignore[arg-type]  # a class can be hashed, whatever mypy thinks
        values = {name: getattr(self, name) for name in names}
        return {name: value for name, value in values.items() if value is not None or name not in optional}


HIDDEN = frozenset({"repeated", "sentence", "delay"})
"""Fields that the log does not show: they control its level or its sentence, or are for the metrics."""


@cache
def _names(kind: type[Any]) -> tuple[tuple[str, ...], frozenset[str]]:
    """The fields that the log shows, and those that may be left out."""
    shown = tuple(one.name for one in fields(kind) if one.name not in HIDDEN)
    return shown, frozenset(one.name for one in fields(kind) if one.default is None)


Listener = Callable[[Event], None]
"""Gets each event, in the thread where it happens, and does not block."""
