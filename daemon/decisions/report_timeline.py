"""The timeline of a report: when each source was open, in slots of the period. Pure.

However many openings there are, a lane has at most as many bars as there are slots. Memory holds 32 bytes for each
opening, and a little for each source.
"""

from array import array
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from itertools import accumulate

from daemon.model.report import Bar, Episode, Lane

SLOTS = 480
"""The finest that a page shows: of 30 days an hour and a half."""
BEFORE = -1
"""In place of a slot: before the first one."""
MOST_LANES = 12
OTHERS = "all others"
UNACKNOWLEDGED, ACKNOWLEDGED = "unacknowledged", "acknowledged"


class Timeline:
    """Takes the openings of a period."""

    def __init__(self, since: datetime, until: datetime) -> None:
        self._since, self._until = since, until
        self._names = dict[str, int]()
        self._open = Counter[int]()
        self._whose = array("l")
        self._times = array("d")

    def take(self, episode: Episode) -> None:
        """Keeps when it began, was acknowledged, and ended: in seconds from the beginning of the period."""
        begins = max(episode.began_at, self._since)
        ends = max(min(episode.resolved_at or self._until, self._until), begins)
        taken = min(episode.acknowledged_at or ends, ends)
        whose = self._names.setdefault(episode.name, len(self._names))
        self._whose.append(whose)
        self._times.extend((moment - self._since).total_seconds() for moment in (begins, taken, ends))
        self._open[whose] += max(int((ends - begins).total_seconds()), 1)

    def lanes(self) -> tuple[Lane, ...]:
        """The sources that were open longest, each in a lane; then all others in one."""
        names = list(self._names)
        chosen = [whose for whose, _ in self._open.most_common(MOST_LANES)]
        lanes = {whose: _Slots() for whose in chosen}
        others = _Slots()
        for number, whose in enumerate(self._whose):
            begins, taken, ends = map(self._slot, self._times[3 * number : 3 * number + 3])
            lanes.get(whose, others).add(begins, taken, ends)
        every = [*((names[whose], lanes[whose]) for whose in chosen), (OTHERS, others)]
        return tuple(Lane(name, slots.openings, tuple(slots.bars())) for name, slots in every if slots.openings)

    def _slot(self, seconds: float) -> int:
        span = (self._until - self._since).total_seconds()
        return min(max(int(seconds * SLOTS // span), BEFORE), SLOTS - 1)


class _Slots:
    """How many openings begin and end in each slot: those nobody has acknowledged, and those somebody has."""

    def __init__(self) -> None:
        self._waiting, self._taken = ([0] * (SLOTS + 1) for _ in range(2))
        self.openings = 0

    def add(self, begins: int, taken: int, ends: int) -> None:
        """An opening is in each slot that it touches. `taken` may be `BEFORE`: somebody was on it all the time."""
        self.openings += 1
        if taken >= begins:
            self._waiting[begins] += 1
            self._waiting[taken + 1] -= 1
        if taken < ends:
            self._taken[max(taken + 1, begins)] += 1
            self._taken[ends + 1] -= 1

    def bars(self) -> Iterator[Bar]:
        """Runs of slots of one kind. A slot in which one waits and another does not counts as waiting."""
        waiting, taken = list(accumulate(self._waiting)), list(accumulate(self._taken))
        kinds = [_kind(*both) for both in zip(waiting, taken, strict=True)]
        begins = 0
        for slot in range(1, SLOTS + 1):
            if slot < SLOTS and kinds[slot] == kinds[begins]:
                continue
            if kind := kinds[begins]:
                yield Bar(begins, slot, kind, max(waiting[at] + taken[at] for at in range(begins, slot)))
            begins = slot


def _kind(waiting: int, taken: int) -> str:
    if waiting:
        return UNACKNOWLEDGED
    return ACKNOWLEDGED if taken else ""
