"""How fast SIGNL4 is told: what it allows is spent, and its limit is never walked into."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from daemon.decisions import rate_limit
from daemon.decisions.rate_limit import SendHistory, time_for
from daemon.model.admission import Admission
from daemon.model.delivery import RateLimit
from daemon.sandbox.throttle import Throttle
from tests.support.values import NOW

CONCURRENCY = 4
WINDOW = timedelta(seconds=15)


INSTANT = timedelta(microseconds=1)
"""No two things happen at the same moment: which of them came first could not be told."""


@dataclass
class Storm:
    """More events than may go at once, sent as fast as the pace admits while the hand clock jumps ahead."""

    throttle: Throttle
    limit: int | None = None
    """What was learned so far."""
    silent: bool = False
    """Whether the answers carry no headers."""
    pace: SendHistory = field(default_factory=SendHistory)
    blocked: int = 0

    def __post_init__(self) -> None:
        self.now = NOW
        self.in_flight: list[tuple[RateLimit, datetime]] = []

    def admission(self) -> Admission:
        willing = Admission(CONCURRENCY, self.now, self.now)
        return rate_limit.limit_admission(willing, self.pace, self.limit, len(self.in_flight), self.now)

    def send(self) -> None:
        self.now += INSTANT
        granted = self.throttle.spend(self.now)
        self.blocked += not granted.granted
        self.in_flight.append((RateLimit(granted.limit, granted.remaining, granted.reset - self.now), self.now))
        self.pace = rate_limit.counted(self.pace, self.limit, self.now)

    def answer(self, which: int) -> None:
        self.now += INSTANT
        headers, sent_at = self.in_flight.pop(which)
        self.limit = None if self.silent else headers.events
        said = None if self.silent else headers
        self.pace = rate_limit.learned(self.pace, said, len(self.in_flight), self.now, self.limit, sent_at=sent_at)

    def events(self, count: int, order: Iterator[int]) -> None:
        """Sends so many, each answered some time after it was sent, in whatever order."""
        for _ in range(count):
            while len(self.in_flight) >= self.admission().max_in_flight:
                self.answer(next(order) % len(self.in_flight))
            if self.admission().clean_from > self.now:
                while self.in_flight:
                    self.answer(0)
                self.now = max(self.admission().clean_from, self.now)
            self.send()
            self.now += timedelta(milliseconds=next(order))


def cycle(numbers: list[int]) -> Iterator[int]:
    while True:
        yield from numbers


@given(
    limit=st.sampled_from([10, 11, 40, 150, 600]),
    spent=st.integers(0, 9),
    numbers=st.lists(st.integers(0, 400), min_size=1, max_size=12),
    silent=st.booleans(),
)
@example(limit=10, spent=0, numbers=[0, 0, 0, 3], silent=False)
def test_a_limit_is_never_walked_into(limit: int, spent: int, numbers: list[int], silent: bool) -> None:
    """However the answers overtake each other, and when its window began with events of somebody else."""
    # Without headers the limit can only be probed, up to that of the paid plan.
    throttle = Throttle(max(limit, 150) if silent else limit, WINDOW)
    storm = Storm(throttle, silent=silent)
    if not silent:
        for _ in range(spent):
            throttle.spend(NOW - timedelta(seconds=7))
        # What somebody else spent shows in the first answer.
        storm.events(1, cycle([0]))
        storm.answer(0)
    storm.events(120, cycle(numbers))
    assert storm.blocked == 0


@pytest.mark.parametrize("limit", [10, 150])
def test_what_is_allowed_is_spent(limit: int) -> None:
    storm = Storm(Throttle(limit, WINDOW))
    storm.events(limit * 20, cycle([1]))
    ideal = WINDOW * 19
    assert storm.blocked == 0
    assert storm.now - NOW <= ideal * 1.25


def test_it_starts_carefully_and_goes_on_as_soon_as_it_knows_more() -> None:
    storm = Storm(Throttle(150, WINDOW))
    for _ in range(10):
        storm.send()
    assert storm.admission().clean_from == storm.now + WINDOW
    storm.answer(0)
    assert storm.admission().clean_from == storm.now
    silent = Storm(Throttle(150, WINDOW), silent=True)
    silent.events(30, cycle([1]))
    assert silent.now >= NOW + WINDOW


def test_what_others_of_the_account_spend_counts() -> None:
    headers = RateLimit(150, 2, timedelta(seconds=9))
    after = rate_limit.learned(SendHistory(), headers, 1, NOW)
    assert rate_limit.limit_admission(Admission(4, NOW, NOW), after, 150, 1, NOW).max_in_flight == 2
    spent = rate_limit.counted(after, 150, NOW)
    admitted = rate_limit.limit_admission(Admission(4, NOW, NOW), spent, 150, 2, NOW)
    assert admitted.clean_from == NOW + timedelta(seconds=10), "a second later, since the reset may be cut"


def test_what_others_spend_counts_on_after_a_reset_until_one_event_has_asked() -> None:
    full = rate_limit.learned(SendHistory(), RateLimit(40, 0, timedelta(seconds=5)), 0, NOW)
    later = NOW + timedelta(seconds=6)
    assert rate_limit.limit_admission(Admission(4, later, later), full, 40, 0, later).max_in_flight == 1
    assert rate_limit.limit_admission(Admission(4, later, later), full, 40, 1, later).max_in_flight == 1


def test_where_windows_slide_no_reset_is_taken_for_the_beginning_of_one() -> None:
    kept, now = SendHistory(), NOW
    for remaining in range(39, -1, -1):
        kept = rate_limit.learned(kept, RateLimit(40, remaining, timedelta(seconds=5)), 0, now, 40)
    now += timedelta(seconds=6)
    assert rate_limit.free_at(kept, 40, now) == now
    refused = rate_limit.learned(kept, RateLimit(40, 0, timedelta(seconds=5)), 0, now, 40, refused=True)
    assert rate_limit.free_at(refused, 40, now) == NOW + WINDOW, "when the first of ours counts no more"
    fixed = rate_limit.learned(refused, RateLimit(40, 38, timedelta(seconds=15)), 0, now, 40)
    assert (refused.slides, fixed.slides) == (True, False)


@pytest.mark.parametrize("resets_in", [None, timedelta(hours=20)])
def test_a_reset_that_makes_no_sense_silences_nobody_for_long(resets_in: timedelta | None) -> None:
    after = rate_limit.learned(SendHistory(), RateLimit(150, 0, resets_in), 0, NOW)
    assert rate_limit.free_at(after, 150, NOW) <= NOW + WINDOW


def test_times_to_come_are_those_of_a_wrong_clock_and_do_not_count() -> None:
    after = SendHistory(tuple(NOW + timedelta(days=30, seconds=second) for second in range(10)))
    assert rate_limit.free_at(after, None, NOW) == NOW


def test_the_longer_windows_of_the_free_plan_count_once_it_is_known_to_be_one() -> None:
    spent = SendHistory(tuple(NOW - timedelta(minutes=50) + timedelta(seconds=second) for second in range(1200)))
    assert rate_limit.free_at(spent, 10, NOW) == NOW + timedelta(minutes=10)
    assert rate_limit.free_at(spent, None, NOW) == NOW
    assert rate_limit.free_at(spent, 150, NOW) == NOW


def test_what_was_sent_long_ago_is_forgotten() -> None:
    storm = Storm(Throttle(150, WINDOW))
    storm.events(1000, cycle([50]))
    assert len(storm.pace.sent) <= 160


@pytest.mark.parametrize(
    ("events", "limit", "seconds"),
    [(0, 150, 0), (149, 150, 0), (10_000, 150, 66 * 15), (10_000, 10, 2 * 86400), (100, 10, 150), (45, None, 60)],
)
def test_how_long_a_queue_needs(events: int, limit: int | None, seconds: int) -> None:
    assert time_for(events, limit) == timedelta(seconds=seconds)
