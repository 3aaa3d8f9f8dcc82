"""How fast SIGNL4 is told, whatever kind of window it enforces: nothing is refused, and hardly anything comes late."""

from collections import deque
from collections.abc import Iterable
from datetime import datetime, timedelta
from email.utils import format_datetime
from itertools import product
from math import ceil, floor

import pytest

from daemon.clients.http import Response
from daemon.clients.signl4 import answer_to
from daemon.decisions import rate_limit, retry
from daemon.decisions.rate_limit import CAREFUL, PAID, SendHistory
from daemon.model.delivery import Delivered, DestinationState
from tests.support.values import NOW

WINDOW = timedelta(seconds=15)
CONCURRENCY = 4
TRIP = timedelta(milliseconds=40)
"""Half of it is the way there."""
FIXED, SLIDING = False, True


class Server:
    """An account's limit: its windows, how it says when they end, its clock, and others who use the account."""

    def __init__(
        self,
        limit: int,
        sliding: bool,
        reset: str,
        phase: float = 4.0,
        *,
        ahead: int = 0,
        dated: bool = True,
        others: Iterable[datetime] = (),
    ) -> None:
        """`phase`: how old the first window is; `ahead`: its clock, in seconds; `dated`: whether it says its time."""
        self.limit, self.sliding, self.reset = limit, sliding, reset
        self.began = NOW - timedelta(seconds=phase)
        self.ahead, self.dated = timedelta(seconds=ahead), dated
        self.others = deque(others)
        self.taken: deque[tuple[datetime, bool]] = deque()
        """Those that count, oldest first, and whether they are somebody else's."""
        self.refused = 0
        self.foreseen = 0
        """How many were refused of which the answers before had told all there was to know."""

    def ask(self, at: datetime, known: datetime | None) -> Response:
        """`known`: the time of the latest answer when this was sent."""
        self.move(at)
        taken = len(self.taken) < self.limit
        if taken:
            self.taken.append((at, False))
        else:
            unknown = sum(1 for when, foreign in self.taken if foreign and (known is None or when > known))
            self.refused += 1
            self.foreseen += len(self.taken) - unknown >= self.limit
        headers = {
            "x-ratelimit-limit": str(self.limit),
            "x-ratelimit-remaining": str(self.limit - len(self.taken)),
            "x-ratelimit-reset": str(self._reset(at)),
        }
        if self.dated:
            headers["date"] = format_datetime((at + self.ahead).replace(microsecond=0), usegmt=True)
        return Response(201 if taken else 429, headers, b"{}")

    def move(self, at: datetime) -> None:
        """What others sent until then, and what counts no more."""
        while self.others and self.others[0] <= at:
            other = self.others.popleft()
            self._expire(other)
            if len(self.taken) < self.limit:
                self.taken.append((other, True))
        self._expire(at)

    def free_at(self) -> datetime:
        """When something counts no more."""
        return (self.taken[0][0] if self.sliding else self.began) + WINDOW

    def _expire(self, at: datetime) -> None:
        if self.sliding:
            while self.taken and self.taken[0][0] <= at - WINDOW:
                self.taken.popleft()
        elif at >= self.began + WINDOW:
            self.began += (at - self.began) // WINDOW * WINDOW
            self.taken.clear()

    def _reset(self, at: datetime) -> int:
        ends = (at + WINDOW if self.reset == "always a whole window" else self.free_at()) + self.ahead
        return ceil(ends.timestamp()) if self.reset == "rounded up" else floor(ends.timestamp())


def best(server: Server, loads: list[datetime]) -> datetime:
    """When the last of them could be answered at the earliest, four at once, by one who knows all that will come."""
    now = NOW
    flying: deque[datetime] = deque()
    for due in loads:
        now = max(now, due)
        if len(flying) == CONCURRENCY:
            now = max(now, flying.popleft() + TRIP)
        server.move(now + TRIP / 2)
        while len(server.taken) >= server.limit:
            now = server.free_at() - TRIP / 2
            server.move(now + TRIP / 2)
        server.taken.append((now + TRIP / 2, False))
        flying.append(now)
    return now + TRIP


def run(server: Server, loads: list[datetime]) -> datetime:
    """Sends them as the program does, four at once, as soon as it is admitted. When the last was answered."""
    now, kept, target = NOW, SendHistory(), DestinationState()
    limit: int | None = None
    known: datetime | None = None
    flying: deque[tuple[datetime, datetime | None]] = deque()
    waiting = deque(loads)
    while waiting or flying:
        willing = retry.admission(target, CONCURRENCY, now)
        admission = rate_limit.limit_admission(willing, kept, limit, len(flying), now)
        start = max(waiting[0], admission.clean_from) if waiting else None
        if start is not None and start <= now and len(flying) < admission.max_in_flight:
            waiting.popleft()
            kept = rate_limit.counted(kept, limit, now)
            flying.append((now, known))
            continue
        answered = [flying[0][0] + TRIP] if flying else []
        now = min([*answered, *([start] if start is not None and start > now else [])])
        if now in answered:
            sent_at, known_then = flying.popleft()
            known = sent_at + TRIP / 2
            answer = answer_to(server.ask(known, known_then), "96sbq49u", now)
            refused = not isinstance(answer.outcome, Delivered)
            target = retry.destination_after(target, answer, timedelta(seconds=2), now)
            limit = answer.rate_limit.events if answer.rate_limit else limit
            kept = rate_limit.learned(
                kept, answer.rate_limit, len(flying), now, limit, sent_at=sent_at, refused=refused
            )
            if refused:
                waiting.appendleft(sent_at)
    return now


def each(seconds: float, count: int) -> list[datetime]:
    return [NOW + timedelta(seconds=seconds * number) for number in range(count)]


LOADS = {
    "a storm of 100": [NOW] * 100,
    "a storm of 200": [NOW] * 200,
    "five a second": each(0.2, 150),
    "two storms": [NOW] * 60 + [NOW + timedelta(seconds=20)] * 60,
    "a drop now and then": each(7, 20),
}
LIMITS = (10, 40, 150)
WINDOWS = (FIXED, SLIDING)
RESETS = ["cut", "rounded up", "always a whole window"]
PHASES = (0.2, 4.0, 7.5, 14.3, 14.5, 14.9)


def others(kind: str, limit: int) -> list[datetime]:
    """What others of the account send: a fifth of the limit steadily, or a third of it at once now and then."""
    begin = NOW - timedelta(seconds=10)
    if kind == "steady":
        return [begin + timedelta(seconds=0.3 + number * 75 / limit) for number in range(limit * 4)]
    return [begin + timedelta(seconds=23.7 * burst, milliseconds=n) for burst in range(12) for n in range(limit // 3)]


def tried(load: str, server: Server, twin: Server, grace: float = 0.0) -> str:
    """Sends the load, and checks when the last came. `grace`: so many seconds more are in order. What it was."""
    loads = LOADS[load][:60] if server.limit == 10 else LOADS[load]
    windows = "sliding" if server.sliding else "fixed"
    began = NOW - server.began
    case = f"{load}, limit {server.limit}, {windows}, reset {server.reset}, {began} old, clock {server.ahead}"
    end, possible = run(server, loads), best(twin, loads)
    # A tenth, and for each window what whole seconds leave open: `Reset`, `Date` and the margin. Where a server never
    # says when its window ends, the end of the first one cannot be known.
    hidden = began.total_seconds() if server.reset == "always a whole window" and not server.sliding else 0.0
    span, late = (possible - NOW).total_seconds(), (end - possible).total_seconds()
    assert late <= 0.1 * span + 3.2 * (1 + span // 15) + hidden + grace, f"{case}: {late} s late of {span} s"
    return case


@pytest.mark.parametrize("load", LOADS)
def test_no_server_refuses_and_nothing_comes_much_later_than_it_could(load: str) -> None:
    for (place, limit), sliding, (which, reset) in product(enumerate(LIMITS), WINDOWS, enumerate(RESETS)):
        # Every other phase: each is there with each limit, and with each kind of reset.
        for phase in (0.0,) if sliding else PHASES[(place + which) % 2 :: 2]:
            server, twin = (Server(limit, sliding, reset, phase) for _ in range(2))
            case = tried(load, server, twin)
            assert server.refused == 0, case


@pytest.mark.parametrize("load", ["a storm of 100", "five a second"])
def test_nor_does_one_whose_clock_is_two_seconds_off(load: str) -> None:
    for limit, sliding, reset, ahead in product((10, 40), WINDOWS, RESETS, (-2, 2)):
        server, twin = (Server(limit, sliding, reset, 14.5, ahead=ahead) for _ in range(2))
        case = tried(load, server, twin)
        assert server.refused == 0, case


@pytest.mark.parametrize("load", ["a storm of 200", "five a second", "two storms"])
def test_nor_does_one_that_does_not_say_its_time(load: str) -> None:
    for limit, sliding, reset, ahead in product((10, 40), WINDOWS, RESETS, (-2, 0, 2)):
        server, twin = (Server(limit, sliding, reset, 4.0, ahead=ahead, dated=False) for _ in range(2))
        # It is taken to be two seconds behind, and may be two seconds ahead.
        case = tried(load, server, twin, grace=4.0)
        assert server.refused == 0, case


@pytest.mark.parametrize(("kind", "most"), [("steady", 2), ("bursts", CONCURRENCY)])
@pytest.mark.parametrize("load", LOADS)
def test_others_of_the_account_cost_no_more_than_could_not_be_foreseen(load: str, kind: str, most: int) -> None:
    """The first `Reset` of windows that slide asks once in vain, and a burst comes in between the few in flight."""
    for (place, limit), sliding, (which, reset) in product(enumerate(LIMITS), WINDOWS, enumerate(RESETS)):
        phase = 4.0 if sliding else (4.0, 14.5)[(place + which) % 2]
        server, twin = (Server(limit, sliding, reset, phase, others=others(kind, limit)) for _ in range(2))
        # The last of ours may miss a window by the one event that somebody else got in.
        case = tried(load, server, twin, grace=15.0)
        assert server.foreseen == 0, case
        assert server.refused <= most, case


@pytest.mark.parametrize("reset", RESETS)
def test_steady_alerts_below_the_limit_never_wait(reset: str) -> None:
    for sliding in (False, True):
        server = Server(150, sliding, reset)
        loads = each(0.2, 150)
        end = run(server, loads)
        assert end - loads[-1] < timedelta(seconds=1), f"sliding {sliding}"


def probed(windows: int) -> tuple[SendHistory, datetime, list[int]]:
    """What is known after so many full windows without a header, when the next begins, and the guess in each."""
    kept, now = SendHistory(), NOW
    guesses = [kept.guess]
    for _ in range(windows):
        for _ in range(kept.grown):
            kept = rate_limit.learned(rate_limit.counted(kept, None, now), None, 0, now)
        now += WINDOW
        guesses.append(kept.guess)
    return kept, now, guesses


@pytest.mark.parametrize(("rest", "guess"), [(WINDOW, PAID), (2 * WINDOW, PAID // 2), (timedelta(days=1), PAID // 2)])
def test_without_headers_a_rest_halves_the_guess(rest: timedelta, guess: int) -> None:
    kept, now, _ = probed(7)
    now += rest - WINDOW
    kept = rate_limit.learned(rate_limit.counted(kept, None, now), None, 0, now)
    assert kept.guess == guess
    later = now + timedelta(seconds=1)
    assert rate_limit.learned(rate_limit.counted(kept, None, later), None, 0, later).guess == guess


def test_without_headers_two_thousand_alerts_take_minutes() -> None:
    """Not the fifty that ten in each window would take."""
    kept, now, sent = SendHistory(), NOW, 0
    while sent < 2000:
        now = max(now, rate_limit.free_at(kept, None, now))
        kept = rate_limit.learned(rate_limit.counted(kept, None, now), None, 0, now)
        sent += 1
    assert now - NOW < timedelta(minutes=5)


def test_without_headers_the_limit_is_probed_up_and_halved_by_a_429() -> None:
    kept, now, guesses = probed(7)
    assert guesses == [CAREFUL, CAREFUL, 20, 40, 80, PAID, PAID, PAID]
    halved = rate_limit.learned(kept, None, 0, now, refused=True)
    assert halved.guess == PAID // 2
    assert rate_limit.learned(halved, None, 0, now, refused=True).guess == PAID // 4
