"""What an event is: a value with fields, a level, and what an operator should do about it."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, ClassVar


class Level(StrEnum):
    """How much an event is to be noticed."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    """The program deals with it by itself."""
    ERROR = "error"
    """It needs a person."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. The docstring of each kind says what."""

    event: ClassVar[str]
    """What the log calls it."""
    level: ClassVar[Level] = Level.INFO
    todo: ClassVar[str] = ""
    """What an operator should do; empty: nothing."""

    def text(self) -> str:
        """What the log says of this one."""
        return self.event

    def severity(self) -> Level:
        """The level of this one: what is only repeated is a detail."""
        return Level.DEBUG if getattr(self, "repeated", False) else self.level

    def shown(self) -> dict[str, Any]:
        """The fields as the log shows them: all that are known and do not only say how to show it."""
        names = [one.name for one in fields(self) if one.name not in HIDDEN]
        optional = {one.name for one in fields(self) if one.default is None}
        values = {name: getattr(self, name) for name in names}
        return {name: value for name, value in values.items() if value is not None or name not in optional}


HIDDEN = frozenset({"repeated", "sentence"})
"""Fields that say how an event is shown: at which level, or as which sentence."""
Listener = Callable[[Event], None]
"""Gets each event, in whichever thread it happens, and keeps nobody waiting."""
