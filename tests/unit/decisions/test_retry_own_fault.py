"""Whose fault a failure is, where only one delivery fails: a table, and what becomes of the delivery."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.decisions.retry import PATIENCE, destination_after_own_fault, is_own_fault, set_apart
from daemon.model.delivery import (
    Answer,
    Delivered,
    Delivery,
    DeliveryState,
    DestinationState,
    Disposition,
    Failing,
    Rejected,
    Scope,
    TryLater,
)
from daemon.model.incident import Kind
from tests.support.values import NOW, ago

RARELY = timedelta(minutes=5)
HOLD = timedelta(seconds=90)
FIRST = Delivery(1, "7", 1, Kind.NEW, "7", {}, 0, refused=False, over_since=None, occurred_at=NOW, created_at=NOW)
OWN = replace(FIRST, own_fault=True)


def failing(*, times: int = 1, taken: int = 0, others: int = 0, minutes: float = 1) -> Delivery:
    """A delivery that failed so often before this attempt, while so many others were taken or fail."""
    return replace(FIRST, failing=Failing(ago(minutes=minutes), times, taken, others))


def later(scope: Scope, hold: timedelta | None = None) -> Answer:
    return Answer(TryLater("why", scope), hold, faulty=scope in {Scope.SECRET, Scope.UNCLEAR})


ROW, TARGET, SECRET, UNCLEAR, ITEM = map(later, Scope)

WHOSE: dict[str, tuple[Delivery, Answer, bool]] = {
    "the first failure of all": (FIRST, ROW, False),
    "it fails, and so does everything": (failing(times=99), ROW, False),
    "one other was taken": (failing(times=99, taken=1), ROW, False),
    "two others were taken": (failing(taken=2), ROW, True),
    "two others were taken, and one more fails": (failing(taken=2, others=1), ROW, False),
    "the same, but it failed three times before": (failing(times=3, taken=2, others=1), ROW, True),
    "a partial outage": (failing(times=4, taken=50, others=50), ROW, False),
    "a partial outage that spared others for long enough": (failing(times=5, taken=50, others=50), ROW, True),
    "403 for the first time": (FIRST, UNCLEAR, False),
    "403 again, and nothing was taken": (failing(times=99), UNCLEAR, False),
    "403 again, and another one was taken": (failing(taken=1), UNCLEAR, True),
    "403 again, another one was taken, and many fail": (failing(taken=1, others=9), UNCLEAR, True),
    "the secret refused again, and another one was taken": (failing(taken=1), SECRET, False),
    "the secret refused again, and two others were taken": (failing(taken=2), SECRET, True),
    "throttled, and two others were taken": (failing(times=99, taken=2, minutes=14.9), TARGET, False),
    "throttled for longer than any throttle lasts": (failing(taken=2, minutes=15), TARGET, True),
    "asked to wait, and two others were taken": (failing(times=99, taken=2), later(Scope.ROW, HOLD), False),
    "asked to wait for longer than that": (failing(taken=2, minutes=15), later(Scope.ROW, HOLD), True),
    "asked to wait for no time": (failing(taken=2), later(Scope.ROW, timedelta(0)), True),
    "it may have been taken": (FIRST, ITEM, True),
    "refused": (failing(times=9, taken=9), Answer(Rejected("400")), False),
    "taken": (failing(times=9, taken=9), Answer(Delivered(None)), False),
    "refused while it was set apart": (OWN, Answer(Rejected("400")), False),
    "it was set apart, and fails in another way": (OWN, SECRET, True),
}


@pytest.mark.parametrize("case", WHOSE)
def test_a_failure_is_the_deliverys_own_or_not(case: str) -> None:
    delivery, answer, expected = WHOSE[case]
    assert is_own_fault(delivery, answer, NOW) is expected


@given(st.integers(0, 9), st.integers(0, 10**6), st.sampled_from([ROW, SECRET, UNCLEAR]))
def test_it_never_takes_more_failures_than_patience_allows(more: int, others: int, answer: Answer) -> None:
    assert is_own_fault(failing(times=PATIENCE - 1 + more, taken=2, others=others), answer, NOW)


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.sampled_from(Scope), st.floats(0, 10**6))
def test_while_nothing_else_is_taken_it_is_an_outage(times: int, others: int, scope: Scope, minutes: float) -> None:
    own = is_own_fault(failing(times=times, others=others, minutes=minutes), later(scope), NOW)
    assert own is (scope is Scope.ITEM)


@pytest.mark.parametrize(
    ("delivery", "answer", "wait"),
    [
        (failing(taken=2), ROW, timedelta(0)),
        (failing(taken=2), UNCLEAR, timedelta(0)),
        (failing(taken=2), later(Scope.ROW, HOLD), HOLD),
        (FIRST, ITEM, RARELY),
        (OWN, ROW, RARELY),
        (OWN, UNCLEAR, RARELY),
        (OWN, later(Scope.DESTINATION, HOLD), RARELY),
        (OWN, later(Scope.DESTINATION, timedelta(minutes=15)), timedelta(minutes=15)),
    ],
)
def test_it_is_tried_at_once_in_its_minimal_form_and_then_rarely(
    delivery: Delivery, answer: Answer, wait: timedelta
) -> None:
    assert set_apart(delivery, answer, RARELY, NOW) == Disposition(DeliveryState.PENDING, NOW + wait, own_fault=True)


@pytest.mark.parametrize("scope", Scope)
@pytest.mark.parametrize("hold", [None, HOLD])
def test_it_teaches_nothing_about_signl4_but_that_a_request_was_faulty(scope: Scope, hold: timedelta | None) -> None:
    answer = later(scope, hold)
    expected = DestinationState(payload_faults=(NOW,) if answer.faulty else ())
    assert destination_after_own_fault(DestinationState(), answer, RARELY, NOW) == expected
