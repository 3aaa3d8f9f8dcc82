"""Both flows with their real clients, over hundreds of lives, while replicas of Better Stack lag; the clock by hand.

What was measured once: at a round a second, some requests answered from seconds ago, or the open list always, woke
people for what was over and closed the alerts of what was open.
"""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import Engine, event

from daemon.clients.betterstack import BetterStack
from daemon.clients.http import HttpClient, tls_context
from daemon.clients.signl4 import Signl4
from daemon.deliver import Deliver
from daemon.host.clock import TheirClock, utc_now
from daemon.model.incident import Phase
from daemon.pager import Pager
from daemon.poll import Poll
from daemon.sandbox import lag
from daemon.sandbox.context import Context
from daemon.sandbox.lag import Lag
from daemon.sandbox.mishaps import lists
from daemon.sandbox.record import Record
from daemon.sandbox.server import Sandbox
from daemon.sandbox.verdict import Verdict, judge
from tests.support.clock import Clock
from tests.support.fakes import due_list
from tests.support.kept_log import KeptLog
from tests.support.store import Store
from tests.support.values import settings
from tests.worlds.ledger import leave_the_disk_alone

SECONDS = 50
MOVES = 6
"""Things that happen in each second."""
INCIDENTS = 12
MOST_LIVES = 5
"""Of one incident; in how many ways it may rightly be told grows with them."""
SWEEP_EVERY = 5
"""Rounds, of which there is one a second."""
QUIET = 7
"""Seconds before anything happens or lags: longer than the oldest answer is old."""
FOUR = timedelta(seconds=4)
# Where single records alone lag for longer than two rounds, nothing tells what was from what is: an incident that
# bounced without a time may then be told to be over, and to be new, once more than by somebody who sees everything.
LAGS: dict[str, Lag] = {
    "no request": lag.no_lag,
    "one in twenty, from 0.5 to 6 s ago": lag.now_and_then(0.05, Random(20261128)),
    "one in four, from 0.5 to 6 s ago, lists alone": lag.now_and_then(0.25, Random(4), of=lists),
    "the open list, from 4 s ago": lag.apart(open_list=FOUR),
    "every list, from 4 s ago": lag.apart(open_list=FOUR, sweep=FOUR),
    "everything, from 4 s ago": lag.apart(open_list=FOUR, sweep=FOUR, lookups=FOUR),
}


class Duty:
    """The program on duty, a round a second, and what happens meanwhile at Better Stack."""

    def __init__(self, sandbox: Sandbox, engine: Engine, clock: Clock, log: KeptLog, clients: ExitStack) -> None:
        values = settings(
            betterstack={"token": sandbox.betterstack.token, "base_url": sandbox.betterstack.url},
            signl4={"secret": sandbox.signl4.secret, "base_url": sandbox.signl4.url},
            poll={"interval": "1s"},
            delivery={"gap": "0.1s", "stale_after": "1h", "concurrency": 1},
        )
        tls, store = tls_context(values.http), Store(engine)
        to_betterstack, to_signl4 = (
            clients.enter_context(closing(HttpClient(url, values.http, tls)))
            for url in (values.betterstack.base_url, values.signl4.base_url)
        )
        self._source = BetterStack(to_betterstack, values.betterstack, _never_wait, lambda _: None, TheirClock(utc_now))
        self._poll = Poll(self._source, store, values, clock=clock, log=log, on_queued=lambda: None)
        self._deliver = Deliver(
            Pager(Signl4(to_signl4, values.signl4.secret)),
            store,
            due_list(store, values, clock, log),
            values.delivery,
            clock=clock,
            rng=Random(1),
            wait=_never_wait,
            log=log,
        )
        self._sandbox, self._clock = sandbox, clock
        self._random = Random(1128)
        self._rounds = 0

    def play(self, age: Lag) -> Verdict:
        """So many seconds under this lag, and some more until all is quiet."""
        world = self._sandbox.world
        world.open("An incident that never ends")
        for number in range(INCIDENTS):
            world.open(f"Incident {number}")
        # What is over as the program first asks alerts nobody, and no replica knows the world from before it began.
        for _ in range(QUIET):
            self._clock.pass_(seconds=1)
            self._look()
        self._sandbox.betterstack.age = age
        for _ in range(SECONDS):
            for _ in range(MOVES):
                self._clock.pass_(seconds=1 / MOVES)
                self._happen()
            self._look()
        self._sandbox.betterstack.age = lag.no_lag
        for _ in range(3 * SWEEP_EVERY):
            self._clock.pass_(seconds=1)
            self._look()
        started = self._sandbox.betterstack.requests[0].at
        return judge(world.history, world.showings, self._sandbox.signl4.events, started)

    def _look(self) -> None:
        self._rounds += 1
        self._poll.round(sweep=self._rounds % SWEEP_EVERY == 1)
        self._deliver.drain()

    def _happen(self) -> None:
        """Something, to one of so many incidents; for one that has had all its lives, another one opens."""
        world = self._sandbox.world
        moving = [one for one in world.records[:-1] if (one.phase, one.generation) != (Phase.RESOLVED, MOST_LIVES)]
        if len(moving) < INCIDENTS:
            world.open("Another incident")
        else:
            self._move(self._random.choice(moving))

    def _move(self, record: Record) -> None:
        """Something happens to the incident. A reopening leaves a trace or not, each incident always the same."""
        world, luck = self._sandbox.world, self._random.random()
        match record.phase:
            case Phase.RESOLVED:
                world.reopen(record.id, keep_times=int(record.id) % 2 == 0)
            case Phase.OPEN if luck < 0.2:
                world.set_status(record.id, "Validating")
            case Phase.OPEN if luck < 0.5:
                world.acknowledge(record.id, "Jane")
            case _:
                world.resolve(record.id, "Jane")


def _never_wait(_: float) -> bool:
    return False


def report(verdict: Verdict) -> list[str]:
    """What is wrong, with what happened and what was told, by the second."""
    return [
        f"{case.incident_id}: {'; '.join(finding.why for finding in case.findings)}"
        f" (happened: {', '.join(f'{one.act} {one.at:%M:%S}' for one in case.happened)};"
        f" told: {', '.join(f'{one.kind} {one.at:%M:%S}' for one in case.told)})"
        for case in verdict.cases
        if case.findings or case.lies
    ]


@pytest.fixture
def duty(engine: Engine, clock: Clock, log: KeptLog) -> Iterator[Duty]:
    event.listen(engine, "connect", leave_the_disk_alone)
    with Sandbox(context=Context(now=clock), event_limit=10**6) as sandbox, ExitStack() as clients:
        yield Duty(sandbox, engine, clock, log, clients)


@pytest.mark.parametrize("lagging", LAGS)
def test_nobody_is_woken_for_what_is_over_and_nobody_told_that_it_is_when_it_is_not(duty: Duty, lagging: str) -> None:
    verdict = duty.play(LAGS[lagging])
    lives = {(one.incident_id, one.generation) for case in verdict.cases for one in case.happened}
    assert len(lives) >= 100
    assert (verdict.bogus_news, verdict.false_ends, report(verdict)) == (0, 0, [])
