"""A way to a server of PostgreSQL that breaks when a test wants it to, at a certain word of the client."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from typing import Self

from tests.support.postgresql import ADMIN

PIECE = 65536


class Break(Enum):
    """What happens when the client says the word."""

    BEFORE = "cut, and the server never hears it"
    AFTER = "cut, when the server has answered"
    SILENCE_BEFORE = "packets vanish, and the server never hears it"
    SILENCE_AFTER = "packets vanish after it: no answer comes"
    LATE = "the answer waits until `release`"


SILENT = {Break.SILENCE_BEFORE, Break.SILENCE_AFTER}


class Proxy:
    """Forwards connections, for as long as a `with` block lasts."""

    def __init__(self, address: str, port: int) -> None:
        self._server = (address, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._word: bytes | None = None
        self._how = Break.BEFORE
        self.broken = threading.Event()
        """Set as soon as the word was said, and not necessarily heard."""
        self.released = threading.Event()
        """Set as soon as a late answer may pass."""
        self.connections = 0
        """How many were made so far."""

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    def url(self, database: str, user: str = ADMIN, **options: object) -> str:
        """As `database.url` wants it."""
        after = "&".join(f"{name}={value}" for name, value in options.items())
        return f"postgresql+psycopg://{user}@127.0.0.1:{self.port}/{database}{after and '?' + after}"

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self.released.set()
        for one in [self._listener, *self._sockets]:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        for thread in self._threads:
            thread.join()

    def arm(self, word: str, how: Break) -> None:
        """The next time that a client says the word, that happens to its connection, once."""
        self.broken.clear()
        self.released.clear()
        self._how, self._word = how, word.encode()

    def release(self) -> None:
        """Lets an answer through that is late."""
        self.released.set()

    def refuse(self) -> None:
        """Takes no more connections; those that there are stay."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _start(self, what: Callable[[], None]) -> None:
        thread = threading.Thread(target=what, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.connections += 1
                server = socket.create_connection(self._server)
                self._sockets += [client, server]
                line = _Line(self, client, server)
                self._start(line.to_server)
                self._start(line.to_client)

    def hears(self, said: bytes) -> Break | None:
        """What to do about what a client said."""
        if self._word is None or self._word not in said:
            return None
        self._word = None
        self.broken.set()
        return self._how


class _Line:
    """One connection through a proxy."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy = proxy
        self._client = client
        self._server = server
        self._broken: Break | None = None

    def to_server(self) -> None:
        with suppress(OSError):
            while said := self._client.recv(PIECE):
                if self._broken in SILENT:
                    continue
                self._broken = self._broken or self._proxy.hears(said)
                if self._broken is Break.BEFORE:
                    break
                if self._broken is not Break.SILENCE_BEFORE:
                    self._server.sendall(said)
        self._end()

    def to_client(self) -> None:
        with suppress(OSError):
            while said := self._server.recv(PIECE):
                if self._broken in SILENT:
                    continue
                if self._broken is Break.AFTER:
                    break
                if self._broken is Break.LATE:
                    self._proxy.released.wait()
                    self._broken = None
                self._client.sendall(said)
        self._end()

    def _end(self) -> None:
        """Who has heard nothing any more does not hear that the other side has gone, either."""
        if self._broken not in SILENT:
            for one in (self._client, self._server):
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
