"""What all records of Better Stack's API have in common: an id, attributes, and times. Pure."""

import re
from datetime import UTC, datetime
from typing import Any

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def parts_of(record: object, what: str) -> tuple[str, dict[str, Any], object]:
    """The id, which fits into a path, the attributes, at least one, and its relationships. Raises `ValueError`.

    `what`: what the record describes, for the sentence of the error.
    """
    if not isinstance(record, dict):
        raise ValueError("it is no object")
    given = record.get("id")
    record_id = identifier(given)
    if not _ID.fullmatch(record_id):
        # Any other type may be nested to any depth, so only its type is shown.
        raise ValueError(f"its id is {record_id[:40] or type(given).__name__!r}")
    attributes = record.get("attributes")
    if not isinstance(attributes, dict) or not attributes:
        raise ValueError(f"{what} {record_id} has no attributes")
    return record_id, attributes, record.get("relationships")


def identifier(value: object) -> str:
    """An id, which may come as a number; empty if it is neither that nor a text."""
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def time_of(value: object) -> datetime | None:
    """An ISO 8601 time, in UTC; `None` if it cannot be read."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        return None if moment is None else moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
