"""Several teams on one database under rules that change, and what of it breaks a promise."""

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fnmatch import fnmatch
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import Connection, event

from daemon.config.settings import Settings
from daemon.decisions.payload import EXTERNAL_ID, STATUS
from daemon.deliver import Deliver
from daemon.model.alarm import flap_id
from daemon.model.delivery import Answer
from daemon.model.destination import DEFAULT, Destination
from daemon.model.errors import BetterStackError, DatabaseBusyError
from daemon.model.incident import Phase
from daemon.model.silence import Silence, Stage
from daemon.storage import silences
from tests.support.clock import Clock
from tests.support.engines import engine_on
from tests.support.fakes import Flows, due_list
from tests.support.kept_log import KeptLog
from tests.support.store import HERE, Store
from tests.worlds.ledger import ANSWERS, RANKS, TAKEN_FOR_SURE, Fate, leave_the_disk_alone

TEAMS = (DEFAULT, "night")
SECTIONS: dict[str, Any] = {"signl4": {"teams": {"night": {"secret": "night1"}}}, "delivery": {"concurrency": 1}}


@dataclass(frozen=True)
class Rules:
    """One configuration, and what a person would say that it means."""

    sections: Mapping[str, Any]
    teams: Callable[[str], set[str]]
    """Who is told of an incident with this name."""
    min_age: Mapping[str, timedelta]
    """By the beginning of the name."""
    window: tuple[int, int, str] = (0, 0, "")
    """The hours of maintenance, and the names that it is for."""

    def holds(self, name: str, opened_at: datetime, now: datetime) -> bool:
        """Whether an alert may not go out now. Flapping holds more than that."""
        begin, end, pattern = self.window
        age = next((age for start, age in self.min_age.items() if name.startswith(start)), timedelta(0))
        return (begin <= now.hour < end and fnmatch(name, pattern)) or now - opened_at < age


DATABASES = {"name": "databases", "match": {"name": "db-*"}, "teams": ["night"]}
FLAPPY = {"name": "flappy", "match": {"name": "db-*"}, "teams": [*TEAMS], "flap": {"count": 2, "within": "10m"}}
RULES = [
    Rules({}, lambda _: {DEFAULT}, {}),
    Rules(
        {"route": [{**DATABASES, "min_age": "2m"}]},
        lambda name: {"night"} if name.startswith("db") else {DEFAULT},
        {"db": timedelta(minutes=2)},
    ),
    Rules({"route": [FLAPPY]}, lambda name: {*TEAMS} if name.startswith("db") else {DEFAULT}, {}),
    Rules(
        {"route": [{**DATABASES, "continue": True}, {"name": "all", "min_age": "1m"}]},
        lambda name: {*TEAMS} if name.startswith("db") else {DEFAULT},
        {"web": timedelta(minutes=1)},
    ),
    Rules(
        {
            "route": [{"name": "quiet", "match": {"name": "web-*"}, "action": "record"}],
            "maintenance": [{"name": "patches", "match": {"name": "db-*"}, "times": "10:00-12:00", "zone": "UTC"}],
        },
        lambda name: {DEFAULT} if name.startswith("db") else set(),
        {},
        (10, 12, "db-*"),
    ),
]


@dataclass(frozen=True)
class Sent:
    """One request that a team got."""

    row: int
    team: str
    incident_id: str
    generation: int
    kind: str
    fate: Fate

    @property
    def what(self) -> tuple[str, str, int, str]:
        return self.team, self.incident_id, self.generation, self.kind


class Team:
    """Where one team's requests arrive."""

    def __init__(self, town: "Town", name: str) -> None:
        self._town, self._name = town, name

    def send(self, payload: Mapping[str, Any]) -> Answer:
        return self._town.arrives(self._name, payload)


class Town:
    """Both flows for all teams on one database file; they can be killed and are then built anew."""

    def __init__(self, database: Path) -> None:
        self.database, self.clock = database, Clock()
        self.sent: list[Sent] = []
        self.fates: list[Fate] = []
        self.rules = RULES[0]
        self.decided: dict[tuple[str, int], set[str]] = {}
        """Who is to be told of each generation, by the rules when it was recorded."""
        self.left: int | None = None
        """So many transactions until the program is killed."""
        self.meanwhile: tuple[int, Callable[[], object]] | None = None
        """What another process does before so many more transactions."""
        self.sudden: set[int] = set()
        """Silences that were made in the middle of a pass: what is read ahead need not know them."""
        self.killed = False
        self.hand = engine_on(database)
        self._engine = engine_on(database)
        event.listen(self._engine, "begin", self._tick, insert=True)
        event.listen(self._engine, "before_cursor_execute", self._interfere)
        for engine in (self._engine, self.hand):
            event.listen(engine, "connect", leave_the_disk_alone)
        self.flows = Flows(self._engine, self.clock, KeptLog(), Store(self._engine))
        self.restart()

    def close(self) -> None:
        self.hand.dispose()
        self._engine.dispose()

    # -- the program --------------------------------------------------------------------------------------------------

    def restart(self, rules: Rules | None = None) -> None:
        """Starts the program, or reloads it."""
        self.killed = self.flows.stopped = False
        self.rules = rules or self.rules
        self.flows.configure(**SECTIONS, **self.rules.sections)
        self.senders = {team: self._sender(team, self.flows.settings) for team in TEAMS}
        self.flows.store.configure(TEAMS)
        self.flows.store.try_secrets_again(self.clock())
        self.flows.store.release_held(self.clock())

    def _sender(self, team: str, values: Settings) -> Deliver:
        flows, store = self.flows, Store(self._engine, Destination(team, HERE.account))
        due = due_list(store, values, self.clock, flows.log)
        rest: dict[str, Any] = {"clock": self.clock, "rng": Random(1), "wait": flows._wait, "log": flows.log}
        return Deliver(Team(self, team), store, due, values.delivery, **rest, team=team)

    def round(self, kill_after: int | None = None) -> bool:
        """One round, and a restart if it was killed. Whether it was complete."""
        self.left = kill_after
        self.clock.pass_(seconds=1)
        try:
            self.flows.poll.round(sweep=True)
        except (BetterStackError, DatabaseBusyError):
            complete = False
        else:
            complete = True
        for incident_id, generation, name in self.rows("SELECT id, generation, name FROM incidents WHERE NOT is_alarm"):
            self.decided.setdefault((incident_id, generation), self.rules.teams(name))
        self._survive()
        return complete

    def drain(self, fates: Iterable[Fate] = (), kill_after: int | None = None) -> None:
        """What is due is sent and meets these fates, after which everything is taken."""
        self.fates, self.left = list(fates), kill_after
        first = len(self.sent)
        try:
            for sender in self.senders.values():
                sender.drain()
        except DatabaseBusyError:
            assert self.killed, "the database was there"
        self._own_up(first)
        self._survive()

    def drain_for(self, **span: float) -> None:
        """Delivers as time passes."""
        until = self.clock.now + timedelta(**span)
        for _ in range(10_000):
            self.drain()
            waits = [at for sender in self.senders.values() if (at := sender.next_at()) is not None and at <= until]
            if not waits:
                self.clock.now = until
                return
            self.clock.now = max(*waits[:1], self.clock.now) if len(waits) == 1 else max(min(waits), self.clock.now)
        raise AssertionError("it loops hot")

    def _own_up(self, first: int) -> None:
        for place, sent in enumerate(self.sent[first:], first):
            noted = self.rows("SELECT state FROM deliveries WHERE id = ?", sent.row) == [("delivered",)]
            if sent.fate in TAKEN_FOR_SURE and not noted:
                assert self.killed, f"Promise 4: {sent} was taken and not noted"
                self.sent[place] = replace(sent, fate=Fate.KILLED)

    def _survive(self) -> None:
        self.left = self.meanwhile = None
        if self.killed:
            self.restart()

    def _kill(self) -> None:
        self.killed = self.flows.stopped = True

    def _tick(self, _connection: Connection) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                self._kill()
        if self.killed:
            raise DatabaseBusyError("the program was killed")

    def _interfere(self, _connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        if self.meanwhile is not None and statement.startswith("BEGIN"):
            left, act = self.meanwhile
            self.meanwhile = (left - 1, act) if left else None
            if not left:
                act()

    # -- the operator -------------------------------------------------------------------------------------------------

    def silence(self, pattern: str, begins_in: int, minutes: int, *, suddenly: bool = False) -> None:
        """Makes a silence, as another process does."""
        starts = self.clock.now + timedelta(minutes=begins_in)
        whole = Silence(0, {"name": pattern}, starts, starts + timedelta(minutes=minutes), "it", "jane", self.clock.now)
        made = silences.add(self.hand, whole)
        if suddenly:
            self.sudden.add(made)

    def expire(self, which: int) -> None:
        """Ends a silence, as another process does."""
        known = silences.every(self.hand, self.clock.now, over=True)
        if known:
            silences.expire(self.hand, known[which % len(known)][0].id, self.clock.now)

    # -- SIGNL4 -------------------------------------------------------------------------------------------------------

    def arrives(self, team: str, payload: Mapping[str, Any]) -> Answer:
        """A request: order and silence are judged at once."""
        query = (
            "SELECT id, incident_id, generation, attempts, occurred_at FROM deliveries WHERE destination = ? AND"
            " external_id = ? AND kind = ? AND state = 'pending' ORDER BY attempted_at DESC, id LIMIT 1"
        )
        kind = payload[STATUS]
        [(row, incident_id, generation, attempts, _)] = self.rows(query, team, payload[EXTERNAL_ID], kind)
        before = "SELECT count(*) FROM deliveries WHERE incident_id = ? AND destination = ? AND id < ?"
        waiting = self.rows(f"{before} AND state = 'pending'", incident_id, team, row)
        assert waiting == [(0,)], "Promise 3: something before it is not settled"
        if kind == "new" and attempts == 1:
            self._check_not_held(incident_id)
        fate = self.fates.pop(0) if self.fates else Fate.TAKEN
        self.sent.append(Sent(row, team, incident_id, generation, kind, fate))
        if fate is Fate.KILLED:
            self._kill()
        return ANSWERS[fate]

    def _check_not_held(self, incident_id: str) -> None:
        """Nobody is woken while a rule says so. The alert that a source flaps is no exception."""
        [(name, is_alarm)] = self.rows("SELECT name, is_alarm FROM incidents WHERE id = ?", incident_id)
        now = self.clock.now
        for silence, _ in silences.every(self.hand, now, over=False):
            is_known = silence.id not in self.sudden or silence.created_at < now
            is_held = silence.stage(now) is Stage.IN_FORCE and fnmatch(name, silence.match["name"])
            assert not (is_known and is_held), f"{name} was told in spite of silence {silence.id}"
        if not is_alarm:
            found = self.flows.betterstack.incidents.get(incident_id)
            opened_at = found.reopened_at or found.started_at if found else None
            assert not self.rules.holds(name, opened_at or now - timedelta(days=1), now), f"{name} was told too early"

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.database)) as connection:
            return connection.execute(query, values).fetchall()

    # -- the promises -------------------------------------------------------------------------------------------------

    def check(self) -> None:
        """What must hold at every moment."""
        noted: set[tuple[str, str, int, str]] = set()
        last: dict[tuple[str, str], tuple[int, int]] = {}
        begun: set[tuple[str, str, int]] = set()
        for sent in self.sent:
            assert sent.what not in noted, f"Promise 4: {sent} was sent again although it was noted as delivered"
            if sent.fate in TAKEN_FOR_SURE:
                noted.add(sent.what)
            place, whose = (sent.generation, RANKS[sent.kind]), sent.what[:2]
            assert place >= last.get(whose, place), f"Promise 3: {sent} came too late"
            last[whose] = place
            begun |= {sent.what[:3]} if sent.kind == "new" else set()
            assert sent.what[:3] in begun, f"{sent}, but they were never told that it began"
        held = self.rows("SELECT kind FROM deliveries WHERE held_because IS NOT NULL AND kind != 'new'")
        assert held == [], "only a beginning is ever held"
        self._check_teams()

    def _check_teams(self) -> None:
        told: dict[tuple[str, int], set[str]] = {}
        query = "SELECT incident_id, generation, destination FROM deliveries WHERE kind = 'new'"
        for incident_id, generation, team in self.rows(query):
            told.setdefault((incident_id, generation), set()).add(team)
        for what, teams in told.items():
            if not what[0].startswith("betterstack-signl4-"):
                assert teams == self.decided[what], f"{what} is for {teams}, and not for {self.decided[what]}"

    def settle(self) -> None:
        """The faults end, and time passes until all silences and windows are over."""
        for _ in range(12):
            self.clock.pass_(minutes=61)
            complete = self.round()
            self.drain_for(minutes=5)
        assert complete, "the last round failed although nothing was wrong any more"
        assert all(sender.next_at() is None for sender in self.senders.values()), "something waits for ever"

    def check_settled(self) -> None:
        """Nothing is lost: who is to know that it is open does, and who was told that it began knows its end."""
        self.check()
        left = self.rows("SELECT id, incident_id, kind, state FROM deliveries WHERE state IN ('pending', 'dead')")
        assert left == [], "Promise 2: a delivery is neither delivered nor superseded"
        taken = {sent.what for sent in self.sent if sent.fate in {*TAKEN_FOR_SURE, Fate.LOST, Fate.KILLED}}
        query = "SELECT destination, incident_id, generation, kind FROM deliveries WHERE state = 'delivered'"
        delivered = set(self.rows(query))
        assert delivered <= taken, f"Promise 2: {delivered - taken} never arrived"
        for team, incident_id, generation, kind in taken:
            latest, phase = self._newest(incident_id)
            if kind == "new" and (generation < latest or phase == Phase.RESOLVED):
                end = team, incident_id, generation, "resolved"
                assert end in delivered, f"Promise 7: {end} was not told"
        for incident_id, found in self.flows.betterstack.incidents.items():
            latest, phase = self._newest(incident_id)
            assert (phase == Phase.RESOLVED) == (found.phase is Phase.RESOLVED), incident_id
            if phase != Phase.RESOLVED:
                heard = {what[0] for what in delivered if what[1:] == (incident_id, latest, "new")}
                assert heard == self.decided[incident_id, latest], f"Promise 5: only {heard} know {incident_id}"
        assert self.rows("SELECT id FROM incidents WHERE is_alarm AND phase != 'resolved'") == []

    def _newest(self, incident_id: str) -> tuple[int, str]:
        [(generation, phase)] = self.rows("SELECT generation, phase FROM incidents WHERE id = ?", incident_id)
        return generation, phase
