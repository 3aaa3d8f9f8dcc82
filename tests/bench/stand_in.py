"""Both services as one bare server in a process of its own: fast enough that what is measured is the program.

`GET /figures` says what has been asked of it, `GET /counts` only how often. `POST /open?count=N` opens so many
incidents, newest first in the list; `POST /watch?count=N` makes so many monitors.
"""

import asyncio
import json
import re
import time
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

from daemon.model.monitor import MonitorKind
from daemon.sandbox.monitor_record import BLANK

PER_PAGE = 50
LIMIT = {"X-RateLimit-Limit": "1000000;w=15", "X-RateLimit-Remaining": "1000000"}
API_LIMIT = {"X-RateLimit-Limit": "150", "X-RateLimit-Remaining": "149"}
SHOP = "https://shop.example.com/"
MONITOR: dict[str, object] = {
    **BLANK[MonitorKind.MONITOR],
    "pronounceable_name": "Shop front page",
    "created_at": "2026-01-05T08:00:00.000Z",
    "updated_at": "2026-01-05T08:00:00.000Z",
}
BACKLOG = 16_384
"""More connections that come at once than any client makes: one that finds no room tries again after a second."""
_TOKEN = re.compile(rb"authorization: bearer (\S+)", re.IGNORECASE)
_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


class Services:
    """What there is, and what was asked."""

    def __init__(self) -> None:
        self.open = self.watch = 0
        self.looks: list[float] = []
        """When the first page of monitors was asked for."""
        self.opened_at = datetime.now(UTC).isoformat()
        self.rounds: list[float] = []
        """When the first page of a list of open incidents was asked for; monotonic, as are all times here."""
        self.of_tokens: dict[str, list[float]] = {}
        """The same by the token that was given."""
        self.posts: list[float] = []
        self.overviews = 0
        """How often what became of an event was asked for."""
        self.shown: dict[str, float] = {}
        """When each incident was first in a list."""
        self.told: dict[str, float] = {}
        """When its alert came."""

    def answer(self, method: str, target: str, body: bytes, head: bytes = b"") -> bytes:
        """The whole answer to one request."""
        address = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        if method == "POST" and address.path.startswith("/webhook/"):
            self.posts.append(time.monotonic())
            event = json.loads(body)
            # What Alertmanager sends has a key for each group of alerts.
            self.told.setdefault(event.get("X-S4-ExternalID") or event.get("groupKey", ""), self.posts[-1])
            return _answer({"eventId": f"event{len(self.posts)}"}, 201, LIMIT)
        if address.path.startswith("/api/v3/") and not address.path.startswith("/api/v3/incidents"):
            return self._signl4_api(address.path)
        if address.path == "/counts":
            # Asked for often, while something is measured: the lists would take longer than what is measured.
            told = len(self.told)
            counts = {"rounds": len(self.rounds), "posts": len(self.posts), "overviews": self.overviews}
            counts["looks"] = len(self.looks)
            return _answer({**counts, "waits": told, "told": told})
        if address.path == "/figures":
            waits = [at - self.shown.get(one, at) for one, at in self.told.items()]
            lists = {
                "rounds": self.rounds,
                "looks": self.looks,
                "posts": self.posts,
                "overviews": [0.0] * self.overviews,
                "of_tokens": self.of_tokens,
            }
            return _answer({**lists, "waits": waits, "told": list(self.told.values())})
        if address.path in {"/open", "/watch"}:
            vars(self)[address.path.strip("/")] = int(query["count"])
            return _answer({})
        if query.get("resolved") == "false" and query.get("page") == "1" and (token := _TOKEN.search(head)):
            self.of_tokens.setdefault(token[1].decode(), []).append(time.monotonic())
        page = self._monitors if address.path == "/api/v2/monitors" else self._page
        return _answer(page(int(query.get("page", "1")), query))

    def _signl4_api(self, path: str) -> bytes:
        """The alerts that were raised, all open; one person; and that each event has raised an alert."""
        if path.endswith("/paged"):
            return _answer({"results": [self._alert(one) for one in self.told], "hasMore": False}, more=API_LIMIT)
        if path.endswith("/overview"):
            self.overviews += 1
            return _answer({"eventStatus": 2}, more=API_LIMIT)
        return _answer([{"id": "jane", "name": "Jane"}], more=API_LIMIT)

    def _alert(self, external_id: str) -> dict[str, object]:
        history = {"created": self.opened_at}
        return {"id": f"alert {external_id}", "externalId": external_id, "status": 1, "history": history}

    def _page(self, number: int, query: dict[str, str]) -> dict[str, object]:
        if number == 1 and query.get("resolved") == "false":
            self.rounds.append(time.monotonic())
        first, size = (number - 1) * PER_PAGE, int(query.get("per_page", PER_PAGE))
        found = [self._record(index) for index in range(first, min(first + size, self.open))]
        more = first + size < self.open
        return {"data": found, "pagination": {"next": "there is more" if more else None}}

    def _monitors(self, number: int, query: dict[str, str]) -> dict[str, object]:
        size = int(query["per_page"])
        if number == 1:
            self.looks.append(time.monotonic())
        here = range((number - 1) * size, min(number * size, self.watch))
        data = [
            {"id": str(one + 1), "type": "monitor", "attributes": MONITOR | {"url": f"{SHOP}{one}"}} for one in here
        ]
        return {"data": data, "pagination": {"next": "there is more" if number * size < self.watch else None}}

    def _record(self, index: int) -> dict[str, object]:
        attributes = {
            "name": f"Shop front page {index}",
            "url": "https://shop.example.com/",
            "cause": "Status 503",
            "status": "Started",
            "started_at": self.opened_at,
            "acknowledged_at": None,
            "resolved_at": None,
            "team_name": "Shop",
            "response_content": "Service unavailable. " * 20,
        }
        incident_id = str(100_000_000 - index)
        self.shown.setdefault(incident_id, time.monotonic())
        return {"id": incident_id, "type": "incident", "attributes": attributes}


def _answer(document: object, status: int = 200, more: dict[str, str] | None = None) -> bytes:
    body = json.dumps(document).encode()
    headers = {"Content-Type": "application/json", "Content-Length": str(len(body)), **(more or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} OK\r\n{head}\r\n".encode() + body


class _Connection(asyncio.Protocol):
    def __init__(self, services: Services) -> None:
        self._services = services
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (ends := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[:ends]
            length = _LENGTH.search(head)
            end = ends + 4 + (int(length[1]) if length else 0)
            if len(self._received) < end:
                return
            body, self._received = self._received[ends + 4 : end], self._received[end:]
            method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
            self._transport.write(self._services.answer(method, target, body, head))


async def _serve() -> None:
    services = Services()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(services), "127.0.0.1", 0, backlog=BACKLOG)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())
