"""The network stream of a connection, with TLS and TLS within TLS: no wait outlasts the deadline of the exchange."""

import select
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any, TypeVar

import httpcore

from daemon.clients import deadline

Result = TypeVar("Result")

RECORD = 16 * 1024 + 2048
"""Maximum size of a TLS record, in bytes."""


class Stream(httpcore.NetworkStream):
    """A connection whose waits are limited to the rest of the exchange."""

    def __init__(self, peer: "socket.socket | TlsWithinTls") -> None:
        self._peer = peer
        self.heard = False
        """Whether anything was read since the last write. If not, a response is the rest of the previous one."""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Some bytes; empty at the end. Raises httpcore's `ReadTimeout` and `ReadError`."""
        self.heard = True
        try:
            self._peer.settimeout(deadline.left(timeout, httpcore.ReadTimeout))
            received = self._peer.recv(max_bytes)
        except TimeoutError as error:
            raise httpcore.ReadTimeout(str(error)) from error
        except OSError as error:
            raise httpcore.ReadError(str(error)) from error
        deadline.note_heard(received)
        return received

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Writes all bytes. Raises httpcore's `WriteTimeout` and `WriteError`."""
        self.heard = False
        deadline.note_asked(buffer)
        try:
            while buffer:
                self._peer.settimeout(deadline.left(timeout, httpcore.WriteTimeout))
                buffer = buffer[self._peer.send(buffer) :]
        except TimeoutError as error:
            raise httpcore.WriteTimeout(str(error)) from error
        except OSError as error:
            raise httpcore.WriteError(str(error)) from error

    def close(self) -> None:
        """Closes the connection."""
        self._peer.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """A TLS stream over this one. Raises httpcore's `ConnectTimeout` and `ConnectError`."""
        # A proxy gets an IPv6 address in brackets; a certificate has none.
        hostname = server_hostname.strip("[]") if server_hostname else None
        try:
            self._peer.settimeout(deadline.left(timeout, httpcore.ConnectTimeout))
            stream = Stream(_wrapped(self._peer, ssl_context, hostname))
        except BaseException as error:
            self.close()
            if isinstance(error, TimeoutError):
                raise httpcore.ConnectTimeout(str(error)) from error
            if isinstance(error, OSError):
                raise httpcore.ConnectError(str(error)) from error
            raise
        deadline.note_connected()
        return stream

    def get_extra_info(self, info: str) -> Any:
        """`is_readable`: whether data or the end of the stream is waiting; on an idle connection it is the end."""
        return _is_readable(self._peer.fileno()) if info == "is_readable" else None


def _wrapped(
    peer: "socket.socket | TlsWithinTls", context: ssl.SSLContext, hostname: str | None
) -> "socket.socket | TlsWithinTls":
    if isinstance(peer, ssl.SSLSocket):
        return TlsWithinTls(peer, context, hostname)
    if isinstance(peer, socket.socket):
        return context.wrap_socket(peer, server_hostname=hostname)
    raise OSError("TLS goes no deeper")


def _is_readable(descriptor: int) -> bool:
    if descriptor < 0:
        return True
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


class TlsWithinTls:
    """TLS to a service through the tunnel of a proxy that is itself reached over TLS. Python's sockets cannot do that.

    Implements the socket methods that a stream needs. A timeout covers a whole call, however many reads it takes.
    """

    def __init__(self, outer: ssl.SSLSocket, context: ssl.SSLContext, hostname: str | None) -> None:
        """Performs the handshake, within the timeout of `outer`."""
        self._outer = outer
        self._timeout = outer.gettimeout()
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._inner = context.wrap_bio(self._incoming, self._outgoing, server_hostname=hostname)
        self._complete(self._inner.do_handshake)

    def settimeout(self, timeout: float) -> None:
        """Sets the timeout of each call, in seconds."""
        self._timeout = timeout

    def recv(self, size: int) -> bytes:
        """As a socket's."""
        try:
            return self._complete(lambda: self._inner.read(size))
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""

    def send(self, content: bytes) -> int:
        """As a socket's."""
        return self._complete(lambda: self._inner.write(content))

    def fileno(self) -> int:
        """As a socket's."""
        return self._outer.fileno()

    def close(self) -> None:
        """As a socket's."""
        self._outer.close()

    def _complete(self, act: Callable[[], Result]) -> Result:
        until = time.monotonic() + (self._timeout or 0)
        while True:
            try:
                result = act()
            except ssl.SSLWantReadError:
                self._send_out(until)
                self._outer.settimeout(_seconds_until(until))
                if received := self._outer.recv(RECORD):
                    self._incoming.write(received)
                else:
                    self._incoming.write_eof()
            else:
                self._send_out(until)
                return result

    def _send_out(self, until: float) -> None:
        while content := self._outgoing.read():
            self._outer.settimeout(_seconds_until(until))
            self._outer.sendall(content)


def _seconds_until(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    return left
