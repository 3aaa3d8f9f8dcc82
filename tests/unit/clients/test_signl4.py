"""One event out, one answer back: what is sent, and what each answer of SIGNL4 comes to."""

import json
import ssl
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import respx

from daemon.clients.http import HttpClient, Response
from daemon.clients.signl4 import Signl4, answer_to
from daemon.config.settings import HttpSection
from daemon.model.delivery import Answer, Delivered, Rejected, Scope, TryLater
from tests.support.each import each
from tests.support.values import NOW, body, settings

HOST = "https://connect.signl4.com"
SECRET = "96sbq49u"
PAYLOAD = {"Title": "Störung \U0001f525", "Cause": "Status 503", "nested": {"a": [1, 2.5, True, None]}}
TAKEN = {"eventId": "2516068755505199999_7647c33f-f66d-495f-aeb2-b408fba66404"}
UNKNOWN = {
    "requestId": "e933ece1-d0ef-471e-9627-6a5ae9de606a",
    "code": 3004,
    "details": f"An event source with ID {SECRET} was not found.",
    "message": "Error raising event.",
}


@pytest.fixture
def api() -> Iterator[respx.MockRouter]:
    with respx.mock(base_url=HOST) as router:
        yield router


def target(secret: str = SECRET, base_url: str = HOST) -> Signl4:
    section = settings(signl4={"secret": secret, "base_url": base_url}).signl4
    return Signl4(
        HttpClient(
            section.base_url, HttpSection(timeout=timedelta(minutes=2)), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        ),
        section.secret,
    )


def answered(status: int, content: bytes = b"{}", **headers: str) -> Answer:
    """What an answer means that carries these headers."""
    shown = {name.replace("_", "-"): value for name, value in headers.items()}
    return answer_to(Response(status, shown, content), SECRET, NOW)


class TestRequest:
    def test_is_a_post_of_the_payload_as_json(self, api: respx.MockRouter) -> None:
        route = api.post(f"/webhook/{SECRET}").respond(201, json=TAKEN)
        target().send(PAYLOAD)
        [call] = route.calls
        assert call.request.content == json.dumps(PAYLOAD, ensure_ascii=False).encode()
        assert json.loads(call.request.content) == PAYLOAD
        assert call.request.headers["content-type"] == "application/json; charset=utf-8"
        assert call.request.headers["accept"] == "application/json"

    def test_holds_the_secret_in_its_path_alone(self, api: respx.MockRouter) -> None:
        route = api.post(f"/webhook/{SECRET}").respond(201, json=TAKEN)
        target().send(PAYLOAD)
        [call] = route.calls
        assert SECRET not in str(call.request.headers)
        assert SECRET.encode() not in call.request.content

    @pytest.mark.parametrize(
        ("secret", "quoted"),
        [
            ("96sbq49u", "96sbq49u"),
            ("a%2Fb", "a%252Fb"),
            ("a&b=c", "a%26b%3Dc"),
            ("a+b", "a%2Bb"),
            ("a\\b", "a%5Cb"),
            ('a"b', "a%22b"),
            ("a;b,c", "a%3Bb%2Cc"),
            ("a@b", "a%40b"),
        ],
    )
    def test_spells_the_secret_as_one_part_of_a_path(self, secret: str, quoted: str) -> None:
        with respx.mock as api:
            route = api.route().respond(201, json=TAKEN)
            target(secret).send(PAYLOAD)
        assert route.calls.last.request.url.raw_path == f"/webhook/{quoted}".encode()

    def test_goes_to_the_base_url_with_its_path(self) -> None:
        with respx.mock as api:
            route = api.post(f"http://127.0.0.1:8080/s4/webhook/{SECRET}").respond(201, json=TAKEN)
            target(base_url="http://127.0.0.1:8080/s4/").send(PAYLOAD)
        assert route.called

    @pytest.mark.parametrize("there", [f"{HOST}/webhook/{SECRET}/", "https://evil.test/"])
    def test_follows_no_redirect(self, api: respx.MockRouter, there: str) -> None:
        route = api.post(f"/webhook/{SECRET}").respond(307, headers={"Location": there})
        assert isinstance(target().send(PAYLOAD).outcome, TryLater)
        assert route.call_count == 1


PAYLOAD_FAULTS = {400, 406, 413, 415, 422}
SECRET_FAULTS = {401, 403, 404}
COUNTED = {400, 401, 403, 404, 413, 415, 422}


def of(answer: Answer) -> tuple[type, Scope | None]:
    return type(answer.outcome), getattr(answer.outcome, "scope", None)


def expected(status: int) -> tuple[type, Scope | None]:
    """The table of the contract."""
    if status < 300:
        return Delivered, None
    if status in PAYLOAD_FAULTS:
        return Rejected, None
    if status in SECRET_FAULTS:
        return TryLater, Scope.SECRET if status == 401 else Scope.UNCLEAR
    return TryLater, Scope.DESTINATION if status == 429 else Scope.ROW


@pytest.mark.parametrize("content", [b"{}", b"", b'{"message": "x"}'], ids=["object", "empty", "text"])
def test_every_status_has_its_outcome(content: bytes) -> None:
    answers = {status: answered(status, content) for status in range(200, 600)}
    assert {status: of(answer) for status, answer in answers.items()} == {
        status: expected(status) for status in answers
    }
    assert {status for status in answers if answers[status].faulty} == COUNTED
    assert {answer.hold for answer in answers.values()} == {None}
    later = {status: answer.outcome for status, answer in answers.items() if isinstance(answer.outcome, TryLater)}
    assert {status for status, outcome in later.items() if outcome.not_taken} == {*SECRET_FAULTS, 429}


@pytest.mark.parametrize(
    "status", [200, 201, 202, 204, 301, 400, 401, 403, 404, 406, 408, 413, 422, 425, 429, 500, 503, 599]
)
def test_an_outcome_reaches_the_sender_over_http(api: respx.MockRouter, status: int) -> None:
    api.post(f"/webhook/{SECRET}").respond(status, json={})
    answer = target().send(PAYLOAD)
    assert of(answer) == expected(status)


@pytest.mark.parametrize("status", [100, 199, 600, 999])
def test_a_status_that_nobody_knows_means_later(status: int) -> None:
    answer = answered(status)
    assert isinstance(answer.outcome, TryLater)
    assert (answer.outcome.scope, answer.faulty) == (Scope.ROW, False)


NO_OBJECTS = [
    b"<html>Please log in</html>",
    b"OK",
    b"[]",
    b'[{"eventId": "a"}]',
    b'"eventId"',
    b"null",
    b"true",
    b"7",
    b'{"eventId": ',
    b"\xff\xfe",
    b"[" * 50_000,
]


class TestAccepted:
    @each("status", [200, 201, 202, 204, 299])
    @each(
        ("content", "event_id"),
        [
            (body(TAKEN), TAKEN["eventId"]),
            (b"", None),
            (b" \r\n", None),
            (b"{}", None),
            (body({"eventId": None}), None),
            (body({"eventId": 7}), None),
            (body({"eventId": ["a"]}), None),
            (body({"eventid": "a"}), None),
            (body({"eventId": "a" * 500}), "a" * 200),
            (body({"eventId": f"{SECRET}_1"}), "***_1"),
            (body({"eventId": "a" * 195 + SECRET}), "a" * 195 + "***"),
            (rb'{"eventId": "a\ud83d"}', "a?"),
            (body({"message": "Error raising event.", "code": 1000}), None),
        ],
    )
    def test_is_a_json_object_or_nothing(self, status: int, content: bytes, event_id: str | None) -> None:
        answer = answered(status, content)
        assert answer == Answer(Delivered(event_id))

    @each("status", [200, 203, 206, 207, 299])
    @each("content", NO_OBJECTS)
    def test_is_nothing_that_a_portal_or_proxy_says(self, status: int, content: bytes) -> None:
        answer = answered(status, content)
        assert isinstance(answer.outcome, TryLater)
        assert (answer.outcome.scope, answer.faulty) == (Scope.ROW, False)
        assert answer.outcome.why.startswith(f"HTTP {status} without SIGNL4's JSON")

    @each("status", [201, 202, 204, 205])
    @each("content", NO_OBJECTS)
    def test_is_what_the_status_says_whatever_stands_below_it(self, status: int, content: bytes) -> None:
        assert answered(status, content) == Answer(Delivered(None))

    @pytest.mark.parametrize("status", [201, 202, 204, 205])
    def test_is_what_the_status_says_where_the_body_cannot_be_read(self, status: int) -> None:
        for content, event_id in ((b"", None), (b'{"eventId": "25', None), (body(TAKEN), TAKEN["eventId"])):
            reply = Response(status, {}, content, unread="the answer ends before it is unpacked")
            assert answer_to(reply, SECRET, NOW) == Answer(Delivered(event_id))

    @pytest.mark.parametrize("status", [200, 203, 299])
    @pytest.mark.parametrize("content", [b"", b" ", b'{"eventId": "25', b"<html>"])
    def test_may_be_what_a_200_says_that_cannot_be_read(self, status: int, content: bytes) -> None:
        answer = answer_to(Response(status, {}, content, unread=f"why, with {SECRET}"), SECRET, NOW)
        assert answer == Answer(
            TryLater(
                f"HTTP {status} (its body could not be read: why, with ***); it may have been taken, "
                "so it is rarely repeated",
                Scope.ITEM,
            )
        )

    def test_shows_the_clock_of_signl4(self) -> None:
        answer = answer_to(Response(200, {"date": "Mon, 23 Nov 2026 09:30:07 GMT"}, body(TAKEN)), SECRET, NOW)
        assert answer == Answer(Delivered(TAKEN["eventId"]), ahead=timedelta(seconds=7))

    def test_is_a_200_whose_object_is_whole_though_its_rest_did_not_come(self) -> None:
        reply = Response(200, {}, body(TAKEN), unread="RemoteProtocolError: peer closed connection")
        assert answer_to(reply, SECRET, NOW) == Answer(Delivered(TAKEN["eventId"]))


class TestUnread:
    @pytest.mark.parametrize("status", [300, 400, 401, 403, 404, 406, 422, 429, 500, 503])
    def test_an_error_is_what_its_status_says(self, status: int) -> None:
        answer = answer_to(Response(status, {}, b"", unread=f"why, with {SECRET}"), SECRET, NOW)
        assert of(answer) == expected(status)
        assert not isinstance(answer.outcome, Delivered)
        assert "(its body could not be read: why, with ***)" in answer.outcome.why

    def test_the_headers_count_all_the_same(self) -> None:
        reply = Response(503, {"retry-after": "30"}, b"", unread="why")
        assert answer_to(reply, SECRET, NOW).hold == timedelta(seconds=30)


class TestAdvice:
    @pytest.mark.parametrize(
        ("status", "content", "advice"),
        [
            (404, body(UNKNOWN), "check signl4.secret"),
            (404, body({"code": 3004}), "check signl4.secret"),
            (404, b"", "check signl4.base_url and signl4.secret"),
            (404, b"<h1>Not Found</h1>", "check signl4.base_url and signl4.secret"),
            (404, body({"code": 1000}), "check signl4.base_url and signl4.secret"),
            (404, body([3004]), "check signl4.base_url and signl4.secret"),
            (401, b"", "check signl4.secret"),
            (403, b"<h1>Forbidden</h1>", "check signl4.secret"),
        ],
    )
    def test_names_the_key_to_check_first(self, status: int, content: bytes, advice: str) -> None:
        outcome = answered(status, content).outcome
        assert isinstance(outcome, TryLater)
        assert outcome.why.endswith(f"; {advice}")

    def test_is_given_only_where_the_secret_may_be_at_fault(self) -> None:
        outcomes = {status: answered(status).outcome for status in range(300, 600)}
        whys = {status: outcome.why for status, outcome in outcomes.items() if not isinstance(outcome, Delivered)}
        assert {status for status, why in whys.items() if "check" in why} == SECRET_FAULTS
        assert not [why for status, why in whys.items() if not why.startswith(f"SIGNL4 answered HTTP {status}")]


class TestNotReached:
    @pytest.mark.parametrize(
        "error",
        [
            httpx.ConnectError,
            httpx.ConnectTimeout,
            httpx.ReadError,
            httpx.ReadTimeout,
            httpx.WriteError,
            httpx.WriteTimeout,
            httpx.PoolTimeout,
            httpx.ProxyError,
            httpx.RemoteProtocolError,
            httpx.LocalProtocolError,
            httpx.UnsupportedProtocol,
            httpx.DecodingError,
            httpx.TooManyRedirects,
            httpx.InvalidURL,
            httpx.StreamError,
            ssl.SSLError,
            ssl.CertificateError,
            ConnectionResetError,
            TimeoutError,
            OSError,
            UnicodeError,
            ValueError,
        ],
    )
    def test_means_later_and_quotes_no_secret(self, api: respx.MockRouter, error: type[Exception]) -> None:
        api.route().mock(side_effect=error(f"{HOST}/webhook/{SECRET} is gone"))
        answer = target().send(PAYLOAD)
        assert isinstance(answer.outcome, TryLater)
        assert answer.outcome.why.startswith("SIGNL4 was not reached: ")
        assert SECRET not in answer.outcome.why
        assert (answer.outcome.scope, answer.hold, answer.faulty) == (Scope.ROW, None, False)

    def test_keeps_the_quoted_form_of_the_secret_out_as_well(self, api: respx.MockRouter) -> None:
        api.route().mock(side_effect=httpx.ConnectError("/webhook/a%2Bb or a+b"))
        answer = target("a+b").send(PAYLOAD)
        assert isinstance(answer.outcome, TryLater)
        assert answer.outcome.why.endswith("/webhook/*** or ***")


class TestSecret:
    @each("status", [*SECRET_FAULTS, *PAYLOAD_FAULTS, 301, 429, 500, 502])
    @each(
        "content",
        [
            body(UNKNOWN),
            body({"errors": [{"message": f"bad {SECRET}"}]}),
            f"<html>/webhook/{SECRET}</html>".encode(),
            b"x" * 196 + SECRET.encode(),
            b"x" * 190 + SECRET.encode() * 9,
            SECRET.encode() * 90,
            SECRET.encode("utf-16"),
        ],
    )
    def test_is_in_no_text_of_an_answer(self, status: int, content: bytes) -> None:
        outcome = answered(status, content).outcome
        assert not isinstance(outcome, Delivered)
        assert not [SECRET[:size] for size in range(4, len(SECRET) + 1) if SECRET[:size] in outcome.why]

    def test_is_not_in_the_text_of_the_404_that_quotes_it(self, api: respx.MockRouter) -> None:
        api.route().respond(404, json=UNKNOWN)
        outcome: Any = target().send(PAYLOAD).outcome
        said = "Error raising event. An event source with ID *** was not found."
        assert outcome.why == f"SIGNL4 answered HTTP 404 {said}; check signl4.secret"


def test_a_hold_is_part_of_an_acceptance_too() -> None:
    assert answered(201, body(TAKEN), retry_after="9") == Answer(Delivered(TAKEN["eventId"]), timedelta(seconds=9))
