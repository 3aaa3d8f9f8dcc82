"""The lists of SIGNL4's REST API and its refusals, against what is known of the real one."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from daemon.sandbox import mishaps
from daemon.sandbox.context import Context
from daemon.sandbox.people import team_id
from daemon.sandbox.server import Sandbox
from tests.sandbox.conftest import tell
from tests.sandbox.rest import LISTS, Rest
from tests.support.each import each

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
NOWHERE = {"nextPartitionKey": None, "nextRowKey": None, "nextTableName": None}
UNKNOWN = "2516068755505199999_7647c33f-f66d-495f-aeb2-b408fba66404"


@each("version", LISTS)
def test_an_alert_has_the_keys_that_programs_read(version: str) -> None:
    now = NOON
    with Sandbox(context=Context(now=lambda: now)) as sandbox:
        event_id = tell(sandbox, "7").json()["eventId"]
        now = NOON + timedelta(seconds=2)
        tell(sandbox, "7", "acknowledged")
        document = Rest(sandbox).page(version).json()
    [alert] = document.pop("results")
    assert document == {"hasMore": False, "continuationToken": NOWHERE if version == "v2" else None}
    assert (alert["eventId"], alert["externalId"], alert["title"]) == (event_id, "7", "Shop")
    assert (alert["status"], alert["teamId"]) == ({"statusCode": 2}, team_id("default"))
    assert alert["lastModified"] == alert["history"]["acknowledgedAt"] == "2026-11-23T12:00:02.000Z"
    assert (alert["history"]["created"], alert["history"]["closedAt"]) == ("2026-11-23T12:00:00.000Z", None)
    assert {"text", "severity", "requiredAcknowledgements", "categoryName", "subscriptionId"} <= alert.keys()


def test_no_match_is_204_in_v2_and_an_empty_page_in_v3(sandbox: Sandbox) -> None:
    answer = Rest(sandbox).page("v2")
    assert (answer.status_code, answer.content) == (204, b"")
    assert Rest(sandbox).page("v3").json() == {"results": [], "hasMore": False, "continuationToken": None}


def walked(rest: Rest, version: str, *, in_the_body: bool = False) -> list[list[str]]:
    """The external ids of each page."""
    pages: list[list[str]] = []
    body: dict[str, Any] = {}
    while True:
        document = rest.page(version, body, 2).json()
        pages.append([one["externalId"] for one in document["results"]])
        token = document["continuationToken"]
        if not document["hasMore"]:
            return pages
        assert isinstance(token, dict) == (version == "v2")
        body = token if in_the_body else {"continuationToken": token}


def test_a_walk_shows_every_alert_once_the_newest_first(sandbox: Sandbox) -> None:
    for number in range(5):
        tell(sandbox, str(number))
    expected, rest = [["4", "3"], ["2", "1"], ["0"]], Rest(sandbox)
    assert walked(rest, "v2") == walked(rest, "v2", in_the_body=True) == walked(rest, "v3") == expected


@each("version", LISTS)
def test_an_alert_that_changes_or_comes_during_a_walk_moves_no_page(version: str) -> None:
    codes = {"v2": "alertStatusCodes", "v3": "signlStatusCodes"}[version]
    with Sandbox() as sandbox:
        for number in range(4):
            tell(sandbox, str(number))
        token = Rest(sandbox).page(version, {codes: 1}, 2).json()["continuationToken"]
        tell(sandbox, "2", "resolved")
        tell(sandbox, "new")
        assert Rest(sandbox).ids(version, **{codes: 1, "continuationToken": token}) == ["1", "0"]


@each("version", LISTS)
def test_the_mishap_of_a_repeated_token_never_ends(version: str) -> None:
    with Sandbox() as sandbox:
        for number in range(3):
            tell(sandbox, str(number))
        sandbox.signl4.api_faults.arm(mishaps.repeated_token())
        first = Rest(sandbox).page(version, {}, 2).json()
        body = {"continuationToken": first["continuationToken"]}
        again = [Rest(sandbox).page(version, body, 2).json() for _ in range(2)]
    assert all(one["hasMore"] and one["continuationToken"] == first["continuationToken"] for one in again)


@pytest.fixture(scope="module")
def four() -> Any:
    """Alerts of four seconds: open, acknowledged, closed, and one of another team, open."""
    now = NOON
    with Sandbox(context=Context(now=lambda: now), api_limit=1000, teams=["night"]) as sandbox:
        for number, external_id in enumerate(("open", "acknowledged", "closed")):
            now = NOON + timedelta(seconds=number)
            tell(sandbox, external_id)
        now = NOON + timedelta(seconds=3)
        [night] = sandbox.signl4.teams
        body = {"Title": "Disk", "X-S4-ExternalID": "night"}
        httpx.post(f"{sandbox.signl4.url}/webhook/{night}", json=body, verify=False)
        now = NOON + timedelta(minutes=1)
        tell(sandbox, "acknowledged", "acknowledged")
        tell(sandbox, "closed", "resolved")
        yield sandbox


ALL = ["night", "closed", "acknowledged", "open"]


@each(
    ("filters", "found"),
    [
        ({}, {"v2": ALL, "v3": ALL}),
        ({"teamIds": [team_id("night")]}, {"v2": ["night"], "v3": ["night"]}),
        ({"teamIds": []}, {"v2": ALL, "v3": ALL}),
        ({"externalId": "closed"}, {"v2": ["closed"], "v3": ["closed"]}),
        ({"externalId": "none"}, {"v2": [], "v3": []}),
        ({"alertStatusCodes": 0}, {"v2": ALL}),
        ({"alertStatusCodes": 1}, {"v2": ["night", "open"], "v3": ALL}),
        ({"alertStatusCodes": 2}, {"v2": ["acknowledged"]}),
        ({"alertStatusCodes": 4}, {"v2": ["closed"]}),
        ({"alertStatusCodes": 8}, {"v2": []}),
        ({"signlStatusCodes": 3}, {"v2": ALL, "v3": ["night", "acknowledged", "open"]}),
        ({"minCreated": "2026-11-23T12:00:02Z"}, {"v2": ["night", "closed"], "v3": ["night", "closed"]}),
        ({"maxCreated": "2026-11-23T12:00:01.000Z"}, {"v2": ["acknowledged", "open"], "v3": ["acknowledged", "open"]}),
        ({"modifiedSince": "2026-11-23T12:00:30Z"}, {"v2": ["closed", "acknowledged"], "v3": ALL}),
        ({"textToSearch": "dis"}, {"v2": ["night"], "v3": ALL}),
        ({"showPersonalHiddenCategories": True}, {"v2": ALL, "v3": ALL}),
        ({"externalID": "closed"}, {"v2": ALL, "v3": ALL}),
        ({"modified_since": "2026-11-23T12:00:30Z"}, {"v2": ALL, "v3": ALL}),
        ({"externalId": "closed", "teamIds": [team_id("night")]}, {"v2": [], "v3": []}),
    ],
)
def test_filters_are_obeyed_and_those_that_the_version_does_not_know_ignored(
    four: Sandbox, filters: dict[str, Any], found: dict[str, list[str]]
) -> None:
    for version, ids in found.items():
        assert Rest(four).ids(version, **filters) == ids


@each(
    ("query", "body", "version"),
    [
        ("maxResults=0", {}, "v2"),
        ("maxResults=101", {}, "v3"),
        ("maxResults=all", {}, "v2"),
        ("", [], "v2"),
        ("", "text", "v3"),
        ("", {"teamIds": "one"}, "v2"),
        ("", {"teamIds": [1]}, "v3"),
        ("", {"externalId": 7}, "v2"),
        ("", {"modifiedSince": "noon"}, "v2"),
        ("", {"alertStatusCodes": "1"}, "v2"),
        ("", {"continuationToken": UNKNOWN}, "v3"),
        ("", {"continuationToken": {"nextPartitionKey": "x", "nextRowKey": UNKNOWN}}, "v2"),
        ("", {"nextPartitionKey": "alerts", "nextRowKey": UNKNOWN}, "v2"),
        ("", {"nextPartitionKey": "alerts"}, "v2"),
    ],
)
def test_what_cannot_be_read_is_a_400_with_the_error_object(four: Sandbox, query: str, body: Any, version: str) -> None:
    answer = Rest(four).post(f"{LISTS[version]}?{query}", body)
    assert answer.status_code == 400
    assert set(answer.json()) == {"code", "message", "details", "errors", "requestId"}


def test_a_wrong_key_is_a_401_and_a_key_for_reading_cannot_write(four: Sandbox) -> None:
    reader, [alert, *_] = Rest(four, four.signl4.api.read_only_key), four.signl4.alerts
    for key in ("", "wrong", four.signl4.secret):
        assert (Rest(four, key).page("v2").status_code, Rest(four, key).get("/api/v2/users").status_code) == (401, 401)
    assert [reader.page("v2").status_code, reader.page("v3").status_code] == [200, 200]
    assert reader.get("/api/v2/users").status_code == 200
    assert reader.post(f"/api/v2/alerts/{alert.alert_id}/acknowledge", {}).status_code == 403


def test_an_old_tenant_has_no_v3(sandbox: Sandbox) -> None:
    tell(sandbox)
    sandbox.signl4.api.v3 = False
    assert (Rest(sandbox).page("v3").status_code, Rest(sandbox).page("v2").status_code) == (404, 200)
    assert Rest(sandbox, "wrong").page("v3").status_code == 404


@each("path", ["/api/v1/alerts", "/api/v3/users", "/api/v3/events/1", "/api/v2/alerts", "/api/v2/signls/paged"])
def test_other_routes_are_404_without_a_body(four: Sandbox, path: str) -> None:
    for answer in (Rest(four).get(path), Rest(four).post(path)):
        assert (answer.status_code, answer.content) == (404, b"")


def test_calls_have_a_limit_of_their_own() -> None:
    now = NOON
    with Sandbox(context=Context(now=lambda: now), api_limit=2, event_limit=2) as sandbox:
        answers = [Rest(sandbox, key).get("/api/v2/teams") for key in (None, "wrong", None)]
        assert [one.status_code for one in answers] == [200, 401, 429]
        assert [one.headers["X-RateLimit-Remaining"] for one in answers] == ["1", "0", "0"]
        assert tell(sandbox).status_code == 201
        now += timedelta(seconds=15)
        assert Rest(sandbox).get("/api/v2/teams").status_code == 200
        assert [tell(sandbox).status_code for _ in range(2)] == [201, 201]


def test_a_fault_hits_one_side_alone(sandbox: Sandbox) -> None:
    sandbox.signl4.api_faults.arm(mishaps.status(401))
    assert (Rest(sandbox).page("v3").status_code, tell(sandbox).status_code) == (401, 201)
    sandbox.signl4.api_faults.clear()
    sandbox.signl4.faults.arm(mishaps.status(503))
    assert (Rest(sandbox).page("v3").status_code, tell(sandbox).status_code) == (200, 503)


def test_bodies_of_the_rest_side_are_not_kept(sandbox: Sandbox) -> None:
    tell(sandbox)
    Rest(sandbox).page("v3")
    bodies = [one.answer.body if one.answer else b"" for one in sandbox.signl4.requests]
    assert [bool(body) for body in bodies] == [True, False]
