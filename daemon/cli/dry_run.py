"""`--dry-run`: nothing is sent and nothing is changed; what would have been sent is printed.

The process works as ever, on a private copy of the state, and each message counts as accepted. So what would follow is
printed as well. Neither the heartbeat URLs nor the service manager hear of it.
"""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Any

from daemon.cli.preview import spelled
from daemon.cli.printout import Printout
from daemon.decisions.payload import EXTERNAL_ID, STATUS
from daemon.host import output
from daemon.host.signals import Stop
from daemon.model.delivery import WINDOW, Answer, Delivered, RateLimit
from daemon.model.printable import printable
from daemon.runtime.surroundings import Surroundings
from daemon.storage import queries
from daemon.storage.backup import private_copy
from daemon.storage.engine import listing_reader

NO_LIMIT = 10**6
"""Events in a window: what is not sent uses up no limit."""
ACCEPTED = Answer(Delivered("dry run"), rate_limit=RateLimit(NO_LIMIT, NO_LIMIT, WINDOW))
"""The answer to every message."""


class DryRun:
    """Prints the messages. `print` is called by any thread, all else by the main thread."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._stop = Stop()
        self._printout = Printout(self._stop)
        self._counting = Lock()
        self._printed = 0
        self._waiting = 0

    def surroundings(self) -> Surroundings:
        """Those of a process that does nothing but print."""
        return Surroundings(
            stop=self._stop,
            environ={},
            state=self._copy,
            receiver=lambda _http, _secret, team: Team(team, self.print),
            watchers=lambda _: NoWatchers(),
        )

    def print(self, team: str, payload: Mapping[str, Any]) -> None:
        """Prints one message to a team. If standard output takes no more, the work ends."""
        self._printout.put(_as_json(team, payload) if self._as_json else _as_text(team, payload))
        with self._counting:
            self._printed += 1

    def end(self) -> None:
        """Says how much would have been sent, and how much waits; with JSON on standard error, beside the log.

        Raises what `Printout.end` raises.
        """
        sentence = f"{self._printed} would have been sent, {self._waiting} waiting, nothing was sent"
        if not self._as_json:
            self._printout.put(sentence)
        self._printout.end()
        if self._as_json:
            output.say(sys.stderr, sentence)

    @contextmanager
    def _copy(self, url: str) -> Iterator[str]:
        with private_copy(url) as copy:
            yield copy
            self._waiting = queries.snapshot(listing_reader(copy)).pending_deliveries


@dataclass(frozen=True, slots=True)
class Team:
    """A team that is sent nothing."""

    name: str
    print: Callable[[str, Mapping[str, Any]], None]

    def send(self, payload: Mapping[str, Any]) -> Answer:
        """Prints the message."""
        self.print(self.name, payload)
        return ACCEPTED


class NoWatchers:
    """Heartbeat URLs that are not called."""

    def send(self) -> list[str]:
        """Nothing failed."""
        return []


def _as_json(team: str, payload: Mapping[str, Any]) -> str:
    """One line, under the names that `deliveries --json` uses."""
    kind, external_id = payload[STATUS], payload[EXTERNAL_ID]
    return json.dumps({"destination": team, "kind": kind, "external_id": external_id, "payload": payload})


def _as_text(team: str, payload: Mapping[str, Any]) -> str:
    heading = f"{payload[STATUS]} of {payload[EXTERNAL_ID]}, to team {team}:"
    return f"{printable(heading)}\n{spelled(payload)}"
