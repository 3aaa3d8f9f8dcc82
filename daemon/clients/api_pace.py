"""How fast SIGNL4's REST API may be asked: by all clients of one account together, from any thread.

Sliding window: no 15 s, wherever they start, hold more requests than the limit, less a reserve for others. What SIGNL4
asks for comes on top: `Retry-After`, an exhausted limit, and a window of silence after a 429 that says nothing.
"""

import time
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock

from daemon.clients.http import Response
from daemon.clients.limits import limit_said
from daemon.model.delivery import LONGEST_HOLD, MARGIN, WINDOW

RESERVE = 2
"""Requests of each window that are left to other users of the account."""
FREE_PLAN, PAID_PLAN = 10, 150
"""Requests in 15 s (SIGNL4's support pages of November 2026). A larger limit in a header is that of another window."""
_PAUSES = {429, 503}
"""Statuses whose `Retry-After` counts."""


class ApiPace:
    """Shared by all that ask with one API key."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        """`monotonic`: a clock, in seconds."""
        self._monotonic = monotonic
        self._lock = Lock()
        self._most = FREE_PLAN - RESERVE
        self._claimed = deque[float]()
        self._quiet_until = 0.0

    def claim(self) -> float:
        """0 if a request may be sent now, which is then counted; else in how many seconds to ask again."""
        with self._lock:
            now, window = self._monotonic(), WINDOW.total_seconds()
            while self._claimed and self._claimed[0] <= now - window:
                self._claimed.popleft()
            if self._quiet_until > now:
                return self._quiet_until - now
            if len(self._claimed) >= self._most:
                return self._claimed[-self._most] + window - now
            self._claimed.append(now)
            return 0.0

    def heard(self, reply: Response, now: datetime) -> timedelta | None:
        """Takes what a response says of the limit; returns how long SIGNL4 is to be left alone, if at all.

        `now`: our time, aware. A clock that is off, or a reset in another unit, cannot ask for more than 15 min.
        """
        said = limit_said(reply.headers)
        hold = _hold(reply, now)
        with self._lock:
            if said.events is not None and 0 < said.events <= PAID_PLAN:
                self._most = max(said.events - RESERVE, 1)
            if hold is not None:
                self._quiet_until = max(self._quiet_until, self._monotonic() + hold.total_seconds())
        return hold


def _hold(reply: Response, now: datetime) -> timedelta | None:
    said = limit_said(reply.headers)
    asked = reply.retry_after(LONGEST_HOLD, now) if reply.status in _PAUSES else None
    if asked is not None:
        return asked
    if reply.status != 429 and said.remaining != 0:
        return None
    wait = said.resets_in
    if said.resets_at is not None:
        # By SIGNL4's own clock, if its `Date` shows it: ours may differ.
        wait = said.resets_at - (now + (reply.ahead(now) or timedelta(0)))
    if wait is None or not timedelta(0) <= wait <= timedelta(days=1):
        return WINDOW
    return min(wait + MARGIN, LONGEST_HOLD)
