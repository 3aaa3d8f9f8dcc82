"""The look-up of a name: whatever the system's resolver does, an exchange ends in time and the next one may succeed."""

import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Thread
from typing import Any

import pytest

from daemon.wire import ExchangeError
from tests.listener import LONGEST, answering, listening, ok, wire_to

HOST = "upstream.test"
LATE = r"^no complete answer within 0\.5 s, as the name is still being looked up$"


class Names:
    """The system's resolver, which knows one host, may hang, and may fail."""

    def __init__(self, lookup: Callable[..., Any]) -> None:
        self.asked: list[str] = []
        self.error: Exception | None = None
        self.answers = Event()
        self.answers.set()
        self._lookup = lookup

    def __call__(self, host: str, port: int, *more: Any, **named: Any) -> Any:
        if host.startswith("127."):
            return self._lookup(host, port, *more, **named)
        self.asked.append(host)
        self.answers.wait(LONGEST)
        if self.error is not None:
            raise self.error
        return self._lookup("127.0.0.1", port, *more, **named)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[Names]:
    names = Names(socket.getaddrinfo)
    monkeypatch.setattr(socket, "getaddrinfo", names)
    yield names
    names.answers.set()


def test_one_that_does_not_end_does_not_outlast_the_exchange_and_the_next_one_may_succeed(names: Names) -> None:
    with listening(answering(ok())) as server, wire_to(f"http://{HOST}:{server.port}") as wire:
        names.answers.clear()
        begun = time.monotonic()
        for _ in range(3):
            with pytest.raises(ExchangeError, match=LATE):
                wire.exchange("GET", "/")
        assert time.monotonic() - begun < 3
        assert names.asked == [HOST]  # a resolver that hangs for days collects no threads
        names.answers.set()
        assert wire.exchange("GET", "/").status == 200


def test_one_under_way_is_shared_by_all_who_need_it(names: Names) -> None:
    with listening(answering(ok())) as server, wire_to(f"http://{HOST}:{server.port}") as one:
        with wire_to(f"http://{HOST}:{server.port}") as other, ThreadPoolExecutor() as pool:
            names.answers.clear()
            statuses = pool.map(lambda wire: wire.exchange("GET", "/").status, [one, other])
            names.answers.set()
            assert list(statuses) == [200, 200]
    assert len(names.asked) <= 2


def test_the_answer_is_not_kept(names: Names) -> None:
    """A service may move."""
    with listening(answering(ok())) as server:
        for count in (1, 2):
            with wire_to(f"http://{HOST}:{server.port}") as wire:
                wire.exchange("GET", "/")
            assert names.asked == [HOST] * count


@pytest.mark.parametrize(
    "error",
    [
        socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"),
        socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
        OSError(24, "Too many open files"),
        UnicodeError("label empty or too long"),
    ],
    ids=repr,
)
def test_one_that_fails_is_an_error_and_the_next_one_may_succeed(names: Names, error: Exception) -> None:
    with listening(answering(ok())) as server, wire_to(f"http://{HOST}:{server.port}") as wire:
        names.error = error
        with pytest.raises(ExchangeError, match=r"^(ConnectError|UnicodeError): "):
            wire.exchange("GET", "/")
        names.error = None
        assert wire.exchange("GET", "/").status == 200


def test_a_machine_without_a_thread_to_spare_fails_this_exchange_alone(
    names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_thread(_: Thread) -> None:
        raise RuntimeError("can't start new thread")

    with listening(answering(ok())) as server, wire_to(f"http://{HOST}:{server.port}") as wire:
        with (
            monkeypatch.context() as full,
            pytest.raises(ExchangeError, match=r"^ConnectError: can't start new thread"),
        ):
            full.setattr(Thread, "start", no_thread)
            wire.exchange("GET", "/")
        assert wire.exchange("GET", "/").status == 200


def test_an_address_needs_none(names: Names) -> None:
    with listening(answering(ok())) as server, wire_to(server.url) as wire:
        assert wire.exchange("GET", "/").status == 200
    assert names.asked == []


def test_behind_a_proxy_only_the_proxys_own_name_is_looked_up(names: Names) -> None:
    with listening(answering(ok())) as proxy:
        with wire_to(f"http://{HOST}", proxy=f"http://proxy.test:{proxy.port}") as wire:
            assert wire.exchange("GET", "/").status == 200
    assert names.asked == ["proxy.test"]
