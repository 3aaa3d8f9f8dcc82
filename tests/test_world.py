"""A world of its own making: incidents, faults and kills in any order, and the promises as what must always hold."""

import os
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, precondition, rule

from daemon.incident import Phase
from tests.ledger import LASTING, Fate, Ledger

NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
"""Half a million steps, never the same ones, in place of the three thousand of every day."""
EMPTY: dict[str, bytes] = {}


@pytest.fixture(scope="module", autouse=True)
def _remember_an_empty_database(empty_database: bytes) -> None:
    EMPTY["bytes"] = empty_database


KILLS = st.none() | st.integers(0, 25)
FATES = st.lists(st.sampled_from(Fate), max_size=6)
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

    # -- what happens at Better Stack ---------------------------------------------------------------------------------

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
            self._is(incident_id, "acknowledged", status="Acknowledged", acknowledged_at=self._now())

    @rule(incident_id=incidents)
    def resolve(self, incident_id: str) -> None:
        if self._phase(incident_id) is not Phase.RESOLVED:
            self._is(incident_id, "resolved", status="Resolved", resolved_at=self._now())

    @rule(incident_id=incidents, keep_times=st.booleans())
    def reopen(self, incident_id: str, keep_times: bool) -> None:
        if self._phase(incident_id) is Phase.RESOLVED:
            now = self._now()
            afresh = {"resolved_at": None, "acknowledged_at": None, "reopened_at": None}
            self._is(incident_id, "reopened", status="Started", **({"reopened_at": now} if keep_times else afresh))

    @rule(incident_id=consumes(incidents))
    def delete(self, incident_id: str) -> None:
        self.betterstack.had(incident_id)
        self.ledger.true[incident_id].append("deleted")

    # -- what goes wrong ----------------------------------------------------------------------------------------------

    @rule(incident_id=incidents)
    def hide(self, incident_id: str) -> None:
        self.betterstack.hidden.add(incident_id)

    @rule()
    def show_all(self) -> None:
        self.betterstack.hidden.clear()

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
    def poison(self, incident_id: str, fate: Fate) -> None:
        """From now on whatever is said of it meets this fate."""
        self.ledger.poisoned[incident_id] = fate

    @rule()
    def heal(self) -> None:
        self.ledger.poisoned.clear()

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

    @rule(sweep=st.booleans(), kill_after=KILLS)
    def round(self, sweep: bool, kill_after: int | None) -> None:
        moving = self.count
        if self.ledger.round(sweep=sweep, kill_after=kill_after) and self.count == moving:
            self.ledger.check_told()

    @rule(fates=FATES, kill_after=KILLS)
    def drain(self, fates: list[Fate], kill_after: int | None) -> None:
        self.ledger.drain(fates, kill_after)

    # -- what must hold -----------------------------------------------------------------------------------------------

    @invariant()
    def promises(self) -> None:
        self.ledger.check()

    def teardown(self) -> None:
        try:
            self.ledger.check_that_nobody_is_held_up()
            self.ledger.settle()
            self.ledger.check_settled()
        finally:
            self.ledger.close()
            self._directory.cleanup()

    def _now(self) -> Any:
        self.ledger.clock.pass_(seconds=1)
        return self.ledger.clock.now - self.skew

    def _phase(self, incident_id: str) -> Phase:
        return self.betterstack.incidents[incident_id].phase

    def _is(self, incident_id: str, act: str, **attributes: Any) -> None:
        before = self.betterstack.incidents.get(incident_id)
        self.betterstack.has(incident_id, **{**(before.attributes if before else {}), **attributes})
        self.ledger.true[incident_id].append(act)


TestWorld = World.TestCase
TestWorld.settings = settings(
    max_examples=5_000 if NIGHTLY else 75,
    stateful_step_count=100 if NIGHTLY else 40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
