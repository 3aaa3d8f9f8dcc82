"""The names of people: read when one is needed, kept for an hour, and nothing waits for them."""

from daemon.model.errors import Signl4ApiError
from daemon.people import People
from tests.support.alerts import JANE, JOHN, FakeAlerts
from tests.support.clock import Clock


def test_they_are_read_once_an_hour(clock: Clock) -> None:
    signl4 = FakeAlerts(clock)
    people = People(signl4, lambda: clock().timestamp())
    assert [people.name(JANE), people.name(JOHN), people.name(JANE)] == ["Jane Doe", "John Smith", "Jane Doe"]
    assert signl4.asked == ["members"]
    clock.pass_(minutes=59)
    signl4.people[JANE] = "Jane Roe"
    assert people.name(JANE) == "Jane Doe"
    clock.pass_(minutes=1)
    assert people.name(JANE) == "Jane Roe"


def test_for_an_unknown_id_they_are_read_again_at_most_once_a_minute(clock: Clock) -> None:
    signl4 = FakeAlerts(clock)
    people = People(signl4, lambda: clock().timestamp())
    assert [people.name("new"), people.name("new")] == [None, None]
    assert signl4.asked == ["members"]
    signl4.people["new"] = "Jim"
    clock.pass_(seconds=59)
    assert people.name("new") is None
    clock.pass_(seconds=1)
    assert people.name("new") == "Jim"


def test_somebody_who_joined_right_after_they_were_read_is_found_at_once(clock: Clock) -> None:
    signl4 = FakeAlerts(clock)
    people = People(signl4, lambda: clock().timestamp())
    people.read()
    signl4.people["new"] = "Jim"
    assert people.name("new") == "Jim"


def test_what_is_known_stays_known_while_they_cannot_be_read(clock: Clock) -> None:
    signl4 = FakeAlerts(clock)
    people = People(signl4, lambda: clock().timestamp())
    people.read()
    signl4.fails = lambda _: Signl4ApiError("down")
    clock.pass_(hours=2)
    assert [people.name(JANE), people.name("new"), people.name(None)] == ["Jane Doe", None, None]


def test_a_name_that_is_empty_is_none(clock: Clock) -> None:
    signl4 = FakeAlerts(clock)
    signl4.people[JANE] = ""
    assert People(signl4, lambda: clock().timestamp()).name(JANE) is None
