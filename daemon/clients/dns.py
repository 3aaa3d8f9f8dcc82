"""Name resolution by `getaddrinfo`, which has no timeout and may hang for ever: each look-up runs in its own thread.

IPv4 and IPv6 are looked up separately, so a name server that answers only one of them causes no delay. A caller whose
deadline passes gives up; the next caller joins the same look-up, so a hanging one does not pile up threads. A slow
answer is cached for a minute: otherwise callers that cannot wait that long would lose it every time.
"""

import ipaddress
import socket
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

Address = tuple[int, tuple[Any, ...]]
"""Address family, and the socket address within it."""
Found = Future[list[Address]]

KEPT = 60.0
"""Seconds for which a slow answer is cached. A fast one is not cached, since a service may move."""
LONG = 1.0
"""Seconds from which an answer counts as slow."""

_Key = tuple[str, int, int]
_under_way: dict[_Key, Found] = {}
_kept: dict[_Key, tuple[Found, float]] = {}
_lock = threading.Lock()


def look_ups(host: str, port: int, until: float) -> Mapping[int, Found]:
    """Starts or joins the look-ups of the host, by address family. `until`: the caller's deadline (monotonic)."""
    if family := _family(host):
        found = Found()
        found.set_result([(family, (host, port))])
        return {family: found}
    return {family: _look_up((host, port, family), until) for family in (socket.AF_INET6, socket.AF_INET)}


def forget(host: str, port: int) -> bool:
    """Drops the cached addresses of the host, as they do not work. Returns whether there were any."""
    with _lock:
        gone = [key for key in _kept if key[:2] == (host, port)]
        for key in gone:
            del _kept[key]
    return bool(gone)


def _family(host: str) -> int:
    """The family of an IP address; 0 for a name."""
    try:
        return socket.AF_INET if ipaddress.ip_address(host).version == 4 else socket.AF_INET6
    except ValueError:
        return 0


def _look_up(key: _Key, until: float) -> Found:
    """Returns the cached answer, joins the running look-up, or starts one."""
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
    except Exception as error:  # noqa: BLE001 - the waiting caller raises it
        _end(key)
        found.set_exception(error)
    else:
        _end(key, found if time.monotonic() >= late_from else None)
        found.set_result(addresses)


def _addresses(host: str, port: int, family: int) -> list[Address]:
    answers = socket.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)
    return list(dict.fromkeys((int(found), where) for found, *_, where in answers))


def _end(key: _Key, late: Found | None = None) -> None:
    """Ends a look-up and drops the cached answer; caches a late one instead."""
    with _lock:
        del _under_way[key]
        _kept.pop(key, None)
        if late is not None:
            _kept[key] = late, time.monotonic() + KEPT
