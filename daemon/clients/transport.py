"""Opens connections to a host: no wait for a name, connection or response outlasts the deadline of the exchange."""

import socket
import time
from collections.abc import Iterable
from functools import partial
from typing import Any

import httpcore

from daemon.clients import deadline, dns
from daemon.clients.dns import Address
from daemon.clients.happy_eyeballs import HappyEyeballs, MakeSocket
from daemon.clients.stream import Stream

OPTIONS = (
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    # Keep-alive probes after 15 s, dead after 5 s without an acknowledgement: firewalls keep the connection, and one
    # lost to them or to a suspended machine does not use up the whole time of an exchange.
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 15),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5),
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 5000),
)
"""Socket options of each connection."""


_worked: dict[tuple[str, int], Address] = {}
"""The address that last worked, per host and port."""


class Backend(httpcore.NetworkBackend):
    """An httpcore backend whose waits never outlast the exchange."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connects to one of the host's addresses. Raises httpcore's `ConnectTimeout` and `ConnectError`."""
        until = time.monotonic() + deadline.left(timeout, httpcore.ConnectTimeout)
        try:
            options = (*OPTIONS, *(socket_options or ()))
            connected = _connect(host, port, until, partial(_make_socket, local_address, options))
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(str(error)) from None
        except (OSError, OverflowError) as error:  # the latter for an invalid port
            raise httpcore.ConnectError(str(error)) from error
        deadline.note_connected()
        return Stream(connected)


def _connect(host: str, port: int, until: float, make_socket: MakeSocket) -> socket.socket:
    try:
        return _connect_once(host, port, until, make_socket)
    except OSError:
        # The cached addresses may be outdated: try once more without them.
        if not dns.forget(host, port) or time.monotonic() >= until:
            raise
    return _connect_once(host, port, until, make_socket)


def _connect_once(host: str, port: int, until: float, make_socket: MakeSocket) -> socket.socket:
    look_ups = dns.look_ups(host, port, until)
    attempts = HappyEyeballs(look_ups, make_socket, deadline.note_found, _worked.get((host, port)))
    connected, _worked[host, port] = attempts.run(until)
    return connected


def _make_socket(local_address: str | None, options: Iterable[Any], family: int) -> socket.socket:
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
