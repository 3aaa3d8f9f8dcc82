"""The deadline of an exchange, the duration of its steps, and the beginning of its response.

One thread runs an exchange from beginning to end, so its state is thread-local. Its clock goes on while the process is
frozen and while the machine sleeps: what wakes too late sends nothing any more.
"""

import re
import threading
import time
from dataclasses import dataclass

KEPT = 4096
"""Bytes kept of the beginning of a response."""
_STATUS = re.compile(rb"HTTP/1\.\d ([1-5]\d\d)[ \r\n]")
_INTERIM = re.compile(rb"HTTP/1\.\d 1\d\d.*?\r?\n\r?\n", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Took:
    """Duration of the steps of an exchange, in seconds. On a reused connection the first two are 0."""

    look_up: float
    connection: float
    """Includes the proxy tunnel and TLS."""
    answer: float


class _Exchange(threading.local):
    """The current exchange of a thread."""

    begun = ends = 0.0
    found: float | None = None
    connected: float | None = None
    heard: bytes | None = None
    """The beginning of the response; `None` while a proxy answers a CONNECT request."""


_exchange = _Exchange()


def begin_exchange(seconds: float, latest: float | None = None) -> None:
    """Starts an exchange in this thread, with its deadline in `seconds`, or at `latest` on CLOCK_BOOTTIME."""
    _exchange.begun = time.clock_gettime(time.CLOCK_BOOTTIME)
    ends = _exchange.begun + seconds
    _exchange.ends = ends if latest is None else min(ends, latest)
    _exchange.found = _exchange.connected = _exchange.heard = None


def left(timeout: float | None, late: type[Exception]) -> float:
    """How long a wait may last (s): `timeout` or the rest of the exchange. Raises `late` if none is left."""
    left: float = _exchange.ends - time.clock_gettime(time.CLOCK_BOOTTIME)
    if left <= 0:
        raise late("the deadline of the exchange has passed")
    return min(timeout, left) if timeout is not None else left


def note_found() -> None:
    """Records the time at which an address was found."""
    _exchange.found = time.clock_gettime(time.CLOCK_BOOTTIME)


def note_connected() -> None:
    """Records the time at which the connection, or TLS on it, was established."""
    _exchange.connected = time.clock_gettime(time.CLOCK_BOOTTIME)


def note_asked(request: bytes) -> None:
    """Records that (a part of) a request was sent: bytes received from now on are its response."""
    if request:
        _exchange.heard = None if request.startswith(b"CONNECT ") else b""


def has_asked() -> bool:
    """Whether a part of the request, other than a CONNECT to a proxy, may have been sent."""
    return _exchange.heard is not None


def note_heard(answer: bytes) -> None:
    """Records received bytes of the response."""
    if _exchange.heard is not None and len(_exchange.heard) < KEPT:
        _exchange.heard += answer[:KEPT]


def status_heard() -> int | None:
    """The HTTP status of the response, even if the rest of it is broken; `None` if it has none. Skips 1xx."""
    heard = _exchange.heard or b""
    while interim := _INTERIM.match(heard):
        heard = heard[interim.end() :]
    status = _STATUS.match(heard)
    return int(status[1]) if status and not status[1].startswith(b"1") else None


def took() -> Took:
    """The durations of this thread's exchange, up to now."""
    found = _exchange.begun if _exchange.found is None else _exchange.found
    connected = found if _exchange.connected is None else _exchange.connected
    return Took(found - _exchange.begun, connected - found, time.clock_gettime(time.CLOCK_BOOTTIME) - connected)
