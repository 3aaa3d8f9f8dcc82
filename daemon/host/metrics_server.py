"""Serves `/metrics`, `/healthz` and `/readyz`, beside the jobs and never in their way.

1. One thread serves all connections (asyncio). A client that hangs costs a socket until its time is over, and nobody
   waits for it; more than `MOST` at a time are closed at once.
2. What is shown is read by a thread of its own, one reading at a time, at most once in `FRESH` seconds; whoever asks
   meanwhile gets the same. While it hangs, on a disk say, clients are told so, and `/healthz` is answered as ever.
3. Nothing that a client sends is kept or logged, and each answer ends its connection.
"""

import asyncio
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from threading import Event, Thread

from daemon.host.listening import close, name_of
from daemon.model.errors import DaemonError

MOST = 32
"""Connections at a time."""
PATIENCE = 10.0
"""Seconds for a connection from its beginning to its end."""
READING = 5.0
"""Seconds that a client waits for a reading."""
FRESH = 1.0
"""Seconds for which a reading is good."""
TURNS = 5
"""Of the loop, until a connection that was just accepted has its task, which closes it once it is cancelled."""
LONGEST_HEAD = 8192
"""Bytes of a request."""
PLAIN = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Reading:
    """What is shown: the metrics in their format, and the problems, a sentence each."""

    metrics: bytes
    metrics_type: str
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one request."""

    status: HTTPStatus
    body: bytes
    content_type: str = PLAIN
    allow: str | None = None
    """The methods that there are, where it was another one."""


class MetricsServer:
    """Made, started and closed by the main thread. `read` is called by a thread of its own."""

    def __init__(self, listener: socket.socket, read: Callable[[], Reading]) -> None:
        """`listener` is closed with the server."""
        self.read = read
        """May be replaced at any time."""
        self.address = name_of(listener)
        self._listener = listener
        self._thread = Thread(target=self._run, name="metrics", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._ready = Event()
        self._open = 0
        self._reading: asyncio.Future[Reading] | None = None
        self._read_at = 0.0

    def start(self) -> None:
        """From here on it answers. Raises `DaemonError` if no thread can be started."""
        try:
            self._thread.start()
        except RuntimeError as error:
            raise DaemonError(f"no thread can be started for the metrics now ({error})") from None
        self._ready.wait()

    def close(self) -> None:
        """Ends it; requests under way get no answer."""
        if self._loop is not None and self._stop is not None:
            with suppress(RuntimeError):  # it is over already
                self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()
        close(self._listener, self.address)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._connected, sock=self._listener, limit=LONGEST_HEAD)
        self._ready.set()
        await self._stop.wait()
        # A connection that was just accepted meets an assertion of asyncio's in a server that is closed by then.
        self._loop.remove_reader(self._listener)
        for _ in range(TURNS):
            await asyncio.sleep(0)
        server.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            if self._open <= MOST:
                # Some versions of asyncio log a traceback for a handler that ends by being cancelled, as at a close.
                with suppress(OSError, EOFError, TimeoutError, asyncio.LimitOverrunError, asyncio.CancelledError):
                    async with asyncio.timeout(PATIENCE):
                        head = await reader.readuntil(b"\r\n\r\n")
                        writer.write(_written(head, await self._answer(head)))
                        await writer.drain()
                        writer.close()
                        await writer.wait_closed()
        finally:
            self._open -= 1
            writer.transport.abort()

    async def _answer(self, head: bytes) -> Answer:
        method, _, rest = head.partition(b" ")
        path = rest.partition(b" ")[0].partition(b"?")[0]
        if method not in {b"GET", b"HEAD"}:
            return Answer(HTTPStatus.METHOD_NOT_ALLOWED, b"only GET\n", allow="GET, HEAD")
        match path:
            case b"/healthz":
                return Answer(HTTPStatus.OK, b"ok\n")
            case b"/metrics" | b"/readyz":
                return await self._answer_read(path)
            case _:
                return Answer(HTTPStatus.NOT_FOUND, b"there are /metrics, /healthz and /readyz\n")

    async def _answer_read(self, path: bytes) -> Answer:
        try:
            async with asyncio.timeout(READING):
                reading = await asyncio.shield(self._newest())
        except TimeoutError:
            sentence = f"the state could not be read within {READING:g} s\n"
            return Answer(HTTPStatus.SERVICE_UNAVAILABLE, sentence.encode())
        except Exception as error:  # noqa: BLE001 - a fault of this program must not end the server
            sentence = f"a fault of this program: {type(error).__name__}\n"
            return Answer(HTTPStatus.INTERNAL_SERVER_ERROR, sentence.encode())
        if path == b"/metrics":
            return Answer(HTTPStatus.OK, reading.metrics, reading.metrics_type)
        if reading.problems:
            return Answer(HTTPStatus.SERVICE_UNAVAILABLE, "".join(f"{one}\n" for one in reading.problems).encode())
        return Answer(HTTPStatus.OK, b"ok\n")

    def _newest(self) -> "asyncio.Future[Reading]":
        """The reading under way, or one that is fresh, or a new one. Raises `RuntimeError` if there is no thread."""
        if self._reading is None or (self._reading.done() and time.monotonic() - self._read_at > FRESH):
            reading: asyncio.Future[Reading] = asyncio.get_running_loop().create_future()
            Thread(target=self._take, args=(reading,), name="metrics-reading", daemon=True).start()
            # Those who asked may all have gone by the time that it fails.
            reading.add_done_callback(lambda done: done.cancelled() or done.exception())
            self._reading, self._read_at = reading, time.monotonic()
        return self._reading

    def _take(self, reading: "asyncio.Future[Reading]") -> None:
        try:
            found, error = self.read(), None
        except Exception as caught:  # noqa: BLE001 - who asks is told
            found, error = None, caught

        def hand_over() -> None:
            if error is not None:
                reading.set_exception(error)
            elif found is not None:
                reading.set_result(found)

        with suppress(RuntimeError):  # the server was closed meanwhile
            reading.get_loop().call_soon_threadsafe(hand_over)


def _written(head: bytes, answer: Answer) -> bytes:
    lines = [
        f"HTTP/1.1 {answer.status.value} {answer.status.phrase}",
        f"Content-Type: {answer.content_type}",
        f"Content-Length: {len(answer.body)}",
        "Cache-Control: no-store",
        "Connection: close",
        *([f"Allow: {answer.allow}"] if answer.allow else []),
    ]
    top = "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n"
    return top if head.startswith(b"HEAD ") else top + answer.body
