"""Hundreds of lives of the real process on one state directory, each ended by force at another moment: `make soak`.

In each life the world moves, now and then one of the services fails, and the process is killed or asked to stop. After
each the database must be whole and the books must balance: what is noted was taken, and only what was in flight at a
kill is told twice. In the end all is quiet, and what SIGNL4 was told is compared with what happened.
"""

import argparse
import secrets
import signal
import socket
import sqlite3
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from random import Random
from shutil import copyfile
from threading import Lock
from typing import Any

from daemon.database import locked
from daemon.incident import Phase
from daemon.sandbox import mishaps
from daemon.sandbox.exchange import Request
from daemon.sandbox.faults import Armed, Cut, Fault, Hang, Rewrite
from daemon.sandbox.history import Event, Window
from daemon.sandbox.loopback import LoopbackService
from daemon.sandbox.record import Record
from daemon.sandbox.server import Sandbox
from daemon.sandbox.verdict import OWN_PREFIX, Flaw, Verdict, judge
from daemon.sandbox.world import World
from daemon.upgrade import upgrade
from tests.e2e.conftest import Daemon, Operator
from tests.e2e.mortal import INSTANTS, PROGRAM, VARIABLE, Moment

CYCLES = 300
LASTING = {"config.toml", "state.db", "state.db-wal", "state.db-shm", "state.db.lock"}
"""The files that a state directory may hold."""
LARGEST_LOG = 8_000_000
"""Bytes of the write-ahead log; SQLite starts it anew after 1,000 pages, and a page of the API comes on top."""
CONCURRENCY = 4
GOOD_STATUS, OTHER_STATUS = 201, 200
"""What SIGNL4 answers when it took an event, and what is as good by the contract."""
ENOUGH_REQUESTS = 60
"""To Better Stack, in one life."""
KEPT = 150
"""Incidents that are never deleted for being old: three pages of a sweep."""
SLACK_IN_DESCRIPTORS, SLACK_IN_MEMORY = 6, 6_000_000
"""Connections come and go, and allocators differ a little from run to run."""
SETTINGS = {
    "HTTP__TIMEOUT": "2s",
    "DELIVERY__CONCURRENCY": str(CONCURRENCY),
    "DELIVERY__STALE_AFTER": "1h",  # everything is to be told here, however often the process died before it could
}
Key = tuple[str, str]
"""External id and kind of an event."""


# -- what a process left behind ---------------------------------------------------------------------------------------


@contextmanager
def as_left(directory: Path) -> Iterator[sqlite3.Connection]:
    """The database as a process left it, in a copy: to look must not mend what the next start is to mend."""
    with tempfile.TemporaryDirectory() as elsewhere:
        for name in ("state.db", "state.db-wal"):
            if (directory / name).exists():
                copyfile(directory / name, Path(elsewhere) / name)
        with closing(sqlite3.connect(Path(elsewhere) / "state.db")) as connection:
            yield connection


def harm(directory: Path) -> list[str]:
    """What is wrong with the files, a sentence each."""
    with as_left(directory) as connection:
        checks = [
            connection.execute(f"PRAGMA {check}").fetchall() for check in ("integrity_check", "foreign_key_check")
        ]
    found = [f"{check} found {rows}" for check, rows in zip(("integrity", "keys"), checks, strict=True) if rows]
    found = [sentence for sentence in found if sentence != "integrity found [('ok',)]"]
    names = {file.name for file in directory.iterdir()}
    found += [f"{name} was left behind" for name in sorted(names - LASTING)]
    log = directory / "state.db-wal"
    if log.exists() and log.stat().st_size > LARGEST_LOG:
        found.append(f"the write-ahead log has {log.stat().st_size} bytes")
    return found


def descriptors(pid: int) -> int:
    """How many the process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def resident(pid: int) -> int:
    """Bytes of memory that the process holds."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) * 1024


class Books:
    """What SIGNL4 took, against what the outbox says of it: Promises 2, 4 and 6, at the end of each life."""

    def __init__(self, operator: Operator) -> None:
        self._operator = operator
        self._lost = Counter[Key]()
        self.unanswered = 0
        """How many of these because the answer was lost on the way, and not because of a kill."""
        self.twice = Counter[Key]()
        """How often an event came again."""

    def close(self, *, killed: bool) -> list[str]:
        """What does not balance since the last time, a sentence each."""
        with as_left(self._operator.directory) as connection:
            noted = _keys(connection, "delivered")
            unsure = _keys(connection, "pending", "AND attempts > 0") if killed else Counter[Key]()
            dead = _keys(connection, "dead")
        taken = Counter(
            (event.external_id, event.kind) for event in self._operator.events if not _is_own(event.external_id)
        )
        again, lost = taken - noted - self.twice, taken - self._answered() - self._lost
        self.twice += again
        self._lost += lost
        self.unanswered += (again & lost).total()
        excused = lost + Counter(dict.fromkeys(unsure, 1))
        sentences = [f"{key} is dead, and nobody refused it" for key in dead]
        sentences += [f"{key} is noted as delivered, and never arrived" for key in noted - taken]
        sentences += [f"{key} was sent again without need" for key in again - excused]
        if again.total() > lost.total() + CONCURRENCY:
            sentences.append(f"more than was in flight was sent again: {again.total()} events")
        return sentences

    def _answered(self) -> Counter[Key]:
        """What SIGNL4 took and said so, as far as the sandbox is concerned."""
        asked = (one.request for one in self._operator.sandbox.signl4.requests if one.status == GOOD_STATUS)
        return Counter((request.external_id, str(request.payload["X-S4-Status"])) for request in asked)


def _keys(connection: sqlite3.Connection, state: str, more: str = "") -> Counter[Key]:
    rows = connection.execute(f"SELECT external_id, kind FROM deliveries WHERE state = ? {more}", [state])
    return Counter((external_id, kind) for external_id, kind in rows if not _is_own(external_id))


def _is_own(external_id: str) -> bool:
    """Whether the program speaks of itself."""
    return external_id.startswith(OWN_PREFIX)


def let_go(service: LoopbackService) -> None:
    """Waits until the service has done with all that a dead process had asked."""
    service.faults.clear()
    # Connections are taken in turn: when this one was, so were all that came before it.
    with socket.create_connection(("127.0.0.1", service._server.server_port)) as knock:
        knock.shutdown(socket.SHUT_WR)
        knock.recv(1)
    for thread in list(service._server._threads):  # type: ignore[attr-defined]  # kept by `socketserver`, for its end
        thread.join()


def forget_what_was_not_kept(sandbox: Sandbox, directory: Path) -> None:
    """What the last answer showed to a process that was killed counts only if that was committed in time."""
    last = sandbox.betterstack.requests[-1].at
    with as_left(directory) as connection:
        phases = dict(connection.execute("SELECT id, phase FROM incidents").fetchall())
    for key, showing in list(sandbox.world._showings.items()):
        if showing.at >= last and phases.get(showing.incident_id) != showing.phase:
            del sandbox.world._showings[key]


# -- the world ---------------------------------------------------------------------------------------------------------


class Course:
    """How the world goes on. One incident stays open for ever, so that not all can vanish at once."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._anchor = world.open("An incident that never ends")
        self._verbs: dict[Callable[[Random], None], float] = {
            self.open: 6,
            self._open_unconfirmed: 1,
            self._confirm: 1,
            self._acknowledge: 4,
            self._resolve: 6,
            self._reopen: 3,
            self._delete: 1,
            self._wave: 0.3,
            self._calm: 0.5,
        }

    def move(self, random: Random) -> None:
        """One thing happens."""
        [verb] = random.choices(list(self._verbs), list(self._verbs.values()))
        verb(random)

    def tidy(self) -> None:
        """Somebody deletes what is over for long and known to be: a sweep shall not take longer with each life."""
        known = {(one.incident_id, one.generation) for one in self._world.showings if one.phase is Phase.RESOLVED}
        for record in self._world.records[KEPT:]:
            if record.phase is Phase.RESOLVED and (record.id, record.generation) in known:
                self._world.delete(record.id)

    def open(self, random: Random) -> None:
        """Something broke."""
        self._world.open(f"Incident {random.randrange(10**6)}")

    def _open_unconfirmed(self, random: Random) -> None:
        self._world.open(f"Doubtful incident {random.randrange(10**6)}", status="Unconfirmed")

    def _wave(self, random: Random) -> None:
        for _ in range(random.randint(20, 60)):
            self.open(random)

    def _calm(self, _: Random) -> None:
        for record in self._those(Phase.OPEN, Phase.ACKNOWLEDGED)[5:]:
            self._world.resolve(record.id, "Jane")

    def _confirm(self, random: Random) -> None:
        for record in self._one(random, Phase.UNCONFIRMED):
            self._world.confirm(record.id)

    def _acknowledge(self, random: Random) -> None:
        for record in self._one(random, Phase.OPEN):
            self._world.acknowledge(record.id, "Jane")

    def _resolve(self, random: Random) -> None:
        for record in self._one(random, Phase.OPEN, Phase.ACKNOWLEDGED, Phase.UNCONFIRMED):
            self._world.resolve(record.id, "Jane")

    def _reopen(self, random: Random) -> None:
        for record in self._one(random, Phase.RESOLVED):
            if record.generation < 4:
                # An account has one of the two forms of a reopened record, so one incident does not mix them.
                self._world.reopen(record.id, keep_times=int(record.id) % 2 == 0)

    def _delete(self, random: Random) -> None:
        for record in self._one(random, *Phase):
            self._world.delete(record.id)

    def _one(self, random: Random, *phases: Phase) -> list[Record]:
        """One incident in such a phase, if there is one."""
        there = self._those(*phases)
        return [random.choice(there)] if there else []

    def _those(self, *phases: Phase) -> list[Record]:
        """The latest of the incidents that may be moved."""
        records = [record for record in self._world.records if record.id != self._anchor]
        return [record for record in records if record.phase in phases][:80]


def faults(sandbox: Sandbox) -> list[tuple[LoopbackService, Fault]]:
    """What can go wrong between the program and either service; nothing of it may turn a delivery dead."""
    both: list[Fault] = [
        *(mishaps.status(500), mishaps.status(503), mishaps.too_many(1), mishaps.captive_portal()),
        *(Cut(), Cut(taken=True), Hang(), Hang(taken=True)),
    ]
    garbled = [mishaps.truncated(), mishaps.broken_off()]
    at_betterstack: list[Fault] = [mishaps.slid_up(), mishaps.slid_down(), mishaps.without("data"), mishaps.empty()]
    at_signl4: list[Fault] = [mishaps.empty(), mishaps.no_object(), *map(_with_another_status, garbled)]
    return [
        *((sandbox.betterstack, fault) for fault in (*both, *garbled, *at_betterstack)),
        *((sandbox.signl4, fault) for fault in (*both, *at_signl4)),
    ]


def _with_another_status(fault: Rewrite) -> Rewrite:
    """So that the books can tell an answer that nobody could read from one that was good."""
    return Rewrite(lambda request, answer: replace(fault.change(request, answer), status=OTHER_STATUS))


# -- the lives ---------------------------------------------------------------------------------------------------------


@dataclass
class Figures:
    """What came of it."""

    cycles: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    incidents: int = 0
    told: int = 0
    doubled: int = 0
    unanswered: int = 0
    lost: int = 0
    out_of_order: int = 0
    largest_file: int = 0
    descriptors: tuple[int, int] = (0, 0)
    memory: tuple[int, int] = (0, 0)
    broken: list[str] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """For whoever reads them."""
        yield f"cycles                {self.cycles:8d}"
        for kind, times in sorted(self.kills.items()):
            yield f"  {times:5d}  {kind}"
        yield f"incidents             {self.incidents:8d}"
        yield f"transitions told      {self.told:8d}"
        yield f"doubled               {self.doubled:8d}   ({self.unanswered} after a lost answer, else after a kill)"
        yield f"lost                  {self.lost:8d}"
        yield f"out of order          {self.out_of_order:8d}"
        yield f"largest database file {self.largest_file / 1e6:8.2f} MB"
        yield f"descriptors           {self.descriptors[0]:8d}      first, {self.descriptors[1]} last"
        yield f"resident memory       {self.memory[0] / 1e6:8.1f} MB   first, {self.memory[1] / 1e6:.1f} MB last"
        yield from (f"BROKEN: {sentence}" for sentence in self.broken[:30])


class Requests:
    """Counts the requests of one life to either service, and does something when a certain one is being served."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._lock = Lock()
        self._acts: dict[int, list[Callable[[], None]]] = {}
        self.served = 0
        for service in (sandbox.betterstack, sandbox.signl4):
            service.faults.before_answer = self._serve

    def at(self, number: int, act: Callable[[], None]) -> None:
        """The act is done before this request is answered."""
        self._acts.setdefault(number, []).append(act)

    def _serve(self, _: Request) -> None:
        with self._lock:
            self.served += 1
            acts = self._acts.get(self.served, [])
        for act in acts:
            act()


class Soak:
    """All lives on one state directory, in one sandbox."""

    def __init__(self, sandbox: Sandbox, directory: Path, seed: int, say: Callable[[str], None]) -> None:
        self._sandbox = sandbox
        self._operator = Operator(sandbox, directory)
        self._operator.environment.update(SETTINGS)
        self._random = Random(seed)
        self._say = say
        self._books = Books(self._operator)
        self._held: list[Window] = []
        self._course = Course(sandbox.world)
        self._deck: list[str] = []
        self.figures = Figures()

    def play(self, cycles: int) -> Figures:
        """The first life in peace, then so many others, and a last one in peace again."""
        figures = self.figures
        sandbox = self._sandbox
        for _ in range(CONCURRENCY):
            self._course.open(self._random)
        first = self._peace(lambda: len(sandbox.signl4.events) > CONCURRENCY)
        for cycle in range(cycles):
            self._cycle()
            figures.cycles = cycle + 1
            if figures.cycles % 25 == 0:
                self._say(self._so_far())
        last = self._peace(self._is_settled)
        figures.descriptors, figures.memory = (first[0], last[0]), (first[1], last[1])
        self._judge()
        return figures

    def end(self) -> None:
        """Leaves no process behind, whatever happened."""
        for service in (self._sandbox.betterstack, self._sandbox.signl4):
            service.faults.clear()
        self._operator.end()

    def _so_far(self) -> str:
        figures, told = self.figures, len(self._sandbox.signl4.events)
        return (
            f"{figures.cycles} cycles, {len(self._sandbox.world.records)} incidents, {told} events, "
            f"{self._books.twice.total()} doubled, {len(figures.broken)} broken"
        )

    # -- one life -----------------------------------------------------------------------------------------------------

    def _peace(self, until: Callable[[], bool]) -> tuple[int, int]:
        """A life without trouble, for some rounds and until all is as it should be; its descriptors and memory."""
        asked = self._betterstack_asked()
        daemon = self._operator.run()
        daemon.wait_for(lambda: self._rounds_since(asked) > 2, "some rounds")
        while not until():
            rounds = self._rounds_since(asked)
            if rounds > 60:
                self.figures.broken.append("what is due was not told although nothing was wrong")
                break
            daemon.wait_for(lambda rounds=rounds: self._rounds_since(asked) > rounds, "a round")  # type: ignore[misc]
        measured = descriptors(daemon.process.pid), resident(daemon.process.pid)
        self._expect(daemon.stop(signal.SIGTERM, within=20) == 0, "an orderly stop failed")
        self._after(daemon, killed=False, asked=asked)
        return measured

    def _cycle(self) -> None:
        random = self._random
        for _ in range(random.randint(1, 4)):
            self._course.move(random)
        self._course.tidy()
        # At an instant that has a name, something new must be there to be told.
        self._course.open(random)
        self._course.open(random)
        armed = self._trouble() if random.random() < 0.4 else None
        began, asked = self._sandbox.ground.now(), self._betterstack_asked()
        daemon, kind, killed = self._live(asked)
        self.figures.kills[kind] += 1
        if armed is not None:
            self._held.append(Window(began, self._sandbox.ground.now()))
        self._after(daemon, killed=killed, asked=asked)

    def _trouble(self) -> Armed:
        service, fault = self._random.choice(faults(self._sandbox))
        # A fault that never ends would only make each life the same.
        return service.faults.arm(fault, times=self._random.choice((1, 1, 2, 5, 12)))

    def _live(self, asked: int) -> tuple[Daemon, str, bool]:
        """One life to its end: the process, the kind of its end, and whether that was by force."""
        random, sandbox = self._random, self._sandbox
        requests = Requests(sandbox)
        moves = Random(random.random())
        requests.at(random.randint(1, 12), lambda: self._course.move(moves))
        kind, number = self._end(), random.randint(1, 16)
        moment = self._moment(kind)
        settings: dict[str, Any] = {VARIABLE: str(moment)} if moment else {}
        daemon = self._operator.run(program=PROGRAM, **settings)
        if kind == "in a service's hands":
            requests.at(number, daemon.kill)

        def over() -> bool:
            counted = moment is None and requests.served >= number
            # A round that looks up each of very many incidents takes its time; what may come in it has come by then.
            enough = self._rounds_since(asked) > 2 or self._betterstack_asked() - asked > ENOUGH_REQUESTS
            return daemon.process.returncode is not None or counted or enough

        daemon.wait_for(over, "the end")
        code, orderly = daemon.process.returncode, kind.startswith("SIGTERM")
        if code is None and orderly:
            daemon.process.send_signal(signal.SIGTERM)
        if code is None and kind == "SIGTERM":
            code = daemon.process.wait(20)
        elif code is None:
            kind = kind if moment is None else "at rest, the moment never came"
            daemon.kill()
            code = daemon.process.returncode
        right = {0, -signal.SIGKILL} if orderly else {-signal.SIGKILL}
        self._expect(code in right, f"{kind}: it ended with {code}")
        return daemon, kind, code != 0

    def _end(self) -> str:
        ends = {
            "in a service's hands": 3,
            "at a request": 2,
            "before a statement": 2,
            "before a commit": 2,
            "after a commit": 2,
            "at an instant": 5,
            "SIGTERM": 2,
            "SIGTERM, then SIGKILL": 1,
        }
        [kind] = self._random.choices(list(ends), list(ends.values()))
        if kind != "at an instant":
            return kind
        if not self._deck:
            self._deck = self._random.sample(list(INSTANTS), len(INSTANTS))
        return self._deck.pop()

    def _moment(self, kind: str) -> Moment | None:
        random = self._random
        match kind:
            case "before a statement":
                return Moment("statement", random.randint(1, 120))
            case "before a commit":
                return Moment("commit", random.randint(1, 25))
            case "after a commit":
                return Moment("committed", random.randint(1, 25))
            case _:
                return INSTANTS.get(kind)

    def _after(self, daemon: Daemon, *, killed: bool, asked: int) -> None:
        """Looks at what the process left behind."""
        sandbox, directory = self._sandbox, self._operator.directory
        over = self._sandbox.ground.now()
        for service in (sandbox.betterstack, sandbox.signl4):
            let_go(service)
        daemon.end()
        if killed and self._betterstack_asked() > asked:
            forget_what_was_not_kept(sandbox, directory)
        found = [*harm(directory), *self._books.close(killed=killed)]
        if daemon.says("Traceback"):
            found += ["a fault of the program:", *daemon.lines[-5:]]
        self.figures.broken += [f"cycle {self.figures.cycles}: {sentence}" for sentence in found]
        self.figures.largest_file = max(self.figures.largest_file, (directory / "state.db").stat().st_size)
        # Until the next process runs, SIGNL4 can be told nothing.
        self._held.append(Window(over, over))

    def _expect(self, so: bool, otherwise: str) -> None:
        if not so:
            self.figures.broken.append(f"cycle {self.figures.cycles}: {otherwise}")

    def _betterstack_asked(self) -> int:
        return len(self._sandbox.betterstack.requests)

    def _rounds_since(self, asked: int) -> int:
        later = self._sandbox.betterstack.requests[asked:]
        return sum(one.query.get("resolved") is not None and one.query["page"] == "1" for one in later)

    # -- the end of it all --------------------------------------------------------------------------------------------

    def _verdict(self) -> Verdict:
        sandbox = self._sandbox
        started: datetime = sandbox.betterstack.requests[0].at
        events = [event for event, again in self._told() if not again]
        return judge(sandbox.world.history, sandbox.world.showings, events, started, self._held)

    def _told(self) -> Iterator[tuple[Event, bool]]:
        """What SIGNL4 was told of incidents, and whether that was the very thing it was told of that one before."""
        last: dict[str, str] = {}
        for event in self._sandbox.signl4.events:
            if not _is_own(event.external_id):
                yield event, last.get(event.external_id) == event.kind
                last[event.external_id] = event.kind

    def _is_settled(self) -> bool:
        with as_left(self._operator.directory) as connection:
            waits = _keys(connection, "pending")
        return not waits and self._verdict().count(Flaw.LOST) == 0

    def _judge(self) -> None:
        figures, verdict, twice = self.figures, self._verdict(), self._books.twice
        figures.incidents = len({happening.incident_id for happening in self._sandbox.world.history})
        figures.told = len(list(self._told()))
        figures.doubled, figures.unanswered = twice.total(), self._books.unanswered
        figures.lost, figures.out_of_order = verdict.count(Flaw.LOST), verdict.count(Flaw.OUT_OF_ORDER)
        again = Counter((event.external_id, event.kind) for event, again in self._told() if again)
        # A repetition that does not follow at once would be none of the same generation.
        self._expect(again == twice, f"{again - twice} came again without need, {twice - again} too late")
        for case in verdict.cases:
            if case.findings:
                happened = ", ".join(f"{one.act} {one.at:%M:%S.%f}" for one in case.happened)
                told = ", ".join(f"{one.kind} {one.at:%M:%S.%f}" for one in case.told)
                whys = "; ".join(f"{finding.flaw}: {finding.why}" for finding in case.findings)
                figures.broken.append(f"{case.incident_id}: {whys} (happened: {happened}; told: {told})")
        first, last = figures.descriptors
        self._expect(last <= first + SLACK_IN_DESCRIPTORS, f"descriptors grew from {first} to {last}")
        first, last = figures.memory
        # SQLite keeps up to 2 MB of the file for each connection, of which a process has a handful.
        caches = 5 * min(figures.largest_file, 2_000_000)
        self._expect(last <= first + SLACK_IN_MEMORY + caches, f"memory grew from {first} to {last} bytes")


def soak(directory: Path, cycles: int, seed: int, say: Callable[[str], None] = print) -> Figures:
    """So many lives in this empty directory."""
    url = f"sqlite:///{directory}/state.db"
    with locked(url):
        upgrade(url)
    with Sandbox(event_limit=10**6, faulty_limit=None) as sandbox:
        lives = Soak(sandbox, directory, seed, say)
        try:
            return lives.play(cycles)
        finally:
            lives.end()


def run() -> int:
    """Prints the figures; 1 if a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--cycles", type=int, default=CYCLES)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="betterstack-signl4-soak-") as name:
        figures = soak(Path(name), options.cycles, options.seed, lambda line: print(line, flush=True))
    print("\n".join(figures.lines()))
    return 1 if figures.broken or figures.lost or figures.out_of_order else 0


if __name__ == "__main__":
    sys.exit(run())
