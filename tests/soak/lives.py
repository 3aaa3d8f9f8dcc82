"""The lives, one after the other, and what is looked at after each and in the end."""

import signal
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from threading import Lock
from typing import Any

from daemon.sandbox.exchange import Request
from daemon.sandbox.history import Event, Window
from daemon.sandbox.lag import Lag, no_lag
from daemon.sandbox.server import Sandbox
from daemon.sandbox.signl4_rest import API_KEY
from daemon.sandbox.verdict import Case, Flaw, Verdict, judge
from daemon.storage.instance import locked
from daemon.storage.upgrade import upgrade
from tests.e2e.conftest import Daemon, Operator
from tests.e2e.mortal import INSTANTS, VARIABLE, Moment
from tests.soak.books import (
    MOST_IN_FLIGHT,
    Books,
    as_left,
    descriptors,
    forget_what_was_not_kept,
    harm,
    is_own,
    keys,
    let_go,
    resident,
)
from tests.soak.course import Course
from tests.soak.figures import Figures
from tests.soak.hasty import PROGRAM
from tests.soak.trouble import SETTINGS, File, faults, lags

LONG_LIVES = 0.3
"""The share of lives that go on for a while, with faults and reloads; the others end soon, at a certain moment."""
MOVES = 0.35
"""Things that happen at Better Stack for each request to either service: more would mean more than can ever be told."""
ENOUGH_REQUESTS = 80
"""To Better Stack, in a short life that waits for a moment that does not come."""
PATIENCE = 900.0
"""Seconds for so many requests, on a machine that has other things to do or stands still for a while."""
TROUBLE_LASTS = timedelta(seconds=3)
"""What a fault held back waits this much longer, at most; `delivery.retry_max` is as long."""
SLACK_IN_DESCRIPTORS = 2 * MOST_IN_FLIGHT
"""Each thread that sends keeps its connection to either service; how many of them had something to send differs."""
SLACK_IN_MEMORY = 6_000_000
"""Allocators differ a little from run to run."""


class Requests:
    """Counts the requests of one life to either service, and does something when a certain one is being served."""

    def __init__(self, sandbox: Sandbox, at_each: Callable[[], None]) -> None:
        """`at_each` is done at each request, by one thread at a time."""
        self._lock = Lock()
        self._at_each = at_each
        self._acts: dict[int, Callable[[], None]] = {}
        self.served = 0
        for service in (sandbox.betterstack, sandbox.signl4):
            service.faults.before_answer = self._serve

    def at(self, number: int, act: Callable[[], None]) -> None:
        """The act is done before this request is answered."""
        self._acts[number] = act

    def _serve(self, _: Request) -> None:
        with self._lock:
            self.served += 1
            act = self._acts.get(self.served, lambda: None)
            self._at_each()
        act()


@dataclass
class Life:
    """What is to happen in one life."""

    kind: str
    """Of its end."""
    number: int
    """The request at which it ends, where no moment ends it."""
    moment: Moment | None
    deeds: list[tuple[int, Callable[[Daemon], None]]] = field(default_factory=list)
    """What is done after so many requests."""


class Soak:
    """All lives on one state directory, in one sandbox."""

    def __init__(
        self, sandbox: Sandbox, directory: Path, seed: int, say: Callable[[str], None], *, with_key: bool
    ) -> None:
        """`with_key`: what may have been taken is looked up, so that no alert is raised twice."""
        self._sandbox = sandbox
        self._operator = Operator(sandbox, directory)
        self._operator.environment.update(SETTINGS | ({"SIGNL4__API_KEY": API_KEY} if with_key else {}))
        self._random = Random(seed)
        self._file = File(directory, self._operator.environment)
        self._file.change(self._random)
        self._say = say
        self._books = Books(self._operator, looked_up={"new"} if with_key else ())
        self._held: list[Window] = []
        self._course = Course(sandbox.world)
        self._deck: list[str] = []
        self.figures = Figures(seed)

    def play(self, cycles: int, transitions: int) -> Figures:
        """The first life in peace, then so many others and until so much was told, and a last one in peace again."""
        figures, sandbox = self.figures, self._sandbox
        for _ in range(4):
            self._course.open(self._random)
        first = self._peace(lambda: len(sandbox.signl4.events) > 4)
        while figures.cycles < cycles or len(sandbox.signl4.events) - self._books.twice.total() < transitions:
            self._cycle()
            figures.cycles += 1
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
        figures, told, verdict = self.figures, len(self._sandbox.signl4.events), self._verdict()
        return (
            f"{figures.cycles} cycles, {told} events, {self._books.twice.total()} doubled, "
            f"{verdict.bogus_news} bogus new, {verdict.false_ends} false ends, {len(figures.broken)} broken"
        )

    # -- one life -----------------------------------------------------------------------------------------------------

    def _peace(self, until: Callable[[], bool]) -> tuple[int, int]:
        """A life without trouble, for some rounds and until all is as it should be; its descriptors and memory."""
        self._lag("no lag", no_lag)
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
        # At an instant that has a name, something new must be there to be told.
        for _ in range(2):
            self._course.open(self._random)
        self._course.tidy()
        self._lag(*lags(self._random, self._sandbox.context.now()))
        self._file.change(self._random)
        long = self._random.random() < LONG_LIVES
        life = self._long_life() if long else self._short_life()
        began, asked = self._sandbox.context.now(), self._betterstack_asked()
        if not long and self._random.random() < 0.4:
            self._arm()
            self._live(life, asked)
            self._held.append(Window(began, self._sandbox.context.now()))
        else:
            self._live(life, asked)

    def _lag(self, name: str, age: Lag) -> None:
        self._sandbox.betterstack.age = age
        self.figures.lags[name] += 1

    def _arm(self) -> Callable[[], None]:
        """A fault of one of the services; returns what ends it."""
        service, fault = self._random.choice(faults(self._sandbox))
        began = self._sandbox.context.now()
        # A fault that never ends would only make each life the same.
        armed = service.faults.arm(fault, times=self._random.choice((1, 1, 2, 5, 12)))

        def end() -> None:
            armed.release()
            self._held.append(Window(began, self._sandbox.context.now() + TROUBLE_LASTS))

        return end

    def _short_life(self) -> Life:
        kind = self._end()
        return Life(kind, self._random.randint(1, 30), self._moment(kind))

    def _long_life(self) -> Life:
        """One with faults that come and go, reloads, and an operator who will not wait."""
        random = self._random
        kind = random.choice(("in a service's hands", "at a request", "SIGTERM", "SIGTERM, then SIGKILL"))
        life = Life(kind, random.randint(60, 300), None)
        for _ in range(random.randint(1, 3)):
            number = random.randint(3, life.number)
            ends: list[Callable[[], None]] = []
            life.deeds.append((number, lambda _, ends=ends: ends.append(self._arm())))  # type: ignore[misc]
            life.deeds.append((number + 15, lambda _, ends=ends: ends.pop()()))  # type: ignore[misc]
        for _ in range(random.randint(0, 3)):
            life.deeds.append((random.randint(3, life.number), self._reload))
        if random.random() < 0.3:
            life.deeds.append((random.randint(3, life.number), self._retry))
        life.deeds += [(number, lambda _: self._course.tidy()) for number in range(20, life.number, 20)]
        life.deeds.sort(key=lambda deed: deed[0])
        return life

    def _reload(self, daemon: Daemon) -> None:
        self.figures.reloads += 1
        self._file.reload(daemon, self._random)

    def _retry(self, _: Daemon) -> None:
        """Somebody makes a delivery that waits due now; it may be delivered by then, which is said."""
        with as_left(self._operator.directory) as connection:
            row = connection.execute("SELECT min(id) FROM deliveries WHERE state = 'pending'").fetchone()
        if row[0] is not None:
            done = self._operator.ask("retry", str(row[0]))
            self._expect("Traceback" not in done.stderr, f"retry: {done.stderr}")

    def _live(self, life: Life, asked: int) -> None:
        """One life to its end, and what it left behind."""
        moves = Random(self._random.random())
        requests = Requests(self._sandbox, lambda: self._course.move(moves) if moves.random() < MOVES else None)
        settings: dict[str, Any] = {VARIABLE: str(life.moment)} if life.moment else {}
        daemon = self._operator.run(program=PROGRAM, **settings)
        if life.kind == "in a service's hands":
            requests.at(life.number, daemon.kill)
        self._wait(life, daemon, requests, asked)
        kind, code = self._kill(life, daemon)
        self.figures.kills[kind] += 1
        self._after(daemon, killed=code != 0, asked=asked)

    def _wait(self, life: Life, daemon: Daemon, requests: Requests, asked: int) -> None:
        for number, deed in [*life.deeds, (life.number, lambda _: None)]:

            def over(number: int = number) -> bool:
                counted = life.moment is None and requests.served >= number
                # A round that looks up very many incidents takes its time; what may come in it has come by then.
                enough = self._rounds_since(asked) > 2 or self._betterstack_asked() - asked > ENOUGH_REQUESTS
                return daemon.process.returncode is not None or counted or (life.moment is not None and enough)

            daemon.wait_for(over, f"request {number}", PATIENCE)
            if daemon.process.poll() is None:
                deed(daemon)

    def _kill(self, life: Life, daemon: Daemon) -> tuple[str, int]:
        """Ends what still lives: the kind of the end, and the exit code."""
        kind, code, orderly = life.kind, daemon.process.poll(), life.kind.startswith("SIGTERM")
        if code is None and orderly:
            daemon.process.send_signal(signal.SIGTERM)
        if code is None and kind == "SIGTERM":
            code = daemon.process.wait(20)
        elif code is None:
            kind = kind if life.moment is None else "at rest, the moment never came"
            daemon.kill()
            code = daemon.process.returncode
        right = {0, -signal.SIGKILL} if orderly else {-signal.SIGKILL}
        self._expect(code in right, f"{kind}: it ended with {code}")
        return kind, code

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
        sandbox, directory, figures = self._sandbox, self._operator.directory, self.figures
        over = sandbox.context.now()
        for service in (sandbox.betterstack, sandbox.signl4):
            let_go(service)
        daemon.end()
        if killed and self._betterstack_asked() > asked:
            forget_what_was_not_kept(sandbox, directory)
        found = [*harm(directory), *self._books.close(killed=killed)]
        if daemon.says("Traceback"):
            found += ["a fault of the program:", *daemon.lines[-5:]]
        figures.broken += [f"cycle {figures.cycles}: {sentence}" for sentence in found]
        figures.reloads_taken += sum("configuration reloaded" in line for line in daemon.lines)
        figures.reloads_refused += sum("the new configuration is refused" in line for line in daemon.lines)
        figures.largest_file = max(figures.largest_file, (directory / "state.db").stat().st_size)
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
            if not is_own(event.external_id):
                yield event, last.get(event.external_id) == event.kind
                last[event.external_id] = event.kind

    def _is_settled(self) -> bool:
        with as_left(self._operator.directory) as connection:
            waits = keys(connection, "pending")
        return not waits and self._verdict().count(Flaw.LOST) == 0

    def _judge(self) -> None:
        figures, verdict, twice = self.figures, self._verdict(), self._books.twice
        figures.incidents = len({happening.incident_id for happening in self._sandbox.world.history})
        figures.told = sum(not again for _, again in self._told())
        figures.doubled, figures.unanswered = twice.total(), self._books.unanswered
        figures.lost, figures.out_of_order = verdict.count(Flaw.LOST), verdict.count(Flaw.OUT_OF_ORDER)
        figures.unfounded = verdict.count(Flaw.UNFOUNDED)
        figures.bogus_news, figures.false_ends = verdict.bogus_news, verdict.false_ends
        again = Counter((event.external_id, event.kind) for event, again in self._told() if again)
        figures.doubled_alerts = sum(times for (_, kind), times in again.items() if kind == "new")
        # A repetition that does not follow at once would be none of the same generation.
        self._expect(again == twice, f"{again - twice} came again without need, {twice - again} too late")
        figures.broken += [_sentence(case) for case in verdict.cases if case.findings or case.lies]
        first, last = figures.descriptors
        self._expect(last <= first + SLACK_IN_DESCRIPTORS, f"descriptors grew from {first} to {last}")
        first, last = figures.memory
        # SQLite keeps up to 2 MB of the file for each connection, of which a process has a handful.
        caches = (MOST_IN_FLIGHT + 1) * min(figures.largest_file, 2_000_000)
        self._expect(last <= first + SLACK_IN_MEMORY + caches, f"memory grew from {first} to {last} bytes")


def _sentence(case: Case) -> str:
    happened = ", ".join(f"{one.act} {one.at:%M:%S.%f}" for one in case.happened)
    told = ", ".join(f"{one.kind} {one.at:%M:%S.%f}" for one in case.told)
    whys = "; ".join(f"{finding.flaw}: {finding.why}" for finding in case.findings)
    return f"{case.incident_id}: {whys} (happened: {happened}; told: {told})"


def soak(
    directory: Path,
    cycles: int,
    seed: int,
    say: Callable[[str], None] = print,
    *,
    transitions: int = 0,
    with_key: bool = False,
) -> Figures:
    """So many lives in this empty directory, and more until SIGNL4 was told so many transitions."""
    url = f"sqlite:///{directory}/state.db"
    with locked(url):
        upgrade(url)
    with Sandbox(event_limit=10**6, faulty_limit=None) as sandbox:
        lives = Soak(sandbox, directory, seed, say, with_key=with_key)
        try:
            return lives.play(cycles, transitions)
        finally:
            lives.end()
