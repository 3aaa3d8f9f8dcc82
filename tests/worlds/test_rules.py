"""A world under rules: routes, silences, holds and flapping in any order with kills and outages, for two teams.

Whoever is told that something began, by the rules when it was seen, is told its end, and nobody else is.
"""

import os
import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import Phase as Stage
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.model.incident import Phase
from tests.worlds.ledger import Fate
from tests.worlds.town import Town
from tests.worlds.town_rules import RULES

NIGHTLY = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"
STEPS = 40
EMPTY: dict[str, bytes] = {}
FATES = [Fate.TAKEN, Fate.TAKEN, Fate.LOST, Fate.KILLED, Fate.OUTAGE, Fate.WRONG_SECRET]
PATTERNS = ["db-*", "*", "web-*"]


@pytest.fixture(scope="module", autouse=True)
def _remember_an_empty_database(empty_database: bytes) -> None:
    """An argument of the test would be printed with a failure."""
    EMPTY["bytes"] = empty_database


class Play:
    """One world. What happens in it follows from the seed alone."""

    def __init__(self, database: Path, chance: Random) -> None:
        self.town, self.chance = Town(database), chance
        self.betterstack = self.town.flows.betterstack
        self.acts: list[str] = []
        self.town.round()
        self._often: list[tuple[Callable[[], object], int]] = [
            (self.open, 3),
            (self.acknowledge, 1),
            (self.resolve, 3),
            (self.reopen, 2),
            (self.delete, 1),
            (self.silence, 2),
            (self.expire, 1),
            (self.reload, 1),
            (self.pass_time, 1),
            (self.round, 2),
            (self.drain, 2),
            (self.live, 4),
            (self.interfere, 1),
        ]
        """What may happen, and how often compared with the others."""

    def step(self) -> None:
        acts, weights = zip(*self._often, strict=True)
        [act] = self.chance.choices(acts, weights)
        self.acts.append(act.__name__)
        act()
        self.town.check()

    # -- at Better Stack ----------------------------------------------------------------------------------------------

    def open(self) -> None:
        incident_id, name = str(101 + len(self.acts)), self.chance.choice(["db-1", "db-1", "db-2", "web-1"])
        self._is(incident_id, name=name, monitor_id=name, status="Started", started_at=self._now())

    def acknowledge(self) -> None:
        self._change({Phase.OPEN}, "Acknowledged", "acknowledged_at")

    def resolve(self) -> None:
        self._change({Phase.OPEN, Phase.ACKNOWLEDGED}, "Resolved", "resolved_at")

    def reopen(self) -> None:
        self._change({Phase.RESOLVED}, "Started", "reopened_at")

    def delete(self) -> None:
        if known := list(self.betterstack.incidents):
            self.betterstack.had(self.chance.choice(known))

    # -- the operator, and what goes wrong ----------------------------------------------------------------------------

    def silence(self) -> None:
        self.town.silence(self.chance.choice(PATTERNS), self.chance.choice([0, 0, 3]), self.chance.choice([1, 5, 90]))

    def expire(self) -> None:
        self.town.expire(self.chance.randrange(5))

    def reload(self) -> None:
        self.town.restart(self.chance.choice(RULES))

    def interfere(self) -> None:
        """A silence is made, or ended, in the middle of a pass."""
        town, pattern, ends = self.town, self.chance.choice(PATTERNS), self.chance.random() < 0.5
        town.round()
        act = (lambda: town.expire(0)) if ends else (lambda: town.silence(pattern, 0, 5, suddenly=True))
        town.meanwhile = self.chance.randrange(9), act
        town.drain()

    # -- the program --------------------------------------------------------------------------------------------------

    def pass_time(self) -> None:
        self.town.clock.pass_(seconds=self.chance.choice([10, 130, 661, 3700]))

    def round(self) -> None:
        self.town.round(self._kill())

    def drain(self) -> None:
        self.town.drain(self.chance.choices(FATES, k=self.chance.randrange(6)), self._kill())

    def live(self) -> None:
        """Rounds and deliveries, as they follow each other while nothing is wrong."""
        self.town.round()
        self.town.drain_for(seconds=self.chance.choice([5, 50, 130]))
        self.town.drain()
        self.town.check_holds()

    def _kill(self) -> int | None:
        return self.chance.choice([None, self.chance.randrange(25)])

    def _now(self) -> datetime:
        self.town.clock.pass_(seconds=1)
        return self.town.clock.now

    def _change(self, phases: set[Phase], status: str, time: str) -> None:
        """To one of the incidents in such a phase, if there is any."""
        if found := [one.id for one in self.betterstack.incidents.values() if one.phase in phases]:
            self._is(self.chance.choice(found), **{"status": status, time: self._now()})

    def _is(self, incident_id: str, **attributes: Any) -> None:
        before = self.betterstack.incidents.get(incident_id)
        self.betterstack.has(incident_id, **{**(before.attributes if before else {}), **attributes})


# What is random here cannot be made smaller: a failure names the seed, and all that happened.
@settings(max_examples=5_000 if NIGHTLY else 40, phases=[Stage.explicit, Stage.generate])
@given(seed=st.integers(0, 2**40))
def test_the_promises_hold_under_rules(seed: int) -> None:
    with tempfile.TemporaryDirectory() as directory:
        database = Path(directory) / "state.db"
        database.write_bytes(EMPTY["bytes"])
        play = Play(database, Random(seed))
        try:
            for _ in range(STEPS):
                play.step()
            play.town.settle()
            play.town.check_settled()
        except Exception as error:
            error.add_note(f"after {', '.join(play.acts)}")
            raise
        finally:
            play.town.close()
