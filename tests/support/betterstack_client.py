"""What the tests of Better Stack's client share: a clock that waiting moves, pages, and the client itself."""

import ssl
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import respx

from daemon.clients.betterstack import BetterStack
from daemon.clients.http import HttpClient
from daemon.config.settings import HttpSection
from daemon.host.clock import TheirClock, utc_now
from tests.support.values import settings

UPTIME, INCIDENTS = "https://uptime.betterstack.com", "https://incidents.betterstack.com"
LIST = "/api/v3/incidents"
TOKEN = "a-token-of-better-stack"
ELSEWHERE = "https://evil.test/api/v3/incidents?page=2&secret=1"


@dataclass
class Monotonic:
    """Stands in for the module `time` in the client: time passes by waiting, and as a test says."""

    now: float = 1000.0

    def monotonic(self) -> float:
        return self.now


@dataclass
class Source:
    """A client, and what it did."""

    client: BetterStack
    clock: Monotonic
    warnings: list[str]
    waits: list[float]
    stopping: list[bool] = field(default_factory=list)
    """Not empty: the program stops."""


def source(clock: Monotonic, base_url: str = UPTIME, **betterstack: Any) -> Source:
    """A client whose waits move the clock."""
    whole = settings(betterstack={"base_url": base_url, **betterstack})
    http = HttpClient(base_url, HttpSection(timeout=timedelta(minutes=2)), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    warnings: list[str] = []
    waits: list[float] = []
    stopping: list[bool] = []

    def wait(seconds: float) -> bool:
        waits.append(seconds)
        clock.now += seconds
        return bool(stopping)

    client = BetterStack(http, whole.betterstack, wait, warnings.append, TheirClock(utc_now))
    return Source(client, clock, warnings, waits, stopping)


def page(records: list[Any], following: object = None) -> httpx.Response:
    """A page of a list; `following` is what stands in `next`."""
    return httpx.Response(200, json={"data": records, "pagination": {"prev": None, "next": following}})


def asked(router: respx.MockRouter) -> list[str]:
    """The URLs that were requested."""
    return [str(call.request.url) for call in router.calls]
