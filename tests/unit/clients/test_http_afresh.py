"""No answer changes a later request: each one is byte for byte that of a client that never heard anything."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.clients.betterstack import BetterStack
from daemon.clients.heartbeat import Heartbeat
from daemon.clients.http import ExchangeError, HttpClient
from daemon.clients.signl4 import Signl4
from daemon.host.clock import TheirClock, utc_now
from daemon.model.errors import BetterStackError
from tests.support import values as make
from tests.support.each import each
from tests.support.listener import Connection, Listener, client_to, listening, ok

SECRET = "96sbq49u"

COOKIES = {
    "plain": b"portal=1",
    "not latin": "portal=gr\u00fc\u00df".encode(),
    "latin": "portal=gr\u00fc\u00df".encode("latin-1"),
    "for a year": b"portal=1; Max-Age=31536000; Path=/; HttpOnly",
    "of the whole host": b"portal=1; Domain=127.0.0.1; Path=/webhook",
    "without a name": b"=1; Path=/",
    "nothing but marks": b';;;=;=,,"',
    "half a quotation": b'portal="1; Path=/',
    "dates that are none": b"portal=1; Expires=Fri, 99 Zzz 0000 99:99:99 GMT",
    "very long": b"portal=" + b"a" * 5000,
}


@contextmanager
def saying(answer: bytes) -> Iterator[Listener]:
    """Says this to the first request, closes that connection, and takes every later one."""
    answers = iter([answer])

    def script(connection: Connection) -> None:
        connection.request()
        connection.say(next(answers, ok()))

    with listening(script) as server:
        yield server


Client = Callable[[HttpClient, str], Callable[[], object]]


def by_exchange(http: HttpClient, _: str) -> Callable[[], object]:
    return lambda: http.exchange("POST", "/webhook/x", headers={"X-One": "1"}, params={"a": "b"}, content=b"{}")


def to_signl4(http: HttpClient, url: str) -> Callable[[], object]:
    signl4 = Signl4(http, make.settings(signl4={"secret": SECRET, "base_url": url}).signl4.secret)
    return lambda: signl4.send({"Title": "Shop front page"})


def to_betterstack(http: HttpClient, url: str) -> Callable[[], object]:
    section = make.settings(betterstack={"token": "t", "base_url": url}).betterstack
    source = BetterStack(http, section, lambda _: False, lambda _: None, TheirClock(utc_now))
    return lambda: source.lookup("7")


def to_a_watcher(http: HttpClient, _: str) -> Callable[[], object]:
    return Heartbeat([http]).send


CLIENTS = [by_exchange, to_signl4, to_betterstack, to_a_watcher]


def requests_after(answer: bytes, client: Client) -> tuple[bytes, bytes]:
    """The second request of a client that was answered so, and the first one of another client."""
    with saying(answer) as server, client_to(server.url) as one, client_to(server.url) as other:
        ask = client(one, server.url)
        for request in (ask, ask, client(other, server.url)):
            with suppress(ExchangeError, BetterStackError):
                request()
            assert server.closed.acquire(timeout=5)
        assert len(server.asked) == 3, "a request was not made"
        return server.asked[1], server.asked[2]


def answer(status: int, *headers: bytes, body: bytes = b"{}") -> bytes:
    return b"\r\n".join([b"HTTP/1.1 %d Odd" % status, b"Content-Length: %d" % len(body), *headers, b"", body])


@pytest.mark.parametrize("client", CLIENTS)
@each("cookie", COOKIES.values(), ids=COOKIES)
def test_a_cookie_is_not_kept(client: Client, cookie: bytes) -> None:
    then, afresh = requests_after(answer(201, b"Set-Cookie: " + cookie, b"Set-Cookie2: " + cookie), client)
    assert then == afresh
    assert b"cookie" not in then.lower()


@pytest.mark.parametrize("client", CLIENTS)
@each("status", [200, 204, 302, 401, 407, 421, 426, 500])
def test_no_status_changes_the_next_request(client: Client, status: int) -> None:
    asking = [
        *(b"Location: /elsewhere", b"Alt-Svc: h2=':443'", b'WWW-Authenticate: Basic realm="x"', b"Upgrade: h2c"),
        *(b'Proxy-Authenticate: Digest realm="x", nonce="y"', b"Strict-Transport-Security: max-age=9", b"ETag: x"),
    ]
    then, afresh = requests_after(answer(status, *asking, body=b"" if status == 204 else b"{}"), client)
    assert then == afresh


NAMES = ["Set-Cookie", "Set-Cookie2", "Location", "Content-Encoding", "Connection", "Refresh", "Date", "X-Odd", "Vary"]
HEADERS = st.tuples(
    st.sampled_from(NAMES).map(str.encode),
    st.binary(max_size=60).map(lambda value: bytes(byte for byte in value if byte >= 0x20 and byte != 0x7F)),
).map(b": ".join)


@settings(max_examples=60)
@given(st.integers(200, 599), st.lists(HEADERS, max_size=5), st.binary(max_size=80))
def test_after_any_answer_the_next_request_is_that_of_a_fresh_client(
    status: int, headers: list[bytes], body: bytes
) -> None:
    then, afresh = requests_after(answer(status, *headers, body=body), by_exchange)
    assert then == afresh


@settings(max_examples=30)
@given(st.binary(max_size=200))
def test_after_what_is_no_answer_at_all_either(rubbish: bytes) -> None:
    then, afresh = requests_after(rubbish, by_exchange)
    assert then == afresh


def test_of_what_a_redirect_would_do_nothing_is_left() -> None:
    """The library prepares the request that a redirect asks for, with the cookies of the client."""
    with saying(answer(302, b"Location: /there", b"Set-Cookie: a=b")) as server, client_to(server.url) as http:
        assert http.exchange("GET", "/").status == 302
        assert server.closed.acquire(timeout=5)
        assert http.exchange("GET", "/").status == 200
    assert server.asked[0] == server.asked[1]
