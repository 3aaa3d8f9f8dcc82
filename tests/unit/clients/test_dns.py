"""The look-up of a name: whatever the system's resolver does, an exchange ends in time and the next one may succeed."""

import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Condition, Event, Thread
from types import SimpleNamespace
from typing import Any

import pytest

import daemon.clients.dns
from daemon.clients.http import ExchangeError
from tests.faults.line import Line, has_ipv6
from tests.support.listener import LATE, LONGEST, answering, client_to, listening, ok
from tests.support.slowness import SLOWNESS

HOST = "upstream.test"
FAMILIES = [socket.AF_INET6, socket.AF_INET]
BOTH = [(HOST, family) for family in FAMILIES]
STILL_LOOKED_UP = f"^{LATE}, as the name is still being looked up$"


class Names:
    """The system's resolver, which knows one host, may hang, and may fail."""

    def __init__(self, lookup: Callable[..., Any]) -> None:
        self.asked: list[tuple[str, int]] = []
        """Which names, and of which family their addresses were to be."""
        self.error: Exception | None = None
        self.leads_to = "127.0.0.1"
        self.silent_of: set[int] = set()
        """Families of which nothing is said until `goes_on` is set."""
        self.goes_on = Event()
        self.answers = Event()
        self.answers.set()
        self._lookup = lookup
        self._ended = Condition()
        self._under_way = 0

    def __call__(self, host: str, port: int, *more: Any, **named: Any) -> Any:
        if host.startswith("127."):
            return self._lookup(host, port, *more, **named)
        with self._ended:
            self.asked.append((host, named["family"]))
            self._under_way += 1
            self._ended.notify_all()
        try:
            return self._answer(port, *more, **named)
        finally:
            with self._ended:
                self._under_way -= 1
                self._ended.notify_all()

    def _answer(self, port: int, *more: Any, **named: Any) -> Any:
        leads_to = self.leads_to
        if named["family"] in self.silent_of:
            self.goes_on.wait(LONGEST)
            leads_to = self.leads_to
        self.answers.wait(LONGEST)
        if self.error is not None:
            raise self.error
        return self._lookup(leads_to, port, *more, **named)

    def end(self) -> None:
        """Look-ups end, those under way with them."""
        self.answers.set()
        with self._ended:
            assert self._ended.wait_for(lambda: self._under_way == 0, LONGEST)

    def wait_for(self, ended: tuple[str, int]) -> None:
        """Until this look-up is over, the other one goes on."""
        with self._ended:
            assert self._ended.wait_for(lambda: ended in self.asked and self._under_way == 1, LONGEST)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[Names]:
    names = Names(socket.getaddrinfo)
    monkeypatch.setattr(socket, "getaddrinfo", names)
    # The port of this test may be that of an earlier one, whose look-up was slow.
    monkeypatch.setattr(daemon.clients.dns, "_kept", {})
    yield names
    names.goes_on.set()
    names.end()


def test_one_that_does_not_end_does_not_outlast_the_exchange_and_the_next_one_may_succeed(names: Names) -> None:
    with listening(answering(ok())) as server, client_to(f"http://{HOST}:{server.port}") as http:
        names.answers.clear()
        begun = time.monotonic()
        for _ in range(3):
            with pytest.raises(ExchangeError, match=STILL_LOOKED_UP):
                http.exchange("GET", "/")
        assert time.monotonic() - begun < 3 * SLOWNESS
        assert names.asked == BOTH  # a resolver that hangs for days collects no threads
        names.answers.set()
        assert http.exchange("GET", "/").status == 200


def test_one_under_way_is_shared_by_all_who_need_it(names: Names) -> None:
    with listening(answering(ok())) as server, client_to(f"http://{HOST}:{server.port}") as one:
        with client_to(f"http://{HOST}:{server.port}") as other, ThreadPoolExecutor() as pool:
            names.answers.clear()
            statuses = pool.map(lambda http: http.exchange("GET", "/").status, [one, other])
            names.answers.set()
            assert list(statuses) == [200, 200]
    assert len(names.asked) <= 4


def test_an_answer_that_comes_at_once_is_not_kept(names: Names) -> None:
    """A service may move."""
    with listening(answering(ok())) as server:
        for count in (1, 2):
            with client_to(f"http://{HOST}:{server.port}") as http:
                http.exchange("GET", "/")
            assert sorted(names.asked) == sorted(BOTH * count)


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
    with listening(answering(ok())) as server, client_to(f"http://{HOST}:{server.port}") as http:
        names.error = error
        with pytest.raises(ExchangeError, match=r"^(ConnectError|UnicodeError): "):
            http.exchange("GET", "/")
        names.error = None
        assert http.exchange("GET", "/").status == 200


def test_a_machine_without_a_thread_to_spare_fails_this_exchange_alone(
    names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_thread(_: Thread) -> None:
        raise RuntimeError("can't start new thread")

    with listening(answering(ok())) as server, client_to(f"http://{HOST}:{server.port}") as http:
        with (
            monkeypatch.context() as full,
            pytest.raises(ExchangeError, match=r"^ConnectError: can't start new thread"),
        ):
            full.setattr(Thread, "start", no_thread)
            http.exchange("GET", "/")
        assert http.exchange("GET", "/").status == 200


def test_an_address_needs_none(names: Names) -> None:
    with listening(answering(ok())) as server, client_to(server.url) as http:
        assert http.exchange("GET", "/").status == 200
    assert names.asked == []


def test_behind_a_proxy_only_the_proxys_own_name_is_looked_up(names: Names) -> None:
    with listening(answering(ok())) as proxy:
        with client_to(f"http://{HOST}", proxy=f"http://proxy.test:{proxy.port}") as http:
            assert http.exchange("GET", "/").status == 200
    assert {host for host, _ in names.asked} == {"proxy.test"}


def test_an_answer_that_was_too_long_in_coming_serves_the_exchanges_of_the_next_minute(
    names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a resolver that is always that slow would never let one succeed."""
    late = 0.0
    monkeypatch.setattr(daemon.clients.dns, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + late))
    with listening(answering(ok())) as server:
        url = f"http://{HOST}:{server.port}"
        names.answers.clear()
        with client_to(url) as http, pytest.raises(ExchangeError, match=STILL_LOOKED_UP):
            http.exchange("GET", "/")
        names.end()
        names.answers.clear()
        asked = len(names.asked)
        for _ in range(2):
            with client_to(url) as http:
                assert http.exchange("GET", "/").status == 200
        # Of IPv6 there was no answer to keep.
        assert {family for _, family in names.asked[asked:]} == {socket.AF_INET6}
        late = daemon.clients.dns.KEPT
        with client_to(url) as http, pytest.raises(ExchangeError, match=STILL_LOOKED_UP):
            http.exchange("GET", "/")


def test_what_was_kept_and_leads_nowhere_is_looked_up_anew_at_once(names: Names) -> None:
    """The service moved meanwhile."""
    with listening(answering(ok())) as server:
        with client_to(f"http://{HOST}:{server.port}") as http:
            names.answers.clear()
            names.leads_to = "127.0.0.2"
            with pytest.raises(ExchangeError, match=STILL_LOOKED_UP):
                http.exchange("GET", "/")
            names.end()
            names.leads_to = "127.0.0.1"
            assert http.exchange("GET", "/").status == 200


@pytest.mark.parametrize("silent", FAMILIES)
def test_a_name_server_that_answers_of_one_family_alone_fails_no_exchange(names: Names, silent: int) -> None:
    names.silent_of = {silent}
    names.leads_to = "127.0.0.1" if silent == socket.AF_INET6 else "::1"
    with ExitStack() as stack:
        server = stack.enter_context(listening(answering(ok())))
        port = server.port
        if silent == socket.AF_INET:
            if not has_ipv6():
                pytest.skip("this machine has no IPv6 loopback")
            line = Line(port, "::1")
            stack.callback(line.cut)
            port = line.port
        begun = time.monotonic()
        for _ in range(3):
            with client_to(f"http://{HOST}:{port}") as http:
                assert http.exchange("GET", "/").status == 200
        assert time.monotonic() - begun < LONGEST
        assert names.asked.count((HOST, silent)) == 1  # the one that goes on is joined


def test_an_answer_of_the_other_family_that_comes_late_still_counts(names: Names) -> None:
    """As where IPv4 has an address that leads nowhere."""
    if not has_ipv6():
        pytest.skip("this machine has no IPv6 loopback")
    names.silent_of = {socket.AF_INET6}
    with listening(answering(ok())) as server, ExitStack() as stack:
        line = Line(server.port, "::1")
        stack.callback(line.cut)
        with client_to(f"http://{HOST}:{line.port}") as http, ThreadPoolExecutor() as pool:
            exchange = pool.submit(http.exchange, "GET", "/")
            names.wait_for((HOST, socket.AF_INET))
            names.leads_to = "::1"
            names.goes_on.set()
            assert exchange.result().status == 200


def test_a_machine_without_a_thread_to_spare_forgets_no_look_up_and_invents_none(
    names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the first of the two has one."""
    threads = iter([True, False])
    start = Thread.start

    def sparing(thread: Thread) -> None:
        if thread.name == "look-up" and not next(threads, True):
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(Thread, "start", sparing)
    with listening(answering(ok())) as server, client_to(f"http://{HOST}:{server.port}") as http:
        with pytest.raises(ExchangeError, match=r"^ConnectError: "):
            http.exchange("GET", "/")
        assert http.exchange("GET", "/").status == 200
