"""The JSON of Better Stack's answers: an incident, its source, its timeline, and the pages of a list."""

from collections.abc import Iterable, Sequence
from typing import Any

from daemon.sandbox.history import Happening
from daemon.sandbox.record import Record, spelled_time

OTHER_HOST = "https://incidents.betterstack.com"
ONLY_ALONE: dict[str, Any] = {"ssl_certificate_expires_at": None, "domain_expires_at": None, "slack_channels": []}
"""What a single record has and a list lacks."""


def incident(record: Record) -> dict[str, Any]:
    """The incident, as a list and most answers hold it."""
    kind, source_id = record.source
    relationships = {kind: {"data": {"id": source_id, "type": kind}}} if kind else {}
    return {
        "id": record.id,
        "type": "incident",
        "attributes": dict(record.attributes),
        "relationships": relationships,
    }


def incident_alone(record: Record, source: dict[str, Any] | None) -> dict[str, Any]:
    """The answer to a lookup: the incident with more attributes, and the record of its source if that is there."""
    data = incident(record)
    included = [] if source is None else [source]
    return {"data": {**data, "attributes": {**data["attributes"], **ONLY_ALONE}}, "included": included}


def timeline(history: Iterable[Happening]) -> dict[str, Any]:
    """What happened to one incident, the newest first."""
    items = [_item(number, one) for number, one in enumerate(history, 1)]
    return {"data": items[::-1]}


def _item(number: int, one: Happening) -> dict[str, Any]:
    content = f"{one.by or 'Better Stack'}: {one.act}"
    attributes = {
        "item_type": "generic_card",
        "at": spelled_time(one.at),
        "data": {"title": one.act, "content": content},
    }
    return {"id": f"{one.incident_id}-{number}", "type": "timeline_item", "attributes": attributes}


def page(path: str, data: Sequence[dict[str, Any]], number: int, pages: int) -> dict[str, Any]:
    """One page of the list at this path. Its URLs name another host, as the real ones do."""

    def url(place: int) -> str:
        return f"{OTHER_HOST}{path}?page={place}"

    pagination = {
        "first": url(1),
        "last": url(pages),
        "prev": url(number - 1) if number > 1 else None,
        "next": url(number + 1) if number < pages else None,
    }
    return {"data": [*data], "pagination": pagination}
