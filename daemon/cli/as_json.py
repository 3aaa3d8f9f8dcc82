"""Output for programs: times in ISO 8601, and only ASCII, which any pipe can encode."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice

BATCH = 200
"""Rows that are written at once."""


def spelled(value: object) -> str:
    """The value as JSON, indented by two spaces."""
    return json.dumps(value, indent=2, default=_spelled)


def array(rows: Iterable[object]) -> Iterator[str]:
    """The parts of an array of these rows, as `spelled` would write it. Holds no more than a batch of them."""
    remaining = iter(rows)
    separator = "["
    while batch := list(islice(remaining, BATCH)):
        inner = ",".join(f"\n{spelled(row)}" for row in batch)
        yield separator + inner.replace("\n", "\n  ")
        separator = ","
    yield "[]" if separator == "[" else "\n]"


def _spelled(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
