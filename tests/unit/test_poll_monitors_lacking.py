"""What a list or a lookup that fails, or that lacks a monitor, proves."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from daemon.decisions.suspicion import SUSPICION_LASTS
from daemon.poll_monitors import MOST_LOOKUPS
from tests.support.clock import Clock
from tests.support.kept_log import KeptLog
from tests.support.monitors import HEARTBEAT, MONITOR
from tests.support.watching import BEGUN, Watched, pause


@pytest.fixture
def watched(engine: Engine, clock: Clock, log: KeptLog) -> Watched:
    """Monitor 77, which is up, and was looked at."""
    found = Watched(engine, clock, log)
    found.lists.has("77")
    found.look()
    return found


def test_a_list_that_fails_proves_nothing_and_opens_nothing(watched: Watched) -> None:
    pause(watched)
    watched.look()
    watched.lists.fails = lambda request: request.startswith("list")
    assert watched.fail(days=9) == "list monitor failed"
    assert (watched.told(), watched.changes()) == ([], [("77", "paused")])
    watched.lists.fails = lambda _: False
    assert watched.look() == BEGUN


def test_what_is_over_is_closed_also_while_the_list_fails(watched: Watched) -> None:
    watched.begin(tell=["updated", "paused"])
    pause(watched, configuration={"url": "9"})
    assert len(watched.look()) == 2
    watched.lists.fails = lambda _: True
    watched.fail(hours=2)
    assert watched.told() == [("monitor-77-updated", "resolved")]


def test_one_list_that_fails_keeps_the_other_from_nothing(watched: Watched) -> None:
    watched.begin(heartbeats=True, tell=["paused"])
    watched.lists.has("5", kind=HEARTBEAT)
    watched.look()
    watched.lists.has("5", kind=HEARTBEAT, status="paused", updated_at=watched.clock())
    watched.lists.fails = lambda request: request == "list monitor"
    assert watched.fail() == "list monitor failed"
    assert watched.told() == [("heartbeat-5-paused", "new")]


def test_one_that_a_list_lacks_is_there_if_its_record_is(watched: Watched) -> None:
    watched.lists.hidden.add("77")
    pause(watched)
    watched.begin(tell=["paused"])
    assert watched.look() == BEGUN
    assert watched.look() == []
    assert watched.lists.asked[-4:] == ["list monitor", "lookup 77"] * 2


def test_one_that_cannot_be_read_is_not_deleted(watched: Watched) -> None:
    watched.lists.has("78")
    watched.look()
    watched.lists.had("77")
    watched.look()
    watched.lists.has("77")
    watched.lists.unreadable.add("77")
    watched.look(hours=2)
    watched.lists.unreadable.clear()
    watched.lists.had("77")
    watched.look(hours=2)
    assert watched.deleted() == set()
    watched.look(hours=2)
    assert watched.deleted() == {"77"}


def test_one_answer_deletes_nothing_and_two_do(watched: Watched) -> None:
    watched.lists.has("78")
    watched.look()
    watched.lists.had("77")
    watched.look()
    assert watched.deleted() == set()
    watched.look(seconds=59)
    assert watched.deleted() == set()
    watched.look(seconds=1)
    assert watched.deleted() == {"77"}
    asked = len(watched.lists.asked)
    watched.look()
    assert watched.lists.asked[asked:] == ["list monitor"]
    assert watched.changes() == [("77", "deleted")]


def test_one_that_is_back_is_as_good_as_new(watched: Watched) -> None:
    watched.lists.had("77")
    watched.look()
    watched.look(hours=2)
    assert watched.deleted() == {"77"}
    watched.lists.has("77")
    watched.look()
    assert watched.deleted() == set()
    assert watched.changes() == [("77", "deleted"), ("77", "created")]


def many(watched: Watched) -> list[str]:
    """So many that they need three looks."""
    found = [str(100 + number) for number in range(2 * MOST_LOOKUPS + 5)]
    watched.lists.has(*found)
    watched.look()
    return found


def test_those_that_the_list_lacks_are_looked_up_in_turn(watched: Watched) -> None:
    found = many(watched)
    watched.lists.hidden |= {*found}
    watched.lists.asked.clear()
    for _ in range(3):
        watched.look()
    lookups = [one.removeprefix("lookup ") for one in watched.lists.asked if one.startswith("lookup")]
    assert len(lookups) == 3 * MOST_LOOKUPS
    assert {*lookups} == {*found}


def test_a_lookup_that_always_fails_keeps_no_other_from_its_turn_and_no_alert_from_anybody(watched: Watched) -> None:
    found = many(watched)
    watched.begin(tell=["paused"])
    pause(watched)
    watched.lists.hidden |= {*found}
    watched.lists.fails = lambda request: request == "lookup 100"
    assert watched.fail() == "lookup 100 failed"
    assert watched.told() == BEGUN
    watched.lists.asked.clear()
    watched.look()
    assert watched.lists.asked == ["list monitor", *(f"lookup {one}" for one in found[1 : MOST_LOOKUPS + 1])]


def test_heartbeats_and_monitors_take_their_turns_apart(watched: Watched) -> None:
    found = many(watched)
    watched.begin(heartbeats=True)
    watched.lists.has("5", kind=HEARTBEAT)
    watched.look()
    watched.lists.hidden |= {*found, "5"}
    watched.lists.asked.clear()
    for _ in range(3):
        watched.look()
    assert {f"lookup {one}" for one in (*found, "5")} <= {*watched.lists.asked}


def test_the_token_of_another_team_deletes_nothing_for_an_hour(watched: Watched) -> None:
    mine = ["77", "78", "79"]
    watched.lists.has(*mine)
    watched.look()
    watched.begin(tell=["deleted"])
    watched.lists.had(*mine)
    watched.lists.has("501", "502", "503")
    began = watched.clock() + timedelta(minutes=5)
    while watched.clock() < began + SUSPICION_LASTS - timedelta(minutes=5):
        watched.look()
        assert (watched.deleted(), watched.told()) == (set(), [])
    watched.lists.has(*mine)
    watched.lists.had("501", "502", "503")
    watched.look()
    assert {one.id for one in watched.records.known(MONITOR).values() if one.gone_since is None} == {*mine}
