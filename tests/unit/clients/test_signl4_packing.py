"""Answers of SIGNL4 that are packed in odd ways or never end, over real sockets: their status says what was taken."""

import gzip
import json
import zlib
from collections.abc import Callable

import pytest

from daemon.cli.diagnose import check_online
from daemon.clients.betterstack import BetterStack
from daemon.clients.http import SIZE_CAP, BodyError
from daemon.clients.signl4 import Signl4
from daemon.host.clock import TheirClock, utc_now
from daemon.model.delivery import Answer, Delivered, Outcome, Scope, TryLater
from daemon.model.errors import BetterStackError
from tests.support.each import each
from tests.support.listener import LATE, Connection, Script, after_request, answering, client_to, listening, says
from tests.support.values import settings

EVENT = "2516068755505199999_7647c33f"
BODY = json.dumps({"eventId": EVENT}).encode()
MAYBE = "may be"


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


# name: the label, the bytes, whether the object can be read
PACKED: dict[str, tuple[bytes, bytes, bool]] = {
    "a character set for a packing": (b"utf-8", BODY, True),
    "identity": (b"identity", BODY, True),
    "identity in capitals": (b"IDENTITY", BODY, True),
    "an empty label": (b"", BODY, True),
    "gzip": (b"gzip", gzip.compress(BODY), True),
    "gzip in several members": (b"gzip", gzip.compress(BODY[:9]) + gzip.compress(BODY[9:]), True),
    "gzip, labelled twice": (b"gzip, gzip", gzip.compress(BODY), True),
    "gzip, packed twice": (b"gzip, gzip", gzip.compress(gzip.compress(BODY)), True),
    "gzip that ends early": (b"gzip", gzip.compress(BODY)[:15], False),
    "gzip that is none": (b"gzip", BODY, True),
    "deflate": (b"deflate", zlib.compress(BODY), True),
    "deflate without its head": (b"deflate", raw_deflate(BODY), False),
    "brotli, which is none": (b"br", BODY, True),
    "something unheard of": (b"snappy", b"\x00\x01", False),
    "a bomb": (b"gzip", gzip.compress(bytes(3 * SIZE_CAP), 1), False),
}


def answer(status: int, label: bytes, body: bytes) -> bytes:
    head = b"HTTP/1.1 %d Odd\r\nContent-Length: %d\r\nContent-Encoding: %b\r\n\r\n"
    return head % (status, len(body), label) + body


def sent_to(script: Script) -> Answer:
    with listening(script) as server, client_to(server.url) as http:
        return Signl4(http, settings(signl4={"base_url": server.url}).signl4.secret).send({"Title": "x"})


def meaning(outcome: Outcome) -> object:
    match outcome:
        case Delivered(event_id):
            return event_id
        case TryLater(scope=Scope.ITEM):
            return MAYBE
        case _:
            return outcome


@each("status", [201, 202, 205])
@each(("label", "body", "readable"), PACKED.values(), ids=PACKED)
def test_what_was_taken_is_delivered_with_its_id_if_one_can_be_read(
    status: int, label: bytes, body: bytes, readable: bool
) -> None:
    outcome = sent_to(answering(answer(status, label, body))).outcome
    assert outcome == Delivered(EVENT if readable else None)


@pytest.mark.parametrize(("label", "body", "readable"), PACKED.values(), ids=PACKED)
def test_a_200_that_cannot_be_read_may_have_been_taken(label: bytes, body: bytes, readable: bool) -> None:
    outcome = sent_to(answering(answer(200, label, body))).outcome
    assert meaning(outcome) == (EVENT if readable else MAYBE)


HEAD = b"HTTP/1.1 %d Odd\r\n"
UNENDED: dict[str, Callable[[int], Script]] = {
    "closed within the body": lambda status: after_request(says(HEAD % status + b"Content-Length: 200\r\n\r\n{")),
    "closed before the body": lambda status: after_request(says(HEAD % status + b"Content-Length: 200\r\n\r\n")),
    "closed within a chunk": lambda status: after_request(
        says(HEAD % status + b"Transfer-Encoding: chunked\r\n\r\n20\r\nab")
    ),
    "a chunk that is none": lambda status: after_request(
        says(HEAD % status + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n")
    ),
    "a body that does not come": lambda status: after_request(
        says(HEAD % status + b"Content-Length: 200\r\n\r\n"), Connection.hang
    ),
    "a body that drips": lambda status: after_request(
        says(HEAD % status + b"Content-Length: 200\r\n\r\n"), lambda connection: connection.drip(b"a" * 200)
    ),
    "a head that breaks off": lambda status: after_request(says(HEAD % status + b"Content-Le")),
    "a head whose rest does not come": lambda status: after_request(
        says(HEAD % status + b"Content-Le"), Connection.hang
    ),
    "a head that drips": lambda status: after_request(
        says(HEAD % status + b"X-Odd: "), lambda connection: connection.drip(b"a" * 200)
    ),
}


@pytest.mark.parametrize("status", [200, 201, 202])
@pytest.mark.parametrize("script", UNENDED.values(), ids=UNENDED)
def test_a_status_counts_though_the_rest_of_the_answer_never_comes(
    script: Callable[[int], Script], status: int
) -> None:
    outcome = sent_to(script(status)).outcome
    assert meaning(outcome) == (MAYBE if status == 200 else None)


@pytest.mark.parametrize("script", UNENDED.values(), ids=UNENDED)
def test_the_error_holds_what_the_head_said(script: Callable[[int], Script]) -> None:
    with listening(script(404)) as server, client_to(server.url) as http, pytest.raises(BodyError) as caught:
        http.exchange("GET", "/")
    assert caught.value.reply.status == 404
    assert caught.value.reply.unread == str(caught.value)


def test_of_a_long_body_that_breaks_off_only_its_beginning_is_kept() -> None:
    script = after_request(says(HEAD % 200 + b"Content-Length: 20000000\r\n\r\n" + b"a" * 1_000_000))
    with listening(script) as server, client_to(server.url, timeout="5s") as http, pytest.raises(BodyError) as caught:
        http.exchange("GET", "/")
    assert len(caught.value.reply.body) <= 4096


@pytest.mark.parametrize("broken", [b"HTTP/1.1 201 Cre", b"HTTP/1.1 201 Created\r\nContent-Le", b"HTTP/1.1 201\r\n: "])
def test_half_a_head_says_what_its_status_says(broken: bytes) -> None:
    assert sent_to(after_request(says(broken))).outcome == Delivered(None)


@pytest.mark.parametrize(
    "broken", [b"HTTP/1.1 20", b"HTTP/1.1 201", b"HTTP/1.1 103 Hints\r\n\r\n", b"201 Created\r\n", b""]
)
def test_half_a_status_says_nothing(broken: bytes) -> None:
    outcome = sent_to(after_request(says(broken))).outcome
    assert isinstance(outcome, TryLater)
    assert outcome.scope is Scope.ROW


def test_a_status_that_never_comes_is_no_answer() -> None:
    for heard in (b"HTTP/1.1 20", b"HTTP/1.1 103 Hints\r\n\r\n"):
        outcome = sent_to(after_request(says(heard), Connection.hang)).outcome
        assert outcome == TryLater(f"SIGNL4 was not reached: {LATE}", Scope.ROW)


def test_what_a_proxy_says_in_place_of_signl4_is_not_signl4s(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening(answering(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n")) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        with client_to("http://192.0.2.1") as http:
            outcome = Signl4(http, settings().signl4.secret).send({"Title": "x"}).outcome
    assert isinstance(outcome, TryLater)
    assert outcome.why.startswith("SIGNL4 was not reached: the proxy that http_proxy names refused: HTTP 407 No")


def test_what_a_proxy_says_to_the_request_for_a_tunnel_is_not_signl4s(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = b"HTTP/1.1 201 Connection established\r\nX-Odd : 1\r\n\r\n"
    with listening(after_request(says(broken))) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        with client_to("https://connect.signl4.com") as http:
            outcome = Signl4(http, settings().signl4.secret).send({"Title": "x"}).outcome
    assert isinstance(outcome, TryLater)
    assert outcome.scope is Scope.ROW


@pytest.mark.parametrize(
    "name", [name for name, (_, _, readable) in PACKED.items() if not readable] + ["brotli, which is none"]
)
def test_from_better_stack_a_body_that_cannot_be_read_proves_nothing(name: str) -> None:
    label, body, _ = PACKED[name]

    def never(_: float) -> bool:
        return False

    with listening(answering(answer(200, label, body))) as server, client_to(server.url) as http:
        section = settings(betterstack={"base_url": server.url}).betterstack
        with pytest.raises(BetterStackError):
            BetterStack(http, section, never, lambda _: None, TheirClock(utc_now)).lookup("7")


def test_an_answer_that_cannot_be_read_is_not_taken_for_that_of_signl4() -> None:
    with listening(answering(answer(404, b"br", b"\x00"))) as server:
        said = list(check_online(settings(betterstack={"base_url": server.url}, signl4={"base_url": server.url})))
    [(well, sentence)] = [finding for finding in said if finding[1].startswith("SIGNL4: ")]
    assert not well
    assert "does not answer as SIGNL4's webhook: HTTP 404 " in sentence
    assert "(its body could not be read: " in sentence
