"""`--dry-run`: nothing is sent and nothing is changed; what would have been sent is printed.

The process works as ever, on a private copy of the state, and each message counts as accepted. So what would follow is
printed as well. Neither the heartbeat URLs nor the service manager nor Prometheus hear of it.
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
from daemon.model.destination import BETTER_STACK
from daemon.model.incident import Kind
from daemon.model.printable import printable
from daemon.runtime.surroundings import Surroundings
from daemon.storage import queries
from daemon.storage.backup import private_copy
from daemon.storage.engine import listing_reader

NO_LIMIT = 10**6
"""Events in a window: what is not sent uses up no limit."""
ACCEPTED = Answer(Delivered("dry run"), rate_limit=RateLimit(NO_LIMIT, NO_LIMIT, WINDOW))
"""The answer to every message."""


@dataclass(frozen=True, slots=True)
class Printed:
    """What is printed of a message."""

    destination: str
    whom: str
    kind: str
    id: str
    """Under which the other side knows the incident."""
    payload: Mapping[str, Any]

    def as_json(self) -> str:
        """One line, under the names that `deliveries --json` uses."""
        values = {"destination": self.destination, "kind": self.kind, "external_id": self.id, "payload": self.payload}
        return json.dumps(values)

    def as_text(self) -> str:
        """The body under a heading."""
        heading = f"{self.kind} of {self.id}, to {self.whom}:"
        return f"{printable(heading)}\n{spelled(self.payload)}"


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
            changes=lambda _http, _settings, _name: NoChanges(self.print_change),
            watchers=lambda _: NoWatchers(),
            shows_metrics=False,
        )

    def print(self, team: str, payload: Mapping[str, Any]) -> None:
        """Prints one message to a team. If standard output takes no more, the work ends."""
        self._print(Printed(team, f"team {team}", payload[STATUS], payload[EXTERNAL_ID], payload))

    def print_change(self, incident_id: str, kind: Kind, by: str) -> None:
        """Prints what would be done at Better Stack."""
        self._print(Printed(BETTER_STACK, BETTER_STACK, kind, incident_id, {f"{kind}_by": by}))

    def _print(self, message: Printed) -> None:
        self._printout.put(message.as_json() if self._as_json else message.as_text())
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
            left = queries.snapshot(listing_reader(copy))
            self._waiting = left.pending_deliveries + (left.two_way.pending_write_backs if left.two_way else 0)


@dataclass(frozen=True, slots=True)
class NoChanges:
    """A Better Stack that is not written to."""

    print: Callable[[str, Kind, str], None]

    def send(self, incident_id: str, kind: Kind, by: str) -> Answer:
        """Prints the change."""
        self.print(incident_id, kind, by)
        return ACCEPTED


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
