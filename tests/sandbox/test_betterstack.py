"""Better Stack in miniature, against what is known of the real one."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from daemon.model.incident import Phase
from daemon.sandbox.context import Context
from daemon.sandbox.server import Sandbox
from tests.sandbox.conftest import client_of

TOKEN_HELP = (
    "Invalid Team API token. How to find your Team API token: "
    "https://betterstack.com/docs/uptime/api/getting-started-with-uptime-api/#get-an-uptime-api-token"
)
RANGE_HELP = (
    "The data range is invalid. The date format could not be parsed, the start time is in the future, "
    "or the end time is after the start time."
)
LIST = "/api/v3/incidents"
RECORD_KEYS = {
    *("name", "url", "http_method", "cause", "incident_group_id", "started_at", "acknowledged_at", "acknowledged_by"),
    *("resolved_at", "resolved_by", "status", "team_name", "response_content", "response_options", "regions"),
    *("response_url", "screenshot_url", "origin_url", "escalation_policy_id", "call", "sms", "email", "push"),
    *("critical_alert", "metadata"),
}


def ids(client: httpx.Client, query: str = "") -> list[str]:
    response = client.get(f"{LIST}?{query}")
    assert response.status_code == 200, response.text
    return [record["id"] for record in response.json()["data"]]


def test_a_page_has_the_documented_shape(sandbox: Sandbox, client: httpx.Client) -> None:
    metadata = {"Response code": [{"type": "String", "value": "503"}]}
    incident_id = sandbox.world.open("Shop", url="https://shop.example.com/", metadata=metadata)
    response = client.get(LIST)
    document = response.json()
    [record] = document["data"]
    assert response.headers["Content-Type"] == "application/json; charset=utf-8"
    assert set(document) == {"data", "pagination"}
    assert set(document["pagination"]) == {"first", "last", "prev", "next"}
    assert (record["id"], record["type"]) == (incident_id, "incident")
    assert record["relationships"] == {"monitor": {"data": {"id": "2345678", "type": "monitor"}}}
    assert set(record["attributes"]) == RECORD_KEYS
    assert record["attributes"]["metadata"] == metadata


def test_an_empty_list_is_a_page(client: httpx.Client) -> None:
    document = client.get(LIST).json()
    assert document["data"] == []
    assert document["pagination"]["next"] is None


def test_pages_are_ten_long_newest_first_and_name_another_host(sandbox: Sandbox, client: httpx.Client) -> None:
    opened = [sandbox.world.open(f"incident {number}") for number in range(23)]
    pages = [client.get(f"{LIST}?page={number}").json() for number in (1, 2, 3, 4)]
    assert [[record["id"] for record in page["data"]] for page in pages] == [
        opened[:12:-1],
        opened[12:2:-1],
        opened[2::-1],
        [],
    ]
    other = "https://incidents.betterstack.com/api/v3/incidents"
    assert pages[1]["pagination"] == {
        "first": f"{other}?page=1",
        "last": f"{other}?page=3",
        "prev": f"{other}?page=1",
        "next": f"{other}?page=3",
    }
    assert pages[0]["pagination"]["prev"] is None
    assert [page["pagination"]["next"] is None for page in pages] == [False, False, True, True]


@pytest.mark.parametrize(("asked", "got"), [(1, 1), (50, 50), (51, 50), (1000, 50)])
def test_a_page_holds_as_many_as_asked_for_up_to_fifty(
    sandbox: Sandbox, client: httpx.Client, asked: int, got: int
) -> None:
    for number in range(60):
        sandbox.world.open(f"incident {number}")
    assert len(ids(client, f"per_page={asked}")) == got


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", "suaro"),
        ("resolved=false", "suao"),
        ("resolved=true", "r"),
        ("acknowledged=true", "a"),
        ("acknowledged=false", "suro"),
        ("resolved=false&acknowledged=false", "suo"),
        ("from=2026-11-23", "suar"),
        ("to=2026-11-22", "o"),
        ("from=2026-11-01&to=2026-11-01", "o"),
        ("team_name=Operations", "suao"),
        ("team_name=Payments", "r"),
        ("metadata[Response code][][value]=503", "s"),
        ("metadata[Response code][][value]=500", ""),
        ("metadata[Owner][][value]=503", ""),
    ],
)
def test_the_list_is_filtered_as_asked(query: str, found: str) -> None:
    """The letters stand for a started, an unconfirmed, an acknowledged, a resolved and an old incident."""
    with Sandbox(context=Context(now=lambda: datetime(2026, 11, 23, 12, tzinfo=UTC))) as sandbox:
        open_one, now = sandbox.world.open, datetime(2026, 11, 23, 1, tzinfo=UTC)
        letters = {
            open_one("s", metadata={"Response code": [{"type": "String", "value": "503"}]}, started_at=now): "s",
            open_one("u", status="Unconfirmed", started_at=now): "u",
            open_one("a", status="Acknowledged", started_at=now): "a",
            open_one("r", status="Resolved", started_at=now, team_name="Payments"): "r",
            open_one("o", started_at=datetime(2026, 11, 1, 23, 59, tzinfo=UTC)): "o",
        }
        with client_of(sandbox) as client:
            assert sorted(letters[incident_id] for incident_id in ids(client, query)) == sorted(found)


def test_a_single_record_brings_its_source(sandbox: Sandbox, client: httpx.Client) -> None:
    monitor, heartbeat = sandbox.world.open("Shop"), sandbox.world.open("Nightly backup", url=None)
    for incident_id, kind in ((monitor, "monitor"), (heartbeat, "heartbeat")):
        document = client.get(f"{LIST}/{incident_id}").json()
        assert set(document) == {"data", "included"}
        assert document["data"]["id"] == incident_id
        more = {"ssl_certificate_expires_at", "domain_expires_at", "slack_channels"}
        assert set(document["data"]["attributes"]) == RECORD_KEYS | more
        [source] = document["included"]
        assert source["type"] == kind
        assert {"data": {"id": source["id"], "type": kind}} == document["data"]["relationships"][kind]


@pytest.mark.parametrize(
    ("method", "target", "status", "body"),
    [
        ("GET", f"{LIST}/42", 404, {"errors": "Resource with provided ID was not found"}),
        ("POST", f"{LIST}/42/acknowledge", 404, {"errors": "Resource with provided ID was not found"}),
        ("GET", f"{LIST}?from=yesterday", 400, {"errors": RANGE_HELP}),
        ("GET", f"{LIST}?from=2026-13-01", 400, {"errors": RANGE_HELP}),
        ("GET", f"{LIST}?from=20261101", 400, {"errors": RANGE_HELP}),
        ("GET", f"{LIST}?from=2999-01-01", 400, {"errors": RANGE_HELP}),
        ("GET", f"{LIST}?from=2026-11-02&to=2026-11-01", 400, {"errors": RANGE_HELP}),
        ("GET", f"{LIST}?resolved=False", 422, {"errors": {"base": ["resolved is invalid."]}}),
        ("GET", f"{LIST}?page=0", 422, {"errors": {"base": ["page is invalid."]}}),
        ("GET", f"{LIST}?per_page=all", 422, {"errors": {"base": ["per_page is invalid."]}}),
    ],
)
def test_what_cannot_be_answered_is_refused_in_better_stacks_words(
    client: httpx.Client, method: str, target: str, status: int, body: object
) -> None:
    response = client.request(method, target)
    assert (response.status_code, response.json()) == (status, body)


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "sandbox-token"}])
def test_a_missing_or_wrong_token_is_told_the_same_way(sandbox: Sandbox, headers: dict[str, str]) -> None:
    response = httpx.get(f"{sandbox.betterstack.url}{LIST}/42?page=0", headers=headers, verify=False)
    assert (response.status_code, response.json()) == (401, {"errors": TOKEN_HELP})


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v9/incidents"),
        ("GET", "/"),
        ("GET", f"{LIST}/42/postmortem"),
        ("PUT", LIST),
        ("PATCH", f"{LIST}/42"),
        ("OPTIONS", LIST),
        ("GET", "/api/v2/dragons"),
    ],
)
def test_an_unknown_route_is_told_before_the_token_is_looked_at(sandbox: Sandbox, method: str, path: str) -> None:
    response = httpx.request(method, f"{sandbox.betterstack.url}{path}", verify=False)
    assert response.status_code == 404
    assert response.json() == {
        "errors": f"Endpoint {method} {path} does not exist.",
        "see_docs": "https://betterstack.com/docs/uptime/api/getting-started-with-uptime-api/",
    }


def test_an_acknowledgement_from_outside_is_answered_with_the_incident(sandbox: Sandbox, client: httpx.Client) -> None:
    incident_id = sandbox.world.open("Shop")
    response = client.post(f"{LIST}/{incident_id}/acknowledge", json={"acknowledged_by": "jane@example.com"})
    attributes = response.json()["data"]["attributes"]
    assert response.status_code == 200
    assert (attributes["status"], attributes["acknowledged_by"]) == ("Acknowledged", "jane@example.com")
    assert sandbox.world.record(incident_id).phase is Phase.ACKNOWLEDGED


def test_a_resolve_from_outside_is_answered_without_a_status(sandbox: Sandbox, client: httpx.Client) -> None:
    incident_id = sandbox.world.open("Shop")
    response = client.post(f"{LIST}/{incident_id}/resolve")
    attributes = response.json()["data"]["attributes"]
    assert response.status_code == 200
    assert "status" not in attributes
    assert attributes["resolved_at"] is not None
    assert sandbox.world.record(incident_id).phase is Phase.RESOLVED


@pytest.mark.parametrize(
    ("done", "verb", "text"),
    [
        ("acknowledge", "acknowledge", "Incident was already acknowledged"),
        ("resolve", "resolve", "Incident was already resolved"),
        ("resolve", "acknowledge", "Incident was already resolved"),
    ],
)
def test_whoever_comes_late_gets_409(sandbox: Sandbox, client: httpx.Client, done: str, verb: str, text: str) -> None:
    incident_id = sandbox.world.open("Shop")
    client.post(f"{LIST}/{incident_id}/{done}")
    response = client.post(f"{LIST}/{incident_id}/{verb}")
    assert (response.status_code, response.json()) == (409, {"errors": text})


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"acknowledged_by": 7}'])
def test_a_name_that_is_none_is_refused(sandbox: Sandbox, client: httpx.Client, body: bytes) -> None:
    incident_id = sandbox.world.open("Shop")
    response = client.post(f"{LIST}/{incident_id}/acknowledge", content=body)
    assert (response.status_code, response.json()) == (422, {"errors": {"base": ["acknowledged_by is invalid."]}})
    assert sandbox.world.record(incident_id).phase is Phase.OPEN


def test_requests_are_logged_with_their_answers(sandbox: Sandbox, client: httpx.Client) -> None:
    before = datetime.now(UTC)
    client.get(f"{LIST}?resolved=false&page=1")
    client.get(f"{LIST}/42")
    first, second = sandbox.betterstack.requests
    assert (first.method, first.path, first.status) == ("GET", LIST, 200)
    assert first.query == {"resolved": "false", "page": "1"}
    assert timedelta(0) <= first.at - before < timedelta(seconds=5)
    assert (second.path, second.status) == (f"{LIST}/42", 404)
    # Pages of a long run would fill the memory.
    assert first.answer is not None
    assert (first.answer.body, first.answer.shows) == (b"", ())


def shown(sandbox: Sandbox) -> set[tuple[str, int, Phase]]:
    return {(one.incident_id, one.generation, one.phase) for one in sandbox.world.showings}


def test_what_a_client_has_read_is_known(sandbox: Sandbox, client: httpx.Client) -> None:
    first, second = sandbox.world.open("Shop"), sandbox.world.open("API")
    client.get(f"{LIST}?per_page=1")
    sandbox.wait_for(lambda: shown(sandbox) == {(second, 1, Phase.OPEN)}, what="the showing of the second")
    sandbox.world.resolve(first)
    sandbox.world.reopen(first, keep_times=True)
    client.get(f"{LIST}/{first}")
    both = {(second, 1, Phase.OPEN), (first, 2, Phase.OPEN)}
    sandbox.wait_for(lambda: shown(sandbox) == both, what="the showing of the first")


def test_an_error_shows_nothing(sandbox: Sandbox, client: httpx.Client) -> None:
    incident_id = sandbox.world.open("Shop")
    client.get(f"{LIST}?page=0")
    client.get(f"{LIST}?resolved=true")
    client.get(f"{LIST}/{incident_id}")
    sandbox.wait_for(lambda: shown(sandbox), what="the showing")
    assert len(sandbox.world.showings) == 1


def test_the_answer_is_compact_unicode(sandbox: Sandbox, client: httpx.Client) -> None:
    incident_id = sandbox.world.open("Müller & Söhne 🔥")
    body: Any = json.loads(client.get(f"{LIST}/{incident_id}").content.decode("utf-8"))
    assert body["data"]["attributes"]["name"] == "Müller & Söhne 🔥"
