"""A job that hangs is noticed."""

import math
from datetime import timedelta

import pytest

from daemon.host.liveness import Liveness
from tests.support.clock import TwoClocks


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> TwoClocks:
    clocks = TwoClocks()
    monkeypatch.setattr("daemon.host.liveness.time", clocks)
    return clocks


def test_a_job_that_never_began_is_not_silent(clocks: TwoClocks) -> None:
    liveness = Liveness()
    clocks.pass_(timedelta(days=400).total_seconds())
    assert liveness.silent_for() == -math.inf


def test_a_job_under_way_is_silent_since_its_last_beat(clocks: TwoClocks) -> None:
    liveness = Liveness()
    liveness.beat()
    clocks.pass_(30)
    assert liveness.silent_for() == 30
    liveness.beat()
    clocks.pass_(4)
    assert liveness.silent_for() == 4


def test_a_job_may_idle_until_it_is_due_again(clocks: TwoClocks) -> None:
    liveness = Liveness()
    liveness.beat()
    clocks.pass_(30)
    liveness.idle(10)
    clocks.pass_(9)
    assert liveness.silent_for() == -1
    clocks.pass_(6)
    assert liveness.silent_for() == 5
    liveness.beat()
    clocks.pass_(7)
    assert liveness.silent_for() == 7


def test_a_job_with_nothing_to_do_may_idle_for_ever(clocks: TwoClocks) -> None:
    liveness = Liveness()
    liveness.beat()
    liveness.idle()
    clocks.pass_(timedelta(days=400).total_seconds())
    assert liveness.silent_for() == -math.inf


def test_a_standstill_of_the_whole_process_is_no_silence(clocks: TwoClocks) -> None:
    liveness = Liveness()
    liveness.beat()
    clocks.pass_(3600)
    liveness.reset()
    clocks.pass_(4)
    assert liveness.silent_for() == 4


def test_a_wall_clock_that_was_set_is_no_silence(clocks: TwoClocks) -> None:
    liveness = Liveness()
    liveness.beat()
    clocks.wall += 86400
    assert liveness.silent_for() == 0
