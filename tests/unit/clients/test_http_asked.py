"""Whether a service can have acted on a request that got no answer: only if a part of the request was sent."""

import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from daemon.clients.http import BodyError, ExchangeError, tls_context
from daemon.clients.signl4 import Signl4
from daemon.config.settings import HttpSection
from daemon.model.delivery import Delivered, TryLater
from tests.support.listener import (
    Connection,
    Script,
    after_request,
    answering,
    client_to,
    listening,
    ok,
    says,
    server_side,
)
from tests.support.paths import CERTIFICATE
from tests.support.values import settings

CUT = b"HTTP/1.1 2"
"""The beginning of an answer, without a status."""
REFUSAL = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"
UNANSWERED: Mapping[str, Script] = {
    "closed as soon as it is there": lambda _: None,
    "closed after the request": after_request(),
    "no answer": after_request(Connection.hang),
    "an answer that ends before its status": after_request(says(CUT)),
}


def asked(url: str, tls: ssl.SSLContext | None = None, **http: Any) -> bool:
    """What is known of a request without an answer."""
    with client_to(url, tls, **http) as client, pytest.raises(ExchangeError) as caught:
        client.exchange("POST", "/", content=b"{}")
    assert not isinstance(caught.value, BodyError)
    return caught.value.asked


@pytest.mark.parametrize("script", UNANSWERED.values(), ids=UNANSWERED)
def test_a_request_that_was_sent_may_have_been_heard(script: Script) -> None:
    with listening(script) as server:
        assert asked(server.url)


def test_the_same_over_tls() -> None:
    trusting = tls_context(HttpSection(ca_file=CERTIFICATE))
    with listening(after_request(), server_side()) as server:
        assert asked(server.url, trusting)


def test_a_tunnel_without_tls_at_its_end_leads_nowhere() -> None:
    def script(connection: Connection) -> None:
        connection.request()
        connection.say(b"HTTP/1.1 200 OK\r\n\r\n")
        connection.request()

    with listening(script) as proxy:
        assert not asked("https://upstream.test", proxy=proxy.url)


@contextmanager
def nobody() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    yield f"http://127.0.0.1:{port}"


@contextmanager
def no_tls() -> Iterator[str]:
    with listening(answering(ok())) as server:
        yield server.url.replace("http:", "https:")


@contextmanager
def a_stranger() -> Iterator[str]:
    with listening(answering(ok()), server_side()) as server:
        yield server.url


@pytest.mark.parametrize("place", [nobody, no_tls, a_stranger])
def test_where_no_connection_comes_about_nothing_was_asked(place: Callable[[], AbstractContextManager[str]]) -> None:
    with place() as url:
        assert not asked(url)


def test_a_name_that_is_not_found_was_asked_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    assert not asked("http://nowhere.test")


def test_a_proxy_that_refuses_the_tunnel_hands_nothing_on() -> None:
    with listening(after_request(says(REFUSAL))) as proxy:
        assert not asked("https://upstream.test", proxy=proxy.url)


def test_what_was_asked_before_on_the_same_thread_does_not_count() -> None:
    with listening(after_request()) as server:
        assert asked(server.url)
    assert not asked(server.url)


def test_an_event_was_certainly_not_taken_only_if_nothing_was_asked() -> None:
    secret = settings().signl4.secret
    with listening(after_request()) as server:
        with client_to(server.url) as http:
            outcomes = [Signl4(http, secret).send({"Title": "Shop"}).outcome]
    with client_to(server.url) as http:
        outcomes.append(Signl4(http, secret).send({"Title": "Shop"}).outcome)
    assert [outcome.not_taken for outcome in outcomes if isinstance(outcome, TryLater)] == [False, True]
    assert not any(isinstance(outcome, Delivered) for outcome in outcomes)
