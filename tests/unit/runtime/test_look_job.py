"""The looks at SIGNL4: each on its own, what fails is said once, and nothing waits for them."""

import time
from collections.abc import Callable
from threading import Thread

import pytest
from sqlalchemy import Engine

from daemon.host.signals import Stop
from daemon.model.errors import DatabaseBusyError, KeyRefusedError, Signl4ApiError, StoppedError
from daemon.runtime import look_job
from daemon.runtime.build_two_way import SAID
from daemon.runtime.look_job import Breath, LookJob
from daemon.storage.two_way import TwoWayProgress
from tests.support.clock import Clock
from tests.support.kept_log import KeptLog
from tests.support.outbox import after
from tests.support.values import NOW

LONG = 20.0


class Step:
    """Does as it is told, and counts."""

    def __init__(self) -> None:
        self.runs = 0
        self.error: Exception | None = None

    def look(self) -> None:
        self.runs += 1
        if self.error is not None:
            raise self.error


class World:
    """A job with two looks."""

    def __init__(self, engine: Engine, clock: Clock, log: KeptLog) -> None:
        self.clock, self.log = clock, log
        self.proof, self.one, self.other = Step(), Step(), Step()
        self.progress = TwoWayProgress(engine)
        self.stop = Stop()
        self.begin()

    def begin(self) -> None:
        """As a restart does."""
        self.breath = Breath(self.stop)
        self.job = LookJob(
            [self.one, self.other],
            self.progress,
            self.breath,
            SAID,
            interval=15,
            timeout=10,
            clock=self.clock,
            log=self.log,
            prove=self.proof.look,
        )

    def run(self) -> float:
        """One run; the seconds until the next."""
        self.job.run()
        return self.job.rest()

    def runs(self) -> tuple[int, int, int]:
        return self.proof.runs, self.one.runs, self.other.runs

    def said(self) -> list[tuple[str, str]]:
        return [(level, event) for level, event, _ in self.log.events]

    def recorded(self) -> tuple[str | None, object, object]:
        state = self.progress.read()
        return state.last_error, state.failing_since, state.key_refused_since


@pytest.fixture
def world(engine: Engine, clock: Clock, log: KeptLog) -> World:
    return World(engine, clock, log)


def test_the_key_is_proved_once_and_the_looks_follow_each_other(world: World) -> None:
    assert [world.run() for _ in range(3)] == [15, 15, 15]
    assert world.runs() == (1, 3, 3)
    assert world.said() == []
    assert world.recorded() == (None, None, None)


def test_a_look_that_fails_stops_no_other(world: World) -> None:
    world.one.error = Signl4ApiError("down")
    assert world.run() == 15
    assert world.other.runs == 1
    assert world.recorded() == ("down", NOW, None)


def test_a_failure_is_said_once_and_its_end_as_well(world: World, clock: Clock) -> None:
    world.one.error = Signl4ApiError("down")
    for _ in range(3):
        world.run()
        clock.pass_(seconds=15)
    world.one.error = Signl4ApiError("slow")
    world.run()
    assert world.recorded() == ("slow", NOW, None)
    world.one.error = None
    world.run()
    assert world.said() == [
        ("warning", "looks at SIGNL4 fail"),
        ("warning", "looks at SIGNL4 fail"),
        ("info", "looks at SIGNL4 succeed again"),
    ]
    assert world.log.named("looks at SIGNL4 succeed again") == [{"after": "slow"}]
    assert world.recorded() == (None, None, None)


def test_while_the_key_is_refused_nothing_else_is_asked_and_it_is_tried_once_a_minute(world: World) -> None:
    world.proof.error = KeyRefusedError("401")
    assert [world.run(), world.run()] == [60, 60]
    assert world.runs() == (2, 0, 0)
    assert world.said() == [("error", "API key refused")]
    assert world.recorded() == ("401", NOW, NOW)
    world.proof.error = None
    assert world.run() == 15
    assert world.runs() == (3, 1, 1)
    assert world.recorded() == (None, None, None)


def test_a_key_that_is_refused_later_is_proved_again(world: World) -> None:
    world.run()
    world.one.error = KeyRefusedError("401")
    assert world.run() == 60
    world.one.error = None
    world.run()
    assert world.runs() == (2, 3, 2)


def test_a_refused_key_is_told_rather_than_what_failed_before_it(world: World) -> None:
    world.run()
    world.one.error, world.other.error = Signl4ApiError("down"), KeyRefusedError("401")
    world.run()
    assert world.recorded() == ("401", NOW, NOW)


def test_an_outage_at_the_start_proves_nothing_about_the_key(world: World) -> None:
    world.proof.error = Signl4ApiError("down")
    assert world.run() == 15
    world.proof.error = None
    world.run()
    assert world.runs() == (2, 2, 2)


def test_a_fault_of_this_program_fails_one_look_and_is_logged_with_its_place(world: World) -> None:
    world.one.error = ZeroDivisionError("ours")
    world.run()
    assert world.other.runs == 1
    assert world.recorded()[0] == "a fault of this program: ZeroDivisionError('ours')"
    (said,) = world.log.named("looks at SIGNL4 fail")
    assert "Traceback" in said["error"]


def test_what_failed_before_a_restart_ends_after_it(world: World, clock: Clock) -> None:
    world.one.error = Signl4ApiError("down")
    world.run()
    world.begin()
    clock.pass_(hours=1)
    world.run()
    assert world.recorded() == ("down", NOW, None)
    world.begin()
    world.one.error = None
    world.run()
    assert world.recorded() == (None, None, None)


def test_what_cannot_be_recorded_is_recorded_at_the_next_run(world: World, clock: Clock) -> None:
    class Busy(TwoWayProgress):
        def __init__(self) -> None:
            pass

        def failure(self) -> tuple[str, bool] | None:
            raise DatabaseBusyError("locked")

    world.one.error = Signl4ApiError("down")
    progress, world.job._progress = world.job._progress, Busy()
    assert world.run() == 15
    world.job._progress = progress
    clock.pass_(seconds=15)
    world.run()
    assert world.recorded() == ("down", after(seconds=15), None)
    assert len(world.said()) == 1


def test_after_a_stop_and_in_a_pause_nothing_is_asked(world: World) -> None:
    world.job.pause()
    world.run()
    assert world.runs() == (0, 0, 0)
    world.job.resume()
    world.run()
    assert world.runs() == (1, 1, 1)
    world.stop.set()
    world.run()
    assert world.runs() == (1, 1, 1)


def test_a_stop_during_a_look_is_no_failure(world: World) -> None:
    world.one.error = StoppedError("stopping")
    world.run()
    assert (world.other.runs, world.said(), world.recorded()) == (0, [], (None, None, None))


@pytest.mark.parametrize("end", ["pause", "stop"])
def test_a_wait_for_the_pace_ends_with(world: World, end: str) -> None:
    ended: list[bool] = []
    waiting = Thread(target=lambda: ended.append(world.breath(900)), daemon=True)
    waiting.start()
    ends: dict[str, Callable[[], None]] = {"pause": world.job.pause, "stop": world.stop.set}
    ends[end]()
    waiting.join(LONG)
    assert ended == [True]


def test_a_hang_is_logged_once_and_ends_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.run()
    world.job.watch()
    assert world.said() == []
    began = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: began + 15 + look_job.HANGS_AFTER + 15)
    world.job.watch()
    assert world.said() == []
    monkeypatch.setattr(time, "monotonic", lambda: began + 15 + look_job.HANGS_AFTER + 25)
    world.job.watch()
    world.job.watch()
    assert world.said() == [("error", "looks at SIGNL4 hang")]
