"""How long an exchange may still last, which of its steps took how long, and how its answer begins.

An exchange is one thread's from beginning to end, so the thread is what the rest asks.
"""

import re
import threading
import time
from dataclasses import dataclass

KEPT = 4096
"""So many bytes are kept of the beginning of an answer."""
_STATUS = re.compile(rb"HTTP/1\.\d ([1-5]\d\d)[ \r\n]")
_INTERIM = re.compile(rb"HTTP/1\.\d 1\d\d.*?\r?\n\r?\n", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds that the steps of an exchange took. Over a connection that was there already the first two took none."""

    look_up: float
    connection: float
    """With the tunnel and TLS."""
    answer: float


class _Exchange(threading.local):
    """The one that a thread is in."""

    begun = ends = 0.0
    found: float | None = None
    connected: float | None = None
    heard: bytes | None = None
    """The beginning of the answer; `None` where it would be a proxy's to the request for a tunnel."""


_exchange = _Exchange()


def begin_exchange(seconds: float) -> None:
    """The exchange that this thread begins now may last so long."""
    _exchange.begun = time.monotonic()
    _exchange.ends = _exchange.begun + seconds
    _exchange.found = _exchange.connected = _exchange.heard = None


def left(timeout: float | None, late: type[Exception]) -> float:
    """Seconds that a wait may last: `timeout`, or what is left of the exchange if that is less. Raises `late`."""
    left: float = _exchange.ends - time.monotonic()
    if left <= 0:
        raise late("the deadline of the exchange has passed")
    return min(timeout, left) if timeout is not None else left


def note_found() -> None:
    """It is known now where to connect to."""
    _exchange.found = time.monotonic()


def note_connected() -> None:
    """There is a connection now, or TLS on it."""
    _exchange.connected = time.monotonic()


def note_asked(request: bytes) -> None:
    """What is heard from here on answers this request, or the one of which this is the rest."""
    if request:
        _exchange.heard = None if request.startswith(b"CONNECT ") else b""


def note_heard(answer: bytes) -> None:
    """More of the answer came in."""
    if _exchange.heard is not None and len(_exchange.heard) < KEPT:
        _exchange.heard += answer[:KEPT]


def status_heard() -> int | None:
    """The status that the answer begins with, whatever is wrong with the rest of it."""
    heard = _exchange.heard or b""
    while interim := _INTERIM.match(heard):
        heard = heard[interim.end() :]
    status = _STATUS.match(heard)
    return int(status[1]) if status and not status[1].startswith(b"1") else None


def took() -> Took:
    """Where the time of this thread's exchange went, up to now."""
    found = _exchange.begun if _exchange.found is None else _exchange.found
    connected = found if _exchange.connected is None else _exchange.connected
    return Took(found - _exchange.begun, connected - found, time.monotonic() - connected)
