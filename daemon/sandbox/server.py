"""Runs both services within a `with` block, and waits for changes in them.

Everything is on loopback. Every change notifies one condition variable, so waiting needs no polling.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from typing import Self, TypeVar

from daemon.sandbox.betterstack import TOKEN, BetterStack
from daemon.sandbox.context import Context
from daemon.sandbox.signl4 import API_LIMIT, EVENT_LIMIT, FAULTY_LIMIT, SECRET, Signl4
from daemon.sandbox.world import FIRST_ID, World

Found = TypeVar("Found")


class Sandbox:
    """Simulators of Better Stack and SIGNL4."""

    def __init__(
        self,
        *,
        context: Context | None = None,
        event_limit: int = EVENT_LIMIT,
        faulty_limit: int | None = FAULTY_LIMIT,
        api_limit: int = API_LIMIT,
        betterstack_port: int = 0,
        signl4_port: int = 0,
        first_id: int = FIRST_ID,
        teams: Iterable[str] = (),
        accounts: Iterable[str] = (),
    ) -> None:
        """`context`: clock and latency; a port of 0 is any free one; the limits are those of `Signl4`.

        `first_id`: of the first incident. `teams`: further teams at SIGNL4; `accounts`: at Better Stack, each with a
        token of its own.
        """
        self.context = context or Context()
        self.world = World(self.context, first_id)
        self.betterstack = BetterStack(self.context, self.world, port=betterstack_port)
        self.signl4 = Signl4(
            self.context, limit=event_limit, faulty_limit=faulty_limit, api_limit=api_limit, port=signl4_port
        )
        self.betterstack.accounts = {f"{TOKEN}-{account}": account for account in accounts}
        self.signl4.teams = {f"{SECRET}-{team}": team for team in teams}

    def __enter__(self) -> Self:
        """Starts both services."""
        with ExitStack() as started:
            for service in (self.betterstack, self.signl4):
                service.start()
                started.callback(service.stop)
            self._started = started.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Stops both. Raises any error of the sandbox itself."""
        self._started.close()

    def environment(self, *, two_ways: bool = False) -> dict[str, str]:
        """The variables that point the daemon at the sandbox. `two_ways`: with the key of SIGNL4's REST API."""
        key = {"SIGNL4__API_KEY": self.signl4.api.key} if two_ways else {}
        return {
            "BETTERSTACK__TOKEN": self.betterstack.token,
            "BETTERSTACK__BASE_URL": self.betterstack.url,
            **dict(self._sources()),
            "SIGNL4__SECRET": self.signl4.secret,
            **{f"SIGNL4__TEAMS__{team.upper()}__SECRET": secret for secret, team in self.signl4.teams.items()},
            "SIGNL4__BASE_URL": self.signl4.url,
            **key,
        }

    def _sources(self) -> Iterator[tuple[str, str]]:
        for token, account in self.betterstack.accounts.items():
            yield f"SOURCE__{account.upper()}__TOKEN", token
            yield f"SOURCE__{account.upper()}__BASE_URL", self.betterstack.url

    def wait_for(self, predicate: Callable[[], Found], timeout: float = 10.0, what: str = "it") -> Found:
        """Waits until `predicate` returns a true value, and returns it. Raises `TimeoutError`.

        The predicate is evaluated at every change. `timeout`: in seconds.
        """
        with self.context.changed:
            found = self.context.changed.wait_for(predicate, timeout)
            if not found:
                raise TimeoutError(f"{what} did not happen within {timeout:g} s; {self._so_far()}")
            return found

    def _so_far(self) -> str:
        asked, told = len(self.betterstack.requests), len(self.signl4.requests)
        return f"{asked} requests to Better Stack, {told} to SIGNL4, {len(self.signl4.events)} events accepted"
