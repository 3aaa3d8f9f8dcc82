"""The leader ends, in order or not, and the other host goes on."""

import signal
from collections.abc import Callable

from tests.lease.stage import AFTER_A_CRASH, AFTER_A_STOP, IN_FLIGHT, PATIENCE, STANDS_BY, Stage

Record = Callable[[str, object], None]


def test_after_an_orderly_stop_the_other_host_leads_at_once_and_nothing_is_told_twice(
    stage: Stage, record_property: Record
) -> None:
    with stage.taken_over("two", AFTER_A_STOP, record_property):
        stage.daemons["one"].process.send_signal(signal.SIGTERM)
    assert stage.daemons["one"].process.wait(PATIENCE) == 0
    stage.settle()
    assert stage.senders() == ["one", "two"]
    assert stage.doubled().total() == 0


def test_after_a_kill_the_other_host_leads_once_the_lease_has_expired_and_only_what_was_in_flight_is_told_again(
    stage: Stage, record_property: Record
) -> None:
    with stage.taken_over("two", AFTER_A_CRASH, record_property):
        stage.daemons["one"].kill()
    stage.settle()
    assert stage.senders() == ["one", "two"]
    assert stage.doubled().total() <= IN_FLIGHT


def test_a_host_that_was_killed_comes_back_as_a_standby_and_leads_again_when_the_other_one_stops(
    stage: Stage, record_property: Record
) -> None:
    with stage.taken_over("two", AFTER_A_CRASH, record_property):
        stage.daemons["one"].end()
    stage.start("one")
    stage.wait_until_it_says("one", STANDS_BY)
    with stage.taken_over("one", AFTER_A_STOP, record_property):
        stage.daemons["two"].process.send_signal(signal.SIGTERM)
    stage.settle()
    assert stage.senders() == ["one", "two", "one"]
    assert stage.doubled().total() <= IN_FLIGHT
