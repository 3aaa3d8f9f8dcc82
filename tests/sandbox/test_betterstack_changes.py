"""What a client can do to incidents through Better Stack's own API, besides reading them."""

from typing import Any

import httpx
import pytest

from daemon.model.incident import Phase
from daemon.sandbox.server import Sandbox
from tests.support.each import each

LIST = "/api/v3/incidents"
MISSING = {"errors": "Resource with provided ID was not found"}
NEW = {"summary": "Disk full", "requester_email": "jane@example.com"}


def phase(sandbox: Sandbox, incident_id: str) -> Phase:
    return sandbox.world.record(incident_id).phase


@pytest.mark.parametrize("version", ["v2", "v3"])
def test_an_incident_is_opened_acknowledged_resolved_reopened_and_deleted(
    sandbox: Sandbox, client: httpx.Client, version: str
) -> None:
    incidents = f"/api/{version}/incidents"
    opened = client.post(incidents, json={**NEW, "name": "db-2"})
    incident_id = opened.json()["data"]["id"]
    assert opened.status_code == 201
    assert (opened.json()["data"]["attributes"]["name"], opened.json()["data"]["attributes"]["cause"]) == (
        "db-2",
        "Disk full",
    )
    for verb, now in (("acknowledge", Phase.ACKNOWLEDGED), ("resolve", Phase.RESOLVED), ("reopen", Phase.OPEN)):
        answer = client.post(f"{incidents}/{incident_id}/{verb}", json={})
        assert (answer.status_code, answer.json()["data"]["id"]) == (200, incident_id), verb
        assert phase(sandbox, incident_id) is now
    assert client.get(f"{incidents}/{incident_id}/").json()["data"]["attributes"]["reopened_at"]
    deleted = client.delete(f"{incidents}/{incident_id}")
    assert (deleted.status_code, deleted.content, deleted.headers.get("Content-Length")) == (204, b"", None)
    assert client.get(f"{incidents}/{incident_id}").json() == MISSING


def test_an_incident_is_named_by_its_summary_if_it_has_no_name(client: httpx.Client) -> None:
    metadata = {"Owner": "Jane", "Code": [{"type": "String", "value": "503"}], "Shelf": 7}
    attributes = client.post(LIST, json={**NEW, "metadata": metadata}).json()["data"]["attributes"]
    assert attributes["name"] == "Disk full"
    assert [attributes["metadata"][key][0]["value"] for key in metadata] == ["Jane", "503", "7"]
    [found] = client.get(f"{LIST}?metadata[Shelf][][value]=7").json()["data"]
    assert found["attributes"]["name"] == "Disk full"


@each(
    ("body", "blamed"),
    [
        (b"", "summary"),
        (b"{", "summary"),
        (b"[]", "summary"),
        (b"[" * 100_000, "summary"),
        (b'{"summary": 7, "requester_email": "jane@example.com"}', "summary"),
        (b'{"summary": "Disk full"}', "requester_email"),
        (b'{"summary": "Disk full", "requester_email": "j@example.com", "name": []}', "name"),
        (b'{"summary": "Disk full", "requester_email": "j@example.com", "metadata": "x"}', "metadata"),
    ],
)
def test_an_incident_that_cannot_be_opened_is_refused_by_the_key(
    sandbox: Sandbox, client: httpx.Client, body: bytes, blamed: str
) -> None:
    answer = client.post(LIST, content=body)
    assert (answer.status_code, answer.json()) == (422, {"errors": {"base": [f"{blamed} is invalid."]}})
    assert sandbox.world.records == ()


@each(
    ("verb", "body", "of_open", "of_resolved"),
    [
        ("acknowledge", {}, None, "Incident was already resolved"),
        ("resolve", {}, None, "Incident was already resolved"),
        ("reopen", {}, "Incident is not resolved", None),
        ("escalate", {"escalation_type": "Team"}, None, "Cannot escalate a resolved incident."),
    ],
)
def test_a_change_that_the_incident_does_not_allow_is_a_conflict(
    sandbox: Sandbox, client: httpx.Client, verb: str, body: Any, of_open: str | None, of_resolved: str | None
) -> None:
    for resolved, error in ((False, of_open), (True, of_resolved)):
        incident_id = sandbox.world.open("Shop")
        if resolved:
            sandbox.world.resolve(incident_id)
        answer = client.post(f"{LIST}/{incident_id}/{verb}", json=body)
        assert answer.status_code == (409 if error else 200)
        assert answer.json().get("errors") == error


@each(
    ("method", "rest"),
    [
        *(("POST", f"/42/{verb}") for verb in ("acknowledge", "resolve", "reopen", "escalate")),
        ("DELETE", "/42"),
        ("GET", "/42/timeline"),
    ],
)
def test_an_incident_that_is_not_there_can_neither_be_changed_nor_read(
    client: httpx.Client, method: str, rest: str
) -> None:
    answer = client.request(method, f"{LIST}{rest}")
    assert (answer.status_code, answer.json()) == (404, MISSING)


def test_the_timeline_has_the_documented_shape_the_newest_first(sandbox: Sandbox, client: httpx.Client) -> None:
    incident_id = sandbox.world.open("Shop")
    sandbox.world.acknowledge(incident_id, "Jane")
    newest, oldest = client.get(f"{LIST}/{incident_id}/timeline").json()["data"]
    assert set(newest) == {"id", "type", "attributes"}
    assert set(newest["attributes"]) == {"item_type", "at", "data"}
    assert newest["attributes"]["data"]["content"] == "Jane: acknowledged"
    assert oldest["attributes"]["data"]["title"] == "opened"


@each(("query", "names"), [("monitor_id=2345678", ["Shop"]), ("heartbeat_id=77", ["Backup"]), ("monitor_id=1", [])])
def test_the_list_is_filtered_by_the_source(query: str, names: list[str]) -> None:
    with Sandbox() as sandbox:
        sandbox.world.open("Shop")
        sandbox.world.open("Backup", url=None)
        headers = {"Authorization": f"Bearer {sandbox.betterstack.token}"}
        answer = httpx.get(f"{sandbox.betterstack.url}{LIST}?{query}", headers=headers, verify=False)
        assert [record["attributes"]["name"] for record in answer.json()["data"]] == names


def test_sources_can_be_read_and_what_else_better_stack_has_is_an_empty_list(client: httpx.Client) -> None:
    for name, source_id in (("monitors", "2345678"), ("heartbeats", "77")):
        listed = client.get(f"/api/v2/{name}").json()
        assert [one["id"] for one in listed["data"]] == [source_id]
        assert client.get(f"/api/v2/{name}/{source_id}").json()["data"]["type"] == name.removesuffix("s")
    assert client.get("/api/v2/monitors?page=2").json()["data"] == []
    assert client.get("/api/v3/policies").json()["data"] == []
    assert client.get("/api/v2/status-pages/1").json() == MISSING


def test_a_head_is_answered_like_a_get_without_a_body(sandbox: Sandbox, client: httpx.Client) -> None:
    sandbox.world.open("Shop")
    head, get = client.head(LIST), client.get(LIST)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == get.headers["Content-Length"]


@each(("method", "path"), [("POST", ""), ("POST", "/{}/acknowledge"), ("POST", "/{}/resolve"), ("DELETE", "/{}")])
def test_a_read_only_token_reads_and_changes_nothing(method: str, path: str) -> None:
    with Sandbox() as sandbox, httpx.Client(base_url=sandbox.betterstack.url, verify=False) as reader:
        reader.headers["Authorization"] = f"Bearer {sandbox.betterstack.read_only_token}"
        incident_id = sandbox.world.open("Shop")
        assert len(reader.get(LIST).json()["data"]) == 1
        assert reader.get(f"{LIST}/{incident_id}").status_code == 200
        answer = reader.request(method, f"{LIST}{path.format(incident_id)}", json=NEW if method == "POST" else None)
        assert (answer.status_code, answer.json()) == (403, {"errors": "The token may only read."})
        assert [one.phase for one in sandbox.world.records] == [Phase.OPEN]
