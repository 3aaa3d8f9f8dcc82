"""A world of its own making: incidents, faults, replicas that lag and kills in any order, and the promises as what must
always hold.
"""

import os
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)

from daemon.decisions.unreadable import AT_ONCE
from daemon.model.incident import Phase
from tests.worlds.hand import Deed
from tests.worlds.ledger import AFRESH, LASTING, Fate, Ledger

NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
"""Half a million steps, never the same ones, in place of the three thousand of every day."""
EMPTY: dict[str, bytes] = {}


@pytest.fixture(scope="module", autouse=True)
def _remember_an_empty_database(empty_database: bytes) -> None:
    EMPTY["bytes"] = empty_database


KILLS = st.none() | st.integers(0, 25)
FATES = st.lists(st.sampled_from(Fate), max_size=6)
REPLICAS = {
    "of the open list": ("open",),
    "of the lists": ("open", "since"),
    "of single records": ("lookup",),
    "of everything": ("open", "since", "lookup"),
}
"""Which requests replicas answer that lag, by how they begin."""
OPENED_AS = {"started": "opened", "unconfirmed": "opened", "acknowledged": "opened", "resolved": "resolved"}


class World(RuleBasedStateMachine):
    """Promises 1 to 7, whatever happens."""

    incidents = Bundle("incidents")

    def __init__(self) -> None:
        super().__init__()
        self._directory = tempfile.TemporaryDirectory()
        database = Path(self._directory.name) / "state.db"
        database.write_bytes(EMPTY["bytes"])
        self.ledger = Ledger(database)
        self.betterstack = self.ledger.flows.betterstack
        self.betterstack.per_page = 2
        self.count = 0
        self.skew = timedelta(0)
        """How far this machine's clock is ahead of Better Stack's."""
        self.changes: list[datetime] = []
        """When each change happened, by Better Stack's clock."""
        self.caught_up = True
        """Whether a complete round has read the truth since replicas lagged last."""

    # -- what happens at Better Stack ---------------------------------------------------------------------------------

    @initialize(target=incidents, statuses=st.lists(st.sampled_from(list(OPENED_AS)), min_size=2, max_size=5))
    def begin(self, statuses: list[str]) -> Any:
        """An empty world is no world: most of what a seed draws would be about nothing."""
        return multiple(*map(self.open, statuses))

    @rule(target=incidents, status=st.sampled_from(list(OPENED_AS)))
    def open(self, status: str) -> str:
        self.count += 1
        incident_id = str(100 + self.count)
        self.ledger.true[incident_id] = []
        now = self._now()
        times = {f"{status}_at": now} if status in {"acknowledged", "resolved"} else {}
        self._is(incident_id, OPENED_AS[status], status=status.title(), started_at=now, **times)
        return incident_id

    @rule(incident_id=incidents)
    def confirm(self, incident_id: str) -> None:
        if self._phase(incident_id) is Phase.UNCONFIRMED:
            self._is(incident_id, "confirmed", status="Started")

    @rule(incident_id=incidents)
    def acknowledge(self, incident_id: str) -> None:
        if self._phase(incident_id) in {Phase.UNCONFIRMED, Phase.OPEN}:
            validating = self.betterstack.incidents[incident_id].status == "Validating"
            status = "Validating" if validating else "Acknowledged"
            self._is(incident_id, "acknowledged", status=status, acknowledged_at=self._now())

    @rule(incident_id=incidents)
    def validate(self, incident_id: str) -> None:
        """It seems to be well again, whether or not somebody acknowledged it."""
        if self._phase(incident_id) in {Phase.OPEN, Phase.ACKNOWLEDGED}:
            self._is(incident_id, "seemed well", status="Validating")

    @rule(incident_id=incidents)
    def resolve(self, incident_id: str) -> None:
        if self._phase(incident_id) is not Phase.RESOLVED:
            self._is(incident_id, "resolved", status="Resolved", resolved_at=self._now())

    @rule(incident_id=incidents, keep_times=st.booleans())
    def reopen(self, incident_id: str, keep_times: bool) -> None:
        if self._phase(incident_id) is Phase.RESOLVED:
            now = self._now()
            afresh = {"resolved_at": None, "acknowledged_at": None, "reopened_at": None}
            act, times = ("reopened", {"reopened_at": now}) if keep_times else (AFRESH, afresh)
            self._is(incident_id, act, status="Started", **times)

    @rule(incident_id=incidents, keep_times=st.booleans())
    def bounce(self, incident_id: str, keep_times: bool) -> None:
        """It is over and begins again while nobody looks."""
        self.resolve(incident_id)
        self.reopen(incident_id, keep_times)

    @rule(incident_id=consumes(incidents))
    def delete(self, incident_id: str) -> None:
        self.betterstack.had(incident_id)
        self.ledger.true[incident_id].append("deleted")
        self.changes.append(self._theirs())

    # -- what goes wrong ----------------------------------------------------------------------------------------------

    @rule(incident_id=incidents)
    def hide(self, incident_id: str) -> None:
        self.betterstack.hidden.add(incident_id)

    @rule()
    def show_all(self) -> None:
        self.betterstack.hidden.clear()

    @rule(incident_id=incidents, rounds=st.integers(1, 3), works=st.booleans())
    def poison(self, incident_id: str, rounds: int, works: bool) -> None:
        """From now on nobody can read its record: no list shows it, and its lookup fails. All else `works`, perhaps."""
        self.betterstack.poisoned.add(incident_id)
        if works:
            self.betterstack.refuses()
        for _ in range(rounds):
            self.ledger.clock.pass_(seconds=10)
            self.round(sweep=False, kill_after=None)

    @precondition(lambda self: self.betterstack.poisoned)
    @rule()
    def heal(self) -> None:
        self.betterstack.poisoned.clear()

    @rule(what=st.sampled_from(["open 1", "open 2", "since", "lookup 10", "lookup"]))
    def fail(self, what: str) -> None:
        self.betterstack.refuses(what)

    @rule()
    def work_again(self) -> None:
        self.betterstack.refuses()

    @precondition(lambda self: self.count > 0)
    @rule(page=st.sampled_from(["open 1", "open 2", "open 3"]), data=st.data())
    def happen_between_pages(self, page: str, data: st.DataObject) -> None:
        """Something opens while the pages are read, so that all the others move down."""
        status = data.draw(st.sampled_from(list(OPENED_AS)))

        def happen(request: str) -> None:
            if request == page:
                self.betterstack.before = lambda _: None
                self.open(status)

        self.betterstack.before = happen

    @rule(incident_id=incidents, fate=st.sampled_from(LASTING))
    def reject(self, incident_id: str, fate: Fate) -> None:
        """From now on whatever is said of it meets this fate."""
        self.ledger.poisoned[incident_id] = fate

    @rule()
    def accept_all(self) -> None:
        self.ledger.poisoned.clear()

    # -- replicas that lag --------------------------------------------------------------------------------------------

    @precondition(lambda self: self.caught_up and self.count > 0)
    @rule(
        which=st.sampled_from(list(REPLICAS)),
        answers=st.integers(1, 8),
        seconds=st.sampled_from([3, 10, 30]),
        sweep=st.booleans(),
        kill_after=KILLS,
    )
    def round_of_replicas(self, which: str, answers: int, seconds: int, sweep: bool, kill_after: int | None) -> None:
        """So many answers of one round are that old, less than two looks at a deletion lie apart.

        Two rounds running that both read the past alike would be beyond knowing: the next complete one reads the truth.
        """
        left = [answers]

        def behind(request: str) -> int:
            if not request.startswith(REPLICAS[which]) or not left[0]:
                return 0
            left[0] -= 1
            heard_of = self._theirs() - timedelta(seconds=seconds)
            return sum(at > heard_of for at in self.changes)

        self.betterstack.behind = behind
        self.round(sweep, kill_after)
        self.betterstack.behind = lambda _: 0

    # -- what the program does ----------------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([1, 2, 10, 61, 300, 661, 3700]))
    def pass_time(self, seconds: int) -> None:
        self.ledger.clock.now += timedelta(seconds=seconds)

    @rule(minutes=st.sampled_from([-43200, -60, -1, 1, 60, 43200]))
    def step_the_clock(self, minutes: int) -> None:
        """This machine's clock is set; Better Stack's is not."""
        step = timedelta(minutes=minutes)
        self.skew += step
        self.ledger.step_the_clock(step)

    @rule()
    def restart(self) -> None:
        self.ledger.restart()

    @rule(deed=st.sampled_from(Deed), which=st.integers(0, 9))
    def operate(self, deed: Deed, which: int) -> None:
        """Somebody at a terminal, while the program does nothing."""
        self.ledger.hand.does(deed, which)

    @rule(
        left=st.integers(0, 12),
        deed=st.sampled_from(Deed),
        which=st.integers(0, 9),
        fates=st.none() | FATES,
        kill_after=KILLS,
    )
    def interfere(self, left: int, deed: Deed, which: int, fates: list[Fate] | None, kill_after: int | None) -> None:
        """Somebody at a terminal, in the middle of a pass or of a round."""
        self.ledger.deed = (left, deed, which)
        if fates is None:
            self.round(True, kill_after)
        else:
            self.ledger.drain(fates, kill_after)

    @rule(sweep=st.booleans(), kill_after=KILLS)
    def round(self, sweep: bool, kill_after: int | None) -> None:
        moving, stale = self.count, len(self.betterstack.stale)
        complete = self.ledger.round(sweep=sweep, kill_after=kill_after)
        self._check_that_poison_costs_no_round(complete, moving, kill_after)
        if len(self.betterstack.stale) > stale:
            self.caught_up = False
        elif complete:
            self.caught_up = True
        if complete and self.count == moving:
            self.ledger.check_told()

    @rule(fates=FATES, kill_after=KILLS)
    def drain(self, fates: list[Fate], kill_after: int | None) -> None:
        self.ledger.drain(fates, kill_after)

    # -- what must hold -----------------------------------------------------------------------------------------------

    @invariant()
    def promises(self) -> None:
        self.ledger.check()

    def _check_that_poison_costs_no_round(self, complete: bool, moving: int, kill_after: int | None) -> None:
        """One or two records that cannot be read fail no round in which nothing else was wrong."""
        calm = kill_after is None and self.count == moving and self.betterstack.fails is self.betterstack.works
        if calm and self.betterstack.poisoned and len(self.betterstack.poisoned) < AT_ONCE and not complete:
            suspect = self.ledger.flows.store.progress().token_suspect_since
            assert suspect is not None, "a record that cannot be read failed a round"

    def teardown(self) -> None:
        try:
            self.ledger.check_that_nobody_is_held_up()
            self.ledger.settle()
            self.ledger.check_settled()
            self.ledger.mend()
        finally:
            self.ledger.close()
            self._directory.cleanup()

    def _now(self) -> datetime:
        self.ledger.clock.pass_(seconds=1)
        return self._theirs()

    def _theirs(self) -> datetime:
        """The time by Better Stack's clock."""
        return self.ledger.clock.now - self.skew

    def _phase(self, incident_id: str) -> Phase:
        return self.betterstack.incidents[incident_id].phase

    def _is(self, incident_id: str, act: str, **attributes: Any) -> None:
        before = self.betterstack.incidents.get(incident_id)
        self.betterstack.has(incident_id, **{**(before.attributes if before else {}), **attributes})
        self.ledger.true[incident_id].append(act)
        self.ledger.forget_looks(incident_id)
        self.changes.append(self._theirs())


TestWorld = World.TestCase
TestWorld.settings = settings(
    max_examples=5_000 if NIGHTLY else 30,
    stateful_step_count=100 if NIGHTLY else 40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
