"""The ways in which the sandbox can fail on purpose, and the sandbox itself."""

import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from daemon.sandbox import mishaps
from daemon.sandbox.context import Context
from daemon.sandbox.exchange import Request
from daemon.sandbox.faults import Cut, Drip, Fault, Hang, Instead, Part
from daemon.sandbox.server import Sandbox
from tests.sandbox.conftest import tell
from tests.support.slowness import SLOWNESS

LIST = "/api/v3/incidents"


STATUSES = [301, 302, 400, 401, 403, 404, 408, 413, 415, 422, 425, 429, 500, 502, 503, 504]


@pytest.mark.parametrize("status", STATUSES)
def test_any_status_can_be_answered_in_place_of_the_service(sandbox: Sandbox, status: int) -> None:
    sandbox.signl4.faults.arm(mishaps.status(status, b"<html>", Retry_After="7"), times=1)
    response = tell(sandbox)
    assert (response.status_code, response.content) == (status, b"<html>")
    assert response.headers["Retry-After"] == "7"
    assert sandbox.signl4.events == ()
    assert tell(sandbox).status_code == 201


@pytest.mark.parametrize(
    ("fault", "status", "headers"),
    [
        (mishaps.too_many(), 429, {}),
        (mishaps.too_many(20), 429, {"Retry-After": "20"}),
        (
            mishaps.too_many(datetime(2026, 11, 23, 9, 14, 7, tzinfo=UTC)),
            429,
            {"Retry-After": "Mon, 23 Nov 2026 09:14:07 GMT"},
        ),
        (mishaps.exhausted(1795425255), 429, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1795425255"}),
        (mishaps.exhausted(1795425255, 503), 503, {"X-RateLimit-Remaining": "0"}),
        (mishaps.last_one(1795425255), 201, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1795425255"}),
        (mishaps.redirect("https://elsewhere.example.com/"), 302, {"Location": "https://elsewhere.example.com/"}),
        (mishaps.captive_portal(), 200, {"Content-Type": "text/html"}),
    ],
)
def test_a_fault_can_say_more_in_its_headers(
    sandbox: Sandbox, fault: Fault, status: int, headers: dict[str, str]
) -> None:
    sandbox.signl4.faults.arm(fault)
    response = tell(sandbox)
    assert response.status_code == status
    assert {name: response.headers[name] for name in headers} == headers
    assert len(sandbox.signl4.events) == (status == 201)
    assert ("Retry-After" in response.headers) == ("Retry-After" in headers)


@pytest.mark.parametrize(
    ("fault", "stored", "body"),
    [
        (mishaps.captive_portal(), 0, mishaps.PORTAL),
        (mishaps.no_object(), 0, b"[]"),
        (mishaps.json_answer_instead({"ok": True}, 202), 0, b'{"ok": true}'),
        (mishaps.empty(), 1, b""),
    ],
)
def test_a_body_can_be_another_one(sandbox: Sandbox, fault: Fault, stored: int, body: bytes) -> None:
    sandbox.signl4.faults.arm(fault)
    assert tell(sandbox).content == body
    assert len(sandbox.signl4.events) == stored


def test_a_body_can_be_too_large(client: httpx.Client, sandbox: Sandbox) -> None:
    sandbox.betterstack.faults.arm(mishaps.too_large(10_500_000))
    response = client.get(LIST)
    assert len(response.content) == 10_500_000
    assert response.json() == {}


def test_a_fault_strikes_as_often_as_asked_and_counts(sandbox: Sandbox) -> None:
    armed = sandbox.signl4.faults.arm(mishaps.status(503), times=2)
    assert [tell(sandbox).status_code for _ in range(4)] == [503, 503, 201, 201]
    assert armed.struck == 2


def test_a_fault_without_a_number_strikes_until_it_is_released(sandbox: Sandbox) -> None:
    armed = sandbox.signl4.faults.arm(mishaps.status(503))
    assert {tell(sandbox).status_code for _ in range(5)} == {503}
    armed.release()
    assert tell(sandbox).status_code == 201


def test_faults_strike_one_after_the_other_and_can_be_cleared_together(sandbox: Sandbox) -> None:
    sandbox.signl4.faults.arm(mishaps.status(500), times=1)
    sandbox.signl4.faults.arm(mishaps.status(502), times=1)
    sandbox.signl4.faults.arm(mishaps.status(503))
    assert [tell(sandbox).status_code for _ in range(3)] == [500, 502, 503]
    sandbox.signl4.faults.clear()
    assert tell(sandbox).status_code == 201


@pytest.mark.parametrize(
    "when",
    [
        lambda request: request.external_id == "2",
        lambda request: request.kind == "resolved",
        lambda request: request.payload.get("X-S4-Status") == "resolved",
        lambda request: b"resolved" in request.body,
    ],
)
def test_a_fault_can_mean_some_requests_only(sandbox: Sandbox, when: Callable[[Request], bool]) -> None:
    sandbox.signl4.faults.arm(mishaps.status(503), when=when)
    assert tell(sandbox, "1", "new").status_code == 201
    assert tell(sandbox, "2", "resolved").status_code == 503


def test_faults_of_one_service_leave_the_other_alone(client: httpx.Client, sandbox: Sandbox) -> None:
    sandbox.betterstack.faults.arm(mishaps.status(503))
    assert client.get(LIST).status_code == 503
    assert tell(sandbox).status_code == 201


def test_lists_and_lookups_can_fail_apart(client: httpx.Client, sandbox: Sandbox) -> None:
    incident_id = sandbox.world.open("Shop")
    lists = sandbox.betterstack.faults.arm(mishaps.status(500), when=mishaps.lists)
    assert [client.get(path).status_code for path in (LIST, f"{LIST}/{incident_id}")] == [500, 200]
    lists.release()
    sandbox.betterstack.faults.arm(mishaps.status(500), when=mishaps.lookups)
    assert [client.get(path).status_code for path in (LIST, f"{LIST}/{incident_id}")] == [200, 500]


@pytest.mark.parametrize(("taken", "stored"), [(False, 0), (True, 1)])
def test_a_connection_can_be_cut_before_or_after_the_event_is_taken(sandbox: Sandbox, taken: bool, stored: int) -> None:
    sandbox.signl4.faults.arm(Cut(taken=taken), times=1)
    with pytest.raises(httpx.RemoteProtocolError):
        tell(sandbox)
    assert len(sandbox.signl4.events) == stored
    assert [one.status for one in sandbox.signl4.requests] == [None]
    assert tell(sandbox).status_code == 201


@pytest.mark.parametrize(("taken", "stored"), [(False, 0), (True, 1)])
def test_a_request_can_hang_until_it_is_released(sandbox: Sandbox, taken: bool, stored: int) -> None:
    armed = sandbox.signl4.faults.arm(Hang(taken=taken), times=1)
    with pytest.raises(httpx.ReadTimeout):
        tell(sandbox, timeout=0.2)
    failed: list[Exception] = []

    def wait_long() -> None:
        try:
            tell(sandbox, timeout=30)
        except httpx.HTTPError as error:
            failed.append(error)

    again = sandbox.signl4.faults.arm(Hang(taken=taken), times=1)
    thread = threading.Thread(target=wait_long)
    thread.start()
    sandbox.wait_for(lambda: again.struck, what="the second request")
    assert not failed
    armed.release()
    again.release()
    thread.join(5)
    assert [type(error) for error in failed] == [httpx.RemoteProtocolError]
    assert len(sandbox.signl4.events) == 2 * stored


def test_stopping_lets_go_of_whoever_hangs() -> None:
    began = time.monotonic()
    with Sandbox() as sandbox:
        armed = sandbox.signl4.faults.arm(Hang())

        def wait_long() -> None:
            with pytest.raises(httpx.HTTPError):
                tell(sandbox, timeout=60)

        thread = threading.Thread(target=wait_long)
        thread.start()
        sandbox.wait_for(lambda: armed.struck, what="the request")
    thread.join(5)
    assert not thread.is_alive()
    assert time.monotonic() - began < 5 * SLOWNESS


@pytest.mark.parametrize("part", [Part.HEAD, Part.BODY])
def test_bytes_can_drip_so_slowly_that_no_single_read_times_out(
    client: httpx.Client, sandbox: Sandbox, part: Part
) -> None:
    sandbox.world.open("Shop")
    armed = sandbox.betterstack.faults.arm(Drip(part, 0.01))
    began = time.monotonic()
    with client.stream("GET", LIST, timeout=0.5) as response:
        if part is Part.BODY:
            pieces = [next(response.iter_raw(1)) for _ in range(1)]
            assert pieces == [b"{"]
            armed.release()
            return
        assert response.status_code == 200
    assert time.monotonic() - began > 0.5


def test_a_dripping_answer_is_whole_in_the_end(client: httpx.Client, sandbox: Sandbox) -> None:
    incident_id = sandbox.world.open("Shop")
    sandbox.betterstack.faults.arm(Drip(Part.BODY, 0.0001), times=1)
    assert client.get(LIST).json()["data"][0]["id"] == incident_id


def test_a_body_can_be_truncated(client: httpx.Client, sandbox: Sandbox) -> None:
    sandbox.world.open("Shop")
    sandbox.betterstack.faults.arm(mishaps.truncated(), times=1)
    response = client.get(LIST)
    assert response.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        response.json()
    sandbox.betterstack.faults.arm(mishaps.broken_off(), times=1)
    with pytest.raises(httpx.RemoteProtocolError):
        client.get(LIST)


def page(client: httpx.Client, query: str = "") -> Any:
    response = client.get(f"{LIST}?{query}")
    assert response.status_code == 200
    return response.json()


def ids(document: Any) -> list[str]:
    return [record["id"] for record in document["data"]]


@pytest.mark.parametrize("key", ["data", "pagination"])
def test_a_page_can_lack_a_part(client: httpx.Client, sandbox: Sandbox, key: str) -> None:
    sandbox.betterstack.faults.arm(mishaps.without(key))
    assert set(page(client)) == {"data", "pagination"} - {key}


@pytest.mark.parametrize(
    "record",
    [{}, {"attributes": {}}, {"id": 7, "attributes": {}}, {"id": "7", "attributes": []}, {"id": "7"}, "text", None],
)
def test_a_page_can_hold_a_malformed_record_among_good_ones(
    client: httpx.Client, sandbox: Sandbox, record: object
) -> None:
    incident_id = sandbox.world.open("Shop")
    sandbox.betterstack.faults.arm(mishaps.with_record(record), when=mishaps.lists)
    bad, good = page(client)["data"]
    assert bad == record
    assert good["id"] == incident_id
    sandbox.wait_for(lambda: sandbox.world.showings, what="the showing of the good one")
    assert [one.incident_id for one in sandbox.world.showings] == [incident_id]


def test_fields_can_be_null(client: httpx.Client, sandbox: Sandbox) -> None:
    first, second = sandbox.world.open("Shop"), sandbox.world.open("API")
    sandbox.betterstack.faults.arm(mishaps.nulls(first, "name", "started_at"))
    names = {record["id"]: record["attributes"]["name"] for record in page(client)["data"]}
    assert names == {first: None, second: "API"}


def test_a_list_can_hide_an_incident_that_is_open(client: httpx.Client, sandbox: Sandbox) -> None:
    hidden, seen = sandbox.world.open("Shop"), sandbox.world.open("API")
    sandbox.betterstack.faults.arm(mishaps.hiding(hidden))
    assert ids(page(client)) == [seen]
    assert client.get(f"{LIST}/{hidden}").json()["data"]["id"] == hidden
    sandbox.wait_for(lambda: len(sandbox.world.showings) == 2, what="the showings")
    assert [one.incident_id for one in sandbox.world.showings] == [seen, hidden]


def test_next_can_be_set_for_ever(client: httpx.Client, sandbox: Sandbox) -> None:
    opened = [sandbox.world.open(name) for name in "abc"]
    sandbox.betterstack.faults.arm(mishaps.endless())
    pages = [page(client, f"per_page=2&page={number}") for number in (1, 2, 3, 4)]
    assert [ids(one) for one in pages] == [opened[:0:-1], opened[:1], opened[:1], opened[:1]]
    assert all(one["pagination"]["next"] for one in pages)


def test_a_list_can_slide_between_two_pages(client: httpx.Client, sandbox: Sandbox) -> None:
    opened = [sandbox.world.open(f"incident {number}") for number in range(6)][::-1]
    up = sandbox.betterstack.faults.arm(mishaps.slid_up())
    assert [ids(page(client, f"per_page=3&page={number}")) for number in (1, 2)] == [opened[:3], opened[4:]]
    up.release()
    sandbox.betterstack.faults.arm(mishaps.slid_down())
    assert [ids(page(client, f"per_page=3&page={number}")) for number in (1, 2)] == [opened[:3], opened[2:]]


def test_changed_pages_leave_lookups_and_errors_as_they_are(client: httpx.Client, sandbox: Sandbox) -> None:
    incident_id = sandbox.world.open("Shop")
    for fault in (mishaps.endless(), mishaps.hiding(incident_id), mishaps.with_record({})):
        sandbox.betterstack.faults.arm(fault, times=2)
        assert client.get(f"{LIST}/{incident_id}").json()["data"]["id"] == incident_id
        assert client.get(f"{LIST}?page=0").status_code == 422


@pytest.mark.parametrize(
    "fault", [mishaps.truncated(), mishaps.broken_off(), mishaps.captive_portal(), Cut(taken=True)]
)
def test_what_cannot_be_read_was_not_shown(client: httpx.Client, sandbox: Sandbox, fault: Fault) -> None:
    first = sandbox.world.open("Shop")
    sandbox.betterstack.faults.arm(fault, times=1)
    try:
        client.get(LIST)
    except httpx.RemoteProtocolError:
        assert not isinstance(fault, Instead)
    sandbox.world.delete(first)
    second = sandbox.world.open("API")
    client.get(LIST)
    sandbox.wait_for(lambda: sandbox.world.showings, what="the showing of the second")
    assert [one.incident_id for one in sandbox.world.showings] == [second]


def test_the_hook_runs_when_the_event_is_stored_and_before_the_answer(sandbox: Sandbox) -> None:
    seen: list[tuple[str, int, int | None]] = []

    def look(request: Request) -> None:
        seen.append((request.external_id, len(sandbox.signl4.events), sandbox.signl4.requests[0].status))

    sandbox.signl4.faults.before_answer = look
    tell(sandbox)
    assert seen == [("1", 1, None)]


def test_the_hook_can_change_the_world_between_two_pages(client: httpx.Client, sandbox: Sandbox) -> None:
    first = sandbox.world.open("Shop")
    sandbox.betterstack.faults.before_answer = lambda _: sandbox.world.delete(first)
    assert ids(page(client)) == [first]
    sandbox.betterstack.faults.before_answer = None
    assert ids(page(client)) == []


def test_a_mistake_of_the_sandbox_itself_is_raised_at_its_end() -> None:
    def mistaken(_: Request) -> None:
        raise ZeroDivisionError

    sandbox = Sandbox().__enter__()
    sandbox.signl4.faults.before_answer = mistaken
    with pytest.raises(httpx.RemoteProtocolError):
        tell(sandbox)
    with pytest.raises(ZeroDivisionError):
        sandbox.__exit__()


def test_a_client_that_goes_away_is_no_mistake(client: httpx.Client, sandbox: Sandbox) -> None:
    sandbox.betterstack.faults.arm(mishaps.too_large(), times=1)
    with client.stream("GET", LIST):
        pass
    assert client.get(LIST).status_code == 200


def test_a_connection_serves_many_requests(client: httpx.Client, sandbox: Sandbox) -> None:
    ports = set()
    for _ in range(3):
        with client.stream("GET", LIST) as response:
            response.read()
            ports.add(response.extensions["network_stream"].get_extra_info("client_addr"))
    assert len(ports) == 1
    assert len(sandbox.betterstack.requests) == 3


def test_every_answer_can_take_its_time() -> None:
    with Sandbox(context=Context(latency=0.1)) as sandbox:
        began = time.monotonic()
        assert tell(sandbox).status_code == 201
        assert time.monotonic() - began >= 0.1


def test_the_environment_points_at_both_services(sandbox: Sandbox) -> None:
    environment = sandbox.environment()
    assert environment == {
        "BETTERSTACK__TOKEN": sandbox.betterstack.token,
        "BETTERSTACK__BASE_URL": sandbox.betterstack.url,
        "SIGNL4__SECRET": sandbox.signl4.secret,
        "SIGNL4__BASE_URL": sandbox.signl4.url,
    }
    assert sandbox.environment(two_ways=True) == environment | {"SIGNL4__API_KEY": sandbox.signl4.api.key}
    assert sandbox.betterstack.url.startswith("http://127.0.0.1:")
    assert sandbox.betterstack.url != sandbox.signl4.url


def test_a_port_can_be_asked_for(sandbox: Sandbox) -> None:
    port = int(sandbox.signl4.url.rpartition(":")[2])
    with Sandbox() as free:
        wanted = int(free.signl4.url.rpartition(":")[2])
    with Sandbox(signl4_port=wanted) as again:
        assert again.signl4.url.endswith(f":{wanted}")
    with pytest.raises(OSError, match="in use"), Sandbox(signl4_port=port):
        pass


def test_waiting_returns_what_was_found(sandbox: Sandbox) -> None:
    thread = threading.Thread(target=lambda: sandbox.world.open("Shop"))
    thread.start()
    assert sandbox.wait_for(lambda: sandbox.world.history, what="an incident")[0].name == "Shop"
    thread.join()


def test_waiting_in_vain_says_for_what(sandbox: Sandbox) -> None:
    tell(sandbox)
    expected = r"the moon did not happen within 0\.05 s; 0 requests to Better Stack, 1 to SIGNL4, 1 events accepted"
    with pytest.raises(TimeoutError, match=expected):
        sandbox.wait_for(lambda: False, timeout=0.05, what="the moon")
