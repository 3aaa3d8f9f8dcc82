"""The way to a service: dead addresses cost little and only once, and connections are kept as long as they are good."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from threading import Event
from typing import Any

import pytest

from daemon.clients import dns, happy_eyeballs, transport
from daemon.clients.happy_eyeballs import ATTEMPT_DELAY
from daemon.clients.http import KEPT, ExchangeError, HttpClient, tls_context
from daemon.clients.transport import OPTIONS
from daemon.config.settings import HttpSection
from tests.faults.line import Line, Proxy, has_ipv6
from tests.support.fakes import LONG
from tests.support.listener import (
    LONGEST,
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

HOST = "ways.test"
NEEDS_IPV6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 loopback")
Place = tuple[Any, ...]


class Places:
    """Where a name leads to, and the connections that were tried, in order."""

    def __init__(self, lookup: Callable[..., Any]) -> None:
        self.known: list[Place] = []
        self.tried: list[Place] = []
        self.says_of_ipv6 = Event()
        self.says_of_ipv6.set()
        self.on_try: Callable[[], object] = lambda: None
        self._lookup = lookup

    def look_up(self, host: str, port: int, family: int = 0, *more: Any, **named: Any) -> Any:
        if host != HOST:
            return self._lookup(host, port, family, *more, **named)
        if family == socket.AF_INET6:
            self.says_of_ipv6.wait(LONGEST)
        known = [place for place in self.known if (family == socket.AF_INET6) is (":" in place[0])]
        if not known:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(family, socket.SOCK_STREAM, 6, "", place) for place in known]


class Noting(socket.socket):
    """Notes what it is to connect to."""

    places: Places

    def connect_ex(self, address: Any) -> int:
        self.places.tried.append(address)
        self.places.on_try()
        return super().connect_ex(address)


@pytest.fixture
def places(monkeypatch: pytest.MonkeyPatch) -> Iterator[Places]:
    places = Places(socket.getaddrinfo)
    begin = transport._make_socket

    def begin_noting(*of: Any) -> socket.socket:
        attempt = Noting(fileno=begin(*of).detach())
        attempt.places = places
        return attempt

    # What other tests learned of the same name would decide which address is tried first.
    monkeypatch.setattr(transport, "_worked", {})
    monkeypatch.setattr(dns, "_kept", {})
    monkeypatch.setattr(socket, "getaddrinfo", places.look_up)
    monkeypatch.setattr(transport, "_make_socket", begin_noting)
    yield places
    places.says_of_ipv6.set()


@pytest.fixture
def swallowing() -> Iterator[Callable[[str], Place]]:
    """Makes places at which connections are neither accepted nor refused."""
    with ExitStack() as stack:

        def swallow(host: str) -> Place:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            full = stack.enter_context(socket.create_server((host, 0), family=family, backlog=0))
            for _ in range(4):
                waiting = stack.enter_context(socket.socket(family))
                waiting.setblocking(False)
                waiting.connect_ex(full.getsockname())
            place: Place = full.getsockname()
            return place

        yield swallow


def refusing(host: str) -> Place:
    with socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET) as closed:
        place: Place = closed.getsockname()
    return place


@contextmanager
def patient_client() -> Iterator[HttpClient]:
    """With time enough for a machine with much else to do."""
    settings = HttpSection()
    with closing(HttpClient(f"http://{HOST}", settings, tls_context(settings))) as http:
        yield http


@NEEDS_IPV6
def test_two_dead_addresses_of_ipv6_cost_a_quarter_of_a_second_and_only_once(
    places: Places, swallowing: Callable[[str], Place]
) -> None:
    dead = [swallowing("::1"), swallowing("::1")]
    with listening(answering(ok(b"", b"Connection: close"))) as server:
        good = ("127.0.0.1", server.port)
        places.known = [*dead, good]
        with patient_client() as http:
            begun = time.monotonic()
            assert http.exchange("GET", "/").status == 200
            assert time.monotonic() - begun >= ATTEMPT_DELAY
            # The families take turns, so the second dead one is not waited for.
            assert places.tried[:2] == [dead[0], good]
            places.tried.clear()
            for _ in range(3):
                assert http.exchange("GET", "/").status == 200
            assert places.tried == [good] * 3


def test_addresses_of_one_family_are_tried_one_after_the_other_without_waiting_for_the_end_of_any(
    places: Places, swallowing: Callable[[str], Place]
) -> None:
    with listening(answering(ok())) as server:
        places.known = [swallowing("127.0.0.1"), ("127.0.0.1", server.port)]
        with patient_client() as http:
            assert http.exchange("GET", "/").status == 200


def test_attempts_keep_their_distance_while_nothing_is_known_of_the_other_family(
    places: Places, swallowing: Callable[[str], Place]
) -> None:
    places.says_of_ipv6.clear()
    times: list[float] = []
    places.on_try = lambda: times.append(time.monotonic())
    with listening(answering(ok())) as server:
        places.known = [swallowing("127.0.0.1"), ("127.0.0.1", server.port)]
        with patient_client() as http:
            assert http.exchange("GET", "/").status == 200
    assert times[1] - times[0] >= ATTEMPT_DELAY


@NEEDS_IPV6
def test_addresses_that_come_while_others_swallow_connections_are_tried(
    places: Places, swallowing: Callable[[str], Place]
) -> None:
    places.says_of_ipv6.clear()
    places.on_try = places.says_of_ipv6.set
    with listening(answering(ok())) as server, ExitStack() as stack:
        line = Line(server.port, "::1")
        stack.callback(line.cut)
        places.known = [swallowing("127.0.0.1"), ("::1", line.port)]
        with patient_client() as http:
            assert http.exchange("GET", "/").status == 200


@NEEDS_IPV6
def test_an_address_that_refuses_costs_nothing(places: Places) -> None:
    with listening(answering(ok())) as server:
        places.known = [refusing("::1"), *[refusing("127.0.0.1")] * 2, ("127.0.0.1", server.port)]
        with patient_client() as http:
            assert http.exchange("GET", "/").status == 200
    assert places.tried == list(dict.fromkeys(places.known))


@NEEDS_IPV6
def test_what_worked_last_is_left_for_another_one_when_it_works_no_more(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    for delay in ("RESOLUTION_DELAY", "ATTEMPT_DELAY"):
        monkeypatch.setattr(happy_eyeballs, delay, LONG)
    with listening(answering(ok())) as server, ExitStack() as stack:
        line = Line(server.port, "::1")
        stack.callback(line.cut)
        places.known = [("::1", line.port), ("127.0.0.1", server.port)]
        with patient_client() as http:
            for _ in range(2):
                assert http.exchange("GET", "/").status == 200
                line.cut()
    assert [place[0] for place in places.tried] == ["::1", "::1", "127.0.0.1"]


@NEEDS_IPV6
def test_where_all_addresses_fail_that_is_told_and_no_socket_is_left(places: Places) -> None:
    """One that is only forgotten is a warning, and warnings are errors."""
    places.known = [refusing("::1"), refusing("127.0.0.1")]
    with patient_client() as http, pytest.raises(ExchangeError, match=r"^ConnectError: .*refused"):
        http.exchange("GET", "/")


def test_a_machine_without_descriptors_fails_the_exchange_alone(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left(*_: object) -> socket.socket:
        raise OSError(24, "Too many open files")

    with listening(answering(ok())) as server, client_to(server.url) as http:
        with monkeypatch.context() as full, pytest.raises(ExchangeError, match=r"^ConnectError: .*Too many open files"):
            full.setattr(transport, "_make_socket", none_left)
            http.exchange("GET", "/")
        assert http.exchange("GET", "/").status == 200


# -- connections that are kept ----------------------------------------------------------------------------------------


def test_rounds_within_a_minute_share_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    later, monotonic = 0.0, time.monotonic
    monkeypatch.setattr("httpcore._sync.http11.time.monotonic", lambda: monotonic() + later)
    with listening(answering(ok())) as server:
        settings = HttpSection()
        http = HttpClient(server.url, settings, tls_context(settings))
        for seconds, connections in ((0, 1), (10, 1), (30, 1), (KEPT - 5, 1), (KEPT + 5, 2)):
            later += seconds
            # The deadline of the exchange is reckoned by the same clock, and begins after the step.
            http.exchange("GET", "/")
            assert server.connections == connections
        http.close()


def closes_after(served: int, *last: Callable[[Connection], object]) -> Script:
    """Answers so many requests; of the next one it takes some or all, and closes without a word."""

    def script(connection: Connection) -> None:
        for _ in range(served):
            if not connection.request():
                return
            connection.say(ok())
        connection.request()
        for step in last:
            step(connection)

    return script


@pytest.mark.parametrize(
    "last", [(), (says(b"HTTP/1.1 2"),), (says(b"something else\r\n\r\n"),)], ids=["silent", "cut short", "garbage"]
)
def test_a_read_on_a_kept_connection_that_is_closed_that_moment_is_made_again_on_another_one(last: Any) -> None:
    with listening(closes_after(1, *last)) as server, client_to(server.url) as http:
        for number in range(1, 4):
            assert http.exchange("GET", f"/{number}").status == 200
        assert [asked.split()[1] for asked in server.asked] == [b"/1", b"/2", b"/2", b"/3", b"/3"]


def test_a_message_on_a_kept_connection_that_is_closed_that_moment_is_not_repeated_blindly() -> None:
    """It may have been taken: that is a failed attempt, as with any lost answer."""
    with listening(closes_after(1)) as server, client_to(server.url) as http:
        assert http.exchange("POST", "/1", content=b"{}").status == 200
        with pytest.raises(ExchangeError, match=r"^RemoteProtocolError: "):
            http.exchange("POST", "/2", content=b"{}")
        assert http.exchange("POST", "/3", content=b"{}").status == 200
        assert [asked.split()[1] for asked in server.asked] == [b"/1", b"/2", b"/3"]


def test_a_read_on_a_new_connection_is_not_repeated() -> None:
    with listening(after_request()) as server, client_to(server.url) as http:
        with pytest.raises(ExchangeError):
            http.exchange("GET", "/")
        assert server.connections == 1


def test_a_server_that_closes_its_kept_connections_one_by_one_costs_one_repetition_at_most() -> None:
    """The new one fails too: that is told."""

    def script(connection: Connection) -> None:
        if len(server.asked) == 0:
            connection.request()
            connection.say(ok())
        connection.request()

    with listening(script) as server, client_to(server.url) as http:
        http.exchange("GET", "/")
        with pytest.raises(ExchangeError):
            http.exchange("GET", "/")
        assert server.connections == 2


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("over_tls", [False, True])
def test_a_tunnel_that_the_proxy_closed_meanwhile_costs_nothing(method: str, over_tls: bool) -> None:
    trusting = tls_context(HttpSection(ca_file=CERTIFICATE))
    with listening(answering(ok()), server_side()) as server, ExitStack() as stack:
        proxy = Proxy()
        stack.callback(proxy.cut)
        proxy.tls = server_side() if over_tls else None
        url = f"http{'s' if over_tls else ''}://127.0.0.1:{proxy.port}"
        with client_to(server.url, trusting, proxy=url) as http:
            for tunnels in (1, 2, 3):
                for _ in range(2):
                    assert http.exchange(method, "/", content=b"{}" if method == "POST" else None).status == 200
                assert len(proxy.asked) == tunnels
                proxy.hang_up()
        assert len(server.asked) == 6


def test_a_kept_connection_is_tried_now_and_then_so_that_nothing_between_forgets_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[socket.socket] = []
    begin = transport._make_socket

    def noting(*of: Any) -> socket.socket:
        made.append(begin(*of))
        return made[-1]

    monkeypatch.setattr(transport, "_make_socket", noting)
    with listening(answering(ok())) as server, client_to(server.url) as http:
        http.exchange("GET", "/")
        assert [bool(made[0].getsockopt(*option[:2])) for option in OPTIONS] == [True] * len(OPTIONS)
        assert made[0].getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 5000
