"""A world for the two flows: what is true at Better Stack, what SIGNL4 took, and what of it breaks a promise."""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum, auto
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event

from daemon.clients.http import Response
from daemon.clients.signl4 import answer_to
from daemon.decisions.payload import EXTERNAL_ID, STATUS
from daemon.model.delivery import Answer
from daemon.model.errors import BetterStackError, DatabaseBusyError
from daemon.model.incident import Phase
from daemon.model.signl4 import AlertPhase, SeenAlert
from tests.support.clock import Clock
from tests.support.engines import engine_on
from tests.support.fakes import ACCEPTED, FORBIDDEN, OUTAGE, REFUSED, WRONG_SECRET, Flows, too_many
from tests.support.kept_log import KeptLog
from tests.support.store import Store
from tests.support.values import NOW
from tests.worlds.hand import Deed, Hand
from tests.worlds.mortal import Mortal

AFRESH = "reopened afresh"
"""The act of a reopening that clears the old times, in place of one that names itself."""
RANKS = {"new": 0, "acknowledged": 1, "resolved": 2}


class Fate(StrEnum):
    """What becomes of one request to SIGNL4."""

    TAKEN = auto()
    LOST = auto()
    """Taken, but the answer never arrives."""
    KILLED = auto()
    """Taken, and the program is killed before it can write that down."""
    OUTAGE = auto()
    TOO_MANY = auto()
    REFUSED = auto()
    NOT_ACCEPTABLE = auto()
    """406, which is the payload's fault as 400 is."""
    WRONG_SECRET = auto()
    FORBIDDEN = auto()
    """403: it is not clear whose fault that is."""
    ODDLY_PACKED = auto()
    """Taken, and answered by 201 with a body that cannot be read."""
    UNREADABLE = auto()
    """Answered by 200 with a body that cannot be read: taken, but nobody can know."""
    FAULT = auto()
    """A fault of ours on the way."""


ANSWERS = {
    Fate.TAKEN: ACCEPTED,
    Fate.LOST: OUTAGE,
    Fate.KILLED: ACCEPTED,
    Fate.OUTAGE: OUTAGE,
    Fate.TOO_MANY: too_many(timedelta(seconds=20)),
    Fate.REFUSED: REFUSED,
    Fate.NOT_ACCEPTABLE: answer_to(Response(406, {}, b""), "secret", NOW),
    Fate.WRONG_SECRET: WRONG_SECRET,
    Fate.FORBIDDEN: FORBIDDEN,
    Fate.ODDLY_PACKED: answer_to(Response(201, {}, b"\x1f\x8b", unread="packed as 'br'"), "secret", NOW),
    Fate.UNREADABLE: answer_to(Response(200, {}, b"", unread="packed as 'br'"), "secret", NOW),
}
TAKEN_FOR_SURE = {Fate.TAKEN, Fate.ODDLY_PACKED}
"""And noted as delivered, unless the program was killed first."""
REFUSALS = {Fate.REFUSED, Fate.NOT_ACCEPTABLE}
LASTING = [Fate.OUTAGE, Fate.FORBIDDEN, Fate.WRONG_SECRET, Fate.UNREADABLE]
"""What one incident may meet for ever while the others are taken."""


@dataclass(frozen=True)
class Sent:
    """One request that SIGNL4 got, with the row of the outbox it is of."""

    row: int
    incident_id: str
    generation: int
    kind: str
    external_id: str
    fate: Fate
    at: datetime

    @property
    def taken(self) -> bool:
        return self.fate in {*TAKEN_FOR_SURE, Fate.LOST, Fate.KILLED, Fate.UNREADABLE}


class Ledger(Mortal):
    """Both flows on one database file; they can be killed before any transaction and are then built anew."""

    def __init__(self, database: Path, *, with_key: bool = False) -> None:
        """`with_key`: what SIGNL4 may have taken is looked up."""
        self.database = database
        self._with_key = with_key
        self.clock = Clock()
        self.true: dict[str, list[str]] = {}
        """What happened to each incident, in order."""
        self.looks = Counter[str]()
        """How many complete rounds running were shown each incident as it stands."""
        self.own_looks = Counter[str]()
        """How many of these could read its own record, too."""
        self.sent: list[Sent] = []
        self.fates: list[Fate] = []
        self.poisoned: dict[str, Fate] = {}
        """What is said of these incidents meets this fate, and no other."""
        self.broken: list[str] = []
        """What was wrong with a request: an error in a thread that sends would count as one of SIGNL4."""
        self.kills = 0
        self.hand = Hand(database, self.clock, self.sent)
        self.deed: tuple[int, Deed, int] | None = None
        """What the operator does before so many more transactions of the program, and to which delivery."""
        self._engine = engine_on(database)
        event.listen(self._engine, "begin", self._tick)
        event.listen(self._engine, "before_cursor_execute", self._interfere)
        event.listen(self._engine, "connect", leave_the_disk_alone)
        self.flows = Flows(self._engine, self.clock, KeptLog(), Store(self._engine))
        self.restart()

    def close(self) -> None:
        self.hand.close()
        self._engine.dispose()

    # -- the program --------------------------------------------------------------------------------------------------

    def round(self, *, sweep: bool, kill_after: int | None = None) -> bool:
        """One round, and a restart if it was killed. Whether it was complete."""
        betterstack = self.flows.betterstack
        failing = {one for one in betterstack.incidents if betterstack.fails(f"lookup {one}") is not None}
        legible = betterstack.incidents.keys() - failing - self.flows.store.set_aside().keys()
        self.left = kill_after
        self.clock.pass_(seconds=1)
        shown, stale = betterstack.incidents.keys() - betterstack.unseen, len(betterstack.stale)
        try:
            self.flows.poll.round(sweep=sweep)
        except (BetterStackError, DatabaseBusyError):
            complete = False
        else:
            complete = True
        self._survive()
        if len(betterstack.stale) > stale:
            self.forget_looks()
        elif complete:
            self.looks.update(shown)
            self.own_looks.update(shown & legible)
        return complete

    def forget_looks(self, *incident_ids: str) -> None:
        """No round has shown these as they stand now; without any, none of all."""
        for looks in (self.looks, self.own_looks):
            for incident_id in incident_ids or tuple(looks):
                del looks[incident_id]

    def step_the_clock(self, step: timedelta) -> None:
        """The clock of this machine is set, and the service notices."""
        self.clock.now += step
        self.flows.store.forget_spans(self.clock.now)
        self.forget_looks()
        self.flows.store.cut_waits(timedelta(0), self.clock.now)

    def drain(self, fates: Iterable[Fate] = (), kill_after: int | None = None) -> None:
        """What is due is sent and meets these fates, after which everything is taken. A restart if it was killed."""
        self.fates, self.left = list(fates), kill_after
        first = len(self.sent)
        try:
            self.flows.deliver.drain()
        except DatabaseBusyError:
            assert self.killed, "the database was there"
        self._own_up(first)
        self._survive()

    def _own_up(self, first: int) -> None:
        """What was taken and is not noted as delivered was cut off by the kill, or it is a broken promise."""
        for place, sent in enumerate(self.sent[first:], first):
            noted = self.rows("SELECT state FROM deliveries WHERE id = ?", sent.row) == [("delivered",)]
            if sent.fate in TAKEN_FOR_SURE and not noted:
                assert self.killed, f"Promise 4: {sent} was taken and not noted"
                self.sent[place] = replace(sent, fate=Fate.KILLED)

    def _survive(self) -> None:
        self.left = self.deed = None
        if self.killed:
            self.kills += 1
            self.restart()

    def restart(self) -> None:
        self.killed = self.flows.stopped = False
        # One request at a time, so that a seed always plays the same world.
        finder = self if self._with_key else None
        self.flows.configure(receiver=self, finder=finder, delivery={"concurrency": 1})
        self.flows.store.try_secrets_again(self.clock())

    def _interfere(self, _connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        """An operator's command is there before a transaction begins, or after it ended."""
        if self.deed is not None and statement.startswith("BEGIN"):
            left, deed, which = self.deed
            self.deed = (left - 1, deed, which) if left else None
            if not left:
                self.hand.does(deed, which)

    # -- SIGNL4 -------------------------------------------------------------------------------------------------------

    def send(self, payload: Mapping[str, Any]) -> Answer:
        """A request arrives: Promise 3 is judged at once, the others when asked."""
        with self.hand.giving_up:
            row, incident_id, generation = self._row(payload)
            lasting = self.poisoned.get(incident_id)
            fate = lasting or (self.fates.pop(0) if self.fates else Fate.TAKEN)
            self.sent.append(
                Sent(row, incident_id, generation, payload[STATUS], payload[EXTERNAL_ID], fate, self.clock.now)
            )
        if fate is Fate.KILLED:
            self._kill()
        if fate is Fate.FAULT:
            raise ZeroDivisionError("ours")
        return ANSWERS[fate]

    ahead = timedelta(0)
    """How far SIGNL4's clock is ahead, as its REST API shows."""

    def alerts_of(self, external_id: str) -> tuple[SeenAlert, ...]:
        """A look-up arrives."""
        raised = [sent for sent in self.sent if sent.taken and sent.kind == "new" and sent.external_id == external_id]
        return tuple(
            SeenAlert(f"alert-{place}", external_id, AlertPhase.OPEN, created_at=sent.at)
            for place, sent in enumerate(raised)
        )

    def _row(self, payload: Mapping[str, Any]) -> tuple[int, str, int]:
        """The row that is being sent: the one of that kind that was claimed last."""
        query = (
            "SELECT id, incident_id, generation FROM deliveries"
            " WHERE external_id = ? AND kind = ? AND state = 'pending' ORDER BY attempted_at DESC, id LIMIT 1"
        )
        [(row, incident_id, generation)] = self.rows(query, payload[EXTERNAL_ID], payload[STATUS])
        before = "SELECT count(*) FROM deliveries WHERE incident_id = ? AND id < ? AND state = 'pending'"
        if self.rows(before, incident_id, row) != [(0,)]:
            self.broken.append(f"Promise 3: something before {row} is not settled")
        return row, incident_id, generation

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.database)) as connection:
            return connection.execute(query, values).fetchall()

    # -- the promises -------------------------------------------------------------------------------------------------

    def check(self) -> None:
        """What must hold at every moment."""
        assert self.broken == [], self.broken
        self._check_duplicates()
        self._check_order()
        self._check_evidence()
        self._check_dead()
        self.hand.check()

    def _check_duplicates(self) -> None:
        noted: set[tuple[str, int, str]] = set()
        for sent in self.sent:
            what = sent.incident_id, sent.generation, sent.kind
            assert what not in noted, f"Promise 4: {what} was sent again although it was noted as delivered"
            assert sent.external_id == sent.incident_id, "Promise 4: another external id"
            if sent.fate in TAKEN_FOR_SURE:
                noted.add(what)

    def _check_order(self) -> None:
        last: dict[str, tuple[int, int]] = {}
        for sent in self.sent:
            place = sent.generation, RANKS[sent.kind]
            before = last.get(sent.incident_id, place)
            by_hand = sent.row in self.hand.revived and before[0] == sent.generation
            assert place >= before or by_hand, f"Promise 3: {sent} came too late"
            last[sent.incident_id] = place

    def _check_evidence(self) -> None:
        """Nothing is said to have begun, or to be over, more often than it did: whatever replicas said of it."""
        counted = "SELECT incident_id, sum(kind = 'new'), sum(kind = 'resolved') FROM deliveries GROUP BY incident_id"
        for incident_id, news, ends in self.rows(counted):
            acts = self.true[incident_id]
            begun = 1 + sum(act.startswith("reopened") for act in acts)
            ended = sum(act in {"resolved", "deleted"} for act in acts)
            assert news <= begun, f"{incident_id} was said to be new {news} times, but began {begun} times"
            assert ends <= ended, f"{incident_id} was said to be over {ends} times, but was {ended} times"

    def _check_dead(self) -> None:
        """Only a payload that was refused twice dies: set apart for another fault, a delivery lives on."""
        refusals = Counter(sent.row for sent in self.sent if sent.fate in REFUSALS)
        for (row,) in self.rows("SELECT id FROM deliveries WHERE state = 'dead'"):
            assert refusals[row] >= 2, "Promise 2: dead without two refusals"

    def check_told(self) -> None:
        """After a complete round (Promises 1 and 5): what is open was put into the outbox, and not as being over.

        A reopening in the form that clears the times takes two rounds that can read its own record: nothing in it tells
        it from what a replica says that lags. Until a round has shown an incident as it stands, nothing is asked of it.
        """
        for incident_id, incident in self.flows.betterstack.incidents.items():
            reopened = [act for act in self.true[incident_id] if act.startswith("reopened")]
            seen = self.own_looks[incident_id] > 1 if reopened[-1:] == [AFRESH] else self.looks[incident_id] > 0
            if incident.phase in {Phase.OPEN, Phase.ACKNOWLEDGED} and seen:
                kinds = self._newest(incident_id)
                assert "new" in kinds, f"Promise 5: {incident_id} is open and was missed"
                assert "resolved" not in kinds, f"Promise 5: {incident_id} is open and was told to be over"

    def _newest(self, incident_id: str) -> dict[str, str]:
        """What was told of the latest generation of the incident, and the state of each delivery."""
        newest = "SELECT max(generation) FROM deliveries WHERE incident_id = ?1"
        return dict(
            self.rows(
                f"SELECT kind, state FROM deliveries WHERE incident_id = ?1 AND generation = ({newest})", incident_id
            )
        )

    def check_that_nobody_is_held_up(self) -> None:
        """While some incidents can never be told, the others are: within ten minutes, though new ones come."""
        self.fates = []
        for _ in range(2):
            self.clock.pass_(minutes=16)
            self.flows.drain_for(minutes=10)
        late = "SELECT DISTINCT incident_id FROM deliveries WHERE state = 'pending'"
        assert {incident_id for (incident_id,) in self.rows(late)} <= set(self.poisoned), "held up by somebody else"

    def settle(self) -> None:
        """The faults end, and time passes until everything is quiet."""
        self.fates = []
        self.poisoned.clear()
        self.flows.betterstack.hidden.clear()
        self.flows.betterstack.poisoned.clear()
        self.flows.betterstack.refuses()
        self.flows.betterstack.before = lambda _: None
        self.flows.betterstack.behind = lambda _: 0
        for _ in range(4):
            self.clock.pass_(minutes=61)
            complete = self.round(sweep=True)
            self.flows.drain_for(minutes=5)
        assert complete, "the last round failed although nothing was wrong any more"
        assert self.flows.deliver.next_at() is None

    def mend(self) -> None:
        """The operator deals with what is dead, and all of it is settled."""
        self.hand.mends()
        self.flows.drain_for(minutes=5)
        assert self.rows("SELECT count(*) FROM deliveries WHERE state IN ('pending', 'dead')") == [(0,)]
        self.check()

    def check_settled(self) -> None:
        """Nothing is lost (Promises 2, 5 and 6)."""
        self.check()
        self.check_told()
        left = self.rows("SELECT count(*) FROM deliveries WHERE state = 'pending'")
        assert left == [(0,)], "Promise 2: a delivery is neither delivered nor dead"
        for incident_id, acts in self.true.items():
            rows = self.rows(
                "SELECT generation, kind, state, id FROM deliveries WHERE incident_id = ? ORDER BY id", incident_id
            )
            is_over = acts[-1] in {"resolved", "deleted"}
            kinds = self._newest(incident_id)
            if rows:
                assert "new" in kinds, f"Promise 2: {incident_id} ended without a beginning"
                assert ("resolved" in kinds) == is_over, f"Promise 2: {incident_id} ended as {acts[-1]}, told {kinds}"
                assert (
                    is_over
                    or self._is_hidden(incident_id)
                    or ("acknowledged" in kinds) == self._is_acknowledged(incident_id)
                ), f"Promise 5: {incident_id} ended as {acts[-1]}, told {kinds}"
            self._check_taken(incident_id, rows)

    def _is_hidden(self, incident_id: str) -> bool:
        """Whether its reopening, in the form that clears the times, may have been seen by nobody while it `Started`."""
        reopened = [act for act in self.true[incident_id] if act.startswith("reopened")]
        return reopened[-1:] == [AFRESH] and self.flows.betterstack.incidents[incident_id].status == "Validating"

    def _is_acknowledged(self, incident_id: str) -> bool:
        """Whether somebody looks after this generation; an acknowledgement from before a reopening is an old one."""
        incident = self.flows.betterstack.incidents[incident_id]
        since, at = incident.reopened_at, incident.acknowledged_at
        return at is not None and (since is None or at > since)

    def _check_taken(self, incident_id: str, rows: list[tuple[Any, ...]]) -> None:
        """What is noted as delivered was taken, and in the end SIGNL4 was told what is noted."""
        taken = {(sent.generation, sent.kind) for sent in self.sent if sent.incident_id == incident_id and sent.taken}
        delivered = {(generation, kind) for generation, kind, state, _ in rows if state == "delivered"}
        assert delivered <= taken, f"Promise 2: {delivered - taken} of {incident_id} never arrived"
        by_itself = [row[:3] for row in rows if row[3] not in self.hand.dropped]
        for generation, kind, state, _ in rows:
            if kind == "new" and state != "superseded":
                ends = [end for other, what, end in by_itself if other == generation and what == "resolved"]
                assert "superseded" not in ends, f"Promise 7: {incident_id} was told, its end was not"


def leave_the_disk_alone(connection: Any, _record: object) -> None:
    """A kill here is none of the machine, so that nothing needs to wait for the disk."""
    connection.execute("PRAGMA synchronous = OFF").close()
