"""Heartbeat: calls the URLs of watchdog services, which raise an alarm when the calls stop.

A failed call is never fatal. The URLs are secrets and appear in no text that leaves this module.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from daemon.clients.http import BodyError, ExchangeError, HttpClient

AT_ONCE = 8


class Heartbeat:
    """All watchdog services, in the order of `heartbeat.urls`."""

    def __init__(self, watchers: Sequence[HttpClient]) -> None:
        """One client per service, with the whole URL as its base."""
        self._watchers = watchers

    def send(self) -> list[str]:
        """Calls every service; returns a sentence for each failed call."""
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
        # The body does not matter: the status alone shows success.
        status = error.reply.status
    except ExchangeError as error:
        # The text may contain the URL.
        return "no answer in time" if "within" in str(error) else f"not reached ({str(error).partition(':')[0]})"
    return None if 200 <= status < 300 else f"HTTP {status}"
