"""The pace of a token: requests of all accounts that have it take turns, and a pause holds for all of them."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from daemon.clients.quiet import BREATH, FULL_PAGE_GAP, REQUEST_GAP, Quiet
from daemon.model.errors import BetterStackError, StoppedError
from tests.support.betterstack_client import Monotonic


def waiting(time: Monotonic, waits: list[float]) -> Callable[[float], bool]:
    def wait(seconds: float) -> bool:
        waits.append(round(seconds, 3))
        time.now += seconds
        return False

    return wait


def test_requests_of_one_account_keep_their_distance(time: Monotonic) -> None:
    quiet, waits = Quiet(), list[float]()
    for _ in range(3):
        quiet.turn(waiting(time, waits))
    assert waits == [0.0, REQUEST_GAP, REQUEST_GAP]
    time.now += 5
    quiet.turn(waiting(time, waits))
    assert waits[-1] == 0.0


def test_those_of_several_take_turns_however_many_ask_at_once(time: Monotonic) -> None:
    """Each asks while the one before it waits, as it is where each has a thread of its own."""
    quiet, turns = Quiet(), list[float]()

    def ask(more: int) -> None:
        waits = list[float]()

        def wait(seconds: float) -> bool:
            waits.append(seconds)
            if len(waits) == 1 and more:
                ask(more - 1)
            return False

        quiet.turn(wait)
        turns.append(round(sum(waits), 3))
        assert max(waits) <= BREATH, "a sign of life at least every second"

    ask(19)
    assert sorted(turns) == [round(number * REQUEST_GAP, 3) for number in range(20)]


def test_a_pause_that_one_was_asked_for_holds_for_all(time: Monotonic) -> None:
    quiet, waits = Quiet(), list[float]()
    quiet.turn(waiting(time, waits))

    def asked_meanwhile(_: float) -> bool:
        quiet.ask(timedelta(seconds=30))
        return False

    for wait in (asked_meanwhile, waiting(time, waits)):
        with pytest.raises(BetterStackError, match="left alone for another 30 s") as caught:
            quiet.turn(wait)
        assert caught.value.retry_after == timedelta(seconds=30)
    time.now += 30
    quiet.turn(waiting(time, waits))


def test_after_a_page_that_is_not_the_last_the_next_may_follow_sooner(time: Monotonic) -> None:
    quiet, waits = Quiet(), list[float]()
    quiet.more_follows(quiet.turn(waiting(time, waits)))
    at = quiet.turn(waiting(time, waits))
    assert waits == [0.0, FULL_PAGE_GAP]
    # Another account has taken the turn behind it by now.
    quiet.turn(waiting(time, waits))
    before = quiet.next_at
    quiet.more_follows(at)
    assert quiet.next_at == before


def test_a_stop_ends_the_wait(time: Monotonic) -> None:
    with pytest.raises(StoppedError):
        Quiet().turn(lambda _: True)
