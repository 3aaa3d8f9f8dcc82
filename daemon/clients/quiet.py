"""When the next request may go to Better Stack with one token: its limits are those of the token.

Accounts of several sources may have the same token, a global one with a `team_name` for each. Their requests take
turns, and what Better Stack asks of one holds for all.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Lock

from daemon.model.errors import BetterStackError, StoppedError

REQUEST_GAP = 0.2
"""Seconds between two requests. No limit is published; the official Terraform provider keeps to 8 requests a second."""
FULL_PAGE_GAP = 0.1
"""The same after a page that is not the last of its list, as long as Better Stack has never asked for less: in a large
outage alerts wait for the pages."""
BREATH = 1.0
"""Seconds of a wait between two signs of life. Longer than this only Better Stack makes a request wait."""


@dataclass(slots=True)
class Quiet:
    """The pace of one token. Called by any thread; all times are of the monotonic clock, in seconds."""

    until: float = 0.0
    """Until when Better Stack asked that no request be sent."""
    was_asked: bool = False
    """Whether Better Stack has ever answered 429."""
    next_at: float = 0.0
    """The turn of the next request."""
    _lock: Lock = field(default_factory=Lock, repr=False)

    def turn(self, wait: Callable[[float], bool]) -> float:
        """Waits for the turn of a request; returns when that was.

        `wait(seconds)` returns true when the program stops. Raises `StoppedError` then, and `BetterStackError` if
        Better Stack asked for a pause.
        """
        with self._lock:
            now = time.monotonic()
            if self.until > now:
                self._check(now)
            at = max(self.until, self.next_at, now)
            self.next_at = at + REQUEST_GAP
        left = at - now
        while True:
            if wait(min(left, BREATH)):
                raise StoppedError("the program is stopping")
            if (left := left - BREATH) <= 0:
                return self._begin(at)

    def _begin(self, at: float) -> float:
        """The wait is over. Another request may have been asked for a pause meanwhile, or wait for its turn by now."""
        with self._lock:
            now = time.monotonic()
            if self.until > now:
                self._check(now)
            if self.next_at == at + REQUEST_GAP:
                self.next_at, at = now + REQUEST_GAP, now
            return at

    def more_follows(self, at: float) -> None:
        """The request whose turn was then brought a page that is not the last."""
        with self._lock:
            if not self.was_asked and self.next_at == at + REQUEST_GAP:
                self.next_at = at + FULL_PAGE_GAP

    def ask(self, pause: timedelta) -> None:
        """Better Stack asks for this pause."""
        self.until = time.monotonic() + pause.total_seconds()

    def _check(self, now: float) -> None:
        left = self.until - now
        if left > BREATH:
            raise BetterStackError(
                f"Better Stack asked to be left alone for another {left:.0f} s", retry_after=timedelta(seconds=left)
            )
