"""SIGNL4 in miniature, against what is known of the real one."""

import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from daemon.sandbox.context import Context
from daemon.sandbox.history import AlertState
from daemon.sandbox.server import Sandbox
from daemon.sandbox.throttle import Throttle

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
GUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def webhook(sandbox: Sandbox) -> str:
    return f"{sandbox.signl4.url}/webhook/{sandbox.signl4.secret}"


def tell(sandbox: Sandbox, external_id: str, status: str, title: str = "Shop") -> httpx.Response:
    payload = {"Title": title, "X-S4-ExternalID": external_id, "X-S4-Status": status}
    return httpx.post(webhook(sandbox), json=payload, verify=False)


def test_an_event_is_accepted_with_an_id_and_the_limits(sandbox: Sandbox) -> None:
    before = datetime.now(UTC).timestamp()
    response = tell(sandbox, "1", "new")
    assert (response.status_code, response.reason_phrase) == (201, "Created")
    assert response.headers["Content-Type"] == "application/json; charset=utf-8"
    assert (response.headers["X-RateLimit-Limit"], response.headers["X-RateLimit-Remaining"]) == ("150", "149")
    assert 14 <= int(response.headers["X-RateLimit-Reset"]) - before <= 17
    assert list(response.json()) == ["eventId"]
    assert re.fullmatch(rf"\d{{19}}_{GUID}", response.json()["eventId"])


def test_event_ids_count_down(sandbox: Sandbox) -> None:
    ids = [tell(sandbox, "1", "new").json()["eventId"] for _ in range(3)]
    assert sorted(ids, reverse=True) == ids


def test_an_event_is_stored_as_it_came(sandbox: Sandbox) -> None:
    event_id = tell(sandbox, "1", "new").json()["eventId"]
    [event] = sandbox.signl4.events
    assert event.event_id == event_id
    assert event.payload == {"Title": "Shop", "X-S4-ExternalID": "1", "X-S4-Status": "new"}
    assert (event.external_id, event.kind, event.title) == ("1", "new", "Shop")


@pytest.mark.parametrize(
    ("payload", "title", "kind", "external_id"),
    [
        ({"Title": "a", "Subject": "b"}, "b", "new", ""),
        ({"Incident": "a", "Cause": "b"}, "a", "new", ""),
        ({"x-s4-subject": "a", "X-S4-STATUS": "Resolved"}, "a", "resolved", ""),
        ({"title": "", "task": "a", "X-S4-ExternalId": "7"}, "a", "new", "7"),
        ({"Title": {"deep": 1}, "X-S4-Status": None}, "", "new", ""),
        ({}, "", "new", ""),
    ],
)
def test_keys_are_read_in_any_spelling(
    sandbox: Sandbox, payload: object, title: str, kind: str, external_id: str
) -> None:
    assert httpx.post(webhook(sandbox), json=payload, verify=False).status_code == 201
    [event] = sandbox.signl4.events
    assert (event.title, event.kind, event.external_id) == (title, kind, external_id)


@pytest.mark.parametrize(
    ("told", "states"),
    [
        (["new"], ["open"]),
        (["new", "acknowledged"], ["acknowledged"]),
        (["new", "resolved"], ["closed"]),
        (["new", "acknowledged", "resolved"], ["closed"]),
        (["new", "resolved", "acknowledged"], ["closed"]),
        (["acknowledged", "resolved"], []),
        (["resolved", "new"], ["open"]),
        (["new", "new", "resolved"], ["closed", "closed"]),
        (["new", "resolved", "new"], ["closed", "open"]),
        (["new", "something"], ["open"]),
    ],
)
def test_events_act_on_the_alerts_of_their_external_id(sandbox: Sandbox, told: list[str], states: list[str]) -> None:
    tell(sandbox, "other", "new")
    for status in told:
        assert tell(sandbox, "1", status).status_code == 201
    mine = [alert.state for alert in sandbox.signl4.alerts if alert.external_id == "1"]
    assert mine == [AlertState(state) for state in states]
    [other] = [alert for alert in sandbox.signl4.alerts if alert.external_id == "other"]
    assert (other.state, other.title) == (AlertState.OPEN, "Shop")


def test_without_an_external_id_nothing_can_be_closed(sandbox: Sandbox) -> None:
    tell(sandbox, "", "new")
    tell(sandbox, "", "resolved")
    assert [alert.state for alert in sandbox.signl4.alerts] == [AlertState.OPEN]


def test_a_wrong_secret_is_quoted_back(sandbox: Sandbox) -> None:
    response = httpx.post(f"{sandbox.signl4.url}/webhook/wrong", json={"Title": "Shop"}, verify=False)
    document = response.json()
    assert response.status_code == 404
    assert re.fullmatch(GUID, document.pop("requestId"))
    assert document == {
        "code": 3004,
        "details": "An event source with ID wrong was not found.",
        "message": "Error raising event.",
    }
    assert sandbox.signl4.events == ()
    assert "X-RateLimit-Limit" in response.headers


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"text"', b"\xff"])
def test_a_body_that_is_no_json_object_is_refused(sandbox: Sandbox, body: bytes) -> None:
    response = httpx.post(webhook(sandbox), content=body, verify=False)
    assert response.status_code == 400
    assert set(response.json()) == {"code", "message", "details", "errors", "requestId"}
    assert set(response.json()["errors"][0]) == {"message", "details"}
    assert sandbox.signl4.events == ()


@pytest.mark.parametrize(("method", "path"), [("GET", "/webhook/96sbq49u"), ("POST", "/"), ("POST", "/webhook/a/b")])
def test_anything_else_is_a_404_without_a_code(sandbox: Sandbox, method: str, path: str) -> None:
    response = httpx.request(method, f"{sandbox.signl4.url}{path}", verify=False)
    assert (response.status_code, response.content) == (404, b"")


def test_beyond_the_limit_events_are_refused_and_not_stored() -> None:
    with Sandbox(event_limit=2) as sandbox:
        answers = [tell(sandbox, "1", "new") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [201, 201, 429, 429]
        assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["1", "0", "0", "0"]
        assert len(sandbox.signl4.events) == 2


def test_faulty_requests_have_a_limit_of_their_own() -> None:
    with Sandbox(faulty_limit=2) as sandbox:
        url = f"{sandbox.signl4.url}/webhook/wrong"
        assert [httpx.post(url, json={}, verify=False).status_code for _ in range(3)] == [404, 404, 429]
        assert httpx.post(webhook(sandbox), content=b"{", verify=False).status_code == 429
        assert tell(sandbox, "1", "new").status_code == 201


def test_the_limit_of_faulty_requests_is_ten_unless_it_is_lifted(sandbox: Sandbox) -> None:
    answers = [httpx.post(f"{sandbox.signl4.url}/webhook/wrong", verify=False).status_code for _ in range(11)]
    assert answers == [404] * 10 + [429]
    with Sandbox(faulty_limit=None) as free:
        assert [httpx.post(f"{free.signl4.url}/webhook/wrong", verify=False).status_code for _ in range(11)] == [
            404
        ] * 11


def test_the_wait_ends_with_the_window() -> None:
    now = NOON
    with Sandbox(context=Context(now=lambda: now), event_limit=1) as sandbox:
        assert tell(sandbox, "1", "new").status_code == 201
        refused = tell(sandbox, "1", "new")
        assert refused.status_code == 429
        now = datetime.fromtimestamp(int(refused.headers["X-RateLimit-Reset"]), UTC)
        assert tell(sandbox, "1", "new").status_code == 201


def test_a_window_begins_with_its_first_request_and_silence_with_the_first_beyond_the_limit() -> None:
    throttle, second = Throttle(2, timedelta(seconds=15)), timedelta(seconds=1)
    assert [throttle.spend(NOON + n * second).granted for n in (0, 14, 14.9)] == [True, True, False]
    assert not throttle.spend(NOON + 20 * second).granted
    assert not throttle.spend(NOON + 29.8 * second).granted
    assert throttle.spend(NOON + 29.9 * second).granted


def test_looking_at_the_limit_spends_nothing() -> None:
    throttle = Throttle(2, timedelta(seconds=15))
    assert [throttle.look(NOON).remaining for _ in range(3)] == [2, 2, 2]
    assert throttle.spend(NOON).remaining == 1
    assert throttle.look(NOON).remaining == 1


def test_requests_are_logged_with_their_answers(sandbox: Sandbox) -> None:
    tell(sandbox, "1", "new")
    httpx.post(f"{sandbox.signl4.url}/webhook/wrong", verify=False)
    assert [(one.method, one.path, one.status) for one in sandbox.signl4.requests] == [
        ("POST", "/webhook/96sbq49u", 201),
        ("POST", "/webhook/wrong", 404),
    ]
    assert (sandbox.signl4.requests[0].request.external_id, sandbox.signl4.requests[0].request.kind) == ("1", "new")
