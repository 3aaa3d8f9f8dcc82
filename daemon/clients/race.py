"""A connection to one of a host's addresses, whichever is there first: RFC 8305, "Happy Eyeballs".

Attempts overlap, so an address that swallows connections costs a quarter of a second and not its whole timeout; what
worked last is tried first, so it costs that only once. Both families take turns.
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
"""Seconds that addresses wait for those of the family that is to be tried first: RFC 8305, section 3."""
ATTEMPT_DELAY = 0.25
"""Seconds between two attempts while none of those before has failed: RFC 8305, section 5."""
GLANCE = 0.05
"""Seconds between two looks at look-ups that go on while connections are being made."""

Begin = Callable[[int], socket.socket]
"""Makes a socket of a family."""


class Race:
    """The attempts to connect to a host."""

    def __init__(
        self, look_ups: Mapping[int, Found], begin: Begin, on_found: Callable[[], None], last: Address | None
    ) -> None:
        """`last` is the address that worked last. `on_found` is called once there is an address."""
        self._look_ups = dict(look_ups)
        self._begin = begin
        self._on_found = on_found
        self._last = last
        self._queues: dict[int, deque[Address]] = {family: deque() for family in look_ups}
        self._attempts: dict[int, tuple[socket.socket, Address]] = {}
        self._found_at: float | None = None
        self._next_at = 0.0
        self._unknown: dict[int, BaseException] = {}
        self._failure: OSError | None = None

    def run(self, until: float) -> tuple[socket.socket, Address]:
        """A connected socket, and where to. `until` is monotonic.

        Raises `TimeoutError`, and what the last attempt or the look-up raised when all have failed.
        """
        try:
            while True:
                self._collect()
                self._set_out()
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
        """Takes the addresses that have come."""
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
        """Why there is no address; that of IPv4 says more, since many names have no other one."""
        return self._unknown.get(socket.AF_INET) or OSError("the name has no address")

    def _set_out(self) -> None:
        """Begins the next attempt if it is time for it; one that fails at once makes room for another."""
        while self._candidates() and time.monotonic() >= self._due_at():
            self._attempt(self._take())

    def _due_at(self) -> float:
        """When the next candidate may be tried. The first one waits a moment for the family that should come first."""
        first = self._last[0] if self._last is not None else socket.AF_INET6
        if self._attempts or first not in self._look_ups:
            return self._next_at
        return (self._found_at or 0.0) + RESOLUTION_DELAY

    def _take(self) -> Address:
        """What worked last, else the next one of the family whose turn it is."""
        queue = next((queue for queue in self._queues.values() if self._last in queue), None)
        if queue is not None and self._last is not None:
            queue.remove(self._last)
            address = self._last
        else:
            queue = next(filter(None, self._queues.values()))
            address = queue.popleft()
        # Whose turn it was comes last now.
        self._queues = dict(sorted(self._queues.items(), key=lambda item: item[1] is queue))
        return address

    def _attempt(self, address: Address) -> None:
        family, where = address
        self._next_at = time.monotonic() + ATTEMPT_DELAY
        try:
            attempt = self._begin(family)
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
        """Seconds in which nothing is to be done unless something happens."""
        now = time.monotonic()
        if now >= until:
            raise TimeoutError(LOOKING_UP if self._found_at is None else "no address has answered")
        steps = [until]
        if self._candidates():
            steps.append(self._due_at())
        if self._look_ups and self._attempts:
            steps.append(now + GLANCE)
        return max(min(steps) - now, 0.0)

    def _winner(self, pause: float) -> tuple[socket.socket, Address] | None:
        """The first attempt that succeeds within the pause, which ends early when a look-up or an attempt does."""
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
    """Those on which a connection was made, or failed."""
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLOUT)
    return [descriptor for descriptor, _ in poll.poll(math.ceil(seconds * 1000))]
