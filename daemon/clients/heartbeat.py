"""Calls those who watch over this program: whoever no longer hears from it knows that something is wrong with it.

A watcher that cannot be reached is never fatal. The addresses are secrets, and show in no text that leaves this module.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from daemon.clients.http import BodyError, ExchangeError, HttpClient

AT_ONCE = 8


class Heartbeat:
    """All watchers, in the order of `heartbeat.urls`."""

    def __init__(self, watchers: Sequence[HttpClient]) -> None:
        """One client for each watcher, with the whole address as its base."""
        self._watchers = watchers

    def beat(self) -> list[str]:
        """Calls each watcher. A sentence for each that did not take it."""
        if not self._watchers:
            return []
        try:
            with ThreadPoolExecutor(AT_ONCE, "heartbeat") as pool:
                failures = list(pool.map(_call, self._watchers))
        except RuntimeError as error:
            return [f"heartbeat.urls: not called, {error}"]
        return [f"heartbeat.urls, number {place}: {why}" for place, why in enumerate(failures, 1) if why]


def _call(watcher: HttpClient) -> str | None:
    try:
        status = watcher.exchange("GET", "").status
    except BodyError as error:
        # Nobody reads what it says: the status alone tells whether it was taken.
        status = error.reply.status
    except ExchangeError as error:
        # The text may quote the address.
        return "no answer in time" if "within" in str(error) else f"not reached ({str(error).partition(':')[0]})"
    return None if 200 <= status < 300 else f"HTTP {status}"
