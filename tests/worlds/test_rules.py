"""A world under rules: routes, silences, holds and flapping in any order with kills and outages, for two teams."""

import os
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings, Phase as Phase_
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule

from daemon.model.incident import Phase
from tests.worlds.ledger import Fate
from tests.worlds.town import RULES, Town

NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
EMPTY: dict[str, bytes] = {}


@pytest.fixture(scope="module", autouse=True)
def _remember_an_empty_database(empty_database: bytes) -> None:
    EMPTY["bytes"] = empty_database


KILLS = st.none() | st.integers(0, 25)
NAMES = st.sampled_from(["db-1", "db-2", "web-1"])
PATTERNS = st.sampled_from(["db-*", "*", "web-*"])
FATES = st.lists(st.sampled_from([Fate.TAKEN, Fate.LOST, Fate.KILLED, Fate.OUTAGE, Fate.WRONG_SECRET]), max_size=6)


class Ruled(RuleBasedStateMachine):
    """Whoever is told that something began, by the rules when it was seen, is told its end, and nobody else is."""

    incidents = Bundle("incidents")

    def __init__(self) -> None:
        super().__init__()
        self._directory = tempfile.TemporaryDirectory()
        database = Path(self._directory.name) / "state.db"
        database.write_bytes(EMPTY["bytes"])
        self.town = Town(database)
        self.betterstack = self.town.flows.betterstack
        self.count = 0
        self.town.round()

    @initialize(target=incidents, names=st.lists(NAMES, min_size=1, max_size=3), rules=st.sampled_from(RULES))
    def begin(self, names: list[str], rules: Any) -> Any:
        self.town.restart(rules)
        return multiple(*map(self.open, names))

    @rule(target=incidents, name=NAMES)
    def open(self, name: str) -> str:
        self.count += 1
        incident_id = str(100 + self.count)
        self._is(incident_id, name=name, monitor_id=name[-1], status="Started", started_at=self._now())
        return incident_id

    @rule(incident_id=incidents)
    def acknowledge(self, incident_id: str) -> None:
        if self._phase(incident_id) is Phase.OPEN:
            self._is(incident_id, status="Acknowledged", acknowledged_at=self._now())

    @rule(incident_id=incidents)
    def resolve(self, incident_id: str) -> None:
        if self._phase(incident_id) is not Phase.RESOLVED:
            self._is(incident_id, status="Resolved", resolved_at=self._now())

    @rule(incident_id=incidents)
    def reopen(self, incident_id: str) -> None:
        if self._phase(incident_id) is Phase.RESOLVED:
            self._is(incident_id, status="Started", reopened_at=self._now())

    @rule(incident_id=incidents)
    def bounce(self, incident_id: str) -> None:
        self.resolve(incident_id)
        self.reopen(incident_id)

    @rule(incident_id=consumes(incidents))
    def delete(self, incident_id: str) -> None:
        self.betterstack.had(incident_id)

    @rule(pattern=PATTERNS, begins_in=st.sampled_from([0, 0, 3]), minutes=st.sampled_from([1, 5, 90]))
    def silence(self, pattern: str, begins_in: int, minutes: int) -> None:
        self.town.silence(pattern, begins_in, minutes)

    @rule(which=st.integers(0, 4))
    def expire(self, which: int) -> None:
        self.town.expire(which)

    @rule(rules=st.sampled_from(RULES))
    def reload(self, rules: Any) -> None:
        self.town.restart(rules)

    @rule(seconds=st.sampled_from([2, 10, 61, 130, 300, 661, 3700]))
    def pass_time(self, seconds: int) -> None:
        self.town.clock.pass_(seconds=seconds)

    @rule(kill_after=KILLS)
    def round(self, kill_after: int | None) -> None:
        self.town.round(kill_after)

    @rule(fates=FATES, kill_after=KILLS)
    def drain(self, fates: list[Fate], kill_after: int | None) -> None:
        self.town.drain(fates, kill_after)

    @rule(seconds=st.sampled_from([5, 120, 700]))
    def live(self, seconds: int) -> None:
        """Rounds and deliveries, as they follow each other while nothing is wrong."""
        self.town.round()
        self.town.drain_for(seconds=seconds)

    @rule(left=st.integers(0, 8), pattern=PATTERNS, ends=st.booleans())
    def interfere(self, left: int, pattern: str, ends: bool) -> None:
        """A silence is made, or ended, in the middle of a round and a pass."""
        town = self.town
        town.round()
        town.meanwhile = left, lambda: town.expire(0) if ends else town.silence(pattern, 0, 5, suddenly=True)
        town.drain()

    @invariant()
    def promises(self) -> None:
        self.town.check()

    def teardown(self) -> None:
        try:
            self.town.settle()
            self.town.check_settled()
        finally:
            self.town.close()
            self._directory.cleanup()

    def _now(self) -> datetime:
        self.town.clock.pass_(seconds=1)
        return self.town.clock.now

    def _phase(self, incident_id: str) -> Phase:
        return self.betterstack.incidents[incident_id].phase

    def _is(self, incident_id: str, **attributes: Any) -> None:
        before = self.betterstack.incidents.get(incident_id)
        self.betterstack.has(incident_id, **{**(before.attributes if before else {}), **attributes})


TestRules = Ruled.TestCase
TestRules.settings = settings(
    max_examples=2_000 if NIGHTLY else 30,
    stateful_step_count=80 if NIGHTLY else 30,
    deadline=None,
    phases=[Phase_.generate],
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.too_slow],
)
