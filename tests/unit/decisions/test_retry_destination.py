"""What the answers teach about SIGNL4 as a whole: holds, a refused secret, and the rule of six."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.decisions.retry import FAULT_BUDGET, PACE, PROBE_GAP, admission, destination_after, sent_at
from daemon.model.admission import Admission
from daemon.model.delivery import Answer, Delivered, DestinationState, Rejected, Scope, TryLater
from tests.support.values import NOW, ago

DELAY = timedelta(seconds=7)
HOLD = timedelta(seconds=90)
MINUTE = timedelta(minutes=1)

TAKEN = Answer(Delivered(None))
FAILED = Answer(TryLater("HTTP 500", Scope.ROW))
THROTTLED = Answer(TryLater("HTTP 429", Scope.DESTINATION))
WRONG_SECRET = Answer(TryLater("HTTP 404", Scope.SECRET), faulty=True)
REFUSED = Answer(Rejected("HTTP 400"), faulty=True)
FAULTY_THROTTLE = Answer(TryLater("HTTP 403, none remain", Scope.DESTINATION), faulty=True)
SECRET_REFUSED = DestinationState(secret_refused_since=ago(minutes=5), probe_at=NOW)


def held(answer: Answer, hold: timedelta = HOLD) -> Answer:
    return Answer(answer.outcome, hold, answer.faulty)


def after(
    answers: Iterable[Answer], destination: DestinationState | None = None, now: datetime = NOW
) -> DestinationState:
    """The destination after these answers, all of which came now."""
    destination = destination or DestinationState()
    for answer in answers:
        destination = destination_after(destination, answer, DELAY, now)
    return destination


def seen_from(destination: DestinationState, seconds: float = 0, concurrency: int = 4) -> Admission:
    return admission(destination, concurrency, NOW + timedelta(seconds=seconds))


def admits(destination: DestinationState, seconds: float = 0, *, refused: bool = False) -> bool:
    now = NOW + timedelta(seconds=seconds)
    return admission(destination, 4, now).start(refused=refused) <= now


@pytest.mark.parametrize("concurrency", [1, 4, 64])
def test_a_willing_destination_admits_everything_at_once(concurrency: int) -> None:
    assert admission(DestinationState(), concurrency, NOW) == Admission(concurrency, NOW, NOW)


@pytest.mark.parametrize("answer", [TAKEN, FAILED])
def test_what_concerns_one_delivery_leaves_the_destination_as_it_is(answer: Answer) -> None:
    assert after([answer]) == DestinationState()


@pytest.mark.parametrize("answer", [TAKEN, FAILED, THROTTLED, REFUSED])
def test_a_wait_that_was_asked_for_holds_back_the_whole_destination(answer: Answer) -> None:
    destination = after([held(answer)])
    for refused in (False, True):
        assert not admits(destination, 89.9, refused=refused)
        assert admits(destination, 90, refused=refused)


def test_the_reason_of_a_hold_is_kept() -> None:
    assert after([held(TAKEN)]).why == "SIGNL4's rate limit is used up"
    assert after([held(THROTTLED)]).why == "HTTP 429"
    assert after([THROTTLED]).why == "HTTP 429"
    assert after([WRONG_SECRET]).why == "HTTP 404"


def test_a_throttle_that_names_no_time_holds_the_destination_for_the_back_off() -> None:
    destination = after([THROTTLED])
    assert not admits(destination, 6.9)
    assert admits(destination, 7)


@pytest.mark.parametrize("answer", [TAKEN, FAILED, THROTTLED, REFUSED, WRONG_SECRET])
def test_an_answer_that_names_no_time_does_not_shorten_a_wait_that_was_asked_for(answer: Answer) -> None:
    """With several requests in flight, the answer behind the one with `Retry-After` may come without it."""
    assert not admits(after([held(THROTTLED), answer]), 89)


def test_a_shorter_wait_does_not_shorten_a_longer_one_that_was_asked_for() -> None:
    for destination in (after([held(THROTTLED), held(TAKEN, DELAY)]), after([held(TAKEN, DELAY), held(THROTTLED)])):
        assert not admits(destination, 89.9)
        assert admits(destination, 90)


def test_a_wait_that_was_asked_for_replaces_one_of_a_clock_that_was_ahead() -> None:
    destination = after([held(THROTTLED)], DestinationState(hold_until=NOW + WRONG))
    assert not admits(destination, 89.9)
    assert admits(destination, 90)


def test_a_back_off_longer_than_any_hold_still_holds_the_destination() -> None:
    """`delivery.retry_max` may be an hour, which is no sign of a wrong clock."""
    destination = destination_after(DestinationState(), THROTTLED, timedelta(minutes=40), NOW)
    assert not admits(destination)


def test_a_refused_secret_is_tried_once_a_minute_with_one_delivery_until_it_works() -> None:
    destination = DestinationState()
    for minute in range(10):
        now = NOW + minute * MINUTE
        assert admission(destination, 4, now).clean_from <= now
        destination = destination_after(destination, WRONG_SECRET, DELAY, now)
        assert destination.secret_refused_since == NOW
        assert admission(destination, 4, now) == Admission(1, now + PROBE_GAP, now + PROBE_GAP, probe=True)
    works = destination_after(destination, TAKEN, DELAY, NOW + 10 * MINUTE)
    assert (works.secret_refused_since, works.probe_at) == (None, None)
    assert admission(works, 4, NOW + 10 * MINUTE) == Admission(4, NOW + 10 * MINUTE, NOW + 10 * MINUTE)


def test_probes_are_sixty_seconds_apart() -> None:
    destination = after([WRONG_SECRET])
    assert not admits(destination, 59.9)
    assert not admits(destination, 59.9, refused=True)
    assert admits(destination, 60)


@pytest.mark.parametrize("answer", [FAILED, THROTTLED, REFUSED])
def test_only_a_delivery_that_was_taken_proves_the_secret(answer: Answer) -> None:
    destination = after([answer], SECRET_REFUSED)
    assert destination.secret_refused_since == SECRET_REFUSED.secret_refused_since
    assert seen_from(destination, 60).probe
    assert not admits(destination, 59.9)


def test_a_hold_keeps_back_a_probe_too() -> None:
    destination = after([held(WRONG_SECRET)])
    assert not admits(destination, 89.9)
    assert admits(destination, 90)


@pytest.mark.parametrize("fault", [FAULTY_THROTTLE, REFUSED])
def test_faults_are_remembered_for_a_minute(fault: Answer) -> None:
    destination = after([fault, fault], now=ago(seconds=60))
    destination = after([fault], destination)
    assert (*destination.other_faults, *destination.payload_faults) == (NOW,)


def test_a_refused_payload_counts_apart_from_the_other_faults() -> None:
    destination = after([REFUSED, FAULTY_THROTTLE, WRONG_SECRET])
    assert (destination.payload_faults, destination.other_faults) == ((NOW,), (NOW, NOW))


@pytest.mark.parametrize("answer", [TAKEN, FAILED, THROTTLED])
def test_what_signl4_does_not_count_as_faulty_is_not_counted(answer: Answer) -> None:
    assert after([answer] * 9).other_faults == after([answer] * 9).payload_faults == ()


@pytest.mark.parametrize(("faults", "max_in_flight"), [(0, 9), (1, 5), (2, 4), (3, 3), (4, 2), (5, 1), (6, 1), (9, 1)])
def test_so_many_requests_are_in_flight_that_six_faults_are_never_exceeded(faults: int, max_in_flight: int) -> None:
    assert seen_from(DestinationState(payload_faults=(NOW,) * faults), concurrency=9).max_in_flight == max_in_flight
    assert seen_from(DestinationState(other_faults=(NOW,) * faults), concurrency=9).max_in_flight == max_in_flight


def test_the_width_never_grows_beyond_the_concurrency() -> None:
    assert seen_from(DestinationState(payload_faults=(NOW,)), concurrency=2).max_in_flight == 2


def spread(count: int) -> tuple[datetime, ...]:
    """So many faults, four seconds apart, the last of them now."""
    return tuple(ago(seconds=4 * number) for number in reversed(range(count)))


def test_five_faults_within_a_minute_are_no_reason_to_rest() -> None:
    assert admits(DestinationState(other_faults=spread(5)), refused=True)
    assert admits(DestinationState(payload_faults=spread(5)), refused=True)


def test_six_faults_within_a_minute_rest_the_destination_until_the_minute_is_over() -> None:
    destination = DestinationState(other_faults=spread(6))
    for refused in (False, True):
        assert not admits(destination, 39.9, refused=refused)
        assert admits(destination, 40, refused=refused)


def test_only_the_latest_six_faults_decide_how_long_the_rest_is() -> None:
    faults = spread(10)
    for destination in (
        DestinationState(other_faults=faults),
        DestinationState(other_faults=faults[::2], payload_faults=faults[1::2]),
    ):
        assert seen_from(destination).clean_from == seen_from(destination).refused_from == NOW + timedelta(seconds=40)
        assert not admits(destination, 39.9)
        assert admits(destination, 40)


def test_six_faults_over_more_than_a_minute_are_no_reason_to_rest() -> None:
    destination = DestinationState(other_faults=(ago(seconds=60), *spread(5)))
    assert admits(destination)


def test_faults_of_both_sorts_rest_the_whole_destination_together() -> None:
    destination = DestinationState(other_faults=spread(6)[::2], payload_faults=spread(6)[1::2])
    assert not admits(destination)
    assert not admits(destination, refused=True)


def test_a_rest_for_refused_payloads_concerns_only_deliveries_that_were_refused() -> None:
    destination = DestinationState(payload_faults=spread(6))
    assert admits(destination)
    assert not admits(destination, 39.9, refused=True)
    assert admits(destination, 40, refused=True)


def test_clean_deliveries_are_paced_to_one_every_six_seconds_during_that_rest() -> None:
    destination = DestinationState(payload_faults=spread(6))
    sent = []
    for tenth in range(400):
        now = NOW + timedelta(seconds=tenth / 10)
        admitted = admission(destination, 64, now)
        if admitted.clean_from <= now:
            assert admitted.max_in_flight == 1
            destination = sent_at(destination, now)
            sent.append(tenth / 10)
    assert sent == [0, 6, 12, 18, 24, 30, 36]


def test_a_hold_stops_the_clean_deliveries_of_such_a_rest_too() -> None:
    destination = DestinationState(payload_faults=spread(6), hold_until=NOW + HOLD)
    assert not admits(destination)
    assert not admits(destination, 30)
    assert not admits(destination, 45)


def test_outside_such_a_rest_nothing_is_paced() -> None:
    for destination in (
        DestinationState(),
        DestinationState(payload_faults=spread(5)),
        DestinationState(other_faults=spread(6)),
    ):
        assert sent_at(destination, NOW) == destination


WRONG = timedelta(hours=3)
"""By how much the clock was ahead before it was set."""


@pytest.mark.parametrize(
    "destination",
    [
        DestinationState(hold_until=NOW + WRONG),
        DestinationState(hold_until=NOW + timedelta(minutes=15, seconds=1)),
        DestinationState(secret_refused_since=NOW + WRONG, probe_at=NOW + WRONG),
        DestinationState(secret_refused_since=ago(hours=1), probe_at=NOW + timedelta(seconds=61)),
        DestinationState(secret_refused_since=ago(hours=1), probe_at=None),
        DestinationState(other_faults=(NOW + WRONG,) * 9),
        DestinationState(payload_faults=(NOW + WRONG,) * 9, paced_at=NOW + WRONG),
        DestinationState(paced_at=NOW + WRONG),
    ],
)
def test_a_clock_that_was_ahead_silences_nothing(destination: DestinationState) -> None:
    assert admits(destination)
    assert admits(destination, refused=True)


def test_a_pace_counted_by_a_clock_that_was_ahead_does_not_hold_back_clean_deliveries() -> None:
    destination = DestinationState(payload_faults=spread(6), paced_at=NOW + WRONG)
    assert any(admits(destination, seconds) for seconds in range(int(PACE.total_seconds()) + 1))


MOMENTS = st.none() | st.timedeltas(timedelta(hours=-2), timedelta(hours=2)).map(lambda age: NOW + age)
FAULTS = st.lists(st.timedeltas(timedelta(minutes=-2), timedelta(minutes=2)).map(lambda age: NOW + age)).map(tuple)
TARGETS = st.builds(
    DestinationState,
    hold_until=MOMENTS,
    secret_refused_since=MOMENTS,
    probe_at=MOMENTS,
    other_faults=FAULTS,
    payload_faults=FAULTS,
    paced_at=MOMENTS,
)


@given(TARGETS, st.integers(1, 64))
def test_whatever_is_recorded_something_may_go_within_the_longest_hold(
    destination: DestinationState, concurrency: int
) -> None:
    admitted = admission(destination, concurrency, NOW)
    assert 1 <= admitted.max_in_flight <= concurrency
    assert admitted.clean_from <= admitted.refused_from <= NOW + timedelta(minutes=15)
    assert admitted.probe is (destination.secret_refused_since is not None)


@given(st.lists(st.tuples(st.sampled_from([0.0, 0.1, 1, 5, 30]), st.booleans(), st.booleans()), max_size=60))
def test_a_delivery_that_was_refused_before_is_never_a_seventh_fault_within_a_minute(
    attempts: list[tuple[float, bool, bool]],
) -> None:
    """Every attempt is faulty, and goes as soon as it is admitted or some seconds later."""
    destination, now, faults = DestinationState(), NOW, list[datetime]()
    for pause, refused, is_payload in attempts:
        now = max(now + timedelta(seconds=pause), admission(destination, 4, now).start(refused=refused))
        destination = destination_after(
            sent_at(destination, now), REFUSED if is_payload else FAULTY_THROTTLE, timedelta(0), now
        )
        faults.append(now)
        recent = [at for at in faults if at > now - MINUTE]
        assert len(recent) <= (FAULT_BUDGET if refused else FAULT_BUDGET + MINUTE / PACE)
