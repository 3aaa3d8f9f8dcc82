"""The list of outgoing webhooks, against what is known of the real one."""

from typing import Any

import httpx

from daemon.sandbox.server import Sandbox
from daemon.sandbox.webhooks import Place

LIST = "/api/v2/outgoing-webhooks"
URL = "https://connect.signl4.com/webhook/wr0ngs3cret"


def test_it_is_empty_at_first_and_has_no_other_route(client: httpx.Client) -> None:
    assert client.get(LIST).json() == {
        "data": [],
        "pagination": {
            "first": f"https://incidents.betterstack.com{LIST}?page=1",
            "last": f"https://incidents.betterstack.com{LIST}?page=1",
            "prev": None,
            "next": None,
        },
    }
    assert client.get(f"{LIST}/501").status_code == 404
    assert client.post(LIST, json={}).status_code == 404


def test_it_needs_the_token(sandbox: Sandbox) -> None:
    assert httpx.get(f"{sandbox.betterstack.url}{LIST}", verify=False).status_code == 401


def test_a_record_has_the_documented_attributes(sandbox: Sandbox, client: httpx.Client) -> None:
    sandbox.betterstack.webhooks.add("To SIGNL4", URL, "started", "resolved", body='{"Title": $NAME}')
    [record] = client.get(LIST).json()["data"]
    attributes: dict[str, Any] = record["attributes"]
    switches = {key: value for key, value in attributes.items() if key.startswith("on_incident_")}
    assert switches == {
        "on_incident_started": True,
        "on_incident_acknowledged": False,
        "on_incident_resolved": True,
        "on_incident_reopened": False,
        "on_incident_comment": False,
    }
    template = attributes["custom_webhook_template_attributes"]
    assert template["body_template"] == '{"Title": $NAME}'
    assert {"http_method", "auth_username", "auth_password", "headers_template"} <= template.keys()


def test_a_body_is_null_in_the_attributes_or_beside_the_records(sandbox: Sandbox, client: httpx.Client) -> None:
    add = sandbox.betterstack.webhooks.add
    add("none", URL, "started")
    add("inside", URL, "started", body={"Title": "$NAME"}, place=Place.ATTRIBUTES)
    add("beside", URL, "started", body="text", place=Place.INCLUDED)
    document = client.get(LIST).json()
    held = [one["attributes"]["custom_webhook_template_attributes"] for one in document["data"]]
    assert [template and template["body_template"] for template in held] == [None, {"Title": "$NAME"}, None]
    link = document["data"][2]["relationships"]["custom_webhook_template"]["data"]
    [beside] = document["included"]
    assert (beside["id"], beside["type"]) == (link["id"], link["type"])
    assert beside["attributes"]["body_template"] == "text"


def test_a_page_holds_fifty_or_up_to_250(sandbox: Sandbox, client: httpx.Client) -> None:
    for number in range(260):
        sandbox.betterstack.webhooks.add(f"{number}", URL, body="x", place=Place.INCLUDED)
    for query, count, included in (("", 50, 50), ("per_page=1000", 250, 250), ("per_page=250&page=2", 10, 10)):
        document = client.get(f"{LIST}?{query}").json()
        assert (len(document["data"]), len(document["included"])) == (count, included)
    assert document["pagination"]["next"] is None
    assert client.get(f"{LIST}?page=0").status_code == 422
