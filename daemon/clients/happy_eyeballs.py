"""Happy Eyeballs (RFC 8305): overlapping attempts to connect to a host's addresses; the first connection wins.

An address that drops packets costs a quarter of a second instead of a whole timeout, and only once: the address that
worked last is tried first. IPv4 and IPv6 alternate.
"""

import errno
import math
import os
import select
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, wait

from daemon.clients.dns import Address, Found

LOOKING_UP = "the name is still being looked up"
RESOLUTION_DELAY = 0.05
"""Seconds to wait for the addresses of the preferred family: RFC 8305, section 3."""
ATTEMPT_DELAY = 0.25
"""Seconds between two attempts; a failure starts the next at once: RFC 8305, section 5."""
LOOK_UP_POLL = 0.05
"""Seconds between two checks of running look-ups while attempts are in progress."""

MakeSocket = Callable[[int], socket.socket]
"""Creates a socket of an address family."""


class HappyEyeballs:
    """The attempts to connect to a host."""

    def __init__(
        self, look_ups: Mapping[int, Found], make_socket: MakeSocket, on_found: Callable[[], None], last: Address | None
    ) -> None:
        """`last`: the address that worked last. `on_found` is called when the first address is known."""
        self._look_ups = dict(look_ups)
        self._make_socket = make_socket
        self._on_found = on_found
        self._last = last
        self._queues: dict[int, deque[Address]] = {family: deque() for family in look_ups}
        self._attempts: dict[int, tuple[socket.socket, Address]] = {}
        self._found_at: float | None = None
        self._next_at = 0.0
        self._unknown: dict[int, BaseException] = {}
        self._failure: OSError | None = None

    def run(self, until: float) -> tuple[socket.socket, Address]:
        """A connected socket, and its address. `until`: the deadline, monotonic.

        Raises `TimeoutError`; if all attempts fail, the error of the last one, or of the look-up.
        """
        try:
            while True:
                self._collect()
                self._start_due()
                if not (self._attempts or self._look_ups or self._candidates()):
                    raise self._failure or self._why_unknown()
                if (winner := self._winner(self._pause(until))) is not None:
                    return winner
        finally:
            for loser, _ in self._attempts.values():
                loser.close()

    def _candidates(self) -> list[Address]:
        return [address for queue in self._queues.values() for address in queue]

    def _collect(self) -> None:
        """Collects the results of finished look-ups."""
        for family, found in list(self._look_ups.items()):
            if not found.done():
                continue
            del self._look_ups[family]
            if (error := found.exception()) is not None:
                self._unknown[family] = error
                continue
            self._queues[family].extend(found.result())
            if self._found_at is None and found.result():
                self._found_at = time.monotonic()
                self._on_found()

    def _why_unknown(self) -> BaseException:
        """Why there is no address. The error of IPv4 says more, since many names have only IPv4 addresses."""
        return self._unknown.get(socket.AF_INET) or OSError("the name has no address")

    def _start_due(self) -> None:
        """Starts the next attempt if it is due; if that fails at once, the next one too."""
        while self._candidates() and time.monotonic() >= self._due_at():
            self._attempt(self._next_address())

    def _due_at(self) -> float:
        """When the next address may be tried. The first one waits briefly for the preferred family."""
        first = self._last[0] if self._last is not None else socket.AF_INET6
        if self._attempts or first not in self._look_ups:
            return self._next_at
        return (self._found_at or 0.0) + RESOLUTION_DELAY

    def _next_address(self) -> Address:
        """The address that worked last, else the next one of the family whose turn it is."""
        queue = next((queue for queue in self._queues.values() if self._last in queue), None)
        if queue is not None and self._last is not None:
            queue.remove(self._last)
            address = self._last
        else:
            queue = next(filter(None, self._queues.values()))
            address = queue.popleft()
        # The family just used goes to the end.
        self._queues = dict(sorted(self._queues.items(), key=lambda item: item[1] is queue))
        return address

    def _attempt(self, address: Address) -> None:
        family, where = address
        self._next_at = time.monotonic() + ATTEMPT_DELAY
        try:
            attempt = self._make_socket(family)
        except OSError as error:
            self._fail(error)
            return
        self._attempts[attempt.fileno()] = attempt, address
        attempt.setblocking(False)
        code = attempt.connect_ex(where)
        if code not in {0, errno.EINPROGRESS}:
            self._drop(attempt.fileno(), code)

    def _drop(self, descriptor: int, code: int) -> None:
        attempt, _ = self._attempts.pop(descriptor)
        attempt.close()
        self._fail(OSError(code, os.strerror(code)))

    def _fail(self, error: OSError) -> None:
        self._failure, self._next_at = error, 0.0

    def _pause(self, until: float) -> float:
        """Seconds until the next timed step. Raises `TimeoutError` at the deadline."""
        now = time.monotonic()
        if now >= until:
            raise TimeoutError(LOOKING_UP if self._found_at is None else "no address has answered")
        steps = [until]
        if self._candidates():
            steps.append(self._due_at())
        if self._look_ups and self._attempts:
            steps.append(now + LOOK_UP_POLL)
        return max(min(steps) - now, 0.0)

    def _winner(self, pause: float) -> tuple[socket.socket, Address] | None:
        """The first attempt to succeed within `pause` (s), or `None`. A finished look-up or attempt ends it early."""
        if not self._attempts:
            wait(self._look_ups.values(), pause, return_when=FIRST_COMPLETED)
            return None
        for descriptor in _writable(self._attempts, pause):
            attempt, _ = self._attempts[descriptor]
            if code := attempt.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                self._drop(descriptor, code)
            else:
                return self._attempts.pop(descriptor)
        return None


def _writable(descriptors: Iterable[int], seconds: float) -> list[int]:
    """The descriptors whose connection was established, or failed."""
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLOUT)
    return [descriptor for descriptor, _ in poll.poll(math.ceil(seconds * 1000))]
