"""What is written to Better Stack, and what each of its answers comes to."""

import json
import ssl
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import respx

from daemon.clients.betterstack_changes import BetterStackChanges
from daemon.clients.http import HttpClient
from daemon.config.settings import HttpSection
from daemon.model.delivery import Answer, Delivered, Outcome, Rejected, Scope, TryLater
from daemon.model.incident import Kind
from tests.support.betterstack_client import LIST, TOKEN, UPTIME
from tests.support.each import each
from tests.support.values import settings

BY = "Jürgen \U0001f525 via SIGNL4"
SAID = {"errors": f"It says {TOKEN} of {BY}"}


@pytest.fixture
def api() -> Iterator[respx.MockRouter]:
    with respx.mock(base_url=UPTIME) as router:
        yield router


def send(incident_id: str = "7", kind: Kind = Kind.ACKNOWLEDGED) -> Answer:
    section = settings(betterstack={"token": TOKEN}).betterstack
    http = HttpClient(UPTIME, HttpSection(timeout=timedelta(minutes=2)), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    answer = BetterStackChanges(http, section).send(incident_id, kind, BY)
    assert TOKEN not in repr(answer)
    assert "rgen" not in repr(answer), "the name of a person is logged at debug level alone"
    return answer


@each(
    ("kind", "path", "body"),
    [
        (Kind.ACKNOWLEDGED, f"{LIST}/7/acknowledge", {"acknowledged_by": BY}),
        (Kind.RESOLVED, f"{LIST}/7/resolve", {"resolved_by": BY}),
    ],
)
def test_a_change_is_a_post_that_says_who_made_it(kind: Kind, path: str, body: dict[str, str]) -> None:
    with respx.mock(base_url=UPTIME) as api:
        api.post(path).respond(200, json={"data": {}})
        assert send(kind=kind) == Answer(Delivered(None))
        [call] = api.calls
    assert json.loads(call.request.content) == body
    assert call.request.headers["authorization"] == f"Bearer {TOKEN}"
    assert call.request.headers["content-type"] == "application/json; charset=utf-8"


def test_an_id_is_one_part_of_the_path(api: respx.MockRouter) -> None:
    api.route().respond(200, json={})
    send("a/b?c")
    assert api.calls.last.request.url.raw_path == b"/api/v3/incidents/a%2Fb%3Fc/acknowledge"


def page(status: int) -> httpx.Response:
    return httpx.Response(status, html=f"<html>Welcome {TOKEN}</html>")


def later(scope: Scope) -> tuple[type[Outcome], Scope]:
    return TryLater, scope


DONE, WRONG = (Delivered, None), (Rejected, None)
ROW = later(Scope.ROW)
ANSWERS: dict[str, tuple[httpx.Response | Exception, Any, str]] = {
    "done": (httpx.Response(200, json={"data": {}}), DONE, ""),
    "done, without a word": (httpx.Response(204), DONE, ""),
    "another success": (httpx.Response(202, json={}), DONE, ""),
    "it is so already": (httpx.Response(409, json=SAID), DONE, ""),
    "it is so already, without a word": (httpx.Response(409), DONE, ""),
    "no such token": (httpx.Response(401, json=SAID), later(Scope.SECRET), "give betterstack.token a token that may"),
    "a token that may only read": (
        httpx.Response(403, json=SAID),
        later(Scope.SECRET),
        "refuses to let the token write",
    ),
    "no such record": (httpx.Response(404, json=SAID), ROW, "answered HTTP 404"),
    "a fault of ours": (httpx.Response(400, json=SAID), WRONG, "answered HTTP 400"),
    "a name that it does not take": (httpx.Response(422, json=SAID), WRONG, "answered HTTP 422"),
    "too many": (httpx.Response(429), later(Scope.DESTINATION), "answered HTTP 429"),
    "a failure": (httpx.Response(500, json=SAID), ROW, "answered HTTP 500"),
    "out of order": (httpx.Response(503), ROW, "answered HTTP 503"),
    "a strange status": (httpx.Response(418), ROW, "answered HTTP 418"),
    "a redirect": (httpx.Response(307, headers={"Location": f"https://evil.test/{TOKEN}"}), ROW, "was not reached"),
    "a portal": (page(200), ROW, "was not reached"),
    "a filter": (page(403), ROW, "was not reached"),
    "a login page": (page(401), ROW, "was not reached"),
    "a proxy's conflict": (page(409), ROW, "was not reached"),
    "a gateway": (page(502), ROW, "was not reached"),
    "a success that is no JSON": (httpx.Response(200, text="welcome"), ROW, "answered HTTP 200 welcome"),
    "half a success": (httpx.Response(200, content=b'{"data": {'), ROW, "answered HTTP 200"),
    "an empty success": (httpx.Response(200), ROW, "answered HTTP 200"),
    "a list": (httpx.Response(200, json=[]), ROW, "answered HTTP 200"),
    "a huge success": (httpx.Response(200, content=b" " * 11_000_000), ROW, "answered HTTP 200"),
    "no connection": (httpx.ConnectError(f"refused {TOKEN}"), ROW, "was not reached: "),
    "no answer": (httpx.ReadTimeout("slow"), ROW, "no complete answer within 120 s"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_each_answer_has_its_outcome(api: respx.MockRouter, name: str) -> None:
    response, expected, said = ANSWERS[name]
    if isinstance(response, Exception):
        api.route().mock(side_effect=response)
    else:
        api.route().mock(return_value=response)
    answer = send()
    assert (type(answer.outcome), getattr(answer.outcome, "scope", None)) == expected
    assert said in getattr(answer.outcome, "why", "")
    assert (answer.hold, answer.faulty, len(api.calls)) == (None, False, 1)


@each("status", [429, 503])
@each(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "86400"}, 300),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "9"}, 9),
    ],
)
def test_what_it_asks_for_holds_the_destination(status: int, headers: dict[str, str], seconds: int) -> None:
    with respx.mock(base_url=UPTIME) as api:
        api.route().respond(status, headers=headers)
        answer = send()
    assert isinstance(answer.outcome, TryLater)
    assert (answer.outcome.scope, answer.hold) == (Scope.DESTINATION, timedelta(seconds=seconds))


def test_a_retry_after_of_any_other_status_holds_nothing(api: respx.MockRouter) -> None:
    api.route().respond(500, headers={"Retry-After": "7"})
    assert send().hold is None
