"""The least that a storm costs: `floor_storm.py URL DB COUNT [httpx]` sends so many events, as fast as it can.

Four threads with http.client and sqlite3: post one, commit one. With the last word they post with httpx, which is what
the stack asks for.
"""

import http.client
import json
import sqlite3
import sys
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from urllib.parse import urlsplit

import httpx

CONCURRENCY = 4
"""As `delivery.concurrency` is by default."""
PATH, HEADERS = "/webhook/secret", {"Content-Type": "application/json"}
PRAGMAS = ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL")


Post = Callable[[str], bytes]
"""Sends a payload; the answer."""


def main(url: str, database: str, count: int, library: str = "http.client") -> None:
    """So many events, as fast as can be."""
    with sqlite3.connect(database) as connection:
        for pragma in PRAGMAS:
            connection.execute(pragma)
        connection.execute("CREATE TABLE deliveries (id INTEGER PRIMARY KEY, state TEXT, payload TEXT)")
        payload = json.dumps({"Title": "Shop front page", "X-S4-ExternalID": "1", "X-S4-Status": "new"})
        rows = ((number, "pending", payload) for number in range(count))
        connection.executemany("INSERT INTO deliveries VALUES (?, ?, ?)", rows)
    connection.close()
    waiting, one_by_one = SimpleQueue[int](), Lock()
    for number in range(count):
        waiting.put(number)
    by = {"http.client": _by_http_client, "httpx": _by_httpx}[library]
    threads = [Thread(target=_send, args=(by(url), database, waiting, one_by_one)) for _ in range(CONCURRENCY)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _by_http_client(url: str) -> Post:
    connection = http.client.HTTPConnection(urlsplit(url).netloc)

    def post(payload: str) -> bytes:
        connection.request("POST", PATH, payload, HEADERS)
        return connection.getresponse().read()

    return post


def _by_httpx(url: str) -> Post:
    """Without its client, as the program does."""
    transport, address = httpx.HTTPTransport(), httpx.URL(url + PATH)

    def post(payload: str) -> bytes:
        return transport.handle_request(httpx.Request("POST", address, headers=HEADERS, content=payload)).read()

    return post


def _send(post: Post, database: str, waiting: "SimpleQueue[int]", one_by_one: Lock) -> None:
    rows = sqlite3.connect(database, isolation_level=None)
    rows.execute(PRAGMAS[1])
    while True:
        try:
            number = waiting.get_nowait()
        except Empty:
            return
        (payload,) = rows.execute("SELECT payload FROM deliveries WHERE id = ?", (number,)).fetchone()
        json.loads(post(payload))
        with one_by_one:
            rows.execute("UPDATE deliveries SET state = 'delivered' WHERE id = ?", (number,))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), *sys.argv[4:])
