"""The flag that ends the program: raised once, seen by every thread, and by whoever looks later."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.host.signals import Stop
from tests.support.slowness import SLOWNESS

LONG = 30.0 * SLOWNESS
"""Seconds that nobody waits, unless the flag is not seen."""


@pytest.fixture
def _signals_are_given_back() -> Iterator[None]:
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("seconds", [0, -1, -1e9, 0.0])
def test_it_is_down_at_first(seconds: float) -> None:
    assert Stop().wait(seconds) is False


def test_a_wait_ends_when_its_time_is_over() -> None:
    begun = time.monotonic()
    assert Stop().wait(0.05) is False
    assert 0.04 < time.monotonic() - begun < LONG / 2


@pytest.mark.parametrize("times", [1, 2, 100])
def test_once_up_it_stays_up_for_everybody(times: int) -> None:
    stop = Stop()
    for _ in range(times):
        stop.set()
    assert [stop.wait(seconds) for seconds in (LONG, 0, -1, LONG)] == [True] * 4


def test_every_thread_that_waits_is_woken() -> None:
    stop = Stop()
    woken: list[bool] = []
    threads = [threading.Thread(target=lambda: woken.append(stop.wait(LONG))) for _ in range(5)]
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    stop.set()
    for thread in threads:
        thread.join(LONG)
    assert woken == [True] * 5
    assert time.monotonic() - begun < LONG / 2


@pytest.mark.usefixtures("_signals_are_given_back")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_raises_it_while_the_main_thread_waits(number: signal.Signals) -> None:
    stop = Stop()
    stop.raise_on_signals()
    threading.Timer(0.05, os.kill, (os.getpid(), number)).start()
    begun = time.monotonic()
    assert stop.wait(LONG) is True
    assert time.monotonic() - begun < LONG / 2


@pytest.mark.usefixtures("_signals_are_given_back")
def test_a_signal_beforehand_counts_too() -> None:
    stop = Stop()
    stop.raise_on_signals()
    os.kill(os.getpid(), signal.SIGTERM)
    assert stop.wait(LONG) is True


@pytest.mark.usefixtures("_signals_are_given_back")
def test_a_signal_that_is_none_of_ours_does_not_end_a_wait() -> None:
    stop = Stop()
    stop.raise_on_signals()
    kept = signal.signal(signal.SIGUSR1, lambda *_: None)
    threading.Timer(0.02, os.kill, (os.getpid(), signal.SIGUSR1)).start()
    begun = time.monotonic()
    assert stop.wait(0.1) is False
    assert time.monotonic() - begun > 0.09
    signal.signal(signal.SIGUSR1, kept)


def test_one_flag_is_not_another() -> None:
    one, other = Stop(), Stop()
    one.set()
    assert (one.wait(0), other.wait(0)) == (True, False)


def test_more_signals_than_the_pipe_holds_hold_nobody_up() -> None:
    stop = Stop()
    for _ in range(100_000):
        stop.set()
    assert stop.wait(LONG) is True


def test_for_how_long_it_is_up_is_counted_from_the_first_time() -> None:
    stop = Stop()
    assert stop.since() == 0
    stop.set()
    first = stop.since()
    stop.set()
    assert first <= stop.since() < LONG


def test_a_part_ends_with_the_whole() -> None:
    stop = Stop()
    with stop.part() as part:
        assert part.wait(0) is False
        stop.set()
        assert part.wait(0) is True


def test_what_begins_after_the_end_is_over_at_once() -> None:
    stop = Stop()
    stop.set()
    with stop.part() as part:
        assert part.wait(0) is True


def test_the_whole_goes_on_without_a_part_and_keeps_nothing_of_it() -> None:
    stop = Stop()
    before = len([*Path("/proc/self/fd").iterdir()])
    for _ in range(3):
        with stop.part() as part:
            part.set()
            assert stop.wait(0) is False
    assert len([*Path("/proc/self/fd").iterdir()]) == before
    stop.set()
    assert stop.wait(0) is True
