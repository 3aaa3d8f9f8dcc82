"""The limit that a lease sets to a request: after it not a byte is sent, however late the process wakes."""

import time
from collections.abc import Callable

import pytest

from daemon.clients.http import ExchangeError
from daemon.host.clock import boottime
from tests.support.listener import LATE, TIMEOUT, Connection, after_request, answering, client_to, listening, ok


def test_after_the_limit_nothing_reaches_the_server() -> None:
    with listening(answering(ok())) as server, client_to(server.url, latest=lambda: boottime() - 0.001) as http:
        with pytest.raises(ExchangeError, match=LATE) as raised:
            http.exchange("POST", "/", content=b"{}")
        assert raised.value.asked is False
        assert server.asked == []


def test_before_the_limit_it_is_an_exchange_as_ever() -> None:
    with listening(answering(ok())) as server, client_to(server.url, latest=lambda: boottime() + 60) as http:
        assert http.exchange("POST", "/", content=b"{}").status == 200


HANG: Callable[[Connection], object] = Connection.hang


def test_a_request_that_is_under_way_ends_at_the_limit() -> None:
    until = boottime() + TIMEOUT / 5
    with listening(after_request(HANG)) as server, client_to(server.url, latest=lambda: until) as http:
        begun = time.monotonic()
        with pytest.raises(ExchangeError, match=LATE):
            http.exchange("POST", "/", content=b"{}")
        assert time.monotonic() - begun < TIMEOUT
