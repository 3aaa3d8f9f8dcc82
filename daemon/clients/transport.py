"""The network below the HTTP client, where the client itself is not careful enough.

No wait outlasts the exchange it belongs to, be it for a name, a connection, an answer or the end of a request. What
fails on a connection closes it; a kept one that the other side has closed costs no GET. A proxy is told of an IPv6
address as HTTP spells it.
"""

import socket
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import httpcore

from daemon.clients import deadline, dns
from daemon.clients.dns import Address
from daemon.clients.race import Begin, Race
from daemon.clients.stream import Stream

_Create = Callable[[httpcore.Origin], httpcore.ConnectionInterface]

OPTIONS = (
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    # A kept connection is tried every 15 s, and over when nothing comes back for 5 s: firewalls on the way remember it,
    # and one that they or a suspended machine forgot costs no exchange its whole time.
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 15),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 5000),
)
"""Of each connection."""


def fit(pool: httpcore.ConnectionPool) -> None:
    """Makes a pool of the client keep what this module promises."""
    # httpcore has no other way to them once httpx made the pool; the tests with dripping servers fail if this ends.
    pool._network_backend = _Backend()
    pool.create_connection = _careful(pool.create_connection)  # type: ignore[assignment, method-assign]


# -- connections ------------------------------------------------------------------------------------------------------


def _careful(create: _Create) -> _Create:
    """Connections that are closed by whatever fails on them.

    httpcore 1.0 counts a tunnel whose TLS handshake failed as busy for ever: it takes up a place in the pool, and once
    all places are taken no exchange succeeds until the next start.
    """

    def create_connection(origin: httpcore.Origin) -> httpcore.ConnectionInterface:
        connection = create(origin)
        handle = connection.handle_request
        has_served = False
        if b":" in origin.host:
            _spell_address(connection, origin.host)

        def handle_request(request: httpcore.Request) -> httpcore.Response:
            nonlocal has_served
            try:
                response = handle(request)
            except httpcore.ConnectionNotAvailable:
                raise
            except BaseException as error:
                connection.close()
                if has_served and _may_be_repeated(request, error):
                    # Whereupon the pool takes another connection.
                    raise httpcore.ConnectionNotAvailable from error
                raise
            has_served = True
            return response

        connection.handle_request = handle_request  # type: ignore[method-assign]
        return connection

    return create_connection


def _may_be_repeated(request: httpcore.Request, error: BaseException) -> bool:
    """Whether a kept connection was closed in the moment in which it was used, and nobody minds the same once more.

    A POST may have been taken all the same: it is for whoever sends it to decide when it goes again.
    """
    is_over = isinstance(error, httpcore.ReadError | httpcore.WriteError | httpcore.RemoteProtocolError)
    return is_over and request.method == b"GET"


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


# -- the way to a host ------------------------------------------------------------------------------------------------

_worked: dict[tuple[str, int], Address] = {}
"""The address of each host that worked last."""


class _Backend(httpcore.NetworkBackend):
    """Makes connections none of whose waits outlasts the exchange."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        until = time.monotonic() + deadline.left(timeout, httpcore.ConnectTimeout)
        try:
            options = (*OPTIONS, *(socket_options or ()))
            connected = _connect(host, port, until, partial(_begin, local_address, options))
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(str(error)) from None
        except (OSError, OverflowError) as error:  # the latter for a port that is none
            raise httpcore.ConnectError(str(error)) from error
        deadline.note_connected()
        return Stream(connected)


def _connect(host: str, port: int, until: float, begin: Begin) -> socket.socket:
    try:
        return _race(host, port, until, begin)
    except OSError:
        # What was kept may have led to where the host is no longer.
        if not dns.forget(host, port) or time.monotonic() >= until:
            raise
    return _race(host, port, until, begin)


def _race(host: str, port: int, until: float, begin: Begin) -> socket.socket:
    look_ups = dns.look_ups(host, port, until)
    race = Race(look_ups, begin, deadline.note_found, _worked.get((host, port)))
    connected, _worked[host, port] = race.run(until)
    return connected


def _begin(local_address: str | None, options: Iterable[Any], family: int) -> socket.socket:
    attempt = socket.socket(family, socket.SOCK_STREAM)
    try:
        for option in options:
            attempt.setsockopt(*option)
        if local_address is not None:
            attempt.bind((local_address, 0))
    except OSError:
        attempt.close()
        raise
    return attempt
