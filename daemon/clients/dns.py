"""The addresses of a host, from the system's own look-up, which knows no deadline and may hang for ever.

IPv4 and IPv6 are looked up apart, so that a name server which answers one of them only costs nothing. Whoever cannot
wait goes on without; the look-up is joined by the next one who asks, so that one that hangs collects no threads. An
answer that was long in coming is kept for a minute: it would be as long in coming the next time, and be thrown away
each time if nobody may wait for so long.
"""

import ipaddress
import socket
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

Address = tuple[int, tuple[Any, ...]]
"""A family, and where in it."""
Found = Future[list[Address]]

KEPT = 60.0
"""Seconds for which an answer that was long in coming is kept. One that comes at once is not: a service may move."""
LONG = 1.0
"""Seconds after which an answer was long in coming."""

_Key = tuple[str, int, int]
_under_way: dict[_Key, Found] = {}
_kept: dict[_Key, tuple[Found, float]] = {}
_lock = threading.Lock()


def look_ups(host: str, port: int, until: float) -> Mapping[int, Found]:
    """The look-ups that bring addresses of the host, by family. Whoever asks can wait `until` then (monotonic)."""
    if family := _family(host):
        found = Found()
        found.set_result([(family, (host, port))])
        return {family: found}
    return {family: _look_up((host, port, family), until) for family in (socket.AF_INET6, socket.AF_INET)}


def forget(host: str, port: int) -> bool:
    """Drops what was kept, as it leads nowhere. Returns whether there was anything."""
    with _lock:
        gone = [key for key in _kept if key[:2] == (host, port)]
        for key in gone:
            del _kept[key]
    return bool(gone)


def _family(host: str) -> int:
    """That of an address; none of a name."""
    try:
        return socket.AF_INET if ipaddress.ip_address(host).version == 4 else socket.AF_INET6
    except ValueError:
        return 0


def _look_up(key: _Key, until: float) -> Found:
    """Begins a look-up, joins the one under way, or returns what was kept."""
    late_from = min(time.monotonic() + LONG, until)
    with _lock:
        kept, kept_until = _kept.get(key, (None, 0.0))
        if kept is not None and time.monotonic() < kept_until:
            return kept
        if (under_way := _under_way.get(key)) is not None:
            return under_way
        found = Found()
        try:
            threading.Thread(target=_find, args=(key, found, late_from), name="look-up", daemon=True).start()
        except RuntimeError as error:
            found.set_exception(OSError(str(error)))
        else:
            _under_way[key] = found
    return found


def _find(key: _Key, found: Found, late_from: float) -> None:
    try:
        addresses = _addresses(*key)
    except Exception as error:  # noqa: BLE001 - whoever waits for it raises it
        _end(key)
        found.set_exception(error)
    else:
        _end(key, found if time.monotonic() >= late_from else None)
        found.set_result(addresses)


def _addresses(host: str, port: int, family: int) -> list[Address]:
    answers = socket.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)
    return list(dict.fromkeys((int(found), where) for found, *_, where in answers))


def _end(key: _Key, late: Found | None = None) -> None:
    """Nothing is under way any more; a late answer replaces what was kept, any other one makes it needless."""
    with _lock:
        del _under_way[key]
        _kept.pop(key, None)
        if late is not None:
            _kept[key] = late, time.monotonic() + KEPT
