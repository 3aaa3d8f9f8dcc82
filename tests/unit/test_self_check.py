"""What the self-check makes of a snapshot: alarms that are raised once and closed, and signs of life."""

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from daemon.model.alarm import Cause
from daemon.model.delivery import Answer
from daemon.model.errors import TokenRefusedError
from daemon.storage import listings, operate, queries
from tests.support.clock import Clock
from tests.support.duty import Duty
from tests.support.fakes import ACCEPTED, FORBIDDEN, OUTAGE, REFUSED, Flows
from tests.support.kept_log import KeptLog
from tests.support.store import Store

POLL = Cause.POLL.external_id
WHO = "betterstack-signl4 on watch.example.com"


@pytest.fixture
def duty(flows: Flows) -> Duty:
    return Duty(flows)


@pytest.fixture
def flows(engine: Engine, clock: Clock, log: KeptLog, store: Store) -> Flows:
    return Flows(engine, clock, log, store)


def test_an_outage_of_better_stack_is_told_once_and_closed_by_the_first_complete_round(duty: Duty) -> None:
    duty.flows.see("7")
    duty.flows.betterstack.refuses("open")
    duty.minutes(4.5)
    assert duty.alarms() == []
    duty.minutes(120)
    assert duty.alarms() == [("poll", "new")]
    duty.flows.betterstack.refuses()
    duty.minutes(1)
    assert duty.alarms() == [("poll", "new"), ("poll", "resolved")]
    assert [kind for told, kind in duty.flows.signl4.told if told == "7"] == ["new"]


def test_a_second_outage_is_told_again(duty: Duty) -> None:
    for _ in range(2):
        duty.flows.betterstack.refuses("open")
        duty.minutes(6)
        duty.flows.betterstack.refuses()
        duty.minutes(1)
    assert duty.alarms() == [("poll", "new"), ("poll", "resolved")] * 2


def test_a_refused_token_is_told_after_two_tries(duty: Duty) -> None:
    duty.minutes(1)
    duty.flows.betterstack.fails = lambda _: TokenRefusedError("Better Stack refused the token: HTTP 401")
    duty.minutes(0.5)
    assert duty.alarms() == []
    duty.minutes(0.5)
    assert duty.alarms() == [("poll", "new")]
    [title] = duty.alarm_titles()
    assert title.startswith(f"{WHO}: Better Stack cannot be polled: Better Stack refused the token: HTTP 401; ")
    duty.flows.betterstack.refuses("open")
    duty.minutes(1)
    assert duty.alarms() == [("poll", "new")], "another failure is the same cause"


def test_a_token_of_another_team_is_told_at_once(duty: Duty) -> None:
    duty.flows.see("1", "2", "3")
    for incident_id in ("1", "2", "3"):
        duty.flows.betterstack.had(incident_id)
    duty.minutes(0.5)
    assert duty.alarms() == [("poll", "new")]


def test_a_restart_tells_nothing_again(duty: Duty) -> None:
    duty.flows.betterstack.refuses("open")
    duty.minutes(6)
    again = Duty(duty.flows)
    again.minutes(6)
    again.flows.betterstack.refuses()
    again.minutes(1)
    assert again.alarms() == [("poll", "new"), ("poll", "resolved")]


@pytest.mark.parametrize("fault", [OUTAGE, FORBIDDEN])
def test_a_delivery_that_fails_on_its_own_is_told_once_and_closed_when_it_went_out(duty: Duty, fault: Answer) -> None:
    duty.flows.signl4.answer = lambda sent: fault if sent["X-S4-ExternalID"] == "7" else ACCEPTED
    duty.flows.see("7", "8", "9")
    duty.minutes(4)
    assert duty.alarms() == []
    duty.flows.see("10", "11")
    duty.minutes(60)
    assert duty.alarms() == [("delivery", "new")]
    [title] = duty.alarm_titles()
    assert re.match(rf"{WHO}: SIGNL4 takes others, but not delivery \d+ \(new of incident 7\): ", title)
    assert duty.watchers.beats < 20, "heartbeats go on though somebody must look"
    duty.flows.signl4.answer = lambda _: ACCEPTED
    duty.minutes(7)
    assert duty.alarms() == [("delivery", "new"), ("delivery", "resolved")]


def test_a_dead_delivery_is_told_until_it_is_revived(duty: Duty) -> None:
    duty.flows.signl4.answer = lambda sent: ACCEPTED if "alarm" in sent["X-S4-ExternalID"] else REFUSED
    duty.flows.see("7")
    duty.minutes(2)
    assert duty.alarms() == [("dead", "new")]
    [title] = duty.alarm_titles()
    assert title.startswith(f"{WHO}: A delivery of incident 7 is dead: ")
    duty.flows.signl4.answer = lambda _: ACCEPTED
    operate.revive(duty.flows.engine, operate.dead_ids(duty.flows.engine), force=False)
    duty.minutes(1)
    assert duty.alarms() == [("dead", "new"), ("dead", "resolved")]


def test_an_alarm_that_is_refused_raises_no_alarm(duty: Duty) -> None:
    duty.flows.signl4.answer = lambda _: REFUSED
    duty.flows.betterstack.refuses("open")
    duty.minutes(30)
    assert [kind for _, kind in duty.alarms()] == ["new", "new"], "in full, then in its smallest form"
    full, smallest = duty.alarm_titles()
    assert full.startswith(f"{WHO}: Better Stack cannot be polled: ")
    assert smallest == "betterstack-signl4 cannot do its duty (poll); look at: betterstack-signl4 status"
    assert duty.self_check.run() is False


def test_where_nothing_can_be_written_one_alarm_goes_out_all_the_same(duty: Duty) -> None:
    duty.minutes(1)
    duty.full = True
    duty.minutes(4.5)
    assert duty.alarms() == []
    answers: list[Answer] = [OUTAGE, OUTAGE]
    duty.flows.signl4.answer = lambda _: answers.pop() if answers else ACCEPTED
    duty.minutes(60)
    assert duty.alarms() == [("state", "new")] * 3, "twice in vain, then taken, then never again"
    said = f"{WHO}: The state cannot be written: the database cannot be written"
    assert duty.flows.signl4.sent[-1]["Title"].startswith(said)
    duty.full = False
    duty.minutes(2)
    assert duty.alarms()[3:] == [("state", "resolved")]


def test_a_moment_in_which_nothing_can_be_written_is_not_told(duty: Duty) -> None:
    for _ in range(3):
        duty.full = True
        duty.minutes(3)
        duty.full = False
        duty.minutes(1)
    assert duty.alarms() == []


def test_alarms_are_no_incidents_of_better_stack(duty: Duty) -> None:
    duty.flows.betterstack.refuses("open")
    duty.minutes(6)
    duty.flows.betterstack.refuses("lookup")
    duty.minutes(6)
    assert duty.flows.betterstack.asked_for("lookup") == []
    assert queries.snapshot(duty.flows.engine).open_incidents == 0
    assert len(listings.incidents(duty.flows.engine)) == 0


# -- heartbeats -------------------------------------------------------------------------------------------------------


def test_while_all_is_well_the_watchers_are_called_once_in_an_interval(duty: Duty) -> None:
    began = duty.flows.clock()
    duty.minutes(10, every=0.25)
    minutes = (duty.flows.clock() - began) / timedelta(minutes=1)
    assert minutes - 1 <= duty.watchers.beats <= minutes + 1


def no_round(duty: Duty) -> None:
    duty.flows.betterstack.refuses("open")


def no_disk(duty: Duty) -> None:
    duty.full = True


def a_dead_delivery(duty: Duty) -> None:
    duty.flows.signl4.answer = lambda _: REFUSED
    duty.flows.see("7")


def a_blocked_outbox(duty: Duty) -> None:
    duty.flows.signl4.answer = lambda _: OUTAGE
    duty.flows.see("7")


@pytest.mark.parametrize("happens", [no_round, no_disk, a_dead_delivery, a_blocked_outbox])
def test_no_heartbeat_while_something_is_wrong(duty: Duty, happens: Any) -> None:
    duty.minutes(2)
    happens(duty)
    duty.minutes(7)
    before = duty.watchers.beats
    duty.minutes(20)
    assert duty.watchers.beats == before


def test_a_watcher_that_is_gone_is_told_of_once_and_does_no_harm(duty: Duty) -> None:
    duty.watchers.missed = ["heartbeat.urls, number 1: HTTP 404"]
    duty.minutes(5)
    assert duty.flows.log.named("heartbeat failed") == [{"error": "heartbeat.urls, number 1: HTTP 404"}]
    duty.watchers.missed = []
    duty.minutes(2)
    assert len(duty.flows.log.named("heartbeats succeed again")) == 1


def test_alarms_go_to_the_team_that_is_named_and_end_where_they_were_raised(flows: Flows) -> None:
    night = {"signl4": {"teams": {"night": {"secret": "night1"}}}}
    flows.store.configure(["default", "night"])
    duty = Duty(flows, **night, alarm={"team": "night"})
    flows.betterstack.refuses("open")
    duty.minutes(6)
    later = Duty(flows, **night)
    flows.betterstack.refuses()
    later.minutes(1)
    assert flows.outbox("kind", "destination") == [("new", "night"), ("resolved", "night")]
