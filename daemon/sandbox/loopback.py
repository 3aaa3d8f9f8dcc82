"""An HTTP/1.1 service on loopback that records its requests and injects faults into its answers.

Every request is recorded before it is processed, and whatever a client sends, the service goes on. Stopping releases
hanging requests, joins all threads, and raises any error of the sandbox itself.
"""

import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from email.utils import format_datetime
from http import HTTPStatus
from http.client import responses
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SHUT_RDWR, socket
from threading import Event, Thread
from typing import Any

from daemon.sandbox.body import read_body
from daemon.sandbox.context import Context
from daemon.sandbox.exchange import Answer, Exchange, Request
from daemon.sandbox.faults import Armed, Cut, Drip, Faults, Hang, Instead, Part, Rewrite

HOST = "127.0.0.1"
Send = Callable[[bytes], object]


class LoopbackService:
    """The base of both services. A service defines `answer`, and in `sent` what follows from sending one."""

    def __init__(self, context: Context, port: int = 0) -> None:
        """`port`: 0 takes a free one at the start."""
        self.faults = Faults(context)
        self._changed = context.changed
        self._now = context.now
        self._latency = context.latency
        self._stopping = Event()
        self._exchanges: list[Exchange] = []
        self._port = port
        self.host = HOST
        """Where it listens. A test that has hosts of its own sets this before the start."""
        self.url = ""
        """Set by `start`."""

    def answer(self, request: Request) -> Answer:
        """The answer of the service without faults."""
        raise NotImplementedError

    def sent(self, answer: Answer) -> None:
        """Called after this answer was sent completely."""

    def faults_of(self, request: Request) -> Faults:  # noqa: ARG002 - a service may have more than one list
        """The faults that can hit this request."""
        return self.faults

    def keeps_body(self, request: Request) -> bool:  # noqa: ARG002 - a service may keep some
        """Whether the body of the answer is kept. Pages of a list would fill the memory of a long run."""
        return False

    @property
    def requests(self) -> tuple[Exchange, ...]:
        """All requests, in order."""
        with self._changed:
            return tuple(self._exchanges)

    def start(self) -> None:
        """Starts the server. Raises `OSError` if the port is in use or not allowed."""
        try:
            self._server = _Server(self._port, self)
        except OSError as error:
            raise OSError(error.errno, f"port {self._port} of {self.host}: {error.strerror}") from error
        self.url = f"http://{self.host}:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def stop(self) -> None:
        """Stops the server and ends all connections. Raises the first error of the sandbox itself."""
        self._stopping.set()
        self.faults.clear()
        self._server.shutdown()
        self._thread.join()
        self._server.end_connections()
        self._server.server_close()
        if self._server.mistakes:
            raise self._server.mistakes[0]

    def received(self, method: str, target: str, headers: dict[str, str], body: bytes, client: str) -> int:
        """Records a request; returns its index."""
        with self._changed:
            request = Request(self._now(), method, target, headers, body, client)
            self._exchanges.append(Exchange(request))
            self._changed.notify_all()
            return len(self._exchanges) - 1

    def respond(self, place: int, send: Send) -> bool:
        """Answers the request at this index; returns whether the connection may stay open."""
        request = self.requests[place].request
        self._stopping.wait(self._latency)
        faults = self.faults_of(request)
        armed = faults.strike(request)
        answer = self._survived(armed, request)
        if (hook := faults.before_answer) is not None:
            hook(request)
        self._settle(place, answer)
        if armed is not None and isinstance(armed.fault, Hang):
            armed.wait()
        if answer is None:
            return False
        dated = answer.with_headers(Date=format_datetime(self._now(), usegmt=True))
        _send(_head_of(dated) if request.method == "HEAD" else dated, armed, send)
        self.sent(answer)
        return answer.headers.get("Connection") != "close"

    def _survived(self, armed: Armed | None, request: Request) -> Answer | None:
        """The answer; after an error of the sandbox itself, which is kept for the stop, a 500."""
        try:
            return self._under(armed, request)
        except Exception as error:  # noqa: BLE001 - raised by `stop`
            self._server.mistakes.append(error)
            return Answer(HTTPStatus.INTERNAL_SERVER_ERROR)

    def _under(self, armed: Armed | None, request: Request) -> Answer | None:
        """The answer under this fault; `None` for none."""
        match armed.fault if armed else None:
            case Instead(answer):
                return answer
            case Rewrite(change):
                return change(request, self.answer(request))
            case Hang(taken) | Cut(taken):
                if taken:
                    self.answer(request)
                return None
            case _:
                return self.answer(request)

    def _settle(self, place: int, answer: Answer | None) -> None:
        with self._changed:
            request = self._exchanges[place].request
            kept = answer if answer is None or self.keeps_body(request) else replace(answer, body=b"", shows=())
            self._exchanges[place] = Exchange(request, kept, settled=True)
            self._changed.notify_all()


def _send(answer: Answer, armed: Armed | None, send: Send) -> None:
    length = {} if answer.status == HTTPStatus.NO_CONTENT else {"Content-Length": str(len(answer.body))}
    headers = {**length, **answer.headers}
    lines = [f"HTTP/1.1 {answer.status} {responses.get(answer.status, '')}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    head = "\r\n".join([*lines, "", ""]).encode("latin-1")
    if armed is None or not isinstance(armed.fault, Drip):
        send(head + answer.body)
    elif armed.fault.part is Part.HEAD:
        _drip(head, armed.fault.pause, armed, send)
        send(answer.body)
    else:
        send(head)
        _drip(answer.body, armed.fault.pause, armed, send)


def _head_of(answer: Answer) -> Answer:
    return replace(answer, body=b"", headers={"Content-Length": str(len(answer.body)), **answer.headers})


def _drip(content: bytes, pause: float, armed: Armed, send: Send) -> None:
    for place in range(len(content)):
        if armed.wait(pause):
            send(content[place:])
            return
        send(content[place : place + 1])


class _Server(ThreadingHTTPServer):
    """Tracks its connections, to end them at the stop: a kept-alive connection would keep its thread for ever."""

    daemon_threads = False
    request_queue_size = 128

    def __init__(self, port: int, service: LoopbackService) -> None:
        super().__init__((service.host, port), _Handler)
        self.service = service
        self.mistakes: list[BaseException] = []
        self._connections: set[socket] = set()

    def get_request(self) -> tuple[socket, Any]:
        connection, address = super().get_request()
        self._connections.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def end_connections(self) -> None:
        for connection in tuple(self._connections):
            with suppress(OSError):
                connection.shutdown(SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """Records an error of the sandbox; a client that disconnects is none."""
        error = sys.exception()
        if error is not None and not isinstance(error, ConnectionError):
            self.mistakes.append(error)


class _Handler(BaseHTTPRequestHandler):
    """Reads the requests of one connection, one after another."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        service = self.server.service
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            body = read_body(headers, self.rfile)
        except ValueError as error:
            self.send_error(HTTPStatus.BAD_REQUEST, str(error))
            return
        place = service.received(self.command, self.path, headers, body, self.client_address[0])
        if not service.respond(place, self.wfile.write):
            self.close_connection = True

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_GET  # noqa: N815 - the base class looks for these names

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Writes nothing: requests are recorded instead."""
