"""What rules are compared with, as it was when a message was made."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self


@dataclass(frozen=True, slots=True)
class Subject:
    """Kept with each `new`, so that rules can hold it that came later."""

    facts: Mapping[str, list[str]] = field(default_factory=dict)
    """The values of the incident's fields, as `match` names them."""
    route: str = ""
    """The name of the route that chose the recipient; empty if none did."""
    flaps: bool = False
    """Whether what raised the incident opens again and again."""

    def written(self) -> str:
        """For the database: without fields that have no values. `asdict` takes longer than all else here."""
        given = {field: values for field, values in self.facts.items() if values}
        held = {"facts": given, "route": self.route, "flaps": self.flaps}
        return json.dumps(held, separators=(",", ":"))

    @classmethod
    def read(cls, text: str) -> Self:
        """From the database. Raises `ValueError` and `TypeError` for what is none."""
        kept = cls(**json.loads(text))
        if not isinstance(kept.facts, dict) or not all(isinstance(values, list) for values in kept.facts.values()):
            raise ValueError("facts are no lists by their fields")
        return kept
