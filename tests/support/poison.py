"""Records that nobody expects, as bytes: each kind is known or feared to spoil what is around it."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from daemon.clients.http import SIZE_CAP
from daemon.clients.json_input import MOST_VALUES

Record = dict[str, Any]
PLACE = "@@here@@"


def raw(record: Record) -> bytes:
    """The record as it goes over the wire."""
    return json.dumps(record).encode()


def _with(record: Record, value: bytes) -> bytes:
    """The record with something in its metadata."""
    attributes = {**record["attributes"], "metadata": {"odd": PLACE}}
    return raw({**record, "attributes": attributes}).replace(json.dumps(PLACE).encode(), value)


def _without(record: Record, **changes: Any) -> bytes:
    return raw({**record, **changes})


READABLE: dict[str, Callable[[Record], bytes]] = {
    "nested 520 deep": lambda record: _with(record, b"[" * 520 + b"]" * 520),
    "an integer of 5,000 digits": lambda record: _with(record, b"9" * 5000),
    "a byte that is no UTF-8": lambda record: _with(record, b'"caf\xe9 \xff"'),
    "half a surrogate pair": lambda record: _with(record, rb'"\ud83d"'),
    "a control character": lambda record: _with(record, b'"\x00\x1b[31m"'),
    "not a number": lambda record: _with(record, b"[NaN, -Infinity, 1e999]"),
    "5,000 keys": lambda record: _with(
        record, json.dumps({f"key {n}": [{"value": "x"}] for n in range(5000)}).encode()
    ),
}
"""These are odd, and can be read all the same."""
UNREADABLE: dict[str, Callable[[Record], bytes]] = {
    "nested 100,000 deep": lambda record: _with(record, b"[" * 100_000 + b"]" * 100_000),
    "of very many values": lambda record: _with(record, b"[" + b"[]," * (MOST_VALUES // 2) + b"[]]"),
    "larger than the cap": lambda record: _with(record, b'"' + b"x" * SIZE_CAP + b'"'),
    "no JSON": lambda record: _with(record, b"<html>"),
    "no attributes": lambda record: _without(record, attributes=[]),
    "attributes that say nothing": lambda record: _without(record, attributes={"name": "Shop"}),
    "no object": lambda _: b'"text"',
}
"""These cannot be read; the first four spoil their page."""
REFUSALS: Mapping[str, tuple[int, bytes, Mapping[str, str]]] = {
    "500": (500, b'{"errors": "oops"}', {}),
    "403": (403, b'{"errors": "not yours"}', {}),
    "403 of a filter": (403, b"<html>Access denied</html>", {"Content-Type": "text/html"}),
    "429 of a filter": (429, b"<html>Slow down</html>", {"Content-Type": "text/html"}),
    "429 of a filter, with Retry-After": (429, b"<html>Slow down</html>", {"Retry-After": "1"}),
    "a page for people": (200, b"<html>Welcome</html>", {"Content-Type": "text/html"}),
    "nothing": (200, b"", {}),
    "another record": (200, b'{"data": {"id": "1", "attributes": {"status": "Resolved"}}}', {}),
}
"""What may be answered in place of a single record."""
