"""The network in miniature: lines on loopback between a client and a service, and what becomes of connections there."""

import socket
import ssl
import struct
from collections.abc import Callable
from contextlib import suppress
from enum import Enum, auto
from select import select
from threading import Event, Lock, Thread
from typing import Any

from tests.support.slowness import SLOWNESS

LOOPBACK, LOOPBACK_V6 = "127.0.0.1", "::1"
PIECE = 65536
LONGEST = 5.0 * SLOWNESS
"""Seconds after which a look-up that hangs ends all the same, so that who waits for it fails instead of hanging."""
Place = tuple[str, int]


class Reset(Enum):
    """At which point a connection is reset."""

    ON_CONNECT = auto()
    ON_REQUEST = auto()
    """The service never sees the request."""
    ON_ANSWER = auto()
    """The service has answered, and nothing of it arrives."""
    IN_ANSWER = auto()
    """A part of the answer arrives."""


def has_ipv6() -> bool:
    """Whether this machine has the loopback address of IPv6."""
    try:
        listen(LOOPBACK_V6, 0).close()
    except OSError:
        return False
    return True


def listen(host: str, port: int) -> socket.socket:
    return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)


class Line:
    """A port that leads to a service on another one; it can be cut and joined again."""

    def __init__(self, target: int = 0, host: str = LOOPBACK) -> None:
        self.host = host
        """Where it listens from the next time on that it is joined."""
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
        self._server = listen(self.host, self.port)
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
            if place := self._lead(stream):
                self._carry(stream, place)

    def _lead(self, stream: socket.socket) -> Place | None:
        """Where to go on to, if anywhere."""
        return LOOPBACK, self._target

    def _carry(self, client: socket.socket, place: Place) -> None:
        with socket.create_connection(place) as service:
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
    """Leads to whatever port it is asked for, at its own address if by a name, or refuses to."""

    refusal = b""
    """A whole answer of HTTP that is given instead."""
    opens: ssl.SSLContext | None = None
    """With it, the proxy ends the client's TLS itself and goes on to the service without."""

    def __init__(self, target: int = 0, host: str = LOOPBACK) -> None:
        self.asked: list[bytes] = []
        super().__init__(target, host)

    def _lead(self, stream: socket.socket) -> Place | None:
        asked = b""
        while b"\r\n\r\n" not in asked:
            if not (piece := stream.recv(PIECE)):
                return None
            asked += piece
        self.asked.append(asked)
        if self.refusal:
            stream.sendall(self.refusal)
            return None
        place = self._place(asked.split(b" ")[1].decode())
        if place is not None:
            stream.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        return place

    def _place(self, target: str) -> Place | None:
        host, _, port = target.rpartition(":")
        if ":" in host:
            # As other proxies do, it understands an IPv6 address in brackets alone.
            return (host[1:-1], int(port)) if host[0] == "[" else None
        return self.host, int(port)

    def _carry(self, client: socket.socket, place: Place) -> None:
        if self.opens is None:
            super()._carry(client, place)
            return
        with self.opens.wrap_socket(client, server_side=True) as opened:
            super()._carry(opened, place)


class Resolver:
    """Stands in for the look-up of names: knows loopback alone, remembers who asked for more, and can be down."""

    def __init__(self, lookup: Callable[..., Any]) -> None:
        self.down = False
        self.addresses: tuple[str, ...] = (LOOPBACK, LOOPBACK)
        """Those of the one host that has a name."""
        self.hangs = False
        self.silent_of = 0
        """A family of which it says nothing."""
        self.strays: list[str] = []
        self._lookup = lookup
        self._over = Event()

    def __call__(self, host: str, port: int, *more: Any, **named: Any) -> Any:
        if host.startswith("127.") or host == LOOPBACK_V6:
            return self._lookup(host, port, *more, **named)
        if host != "localhost":
            self.strays.append(host)
        of = named.get("family", 0)
        if self.hangs or (of and of == self.silent_of):
            self._over.wait(LONGEST)
        if self.down or host != "localhost":
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        known = [at for at in self.addresses if of in {0, socket.AF_INET6 if ":" in at else socket.AF_INET}]
        if not known:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [found for at in known for found in self._lookup(at, port, *more, **named)]

    def mend(self) -> None:
        """Look-ups end, those under way too."""
        self.down = self.hangs = False
        self.silent_of = 0
        self._over.set()


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
