"""Watchers are called over real sockets, and their addresses show nowhere."""

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta

import pytest

from daemon.clients.heartbeat import Heartbeat
from daemon.clients.http import HttpClient, tls_context
from daemon.config.settings import HttpSection
from tests.support.listener import TIMEOUT, Connection, Script, after_request, answering, listening, ok, says

HTTP = HttpSection(timeout=timedelta(seconds=TIMEOUT))


@contextmanager
def calling(*urls: str) -> Iterator[Heartbeat]:
    with ExitStack() as stack:
        yield Heartbeat([stack.enter_context(closing(HttpClient(url, HTTP, tls_context(HTTP)))) for url in urls])


def test_each_is_called_with_get_at_its_whole_address() -> None:
    with listening(answering(ok())) as one, listening(answering(ok())) as two:
        with calling(f"{one.url}/beat/abc123?param=sensor1", two.url) as heartbeat:
            assert heartbeat.send() == []
            assert heartbeat.send() == []
        assert [asked.split(b"\r\n")[0] for asked in one.asked] == [b"GET /beat/abc123?param=sensor1 HTTP/1.1"] * 2
        assert two.asked[0].startswith(b"GET / HTTP/1.1")


def test_without_any_nobody_is_called() -> None:
    assert Heartbeat([]).send() == []


def gone(connection: Connection) -> None:
    connection.request()


TROUBLE: list[tuple[Script, str]] = [
    (answering(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"), "HTTP 404"),
    (answering(b"HTTP/1.1 302 No\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n"), "HTTP 302"),
    (answering(b"HTTP/1.1 500 No\r\nContent-Length: 6\r\n\r\nabc123"), "HTTP 500"),
    (after_request(says(b"HTTP/1.1 404 No\r\n"), Connection.hang), "HTTP 404"),
    (after_request(says(b"HTTP/1.1 20"), Connection.hang), "no answer in time"),
    (gone, "not reached (RemoteProtocolError)"),
]


@pytest.mark.parametrize(("script", "why"), TROUBLE)
def test_one_that_fails_is_told_of_without_its_address_and_keeps_no_other_waiting(script: Script, why: str) -> None:
    with listening(script) as bad, listening(answering(ok())) as good:
        with calling(f"{bad.url}/beat/abc123", good.url) as heartbeat:
            assert heartbeat.send() == [f"heartbeat.urls, number 1: {why}"]
        assert len(good.asked) == 1


def test_one_that_nobody_listens_at_is_told_of_without_its_address() -> None:
    with listening(answering(ok())) as server:
        url = server.url
    with calling(f"{url}/beat/abc123") as heartbeat:
        assert heartbeat.send() == ["heartbeat.urls, number 1: not reached (ConnectError)"]
