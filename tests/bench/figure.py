"""What a case of the bench finds."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table."""

    what: str
    value: float
    unit: str = ""


Findings = Iterator[Figure | str]
"""The lines of a case; a text says why figures are missing."""
