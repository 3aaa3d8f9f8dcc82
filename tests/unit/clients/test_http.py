"""Exchanges over real sockets: each of them ends by its deadline with a whole answer or with one kind of error."""

import gzip
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest

from daemon.clients.http import ExchangeError
from tests.support.listener import LATE, TIMEOUT, Connection, Script, after_request, client_to, listening, ok, says
from tests.support.slowness import SLOWNESS

BOUND = 2.0 * SLOWNESS
"""Seconds that a deadline of half a second may take on a busy machine; a script that is slow takes five."""


def drips(content: bytes, size: int = 1) -> Callable[[Connection], object]:
    return lambda connection: connection.drip(content, size)


HEAD = b"HTTP/1.1 200 OK\r\n"
LENGTH = b"Content-Length: 200\r\n\r\n"
HANG: Callable[[Connection], object] = Connection.hang

SLOW = {
    "says nothing and reads nothing": HANG,
    "reads and never answers": after_request(HANG),
    "drips the status line": after_request(drips(HEAD * 20)),
    "drips a header": after_request(says(HEAD), drips(b"X-Slow: " + b"a" * 200)),
    "drips header after header": after_request(says(HEAD), drips(b"X-Slow: a\r\n" * 200, 11)),
    "stops within the headers": after_request(says(HEAD), HANG),
    "drips the body": after_request(says(HEAD + LENGTH), drips(b"a" * 200)),
    "stops within the body": after_request(says(HEAD + LENGTH + b"a"), HANG),
    "drips chunks": after_request(says(HEAD + b"Transfer-Encoding: chunked\r\n\r\n"), drips(b"1\r\na\r\n" * 200, 6)),
    "drips the size of a chunk": after_request(says(HEAD + b"Transfer-Encoding: chunked\r\n\r\n"), drips(b"0" * 15)),
    "drips a body without an end": after_request(says(HEAD + b"\r\n"), drips(b"a" * 200)),
    "drips a compressed body": after_request(
        says(HEAD + b"Content-Encoding: gzip\r\n" + LENGTH), drips(gzip.compress(bytes(range(200))))
    ),
    "drips answers that are none yet": after_request(drips(b"HTTP/1.1 100 Continue\r\n\r\n" * 200, 25)),
}


@pytest.mark.parametrize("script", SLOW.values(), ids=SLOW.keys())
def test_a_slow_server_does_not_outlast_the_deadline(script: Script) -> None:
    with listening(script) as server, client_to(server.url) as http:
        begun = time.monotonic()
        with pytest.raises(ExchangeError, match=f"^{LATE}$"):
            http.exchange("GET", "/")
        assert TIMEOUT * 0.9 < time.monotonic() - begun < BOUND


@pytest.mark.parametrize("script", [HANG, drips(b"\x16\x03\x03\x20\x00" + b"\x02" * 200)], ids=["hangs", "drips"])
def test_a_slow_tls_handshake_does_not_outlast_the_deadline(script: Script) -> None:
    with listening(script) as server, client_to(f"https://127.0.0.1:{server.port}") as http:
        begun = time.monotonic()
        with pytest.raises(ExchangeError, match=LATE):
            http.exchange("GET", "/")
        assert time.monotonic() - begun < BOUND


def test_a_connection_that_served_before_has_no_more_patience() -> None:
    def script(connection: Connection) -> None:
        connection.request()
        connection.say(ok())
        connection.request()
        connection.say(HEAD)
        connection.drip(b"X-Slow: " + b"a" * 200)

    with listening(script) as server, client_to(server.url) as http:
        assert http.exchange("GET", "/").status == 200
        begun = time.monotonic()
        with pytest.raises(ExchangeError, match=LATE):
            http.exchange("GET", "/")
        assert time.monotonic() - begun < BOUND
        assert server.connections == 1


def test_each_exchange_has_a_deadline_of_its_own() -> None:
    """Three answers of 0.3 s each are longer than one deadline, together."""

    def slowly(connection: Connection) -> None:
        while connection.request():
            connection.drip(ok(b""), 9)

    with listening(slowly) as server, client_to(server.url) as http:
        assert [http.exchange("GET", "/").status for _ in range(3)] == [200, 200, 200]


def test_addresses_that_swallow_connections_share_one_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host with several addresses, none of which answers: as in an outage of a network."""
    with ExitStack() as stack:
        full = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        address: Any = (socket.AF_INET, socket.SOCK_STREAM, 6, "", full.getsockname())
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [address] * 6)
        with client_to("http://many.test") as http:
            begun = time.monotonic()
            with pytest.raises(ExchangeError, match=LATE):
                http.exchange("GET", "/")
            assert time.monotonic() - begun < BOUND


BROKEN = {
    "closes at once": lambda _: None,
    "closes instead of an answer": after_request(),
    "closes within the headers": after_request(says(HEAD + b"Content-Le")),
    "closes within the body": after_request(says(HEAD + LENGTH + b"{}")),
    "closes within a chunk": after_request(says(HEAD + b"Transfer-Encoding: chunked\r\n\r\n20\r\nab")),
    "speaks something else": after_request(says(b"220 mail.example ESMTP\r\n")),
    "sends a bad length": after_request(says(HEAD + b"Content-Length: many\r\n\r\n")),
    "sends two lengths": after_request(says(HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab")),
    "sends a bad chunk": after_request(says(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n")),
    "sends bad compression": after_request(says(ok(b"not gzip at all", b"Content-Encoding: gzip"))),
    "sends headers without an end": after_request(says(HEAD + b"X-Long: " + b"a" * 300_000)),
    "sends a null in a header": after_request(says(HEAD + b"X-Bad: a\0b\r\n\r\n")),
}


@pytest.mark.parametrize("script", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_answer_is_an_error_that_names_no_address(script: Script) -> None:
    with listening(script) as server, client_to(server.url) as http:
        with pytest.raises(ExchangeError) as caught:
            http.exchange("POST", "/webhook/tell-nobody", content=b"{}")
        assert "within" not in str(caught.value)
        assert "tell-nobody" not in str(caught.value)
        assert str(server.port) not in str(caught.value)


def test_nobody_who_listens_is_an_error() -> None:
    with listening(HANG) as server:
        gone = server.url
    with client_to(gone) as http, pytest.raises(ExchangeError, match=r"^ConnectError: .*refused"):
        http.exchange("GET", "/")


@pytest.mark.parametrize(
    "url", ["http://no host", "http://a..b", "http://127.0.0.1:99999", "nothing", "ftp://127.0.0.1"]
)
def test_an_address_that_is_none_is_an_error(url: str) -> None:
    with client_to(url) as http, pytest.raises(ExchangeError):
        http.exchange("GET", "/")


def test_a_host_without_an_address_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nothing)
    with client_to("http://nowhere.test") as http, pytest.raises(ExchangeError, match=r"Name or service not known"):
        http.exchange("GET", "/")
