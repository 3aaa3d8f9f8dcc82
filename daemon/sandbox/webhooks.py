"""Simulates Better Stack's list of outgoing webhooks, with a body in each of the places where one was seen."""

from collections.abc import Mapping
from enum import Enum, auto
from typing import Any

from daemon.sandbox.documents import page
from daemon.sandbox.parameters import place_of

WEBHOOKS = "/api/v2/outgoing-webhooks"
DEFAULT_PER_PAGE, MOST_PER_PAGE = 50, 250
EVENTS = ("started", "acknowledged", "resolved", "reopened", "comment")
AUTH_PASSWORD = "sandbox-auth-password"  # noqa: S105 - opens nothing


class Place(Enum):
    """Where the answer has the body of a webhook."""

    ATTRIBUTES = auto()
    INCLUDED = auto()


class OutgoingWebhooks:
    """The outgoing webhooks of an account; what they would send is nothing that a poller sees."""

    def __init__(self) -> None:
        self._records: list[dict[str, Any]] = []
        self._included: dict[str, dict[str, Any]] = {}

    def add(
        self,
        name: str | None,
        url: str,
        *events: str,
        body: str | Mapping[str, Any] | None = None,
        place: Place = Place.ATTRIBUTES,
        team_name: str = "Operations",
        trigger_type: str = "incident_change",
    ) -> str:
        """Adds one that tells of these events; returns its id. Without a body it sends Better Stack's own."""
        webhook_id = str(501 + len(self._records))
        template = None if body is None else {"id": f"9{webhook_id}", **_template(body)}
        switches = {f"on_incident_{event}": event in events for event in EVENTS}
        attributes: dict[str, Any] = {
            "name": name,
            "url": url,
            "team_name": team_name,
            "trigger_type": trigger_type,
            **switches,
        }
        attributes |= {"notify_alongside_primary_responder": True, "custom_webhook_template_attributes": template}
        record: dict[str, Any] = {"id": webhook_id, "type": "outgoing_webhook", "attributes": attributes}
        if template is not None and place is Place.INCLUDED:
            link = {"id": template.pop("id"), "type": "custom_webhook_template"}
            attributes["custom_webhook_template_attributes"] = None
            record["relationships"] = {"custom_webhook_template": {"data": link}}
            self._included[webhook_id] = {**link, "attributes": template}
        self._records.append(record)
        return webhook_id

    def page(self, query: Mapping[str, str]) -> dict[str, Any]:
        """One page of the list. Raises `RefusedError`."""
        number, per_page = place_of(query, DEFAULT_PER_PAGE, MOST_PER_PAGE)
        here = self._records[(number - 1) * per_page : number * per_page]
        document = page(WEBHOOKS, here, number, max(1, -(-len(self._records) // per_page)))
        included = [self._included[one["id"]] for one in here if one["id"] in self._included]
        return {**document, "included": included} if included else document


def _template(body: str | Mapping[str, Any]) -> dict[str, Any]:
    return {
        "http_method": "post",
        "auth_username": "betterstack",
        "auth_password": AUTH_PASSWORD,
        "headers_template": [],
        "body_template": body,
    }
