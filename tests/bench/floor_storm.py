"""The least that a storm costs: `floor_storm.py URL DB COUNT` sends so many events, as fast as it can.

Four threads with http.client and sqlite3: post one, commit one.
"""

import http.client
import json
import sqlite3
import sys
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from urllib.parse import urlsplit

CONCURRENCY = 4
"""As `delivery.concurrency` is by default."""
PRAGMAS = ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL")


def main(url: str, database: str, count: int) -> None:
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
    threads = [Thread(target=_send, args=(url, database, waiting, one_by_one)) for _ in range(CONCURRENCY)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _send(url: str, database: str, waiting: "SimpleQueue[int]", one_by_one: Lock) -> None:
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    rows = sqlite3.connect(database, isolation_level=None)
    rows.execute(PRAGMAS[1])
    while True:
        try:
            number = waiting.get_nowait()
        except Empty:
            return
        (payload,) = rows.execute("SELECT payload FROM deliveries WHERE id = ?", (number,)).fetchone()
        connection.request("POST", "/webhook/secret", payload, {"Content-Type": "application/json"})
        json.loads(connection.getresponse().read())
        with one_by_one:
            rows.execute("UPDATE deliveries SET state = 'delivered' WHERE id = ?", (number,))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
