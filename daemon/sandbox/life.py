"""Changes that come by themselves: two or three incidents at a time are opened, acknowledged and resolved in turn.

Each change is chosen by the state that it meets, so whatever clients and commands do to the incidents is fine.
"""

from collections.abc import Callable, Iterator
from itertools import chain, cycle

from daemon.model.incident import Phase
from daemon.sandbox.context import Context
from daemon.sandbox.record import Record
from daemon.sandbox.world import World

NAMES = ("Shop front page", "Checkout API", "Mail relay", "Database replica")
PERSON = "Jane"


class Life:
    """The changes, and when the next one is due. Times are those of a monotonic clock, in seconds."""

    def __init__(self, context: Context, world: World, every: float, now: float) -> None:
        """`every`: seconds between two changes; 0: there are none. The first one is due now."""
        self._changed = context.changed
        self._world = world
        self._names = cycle(NAMES)
        self._mine: set[str] = set()
        self._turns: Iterator[Callable[[], bool]] = chain(
            (self._open, self._open), cycle((self._acknowledge, self._open, self._resolve))
        )
        self._every = every
        self._due = now if every else None

    def go_on(self, every: float, now: float) -> None:
        """From now on a change comes each `every` seconds; 0: none."""
        self._every, self._due = every, (now + every if every else None)

    def until_due(self, now: float) -> float | None:
        """Seconds until the next change; `None` if there is none."""
        return None if self._due is None else max(0.0, self._due - now)

    def advance(self, now: float) -> None:
        """Makes the next change if it is due."""
        if self._due is not None and now >= self._due:
            self._due = now + self._every
            self.change()

    def change(self) -> None:
        """Makes the next change that the incidents allow."""
        with self._changed:
            while not next(self._turns)():
                pass

    def next_name(self) -> str:
        """The next of the names."""
        return next(self._names)

    def _open(self) -> bool:
        self._mine.add(self._world.open(self.next_name()))
        return True

    def _acknowledge(self) -> bool:
        return self._one(lambda record: record.phase is Phase.OPEN, self._world.acknowledge)

    def _resolve(self) -> bool:
        return self._one(lambda _: True, self._world.resolve)

    def _one(self, allows: Callable[[Record], bool], change: Callable[[str, str], object]) -> bool:
        """Changes the oldest of our own incidents that is not over and allows it; whether there is one."""
        unresolved = [record for record in reversed(self._world.records) if record.phase is not Phase.RESOLVED]
        self._mine &= {record.id for record in unresolved}
        for record in unresolved:
            if record.id in self._mine and allows(record):
                change(record.id, PERSON)
                return True
        return False
