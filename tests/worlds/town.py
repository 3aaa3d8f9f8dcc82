"""Several teams on one database under rules that change, and what of it breaks a promise."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatch
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import Connection, event

from daemon.config.settings import Settings
from daemon.decisions.payload import EXTERNAL_ID, STATUS
from daemon.deliver import Deliver
from daemon.model.delivery import Answer
from daemon.model.destination import Destination
from daemon.model.errors import BetterStackError, DatabaseBusyError
from daemon.model.incident import Phase
from daemon.model.silence import Silence, Stage
from daemon.pager import Pager
from daemon.storage import silences
from tests.support.clock import Clock
from tests.support.engines import engine_on
from tests.support.fakes import Flows, due_list
from tests.support.kept_log import KeptLog
from tests.support.store import HERE, Store
from tests.worlds.ledger import ANSWERS, RANKS, TAKEN_FOR_SURE, Fate, leave_the_disk_alone
from tests.worlds.mortal import Mortal
from tests.worlds.town_rules import RULES, SECTIONS, TEAMS, Rules, Sent


class Team:
    """Where one team's requests arrive."""

    def __init__(self, town: "Town", name: str) -> None:
        self._town, self._name = town, name

    def send(self, payload: Mapping[str, Any]) -> Answer:
        return self._town.arrives(self._name, payload)


class Town(Mortal):
    """Both flows for all teams on one database file; they can be killed and are then built anew."""

    def __init__(self, database: Path) -> None:
        self.database, self.clock = database, Clock()
        self.sent: list[Sent] = []
        self.fates: list[Fate] = []
        self.rules = RULES[0]
        self.decided: dict[tuple[str, int], Rules] = {}
        """The rules when each generation was recorded."""
        self.names: dict[str, str] = {}
        self.meanwhile: tuple[int, Callable[[], object]] | None = None
        """What another process does before so many more transactions."""
        self.sudden: set[int] = set()
        """Silences that were made in the middle of a pass: what is read ahead need not know them."""
        self.broken: list[str] = []
        """What was wrong with a request: an error in a thread that sends counts as one of SIGNL4."""
        self.hand = engine_on(database)
        self._engine = engine_on(database)
        event.listen(self._engine, "begin", self._tick)
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
        return Deliver(Pager(Team(self, team)), store, due, values.delivery, **rest, team=team)

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
            self.names[incident_id] = name
            self.decided.setdefault((incident_id, generation), self.rules)
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
        [(row, incident_id, generation, attempts, occurred_at)] = self.rows(query, team, payload[EXTERNAL_ID], kind)
        before = "SELECT count(*) FROM deliveries WHERE incident_id = ? AND destination = ? AND id < ?"
        waiting = self.rows(f"{before} AND state = 'pending'", incident_id, team, row)
        if waiting != [(0,)]:
            self.broken.append(f"Promise 3: something before {row} is not settled")
        if kind == "new" and attempts == 1:
            opened_at = datetime.fromisoformat(occurred_at).replace(tzinfo=UTC)
            self.broken += self._held_by(incident_id, generation, opened_at)
        fate = self.fates.pop(0) if self.fates else Fate.TAKEN
        self.sent.append(Sent(row, team, incident_id, generation, kind, fate))
        if fate is Fate.KILLED:
            self._kill()
        return ANSWERS[fate]

    def _held_by(self, incident_id: str, generation: int, opened_at: datetime) -> Iterator[str]:
        """The rules that say that nobody is woken now. The alert that a source flaps is no exception."""
        [(name, is_alarm)] = self.rows("SELECT name, is_alarm FROM incidents WHERE id = ?", incident_id)
        now = self.clock.now
        for silence, _ in silences.every(self.hand, now, over=False):
            is_known = silence.id not in self.sudden or silence.created_at < now
            is_held = silence.stage(now) is Stage.IN_FORCE and fnmatch(name, silence.match["name"])
            if is_known and is_held:
                yield f"{incident_id} was told in spite of silence {silence.id}"
        if not is_alarm:
            if self.rules.is_maintained(name, now):
                yield f"{incident_id} was told in spite of the window"
            # A hold is one of the route that chose who is told, as it is now.
            is_of_route = self.decided[incident_id, generation] is self.rules
            if is_of_route and self.rules.is_too_young(name, opened_at, now):
                yield f"{incident_id} was told too early"

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.database)) as connection:
            return connection.execute(query, values).fetchall()

    # -- the promises -------------------------------------------------------------------------------------------------

    def check(self) -> None:
        """What must hold at every moment."""
        assert self.broken == [], self.broken
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

    def check_holds(self) -> None:
        """After a pass: what a silence holds is held by one that is in force."""
        query = (
            "SELECT held_because FROM deliveries WHERE state = 'pending' AND attempts = 0 AND held_because LIKE 's%'"
        )
        now = self.clock.now
        in_force = {one.reason for one, _ in silences.every(self.hand, now, over=False) if one.starts_at <= now}
        assert {why for (why,) in self.rows(query)} <= in_force, "it is held although no silence does"

    def _check_teams(self) -> None:
        told: dict[tuple[str, int], set[str]] = {}
        query = "SELECT incident_id, generation, destination FROM deliveries WHERE kind = 'new'"
        for incident_id, generation, team in self.rows(query):
            told.setdefault((incident_id, generation), set()).add(team)
        for what, teams in told.items():
            if not what[0].startswith("betterstack-signl4-"):
                assert teams == self._decided(*what), f"{what} is for {teams}"

    def _decided(self, incident_id: str, generation: int) -> set[str]:
        """Who is to be told of it."""
        return self.decided[incident_id, generation].teams(self.names[incident_id])

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
                assert heard == self._decided(incident_id, latest), f"Promise 5: only {heard} know {incident_id}"
        assert self.rows("SELECT id FROM incidents WHERE is_alarm AND phase != 'resolved'") == []

    def _newest(self, incident_id: str) -> tuple[int, str]:
        [(generation, phase)] = self.rows("SELECT generation, phase FROM incidents WHERE id = ?", incident_id)
        return generation, phase
