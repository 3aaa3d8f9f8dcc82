"""A clock that was set is noticed."""

from datetime import timedelta

import pytest

from daemon.host.clock import STEP, SteadyClock
from tests.support.clock import TwoClocks


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> TwoClocks:
    clocks = TwoClocks()
    monkeypatch.setattr("daemon.host.clock.time", clocks)
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
