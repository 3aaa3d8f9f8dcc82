"""What comes after an attempt, for the delivery itself, and after a round."""

from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.decisions.retry import backoff, disposition, next_round
from daemon.model.delivery import Answer, Delivered, DeliveryState, Disposition, Outcome, Rejected, Scope, TryLater
from tests.support.values import NOW

DELAY = timedelta(seconds=7)
HOLD = timedelta(seconds=90)
LEAST, MOST = timedelta(seconds=2), timedelta(minutes=5)

TAKEN = Delivered("event")
REFUSED = Rejected("SIGNL4 answered HTTP 400")
FAILED = TryLater("SIGNL4 answered HTTP 500", Scope.ROW)
THROTTLED = TryLater("SIGNL4 answered HTTP 429", Scope.DESTINATION)
WRONG_SECRET = TryLater("SIGNL4 answered HTTP 404", Scope.SECRET)

PENDING, DELIVERED, DEAD = DeliveryState.PENDING, DeliveryState.DELIVERED, DeliveryState.DEAD

AFTER: dict[str, tuple[Outcome, bool, timedelta | None, Disposition]] = {
    "taken": (TAKEN, False, None, Disposition(DELIVERED, NOW)),
    "taken in its minimal form": (TAKEN, True, None, Disposition(DELIVERED, NOW)),
    "taken as the last one for now": (TAKEN, False, HOLD, Disposition(DELIVERED, NOW)),
    "refused": (REFUSED, False, None, Disposition(PENDING, NOW, minimal=True)),
    "refused, and asked to wait": (REFUSED, False, HOLD, Disposition(PENDING, NOW, minimal=True)),
    "refused again": (REFUSED, True, None, Disposition(DEAD, NOW)),
    "refused again, and asked to wait": (REFUSED, True, HOLD, Disposition(DEAD, NOW)),
    "failed": (FAILED, False, None, Disposition(PENDING, NOW + DELAY)),
    "failed in its minimal form": (FAILED, True, None, Disposition(PENDING, NOW + DELAY)),
    "failed, and asked to wait": (FAILED, False, HOLD, Disposition(PENDING, NOW + HOLD)),
    "failed, and asked to wait for no time": (FAILED, False, timedelta(0), Disposition(PENDING, NOW + DELAY)),
    "throttled": (THROTTLED, False, None, Disposition(PENDING, NOW + DELAY)),
    "throttled in its minimal form": (THROTTLED, True, None, Disposition(PENDING, NOW + DELAY)),
    "throttled, and asked to wait": (THROTTLED, False, HOLD, Disposition(PENDING, NOW + HOLD)),
    "secret refused": (WRONG_SECRET, False, None, Disposition(PENDING, NOW + timedelta(seconds=60))),
    "secret refused in its minimal form": (WRONG_SECRET, True, None, Disposition(PENDING, NOW + timedelta(seconds=60))),
}


@pytest.mark.parametrize("case", AFTER)
def test_what_becomes_of_a_delivery(case: str) -> None:
    outcome, refused, hold, expected = AFTER[case]
    assert disposition(Answer(outcome, hold), refused, DELAY, NOW) == expected


@given(st.sampled_from([FAILED, THROTTLED, WRONG_SECRET]), st.booleans(), st.none() | st.timedeltas(timedelta(0), MOST))
def test_their_outage_never_ends_a_delivery(outcome: Outcome, refused: bool, hold: timedelta | None) -> None:
    after = disposition(Answer(outcome, hold), refused, DELAY, NOW)
    assert (after.state, after.minimal) == (PENDING, False)
    assert after.due_at >= NOW


@pytest.mark.parametrize(
    ("attempts", "lowest", "highest"),
    [(1, 2, 2), (2, 2, 4), (3, 4, 8), (4, 8, 16), (8, 128, 256), (9, 150, 300), (1000, 150, 300)],
)
def test_the_back_off_doubles_up_to_its_bound_with_its_upper_half_random(
    attempts: int, lowest: float, highest: float
) -> None:
    rng = Random(7)
    waits = [backoff(attempts, rng, LEAST, MOST).total_seconds() for _ in range(500)]
    assert lowest <= min(waits) <= lowest + (highest - lowest) * 0.05
    assert highest - (highest - lowest) * 0.05 <= max(waits) <= highest


def test_deliveries_that_fail_together_do_not_come_back_together() -> None:
    rng = Random(7)
    assert len({backoff(6, rng, LEAST, MOST) for _ in range(100)}) == 100


@given(
    st.integers(1, 10**9),
    st.integers(0, 2**32),
    st.timedeltas(timedelta(seconds=0.1), timedelta(hours=1)),
    st.timedeltas(timedelta(seconds=1), timedelta(hours=1)),
)
def test_every_back_off_is_within_its_bounds(attempts: int, seed: int, one: timedelta, other: timedelta) -> None:
    least, most = sorted((one, other))
    assert least <= backoff(attempts, Random(seed), least, most) <= most


def test_the_same_randomness_gives_the_same_back_off() -> None:
    assert backoff(5, Random(3), LEAST, MOST) == backoff(5, Random(3), LEAST, MOST)


@pytest.mark.parametrize(
    ("interval", "failures", "retry_after", "expected"),
    [
        (10, 0, None, 10),
        (10, 1, None, 10),
        (10, 2, None, 20),
        (10, 3, None, 40),
        (10, 4, None, 80),
        (10, 5, None, 120),
        (10, 500, None, 120),
        (1, 8, None, 120),
        (30, 2, None, 60),
        (600, 1, None, 600),
        (600, 9, None, 600),
        (10, 1, 300, 300),
        (10, 5, 300, 300),
        (10, 5, 7, 120),
        (10, 1, 0, 10),
        (86400, 2, None, 86400),
        (86400, 40, None, 86400),
    ],
)
def test_failed_rounds_back_off_from_the_interval_to_two_minutes(
    interval: int, failures: int, retry_after: int | None, expected: int
) -> None:
    asked = None if retry_after is None else timedelta(seconds=retry_after)
    assert next_round(timedelta(seconds=interval), failures, asked) == timedelta(seconds=expected)
