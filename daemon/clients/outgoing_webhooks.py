"""Better Stack's outgoing webhooks, read with the token that reads incidents. A record that cannot be read is left out.

Where a webhook has its body is not documented: it may stand in the attributes, or under `included`.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from daemon.clients.betterstack_response import is_followed
from daemon.model.outgoing_webhook import OutgoingWebhook
from daemon.model.secret import Secret

PATH = "/api/v2/outgoing-webhooks"
PER_PAGE = 50
MOST_PAGES = 20
"""An account with more webhooks than that is none that this program has to do with."""
EVENTS = ("started", "acknowledged", "resolved", "reopened", "comment")
SHORTEST_SECRET = 4
"""Characters. Hiding a shorter text wherever it stands would hide everything."""
_TEMPLATE = "custom_webhook_template"

Ask = Callable[[str, Mapping[str, str]], Mapping[str, Any]]
"""Fetches one page of the list at a path. Raises `BetterStackError`."""


def outgoing_webhooks(ask: Ask) -> Iterator[OutgoingWebhook]:
    """All that the token may see, each once. Raises `BetterStackError`."""
    seen = set[str]()
    for number in range(1, MOST_PAGES + 1):
        document = ask(PATH, {"per_page": str(PER_PAGE), "page": str(number)})
        templates = _included(document.get("included"))
        found = [one for record in document["data"] if (one := _webhook(record, templates)) is not None]
        fresh = [one for one in found if one.id not in seen]
        seen |= {one.id for one in fresh}
        yield from fresh
        followed = is_followed(document)
        is_full = len(document["data"]) >= PER_PAGE
        if not fresh or not (is_full if followed is None else followed):
            return


def _included(records: object) -> dict[str, Mapping[str, Any]]:
    """The templates beside the records, by their ids."""
    held = [one for one in records if isinstance(one, dict)] if isinstance(records, list) else []
    return {str(one.get("id")): _object(one.get("attributes")) for one in held if one.get("type") == _TEMPLATE}


def _webhook(record: object, templates: Mapping[str, Mapping[str, Any]]) -> OutgoingWebhook | None:
    whole = _object(record)
    attributes = _object(whole.get("attributes"))
    url = attributes.get("url")
    if not isinstance(url, str):
        return None
    template = _template(attributes, whole, templates)
    body, password = template.get("body_template"), template.get("auth_password")
    host, *secrets = _parts(url)
    return OutgoingWebhook(
        id=_text(whole.get("id")),
        name=_text(attributes.get("name")),
        host=host,
        team_name=_text(attributes.get("team_name")),
        events=tuple(event for event in EVENTS if attributes.get(f"on_incident_{event}") is True),
        body=body if isinstance(body, str | dict) and body else None,
        secrets=tuple(Secret(text) for text in (*secrets, _text(password)) if len(text) >= SHORTEST_SECRET),
    )


def _template(
    attributes: Mapping[str, Any], record: Mapping[str, Any], templates: Mapping[str, Mapping[str, Any]]
) -> Mapping[str, Any]:
    given = attributes.get(f"{_TEMPLATE}_attributes")
    if isinstance(given, dict):
        return given
    link = _object(record.get("relationships"))
    for name in (_TEMPLATE, "data"):
        link = _object(link.get(name))
    return templates.get(_text(link.get("id")), {})


def _parts(url: str) -> list[str]:
    """The host, and what of the address may be a secret: what follows `webhook` in its path, the query, a password."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        return ["", url]
    return [host, parts.path.rpartition("/webhook/")[2].strip("/"), parts.query, parts.password or ""]


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
