"""The parameters of a request to Better Stack: which incidents a list shows, and what a change says."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from daemon.model.incident import Phase
from daemon.sandbox.exchange import Request, json_answer
from daemon.sandbox.record import Record

DEFAULT_PER_PAGE, MOST_PER_PAGE = 10, 50
BAD_DATES = (
    "The data range is invalid. The date format could not be parsed, the start time is in the future, "
    "or the end time is after the start time."
)
_SOURCES = ("monitor", "heartbeat")
_METADATA = re.compile(r"metadata\[(.+?)\]\[\]\[value\]")


class RefusedError(Exception):
    """The error that answers a request."""

    def __init__(self, status: int, errors: object) -> None:
        """`errors`: what Better Stack says under that key."""
        super().__init__(status)
        self.answer = json_answer(status, {"errors": errors})


def place_of(query: Mapping[str, str], default: int = DEFAULT_PER_PAGE, most: int = MOST_PER_PAGE) -> tuple[int, int]:
    """The number of the page, and how many records it has at most. Raises `RefusedError`."""
    return _count(query, "page", 1), min(_count(query, "per_page", default), most)


def wanted(query: Mapping[str, str], today: date) -> Callable[[Record], bool]:
    """The filter of a list. Raises `RefusedError`."""
    resolved, acknowledged = _truth(query, "resolved"), _truth(query, "acknowledged")
    since, until = _day(query, "from"), _day(query, "to")
    if (since and since > today) or (since and until and since > until):
        raise RefusedError(400, BAD_DATES)
    metadata = {key[1]: value for name, value in query.items() if (key := _METADATA.fullmatch(name))}

    def is_wanted(record: Record) -> bool:
        started = date.fromisoformat(record.attributes["started_at"][:10])
        kind, source_id = record.source
        return (
            resolved in {None, record.phase is Phase.RESOLVED}
            and acknowledged in {None, record.attributes["acknowledged_at"] is not None}
            and (since is None or since <= started)
            and (until is None or started <= until)
            and query.get("team_name", record.team_name) == record.team_name
            and all(query.get(f"{one}_id") in {None, source_id if one == kind else ""} for one in _SOURCES)
            and all(value in _values(record, key) for key, value in metadata.items())
        )

    return is_wanted


def said_by(request: Request, key: str) -> str | None:
    """Who makes a change. Raises `RefusedError`."""
    return _text(_object(request, key), key)


def opening(request: Request) -> dict[str, Any]:
    """The arguments of `World.open`, from the body of a request for a new incident. Raises `RefusedError`."""
    given = _object(request, "summary")
    summary, requester = _text(given, "summary"), _text(given, "requester_email")
    if not summary or not requester:
        raise RefusedError(422, {"base": [f"{'requester_email' if summary else 'summary'} is invalid."]})
    return {"name": _text(given, "name") or summary, "cause": summary, "url": None, "metadata": _metadata(given)}


def _metadata(given: Mapping[str, Any]) -> dict[str, list[Mapping[str, Any]]]:
    """Typed values under each key; a plain text becomes one."""
    metadata = given.get("metadata") or {}
    if not isinstance(metadata, dict):
        raise RefusedError(422, {"base": ["metadata is invalid."]})
    lists = {key: value if isinstance(value, list) else [value] for key, value in metadata.items()}
    return {key: [_typed(value) for value in values] for key, values in lists.items()}


def _typed(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {"type": "String", "value": str(value)}


def _object(request: Request, key: str) -> Mapping[str, Any]:
    """The body; where it is no JSON object, the key that is needed of it is blamed."""
    if request.body and not request.payload and request.body.strip() != b"{}":
        raise RefusedError(422, {"base": [f"{key} is invalid."]})
    return request.payload


def _text(given: Mapping[str, Any], key: str) -> str | None:
    text = given.get(key)
    if not isinstance(text, str | None):
        raise RefusedError(422, {"base": [f"{key} is invalid."]})
    return text


def _values(record: Record, key: str) -> list[str]:
    return [entry.get("value") for entry in record.attributes.get("metadata", {}).get(key, [])]


def _truth(query: Mapping[str, str], name: str) -> bool | None:
    match query.get(name):
        case None:
            return None
        case "true" | "false" as text:
            return text == "true"
        case _:
            raise RefusedError(422, {"base": [f"{name} is invalid."]})


def _count(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not re.fullmatch(r"[1-9]\d{0,8}", text):
        raise RefusedError(422, {"base": [f"{name} is invalid."]})
    return int(text)


def _day(query: Mapping[str, str], name: str) -> date | None:
    text = query.get(name)
    if text is None:
        return None
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        raise RefusedError(400, BAD_DATES)
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise RefusedError(400, BAD_DATES) from None
