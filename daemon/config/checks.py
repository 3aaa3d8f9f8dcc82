"""Checks as annotations of a type: `validate` has pydantic carry them out, which is not imported before.

A check raises `ValueError` with a sentence that lacks its subject, the key: what is wrong, and how to fix it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from daemon.model.secret import Secret


@dataclass(frozen=True, slots=True)
class Before:
    """What a value is made into before its type is checked."""

    make: Callable[[Any], Any]

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Any]) -> Any:
        """Pydantic's own interface for an annotation of others."""
        from pydantic_core import core_schema  # noqa: PLC0415 - see above: only where it is used

        return core_schema.no_info_before_validator_function(self.make, handler(source))


@dataclass(frozen=True, slots=True)
class After:
    """What a value is made into once its type is right."""

    make: Callable[[Any], Any]

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Any]) -> Any:
        """As above. A secret is checked as text, and then hidden."""
        from pydantic_core import core_schema  # noqa: PLC0415 - see above: only where it is used

        inner = core_schema.str_schema() if source is Secret else handler(source)
        make = (lambda text: Secret(self.make(text))) if source is Secret else self.make
        return core_schema.no_info_after_validator_function(make, inner)


def between(least: Any, most: Any, spelled: str = "") -> After:
    """Bounds, inclusive. `spelled`: as they are written in the configuration, if not as they are printed."""

    def check(value: Any) -> Any:
        if not least <= value <= most:
            raise ValueError(f"is out of range; take {spelled or f'{least} to {most}'}")
        return value

    return After(check)
