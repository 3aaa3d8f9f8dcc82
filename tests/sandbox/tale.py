"""Short tales of one incident, in a language of one word for each thing that happens.

Lower case is what happens at Better Stack, `show` is what the client is shown of it, upper case is what SIGNL4 gets.
`stale` is what it is shown by a replica that has heard of nothing since the last `cut`. Ten seconds lie between two
words, after `quick` a tenth of one; `start` is the client's first request; from `down` to `up` SIGNL4 cannot be told.
What another team gets has its name behind it, as in `NEW@night`. `JANE` acknowledges the alert in SIGNL4, and at
`CLOSE` she closes it.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from daemon.model.destination import DEFAULT
from daemon.sandbox.context import Context
from daemon.sandbox.history import Alert, AlertChange, Event, Showing, Window
from daemon.sandbox.rules import Silenced, Team
from daemon.sandbox.verdict import Verdict, judge
from daemon.sandbox.world import World

KINDS = {"NEW": "new", "ACK": "acknowledged", "RES": "resolved"}
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Tale:
    """Tales are told one after the other into the same world."""

    def __init__(self) -> None:
        self.now = NOON
        self.world = World(Context(now=lambda: self.now))
        self.events: list[Event] = []
        self.held: list[Window] = []
        self.started: datetime | None = None
        self.teams: list[Team] = []
        self.silences: list[Silenced] = []
        self.changes: list[AlertChange] = []
        self._down = self._cut = NOON
        self._incident = ""

    def tell(self, words: str) -> "Tale":
        step = timedelta(seconds=10)
        for word in words.split():
            if word == "quick":
                step = timedelta(seconds=0.1)
                continue
            self.now += step
            self._tell(word)
        return self

    def _tell(self, word: str) -> None:
        kind, _, team = word.partition("@")
        if kind in KINDS:
            payload = {"X-S4-ExternalID": self._incident, "X-S4-Status": KINDS[kind], "Title": "Shop"}
            self.events.append(Event(self.now, "event", payload, team or DEFAULT))
        elif kind in {"JANE", "CLOSE"}:
            raised = Alert("alert", "event", self._incident, "Shop", team or DEFAULT, self.now)
            closed = replace(raised, closed_at=self.now)
            alert = replace(raised, acknowledged_at=self.now) if kind == "JANE" else closed
            self.changes.append(AlertChange(self.now, alert, "Jane"))
        elif word in {"open", "unconfirmed"}:
            self._incident = self.world.open("Shop", status="Started" if word == "open" else "Unconfirmed")
        else:
            self._verbs()[word]()

    def _verbs(self) -> dict[str, Callable[[], object]]:
        incident, world = self._incident, self.world
        return {
            "confirm": lambda: world.confirm(incident),
            "ack": lambda: world.acknowledge(incident),
            "resolve": lambda: world.resolve(incident),
            "reopen": lambda: world.reopen(incident, keep_times=True),
            "afresh": lambda: world.reopen(incident, keep_times=False),
            "validating": lambda: world.set_status(incident, "Validating"),
            "delete": lambda: world.delete(incident),
            "show": lambda: self._show(None),
            "cut": self._cut_off,
            "stale": lambda: self._show(self._cut),
            "start": self._start,
            "down": self._go_down,
            "up": lambda: self.held.append(Window(self._down, self.now)),
        }

    def _show(self, as_of: datetime | None) -> None:
        records = self.world.records_as_of(as_of)
        self.world.show([Showing(self.now, record.id, record.generation, record.phase) for record in records])

    def _cut_off(self) -> None:
        self._cut = self.now

    def _start(self) -> None:
        self.started = self.now

    def _go_down(self) -> None:
        self._down = self.now

    def verdict(self) -> Verdict:
        world = self.world
        rules = self.held, self.teams, self.silences
        return judge(world.history, world.showings, self.events, self.started, *rules, self.changes)
