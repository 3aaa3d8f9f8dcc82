"""Whom alerts about monitors are told to, and when they are not to be told at all."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from daemon.model.incident import Phase
from daemon.model.silence import Silence
from daemon.storage import silences
from tests.support.clock import Clock
from tests.support.kept_log import KeptLog
from tests.support.values import NOW, ago
from tests.support.watching import BEGUN, ENDED, PAUSED, Watched, pause, unpause


@pytest.fixture
def watched(engine: Engine, clock: Clock, log: KeptLog) -> Watched:
    """Monitor 77, which is up, and was looked at."""
    found = Watched(engine, clock, log)
    found.lists.has("77")
    found.look()
    return found


def test_a_route_tells_alerts_about_monitors_to_another_team(watched: Watched) -> None:
    teams = {"platform": {"secret": "platf0rm"}}
    watched.flows.store.configure(["default", "platform"])
    watched.begin(
        tell=["paused"],
        route=[{"name": "watch", "match": {"kind": "monitor"}, "teams": ["platform"]}],
        signl4={"teams": teams},
    )
    pause(watched)
    assert watched.look() == []
    assert watched.flows.outbox("incident_id", "destination") == [(PAUSED, "platform")]


def test_a_rule_for_incidents_is_none_for_alerts_about_monitors(watched: Watched) -> None:
    watched.begin(tell=["paused"], route=[{"name": "quiet", "match": {"kind": "incident"}, "action": "ignore"}])
    pause(watched)
    assert watched.look() == BEGUN


def test_what_a_route_ignores_is_not_told_and_its_end_neither(watched: Watched) -> None:
    watched.begin(tell=["paused"], route=[{"name": "quiet", "match": {"kind": "monitor"}, "action": "ignore"}])
    pause(watched)
    assert watched.look() == []
    unpause(watched)
    assert watched.look() == []
    assert watched.flows.outbox() == []


def test_a_silence_holds_it_and_what_ends_meanwhile_is_not_told(watched: Watched) -> None:
    said = Silence(0, {"kind": "monitor"}, ago(hours=1), NOW + timedelta(hours=2), "patch day", "jane", NOW)
    silences.add(watched.engine, said)
    watched.begin(tell=["paused"])
    pause(watched)
    assert watched.look() == []
    unpause(watched)
    assert watched.look() == []
    assert watched.look(hours=3) == []
    pause(watched)
    assert watched.look() == [(PAUSED, "new")]


def test_what_is_switched_off_is_closed_and_nothing_is_asked(watched: Watched) -> None:
    watched.begin(tell=["paused"])
    pause(watched)
    assert watched.look() == BEGUN
    watched.begin(enabled=False)
    watched.lists.asked.clear()
    assert watched.look() == ENDED
    assert watched.log.named("transition")[-1]["reason"] == (
        "monitors.enabled is off: monitors are not looked at any more"
    )
    assert (watched.look(), watched.lists.asked) == ([], [])


def test_what_lasts_is_told_again_when_it_is_looked_at_again_and_what_has_happened_is_not(watched: Watched) -> None:
    wanted = {"tell": ["paused", "created"]}
    watched.begin(**wanted)
    pause(watched)
    watched.lists.has("78", created_at=watched.clock())
    assert sorted(watched.look(seconds=3)) == [("monitor-77-paused", "new"), ("monitor-78-created", "new")]
    watched.begin(enabled=False, **wanted)
    assert sorted(watched.look(seconds=3)) == [("monitor-77-paused", "resolved"), ("monitor-78-created", "resolved")]
    watched.begin(**wanted)
    assert watched.look(seconds=3) == [("monitor-77-paused", "new")]


def test_a_kind_that_is_switched_off_is_closed(watched: Watched) -> None:
    watched.begin(tell=["paused"])
    pause(watched)
    assert watched.look() == BEGUN
    watched.begin(paused_after="off")
    assert watched.look() == ENDED


def test_one_that_is_deleted_with_an_open_incident_is_told_until_that_is_over(watched: Watched) -> None:
    watched.incident("1")
    watched.lists.had("77")
    assert watched.look() == []
    assert watched.look() == [("monitor-77-deleted", "new")]
    assert watched.look() == []
    watched.incident("1", resolved_at=watched.clock(), status="Resolved")
    assert watched.flows.recorded("1").phase is Phase.RESOLVED
    assert watched.look() == [("monitor-77-deleted", "resolved")]


def test_an_alert_about_a_monitor_is_no_open_incident_of_it(watched: Watched) -> None:
    watched.begin(tell=["paused"])
    pause(watched)
    watched.look()
    watched.lists.had("77")
    watched.look()
    assert watched.look() == ENDED


def test_nothing_is_queued_unless_somebody_is_told(watched: Watched) -> None:
    watched.look()
    assert watched.queued == 0
    watched.begin(tell=["paused"])
    pause(watched)
    watched.look()
    assert watched.queued == 1
