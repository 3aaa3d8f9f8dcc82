"""A server on loopback that does to its clients what a script says, byte by byte, and a client without patience."""

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from threading import Event, Semaphore, Thread
from typing import Any

from daemon.clients.http import HttpClient
from tests.support.paths import CERTIFICATE
from tests.support.slowness import SLOWNESS
from tests.support.values import settings

TIMEOUT = round(0.5 * SLOWNESS, 1)
"""Seconds that the client waits for a whole exchange."""
LATE = rf"no complete answer within {TIMEOUT:g} s"
"""What is said then, as a pattern."""
PAUSE = TIMEOUT / 10
LONGEST = 5.0 * SLOWNESS
"""Seconds after which a script gives up being slow, so that a client without a deadline fails instead of hanging."""


class Connection:
    """One client, as a script sees it."""

    def __init__(self, peer: socket.socket, over: Event) -> None:
        self._peer = peer
        self._over = over
        self._until = time.monotonic() + LONGEST

    def request(self) -> bytes:
        """What the client asks, to the end of its body; empty when it went away."""
        asked = b""
        while b"\r\n\r\n" not in asked:
            if not (some := self._peer.recv(65536)):
                return b""
            asked += some
        head, _, body = asked.partition(b"\r\n\r\n")
        sizes = [int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")]
        while len(body) < sum(sizes):
            body += self._peer.recv(65536)
        return head + b"\r\n\r\n" + body

    def say(self, content: bytes) -> None:
        self._peer.sendall(content)

    def drip(self, content: bytes, size: int = 1) -> None:
        """Sends it in pieces, slowly."""
        for place in range(0, len(content), size):
            if self._over.wait(PAUSE) or time.monotonic() > self._until:
                return
            self.say(content[place : place + size])

    def hang(self) -> None:
        """Says nothing until nobody listens any more."""
        self._over.wait(max(self._until - time.monotonic(), 0))


Script = Callable[[Connection], object]


class Listener:
    """Where it listens, and what it was asked."""

    def __init__(self, port: int, tls: bool) -> None:
        self.port = port
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
        self.asked: list[bytes] = []
        self.connections = 0
        self.closed = Semaphore(0)
        """Released whenever a connection was closed from here."""


def answering(content: bytes) -> Script:
    """Reads a request, and another one, until the client goes; says the same to each."""

    def script(connection: Connection) -> None:
        while connection.request():
            connection.say(content)

    return script


def after_request(*steps: Callable[[Connection], object]) -> Script:
    """Reads one request first."""

    def script(connection: Connection) -> None:
        connection.request()
        for step in steps:
            step(connection)

    return script


def says(content: bytes) -> Callable[[Connection], object]:
    return lambda connection: connection.say(content)


def ok(body: bytes = b"{}", *headers: bytes) -> bytes:
    """A whole answer."""
    return b"\r\n".join([b"HTTP/1.1 200 OK", b"Content-Length: %d" % len(body), *headers, b"", body])


@contextmanager
def listening(script: Script, tls: ssl.SSLContext | None = None) -> Iterator[Listener]:
    """A server for as long as a `with` block lasts; each connection goes through the script, and is closed then."""
    over = Event()
    threads: list[Thread] = []
    mistakes: list[BaseException] = []

    def serve(peer: socket.socket) -> None:
        with suppress(OSError), peer:
            stream = tls.wrap_socket(peer, server_side=True) if tls else peer
            with stream:
                script(_Kept(stream, over, listener))

    def guarded(peer: socket.socket) -> None:
        try:
            serve(peer)
        except Exception as error:  # noqa: BLE001 - raised again below
            mistakes.append(error)
        finally:
            listener.closed.release()

    def accept() -> None:
        with suppress(OSError):
            while True:
                peer, _ = server.accept()
                listener.connections += 1
                threads.append(Thread(target=guarded, args=(peer,), daemon=True))
                threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        listener = Listener(server.getsockname()[1], tls is not None)
        accepting = Thread(target=accept, daemon=True)
        accepting.start()
        try:
            yield listener
        finally:
            over.set()
            server.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for thread in threads:
                thread.join(LONGEST)
    if mistakes:
        raise mistakes[0]


class _Kept(Connection):
    """Keeps what was asked."""

    def __init__(self, peer: socket.socket, over: Event, listener: Listener) -> None:
        super().__init__(peer, over)
        self._listener = listener

    def request(self) -> bytes:
        asked = super().request()
        if asked:
            self._listener.asked.append(asked)
        return asked


@contextmanager
def client_to(
    url: str, tls: ssl.SSLContext | None = None, *, latest: Callable[[], float] | None = None, **http: Any
) -> Iterator[HttpClient]:
    """A client; one that trusts nobody, if not told otherwise."""
    section = replace(settings(http=http).http, timeout=timedelta(seconds=TIMEOUT))
    trusted = tls or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with closing(HttpClient(url, section, trusted, latest=latest)) as client:
        yield client


def server_side() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context
