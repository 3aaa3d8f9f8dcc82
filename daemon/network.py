"""The network below the HTTP client, where the client itself is not careful enough.

No wait outlasts the exchange it belongs to, be it for a name, a connection, an answer or the end of a request. What
fails on a connection closes it. A proxy is told of an IPv6 address as HTTP spells it.
"""

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any

import httpcore

LOOKING_UP = "the name is still being looked up"
_Create = Callable[[httpcore.Origin], httpcore.ConnectionInterface]
_Found = Future[list[str]]


def fit(pool: httpcore.ConnectionPool) -> None:
    """Makes a pool of the client keep what this module promises."""
    # httpcore has no other way to them once httpx made the pool; the tests with dripping servers fail if this ends.
    pool._network_backend = _DeadlineBackend(pool._network_backend)
    pool.create_connection = _careful(pool.create_connection)  # type: ignore[assignment, method-assign]


def begin_exchange(seconds: float) -> None:
    """The exchange that this thread begins now may last so long."""
    _deadline.at = time.monotonic() + seconds


# -- connections ------------------------------------------------------------------------------------------------------


def _careful(create: _Create) -> _Create:
    """Connections that are closed by whatever fails on them.

    httpcore 1.0 counts a tunnel whose TLS handshake failed as busy for ever: it takes up a place in the pool, and once
    all places are taken no exchange succeeds until the next start.
    """

    def create_connection(origin: httpcore.Origin) -> httpcore.ConnectionInterface:
        connection = create(origin)
        handle = connection.handle_request
        if b":" in origin.host:
            _spell_address(connection, origin.host)

        def handle_request(request: httpcore.Request) -> httpcore.Response:
            try:
                return handle(request)
            except httpcore.ConnectionNotAvailable:
                raise
            except BaseException:
                connection.close()
                raise

        connection.handle_request = handle_request  # type: ignore[method-assign]
        return connection

    return create_connection


def _spell_address(connection: httpcore.ConnectionInterface, address: bytes) -> None:
    """Puts the IPv6 address into brackets where a proxy reads it; httpcore 1.0 leaves them out."""
    to_proxy = getattr(connection, "_connection", None)
    if not isinstance(to_proxy, httpcore.HTTPConnection):
        return
    handle = to_proxy.handle_request

    def handle_request(request: httpcore.Request) -> httpcore.Response:
        request.url.target = request.url.target.replace(address, b"[%b]" % address, 1)
        if request.method == b"CONNECT":
            own = [(name, value) for name, value in request.headers if name.lower() != b"host"]
            request.headers = [(b"Host", request.url.target), *own]
        return handle(request)

    to_proxy.handle_request = handle_request  # type: ignore[method-assign]


# -- names ------------------------------------------------------------------------------------------------------------

_under_way: dict[tuple[str, int], _Found] = {}
_lock = threading.Lock()


def _addresses(host: str, port: int) -> list[str]:
    """The addresses of a host. The system's own look-up knows no timeout, so it goes on without us where it is late."""
    if _is_address(host):
        return [host]
    try:
        return _look_up(host, port).result(_left(None, httpcore.ConnectTimeout))
    except TimeoutError:
        raise httpcore.ConnectTimeout(LOOKING_UP) from None
    except OSError as error:
        raise httpcore.ConnectError(str(error)) from error


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _look_up(host: str, port: int) -> _Found:
    """Begins a look-up, or joins the one under way: a resolver that hangs must not collect threads."""
    with _lock:
        if (found := _under_way.get((host, port))) is not None:
            return found
        found = _under_way[host, port] = Future()
    try:
        threading.Thread(target=_find, args=(host, port, found), name="look-up", daemon=True).start()
    except RuntimeError as error:
        _end(host, port)
        found.set_exception(OSError(str(error)))
    return found


def _find(host: str, port: int, found: _Found) -> None:
    try:
        addresses = [str(address[0]) for *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except Exception as error:  # noqa: BLE001 - whoever waits for it raises it
        _end(host, port)
        found.set_exception(error)
    else:
        _end(host, port)
        found.set_result(addresses)


def _end(host: str, port: int) -> None:
    with _lock:
        del _under_way[host, port]


# -- the deadline of an exchange, which is one thread's from beginning to end -----------------------------------------

_deadline = threading.local()


def _left(timeout: float | None, late: type[Exception]) -> float:
    left: float = _deadline.at - time.monotonic()
    if left <= 0:
        raise late("the deadline of the exchange has passed")
    return min(timeout, left) if timeout is not None else left


class _DeadlineBackend(httpcore.NetworkBackend):
    """Hands out streams none of whose waits outlasts the exchange."""

    def __init__(self, inner: httpcore.NetworkBackend) -> None:
        self._inner = inner

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = _addresses(host, port)
        for number, address in enumerate(addresses):
            # A share for each: an address that swallows connections must not use up the time of the next one.
            share = _left(timeout, httpcore.ConnectTimeout) / (len(addresses) - number)
            try:
                stream = self._inner.connect_tcp(address, port, share, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if number == len(addresses) - 1:
                    raise
            else:
                return _DeadlineStream(stream)
        raise httpcore.ConnectError("the name has no address")


class _DeadlineStream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner
        self.heard = False
        """Whether anything was read since something was written. Else an answer is the rest of the one before it."""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self.heard = True
        return self._inner.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.heard = False
        self._inner.write(buffer, _left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        outer = self._inner.get_extra_info("socket")
        if isinstance(outer, ssl.SSLSocket):
            _cut_each_wait(outer)
        return _DeadlineStream(self._inner.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _cut_each_wait(outer: ssl.SSLSocket) -> None:
    """TLS within TLS reads as often as something comes, until it has enough: a byte now and then would do."""
    receive = outer.recv

    def recv(size: int) -> bytes:
        outer.settimeout(_left(None, TimeoutError))
        return receive(size)

    outer.recv = recv  # type: ignore[assignment, method-assign]
