"""How many requests SIGNL4's REST API gets, and what it can ask for."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as some

from daemon.clients.api_pace import ApiPace
from daemon.clients.http import Response
from tests.support.betterstack_client import Monotonic
from tests.support.each import each
from tests.support.values import NOW


def paced(clock: Monotonic | None = None) -> tuple[ApiPace, Monotonic]:
    clock = clock or Monotonic()
    return ApiPace(clock.monotonic), clock


def reply(status: int = 200, at: datetime | None = NOW, **headers: object) -> Response:
    shown = {name.replace("_", "-"): str(value) for name, value in headers.items()}
    return Response(status, shown | ({"date": format_datetime(at, usegmt=True)} if at else {}), b"")


def granted(pace: ApiPace) -> int:
    """How many requests may be sent at once."""
    return next(count for count in range(1000) if pace.claim() > 0)


@given(some.lists(some.sampled_from([0.0, 0.5, 1.9, 7.0, 20.0]), max_size=60))
def test_no_window_holds_more_than_the_limit_wherever_it_starts(gaps: list[float]) -> None:
    pace, clock = paced()
    sent = list[float]()
    for gap in gaps:
        clock.now += gap
        wait = pace.claim()
        if wait > 0:
            clock.now += wait + 1e-6
            assert pace.claim() == 0
        sent.append(clock.now)
    assert all(sum(one <= other < one + 15 for other in sent) <= 8 for one in sent)


def test_threads_share_one_limit() -> None:
    pace, _ = paced()
    with ThreadPoolExecutor(8) as threads:
        waits = list(threads.map(lambda _: pace.claim(), range(200)))
    assert sum(wait == 0 for wait in waits) == 8


@each(
    ("limit", "expected"),
    [(10, 8), (150, 148), (3, 1), (1, 1), (0, 8), (151, 8), (1200, 8), (36000, 8), ("many", 8), (-5, 8), ("10, 10", 8)],
)
def test_the_limit_is_what_a_header_says_less_two_if_it_can_be_that_of_15_s(limit: object, expected: int) -> None:
    pace, _ = paced()
    assert pace.heard(reply(x_ratelimit_limit=limit, x_ratelimit_remaining=1), NOW) is None
    assert granted(pace) == expected


def test_a_smaller_limit_counts_what_was_sent_under_the_larger_one() -> None:
    pace, clock = paced()
    pace.heard(reply(x_ratelimit_limit=150), NOW)
    assert [pace.claim() for _ in range(100)] == [0.0] * 100
    pace.heard(reply(x_ratelimit_limit=10), NOW)
    assert pace.claim() == pytest.approx(15)
    clock.now += 15
    assert granted(pace) == 8


IN_5_S = int((NOW + timedelta(seconds=5)).timestamp())
HOLDS: list[tuple[Response, float | None]] = [
    (reply(), None),
    (reply(500), None),
    (reply(503), None),
    (reply(429), 15),
    (reply(429, retry_after=7), 7),
    (reply(503, retry_after=7), 7),
    (reply(200, retry_after=7), None),
    (reply(429, retry_after=format_datetime(NOW + timedelta(seconds=9), usegmt=True)), 9),
    (reply(429, retry_after="soon"), 15),
    (reply(429, retry_after=86_400), 900),
    (reply(429, x_ratelimit_remaining=0, x_ratelimit_reset=IN_5_S), 6),
    (reply(429, x_ratelimit_reset=IN_5_S), 6),
    (reply(200, x_ratelimit_remaining=0, x_ratelimit_reset=IN_5_S), 6),
    (reply(500, x_ratelimit_remaining=0, x_ratelimit_reset=IN_5_S), 6),
    (reply(200, x_ratelimit_remaining=1, x_ratelimit_reset=IN_5_S), None),
    (reply(200, x_ratelimit_remaining=0), 15),
    (reply(200, x_ratelimit_remaining=0, x_ratelimit_reset=IN_5_S + 3600), 900),
    (reply(200, x_ratelimit_remaining=0, x_ratelimit_reset=IN_5_S - 60), 15),
    (reply(200, x_ratelimit_remaining=0, x_ratelimit_reset=IN_5_S + 900_000), 15),
    (reply(200, x_ratelimit_remaining=0, x_ratelimit_reset=30), 31),
    (reply(200, None, x_ratelimit_remaining=0, x_ratelimit_reset=IN_5_S), 6),
    (reply(200, NOW - timedelta(hours=1), x_ratelimit_remaining=0, x_ratelimit_reset=IN_5_S - 3600), 6),
]


@each(("answer", "seconds"), HOLDS)
def test_what_an_answer_asks_for_is_kept(answer: Response, seconds: float | None) -> None:
    pace, clock = paced()
    hold = pace.heard(answer, NOW)
    assert hold == (None if seconds is None else timedelta(seconds=seconds))
    assert pace.claim() == pytest.approx(seconds or 0)
    clock.now += seconds or 0
    assert pace.claim() == 0


def test_a_shorter_hold_ends_no_longer_one() -> None:
    pace, _ = paced()
    pace.heard(reply(429, retry_after=60), NOW)
    pace.heard(reply(429, retry_after=1), NOW)
    assert pace.claim() == pytest.approx(60)
