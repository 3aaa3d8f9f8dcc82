"""A clock that was set is noticed, and so is a job that hangs."""

import math
from datetime import timedelta
from types import SimpleNamespace

import pytest

from daemon.watch import STEP, Pulse, SteadyClock


class TwoClocks:
    """The wall clock and the monotonic one, both set by hand."""

    def __init__(self) -> None:
        self.wall = 1_795_425_255.0
        self.monotonic = 1000.0

    def pass_(self, seconds: float) -> None:
        self.wall += seconds
        self.monotonic += seconds


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> TwoClocks:
    clocks = TwoClocks()
    by_hand = SimpleNamespace(time=lambda: clocks.wall, monotonic=lambda: clocks.monotonic)
    monkeypatch.setattr("daemon.watch.time", by_hand)
    return clocks


def test_time_that_passes_is_no_step(clocks: TwoClocks) -> None:
    steady = SteadyClock()
    for seconds in (0, 0.1, 2, 86400):
        clocks.pass_(seconds)
        assert steady.step() is None
        assert steady().timestamp() == pytest.approx(clocks.wall)


@pytest.mark.parametrize("by", [3600, -3600, 1.5, -1.5, 30 * 86400])
def test_a_clock_that_was_set_counts_only_once_it_is_set_right(clocks: TwoClocks, by: float) -> None:
    steady = SteadyClock()
    clocks.pass_(2)
    before = steady()
    clocks.wall += by
    clocks.pass_(2)
    for _ in range(2):
        assert steady() - before == pytest.approx(timedelta(seconds=2), abs=timedelta(milliseconds=1))
        assert steady.step() == pytest.approx(timedelta(seconds=by), abs=timedelta(milliseconds=1))
    steady.set_right()
    assert steady.step() is None
    assert steady().timestamp() == pytest.approx(clocks.wall)


def test_a_clock_that_was_set_and_set_back_is_as_if_nothing_was(clocks: TwoClocks) -> None:
    steady = SteadyClock()
    clocks.wall += 60
    assert steady.step() is not None
    clocks.wall -= 60
    assert steady.step() is None


def test_a_clock_that_is_slewed_is_not_stepped(clocks: TwoClocks) -> None:
    steady = SteadyClock()
    for _ in range(1000):
        clocks.pass_(2)
        clocks.wall += STEP / 2
        assert steady.step() is None


def test_a_job_that_never_began_is_not_silent(clocks: TwoClocks) -> None:
    pulse = Pulse()
    clocks.pass_(timedelta(days=400).total_seconds())
    assert pulse.silent_for() == -math.inf


def test_a_job_under_way_is_silent_since_its_last_beat(clocks: TwoClocks) -> None:
    pulse = Pulse()
    pulse.beat()
    clocks.pass_(30)
    assert pulse.silent_for() == 30
    pulse.beat()
    clocks.pass_(4)
    assert pulse.silent_for() == 4


def test_a_job_may_rest_until_it_is_due_again(clocks: TwoClocks) -> None:
    pulse = Pulse()
    pulse.beat()
    clocks.pass_(30)
    pulse.rest(10)
    clocks.pass_(9)
    assert pulse.silent_for() == -1
    clocks.pass_(6)
    assert pulse.silent_for() == 5
    pulse.beat()
    clocks.pass_(7)
    assert pulse.silent_for() == 7


def test_a_job_with_nothing_to_do_may_rest_for_ever(clocks: TwoClocks) -> None:
    pulse = Pulse()
    pulse.beat()
    pulse.rest()
    clocks.pass_(timedelta(days=400).total_seconds())
    assert pulse.silent_for() == -math.inf


def test_a_standstill_of_the_whole_process_is_no_silence(clocks: TwoClocks) -> None:
    pulse = Pulse()
    pulse.beat()
    clocks.pass_(3600)
    pulse.pardon()
    clocks.pass_(4)
    assert pulse.silent_for() == 4


def test_a_wall_clock_that_was_set_is_no_silence(clocks: TwoClocks) -> None:
    pulse = Pulse()
    pulse.beat()
    clocks.wall += 86400
    assert pulse.silent_for() == 0
