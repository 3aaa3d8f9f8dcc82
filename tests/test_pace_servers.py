"""How fast SIGNL4 is told, whatever kind of window it enforces: nothing is refused, and hardly anything comes late."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import product

import pytest

from daemon import pace
from daemon.delivery import Allowance, Opening
from daemon.pace import CAREFUL, PAID, Pace
from tests.given import NOW

WINDOW = timedelta(seconds=15)
CONCURRENCY = 4
TRIP = timedelta(milliseconds=40)
"""Half of it is the way there."""


@dataclass
class Server:
    """An account's limit: fixed or sliding windows, and one of the ways to say when they end."""

    limit: int
    sliding: bool
    reset: str
    others: float = 0.0
    """Events a second that somebody else of the account sends."""
    taken: deque[datetime] = field(default_factory=deque)
    """Those that count, oldest first."""
    began: datetime = NOW - timedelta(seconds=4)
    refused: int = 0
    foreign: float = 0.0
    asked: datetime = NOW

    def take(self, at: datetime) -> Allowance:
        self.foreign += self.others * (at - self.asked).total_seconds()
        self.asked = at
        while self.foreign >= 1:
            self.foreign -= 1
            self._count(at)
        self._expire(at)
        if len(self.taken) >= self.limit:
            self.refused += 1
        else:
            self.taken.append(at)
        return Allowance(self.limit, self.limit - len(self.taken), self._resets_in(at))

    def _count(self, at: datetime) -> None:
        self._expire(at)
        if len(self.taken) < self.limit:
            self.taken.append(at)

    def _expire(self, at: datetime) -> None:
        if self.sliding:
            while self.taken and self.taken[0] <= at - WINDOW:
                self.taken.popleft()
        elif at >= self.began + WINDOW:
            self.began += (at - self.began) // WINDOW * WINDOW
            self.taken.clear()

    def _resets_in(self, at: datetime) -> timedelta:
        ends = (self.taken[0] if self.sliding and self.taken else at if self.sliding else self.began) + WINDOW
        match self.reset:
            case "cut":
                return timedelta(seconds=int(ends.timestamp()) - int(at.timestamp()))
            case "rounded up":
                return timedelta(seconds=int(ends.timestamp()) + 1 - int(at.timestamp()))
            case "always a whole window":
                return WINDOW
            case _:
                return ends - at

    def best(self, loads: list[datetime]) -> datetime:
        """When the last of them could be taken at the earliest."""
        twin = Server(self.limit, self.sliding, self.reset)
        now = NOW
        for due in loads:
            now = max(now, due)
            while True:
                twin._expire(now)
                if len(twin.taken) < twin.limit:
                    break
                now = (twin.taken[0] if twin.sliding else twin.began) + WINDOW
            twin.taken.append(now)
        return now


def run(server: Server, loads: list[datetime]) -> tuple[datetime, Pace]:
    """Sends them as the program does, four at once, as soon as the pace admits it. When the last was answered."""
    now, kept, limit = NOW, Pace(), None
    flying: deque[datetime] = deque()
    waiting = deque(loads)
    while waiting or flying:
        opening = pace.narrowed(Opening(CONCURRENCY, now, now), kept, limit, len(flying), now)
        if waiting and max(waiting[0], opening.clean_from) <= now and len(flying) < opening.width:
            waiting.popleft()
            kept = pace.counted(kept, limit, now)
            flying.append(now)
            continue
        moments = [sent + TRIP for sent in list(flying)[:1]]
        if waiting and max(waiting[0], opening.clean_from) > now:
            moments.append(max(waiting[0], opening.clean_from))
        now = min(moments)
        if flying and flying[0] + TRIP <= now:
            sent_at = flying.popleft()
            allowance = server.take(sent_at + TRIP / 2)
            limit = allowance.events
            kept = pace.learned(kept, allowance, len(flying), now, limit, sent_at=sent_at)
    return now, kept


LOADS = {
    "a storm of 100": [NOW] * 100,
    "a storm of 200": [NOW] * 200,
    "five a second": [NOW + timedelta(seconds=number / 5) for number in range(150)],
    "two storms": [NOW] * 60 + [NOW + timedelta(seconds=20)] * 60,
    "a drop now and then": [NOW + timedelta(seconds=7 * number) for number in range(20)],
}
RESETS = ["exact", "cut", "rounded up", "always a whole window"]


@pytest.mark.parametrize("load", LOADS)
def test_no_server_refuses_and_nothing_comes_much_later_than_it_could(load: str) -> None:
    for limit, sliding, reset in product((10, 40, 150), (False, True), RESETS):
        loads = LOADS[load][:60] if limit == 10 else LOADS[load]
        server = Server(limit, sliding, reset)
        case = f"limit {limit}, {'sliding' if sliding else 'fixed'}, reset {reset}"
        end, _ = run(server, loads)
        best = server.best(loads)
        assert server.refused == 0, case
        # A tenth, and for each window what whole seconds leave open: `Reset`, `Date` and the margin. Where a server
        # never says when its window ends, the end of the first one cannot be known.
        hidden = 4.0 if reset == "always a whole window" and not sliding else 0.0
        windows = 1 + (best - NOW) // WINDOW
        late = (end - best).total_seconds()
        assert late <= 0.1 * (best - NOW).total_seconds() + 3.2 * windows + hidden, (
            f"{case}: {late} s late of {best - NOW}"
        )


@pytest.mark.parametrize("reset", RESETS)
def test_steady_alerts_below_the_limit_never_wait(reset: str) -> None:
    for sliding in (False, True):
        server = Server(150, sliding, reset)
        loads = [NOW + timedelta(seconds=number / 5) for number in range(150)]
        end, _ = run(server, loads)
        assert end - loads[-1] < timedelta(seconds=1), f"sliding {sliding}"


def test_without_headers_the_limit_is_probed_up_and_halved_by_a_429() -> None:
    kept, now = Pace(), NOW
    guesses = [kept.guess]
    for _ in range(7):
        for _ in range(kept.grown):
            kept = pace.learned(pace.counted(kept, None, now), None, 0, now)
        now += WINDOW
        guesses.append(kept.guess)
    assert guesses == [CAREFUL, CAREFUL, 20, 40, 80, PAID, PAID, PAID]
    halved = pace.learned(kept, None, 0, now, refused=True)
    assert halved.guess == PAID // 2
    assert pace.learned(halved, None, 0, now, refused=True).guess == PAID // 4
