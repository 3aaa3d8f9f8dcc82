"""Replicas that lag: what they show, and how what was told under them is judged."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

import httpx
import pytest

from daemon.model.incident import Phase
from daemon.sandbox import lag
from daemon.sandbox.context import Context
from daemon.sandbox.exchange import Request
from daemon.sandbox.server import Sandbox
from daemon.sandbox.verdict import Flaw
from daemon.sandbox.world import NoSuchIncidentError, World
from tests.sandbox.conftest import client_of
from tests.sandbox.tale import Tale
from tests.support.clock import Clock
from tests.support.values import NOW

LIST, ONE = "/api/v3/incidents", "/api/v3/incidents/{}"


@pytest.fixture
def lagging(clock: Clock) -> Iterator[tuple[Sandbox, httpx.Client]]:
    with Sandbox(context=Context(now=clock)) as sandbox, client_of(sandbox) as client:
        yield sandbox, client


def asked(target: str) -> Request:
    return Request(NOW, "GET", target, {})


# -- the past ---------------------------------------------------------------------------------------------------------


def test_the_world_can_be_seen_as_it_was_at_each_moment(clock: Clock) -> None:
    world = World(Context(now=clock))
    phases: list[tuple[datetime, Phase | None]] = [(clock(), None)]

    def note(phase: Phase | None) -> None:
        phases.append((clock(), phase))
        clock.pass_(seconds=4)

    clock.pass_(seconds=1)
    incident_id = world.open("Shop")
    note(Phase.OPEN)
    world.acknowledge(incident_id)
    note(Phase.ACKNOWLEDGED)
    world.resolve(incident_id)
    note(Phase.RESOLVED)
    world.reopen(incident_id, keep_times=False)
    note(Phase.OPEN)
    world.delete(incident_id)
    note(None)
    for moment, phase in phases:
        assert [record.phase for record in world.records_as_of(moment)] == ([phase] if phase else [])
        if phase:
            assert world.record(incident_id, moment).phase is phase
        else:
            with pytest.raises(NoSuchIncidentError):
                world.record(incident_id, moment)


def test_of_the_past_a_minute_is_kept(clock: Clock) -> None:
    world = World(Context(now=clock))
    began = clock()
    clock.pass_(seconds=1)
    first = world.open("Shop")
    clock.pass_(seconds=61)
    world.open("API")
    assert [record.id for record in world.records_as_of(began)] == [first]


# -- what replicas show -----------------------------------------------------------------------------------------------


def test_lists_and_single_records_lag_apart(lagging: tuple[Sandbox, httpx.Client], clock: Clock) -> None:
    sandbox, client = lagging
    incident_id = sandbox.world.open("Shop")
    clock.pass_(seconds=3)
    sandbox.world.resolve(incident_id)
    clock.pass_(seconds=1)

    def shown() -> tuple[list[str], str]:
        listed = client.get(LIST, params={"resolved": "false"}).json()["data"]
        return [one["id"] for one in listed], client.get(ONE.format(incident_id)).json()["data"]["attributes"]["status"]

    sandbox.betterstack.age = lag.apart(open_list=timedelta(seconds=2))
    assert shown() == ([incident_id], "Resolved")
    sandbox.betterstack.age = lag.apart(lookups=timedelta(seconds=2))
    assert shown() == ([], "Started")
    sandbox.betterstack.age = lag.no_lag
    assert shown() == ([], "Resolved")


def test_a_replica_that_has_not_heard_of_an_incident_says_so(
    lagging: tuple[Sandbox, httpx.Client], clock: Clock
) -> None:
    sandbox, client = lagging
    clock.pass_(seconds=1)
    incident_id = sandbox.world.open("Shop")
    sandbox.betterstack.age = lag.apart(lookups=timedelta(seconds=1))
    assert client.get(ONE.format(incident_id)).status_code == 404
    clock.pass_(seconds=1)
    assert client.get(ONE.format(incident_id)).status_code == 200


def test_what_a_replica_showed_is_noted_as_the_old_news_it_is(
    lagging: tuple[Sandbox, httpx.Client], clock: Clock
) -> None:
    sandbox, client = lagging
    incident_id = sandbox.world.open("Shop")
    clock.pass_(seconds=1)
    sandbox.world.resolve(incident_id)
    sandbox.betterstack.age = lag.apart(sweep=timedelta(seconds=1))
    for _ in range(3):
        client.get(LIST)
        client.get(ONE.format(incident_id))
        clock.pass_(seconds=0.3)
    # What was shown is noted once it was sent, so the client can be there first.
    sandbox.wait_for(lambda: sum(showing.times for showing in sandbox.world.showings) == 6, what="the last note")
    seen = {showing.phase: (showing.times, showing.span) for showing in sandbox.world.showings}
    assert seen == {Phase.OPEN: (3, timedelta(seconds=0.6)), Phase.RESOLVED: (3, timedelta(seconds=0.6))}


def test_a_lag_that_sets_in_shows_nothing_from_before_it() -> None:
    setting_in = lag.setting_in(lag.apart(lookups=timedelta(seconds=4)), NOW)
    ages = [
        setting_in(Request(NOW + timedelta(seconds=after), "GET", ONE.format("7"), {})) for after in (-1, 0, 1, 3, 4, 9)
    ]
    assert ages == [timedelta(seconds=age) for age in (0, 0, 1, 3, 4, 4)]


def test_a_share_of_the_requests_is_answered_from_between_two_ages() -> None:
    ages = list(map(lag.now_and_then(0.05, Random(1)), [asked(LIST)] * 10_000))
    late = [age for age in ages if age]
    assert 400 < len(late) < 600
    assert timedelta(seconds=0.5) <= min(late) < timedelta(seconds=0.6)
    assert timedelta(seconds=5.9) < max(late) <= timedelta(seconds=6)


# -- the verdict ------------------------------------------------------------------------------------------------------

RIGHT = [
    # shown alive when it was over
    "start open cut resolve stale NEW show RES",
    "start open show NEW cut resolve show RES stale show",
    "start open show NEW cut ack show ACK stale show resolve show RES stale",
    "open cut resolve start stale show",
    "open cut resolve start stale NEW show RES",
    # reopened, and shown the life before
    "start open show NEW resolve cut show RES reopen show NEW stale show",
    "start open show NEW ack cut show ACK resolve show RES reopen show NEW stale show",
    "start open show NEW resolve cut reopen show RES NEW stale",
    # reopened without a trace: the end of the life before is shown late, and may count or not
    "start open show NEW resolve cut afresh show stale show",
    "start open show NEW resolve cut afresh show stale RES show show NEW",
    "start open show NEW resolve cut afresh resolve show RES stale",
    # after an acknowledgement the next life shows, traceless or not
    "start open show NEW ack show ACK resolve afresh show show RES NEW",
    "start open show NEW ack show ACK resolve afresh resolve show RES",
    "start open show NEW ack show ACK resolve afresh show resolve show RES",
    "start open show NEW ack show ACK resolve afresh show resolve show RES NEW RES",
    # whose end comes before its second look: either is right
    "start open show NEW resolve show RES afresh show resolve show",
    "start open show NEW resolve show RES afresh show resolve show NEW RES",
    # an acknowledgement that was shown when the next life had been
    "start open show NEW ack cut resolve afresh show stale ACK show RES NEW",
    "start open show NEW ack cut resolve afresh show stale show",
    # unconfirmed, shown as such when its end was known
    "start unconfirmed cut resolve show NEW RES stale",
]


@pytest.mark.parametrize("tale", RIGHT)
def test_what_nobody_can_know_better_is_right(tale: str) -> None:
    verdict = Tale().tell(tale).verdict()
    assert [finding.why for case in verdict.cases for finding in case.findings] == []
    assert (verdict.bogus_news, verdict.false_ends) == (0, 0)


LOOKS = " ".join(["show"] * 10)
LIES = [
    # told again for one life, because a replica had not heard of its end
    ("start open show NEW cut resolve show RES stale NEW", 1, 0),
    ("start open show NEW cut resolve show RES stale NEW show RES", 1, 1),
    ("start open show NEW cut ack show ACK stale RES NEW show ACK", 1, 1),
    # told to be over, because a replica had not heard of the reopening
    ("start open show NEW resolve cut show RES reopen show NEW stale RES", 0, 1),
    ("start open show NEW resolve cut show RES reopen show NEW stale RES show NEW", 1, 1),
    ("start open show NEW resolve cut show RES reopen show NEW stale RES show NEW resolve show RES", 1, 1),
    ("start open show NEW resolve show RES cut afresh show show NEW stale RES", 0, 1),
    # told too early, or of what never was
    ("start open show NEW RES resolve", 0, 1),
    ("start open show NEW RES", 0, 1),
    ("start unconfirmed show NEW", 1, 0),
    ("open resolve start show NEW RES", 1, 1),
    ("start open show NEW resolve afresh show RES NEW", 1, 1),
    # neither
    ("start open show NEW NEW resolve show RES RES", 0, 0),
    ("start open show NEW ack show ACK resolve show", 0, 0),
    ("start open resolve show RES NEW", 0, 0),
]


@pytest.mark.parametrize(("tale", "bogus_news", "false_ends"), LIES)
def test_what_was_not_so_when_it_was_told_is_a_lie(tale: str, bogus_news: int, false_ends: int) -> None:
    verdict = Tale().tell(tale).verdict()
    assert (verdict.bogus_news, verdict.false_ends) == (bogus_news, false_ends)


@pytest.mark.parametrize(
    "tale",
    [
        "start open show NEW resolve show RES afresh show",
        "start open show NEW resolve show RES reopen show resolve show",
        f"start open show NEW resolve show RES afresh {LOOKS} resolve show",
        "start open show NEW ack show ACK resolve afresh show",
        f"start open show NEW ack show ACK resolve afresh {LOOKS} resolve show RES",
        "start open cut resolve stale show",
    ],
)
def test_what_was_shown_long_enough_is_lost_if_it_was_not_told(tale: str) -> None:
    assert Tale().tell(tale).verdict().count(Flaw.LOST) > 0


def test_an_event_of_no_incident_is_a_lie() -> None:
    tale = Tale().tell("start open show NEW")
    tale.world._history.clear()
    assert tale.verdict().bogus_news == 1
