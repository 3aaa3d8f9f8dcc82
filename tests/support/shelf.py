"""Better Stack's list and single records over real HTTP, byte for byte as a test puts them there."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qsl, urlsplit

from daemon.sandbox.betterstack import LIST

NO_RECORD = (404, b'{"errors": "Resource with provided ID was not found"}')
Answer = tuple[int, bytes, Mapping[str, str]]


class Shelf(ThreadingHTTPServer):
    """The records, newest first, and which of them are over."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.clear()

    def clear(self) -> None:
        self.listed: dict[str, bytes] = {}
        self.alone: dict[str, bytes] = {}
        """What a single record is where it differs from the one in lists."""
        self.over: set[str] = set()
        self.refused: dict[str, Answer] = {}
        self.refused_lists: Answer | None = None
        self.pagination: str | None = "pagination"
        self.asked: list[str] = []
        self.most_per_page = 50

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def answer(self, target: str) -> Answer:
        self.asked.append(target)
        parts = urlsplit(target)
        if parts.path == LIST:
            return self.refused_lists or (200, self._page(dict(parse_qsl(parts.query))), {})
        incident_id = parts.path.removeprefix(f"{LIST}/")
        if incident_id in self.refused:
            return self.refused[incident_id]
        record = self.alone.get(incident_id, self.listed.get(incident_id))
        return (*NO_RECORD, {}) if record is None else (200, b'{"data": ' + record + b"}", {})

    def _page(self, query: Mapping[str, str]) -> bytes:
        size, number = min(int(query["per_page"]), self.most_per_page), int(query["page"])
        shown = [one for one in self.listed if "from" in query or one not in self.over]
        here = [self.listed[one] for one in shown[(number - 1) * size : number * size]]
        following = json.dumps(len(shown) > number * size and "yes").encode()
        name = None if self.pagination is None else self.pagination.encode()
        tail = b"" if name is None else b', "' + name + b'": {"next": ' + following + b"}"
        return b'{"data": [' + b",".join(here) + b"]" + tail + b"}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Shelf

    def do_GET(self) -> None:
        status, body, headers = self.server.answer(self.path)
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            self.close_connection = True  # what is too large is not read to its end

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def opened() -> Iterator[Shelf]:
    """The shelf, reachable."""
    with Shelf() as shelf:
        thread = Thread(target=shelf.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield shelf
        finally:
            shelf.shutdown()
            thread.join()
