"""How the world goes on: one thing after the other happens to incidents at Better Stack."""

from collections.abc import Callable
from random import Random

from daemon.model.incident import Phase
from daemon.sandbox.record import Record
from daemon.sandbox.world import World

KEPT = 100
"""Incidents that are never deleted for being old: two pages of a sweep."""
MOST_LIVES = 4
"""Of one incident; what may rightly be told of it grows with them."""


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
            self._validate: 1.5,
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

    def _validate(self, random: Random) -> None:
        """It seems to be well again, acknowledged or not."""
        for record in self._one(random, Phase.OPEN, Phase.ACKNOWLEDGED):
            self._world.set_status(record.id, "Validating")

    def _resolve(self, random: Random) -> None:
        for record in self._one(random, Phase.OPEN, Phase.ACKNOWLEDGED, Phase.UNCONFIRMED):
            self._world.resolve(record.id, "Jane")

    def _reopen(self, random: Random) -> None:
        for record in self._one(random, Phase.RESOLVED):
            if record.generation < MOST_LIVES:
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
