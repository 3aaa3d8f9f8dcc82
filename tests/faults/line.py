"""The network in miniature: lines on loopback between a client and a service, and what becomes of connections there."""

import socket
import ssl
import struct
from collections.abc import Callable
from contextlib import suppress
from enum import Enum, auto
from select import select
from threading import Lock, Thread
from typing import Any

LOOPBACK = "127.0.0.1"
PIECE = 65536


class Reset(Enum):
    """At which point a connection is reset."""

    ON_CONNECT = auto()
    ON_REQUEST = auto()
    """The service never sees the request."""
    ON_ANSWER = auto()
    """The service has answered, and nothing of it arrives."""
    IN_ANSWER = auto()
    """A part of the answer arrives."""


class Line:
    """A port that leads to a service on another one; it can be cut and joined again."""

    def __init__(self, target: int = 0) -> None:
        self.port = 0
        self.tls: ssl.SSLContext | None = None
        """With it, connections are met as the service itself would meet them."""
        self.reset: Reset | None = None
        self.carried = 0
        """Bytes that went back to clients."""
        self._target = target
        self._lock = Lock()
        self._services: set[socket.socket] = set()
        self._threads: list[Thread] = []
        self.join()

    def join(self) -> None:
        """The line is there, from the second time on at the same port; each connection is carried to its end."""
        self._server = socket.create_server((LOOPBACK, self.port))
        self.port = self._server.getsockname()[1]
        self._accepting = Thread(target=self._accept, args=(self._server,), daemon=True)
        self._accepting.start()

    def cut(self) -> None:
        """Nobody listens any more, and no connection is left."""
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        self._server.close()
        self.hang_up()

    def hang_up(self) -> None:
        """Ends the connections there are."""
        with self._lock:
            for service in self._services:
                with suppress(OSError):
                    service.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def _accept(self, server: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = server.accept()
                self._threads.append(Thread(target=self._serve, args=(client,), daemon=True))
                self._threads[-1].start()

    def _serve(self, client: socket.socket) -> None:
        # What goes wrong here goes wrong on purpose, or because somebody went away.
        with suppress(OSError), client:
            if self.reset is Reset.ON_CONNECT:
                _reset(client)
            else:
                self._meet(client)

    def _meet(self, client: socket.socket) -> None:
        _hurry(client)
        with self.tls.wrap_socket(client, server_side=True) if self.tls else client as stream:
            if port := self._lead(stream):
                self._carry(stream, port)

    def _lead(self, stream: socket.socket) -> int:
        """The port to go on to; 0 for none."""
        return self._target

    def _carry(self, client: socket.socket, port: int) -> None:
        with socket.create_connection((LOOPBACK, port)) as service:
            _hurry(service)
            with self._lock:
                self._services.add(service)
            try:
                self._exchange(client, service)
            finally:
                with self._lock:
                    self._services.discard(service)

    def _exchange(self, client: socket.socket, service: socket.socket) -> None:
        while True:
            for source in _readable(client, service):
                piece = source.recv(PIECE)
                strikes = {Reset.ON_REQUEST} if source is client else {Reset.ON_ANSWER, Reset.IN_ANSWER}
                if self.reset in strikes:
                    client.sendall(piece[: len(piece) // 2] if self.reset is Reset.IN_ANSWER else b"")
                    _reset(client)
                    return
                if not piece:
                    return
                if source is client:
                    service.sendall(piece)
                else:
                    client.sendall(piece)
                    self.carried += len(piece)


class Proxy(Line):
    """Leads to whatever port of loopback it is asked for, or refuses to."""

    refusal = b""
    """A whole answer of HTTP that is given instead."""

    def _lead(self, stream: socket.socket) -> int:
        asked = b""
        while b"\r\n\r\n" not in asked:
            if not (piece := stream.recv(PIECE)):
                return 0
            asked += piece
        if self.refusal:
            stream.sendall(self.refusal)
            return 0
        stream.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        return int(asked.split(b" ")[1].rpartition(b":")[2])


class Resolver:
    """Stands in for the look-up of names: knows loopback alone, remembers who asked for more, and can be down."""

    def __init__(self, lookup: Callable[..., Any]) -> None:
        self.down = False
        self.first = LOOPBACK
        """The first address of a host that has a name; the last is always loopback's own."""
        self.strays: list[str] = []
        self._lookup = lookup

    def __call__(self, host: str, port: int, *more: Any, **named: Any) -> Any:
        if host.startswith("127."):
            return self._lookup(host, port, *more, **named)
        if host != "localhost":
            self.strays.append(host)
        if self.down or host != "localhost":
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return [found for at in (self.first, LOOPBACK) for found in self._lookup(at, port, *more, **named)]


def _readable(client: socket.socket, service: socket.socket) -> list[socket.socket]:
    if isinstance(client, ssl.SSLSocket) and client.pending():
        return [client]
    return select([client, service], [], [])[0]


def _hurry(end: socket.socket) -> None:
    """Small pieces go on as they come."""
    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _reset(client: socket.socket) -> None:
    """Closes in the rude way: the other side sees a reset and no end."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
