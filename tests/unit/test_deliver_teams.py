"""Two teams on one outbox: each is told in its own order, and what happens at one holds up no other."""

from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import Engine

from daemon.deliver import Deliver
from daemon.limiter import Limiter
from daemon.model.delivery import Answer, Delivered, RateLimit
from daemon.model.destination import DEFAULT, Destination
from daemon.model.incident import Kind
from daemon.model.routing import Routing
from daemon.model.snapshot import RefusedSecret
from daemon.outcome_log import naming
from daemon.pager import Pager
from daemon.storage import queries
from daemon.storage.incidents import Message
from tests.support.clock import Clock
from tests.support.fakes import ACCEPTED, OUTAGE, WRONG_SECRET, FakeSignl4, due_list
from tests.support.kept_log import KeptLog
from tests.support.outbox import NEW, RESOLVED, change
from tests.support.store import Store
from tests.support.values import settings

ACCOUNT = "https://signl4.example.com"
BOTH = (DEFAULT, "night")


class Teams:
    """The deliveries to two teams, on one database, under one limit, with a clock by hand."""

    def __init__(self, engine: Engine, clock: Clock, log: KeptLog) -> None:
        self.engine, self.clock, self.log = engine, clock, log
        self.signl4 = {team: FakeSignl4(clock) for team in BOTH}
        self.limiter = Limiter()
        self.stores = {team: Store(engine, Destination(team, ACCOUNT)) for team in BOTH}
        self.stores[DEFAULT].configure(BOTH)
        self.senders = {team: self._sender(team) for team in BOTH}

    def _sender(self, team: str) -> Deliver:
        return Deliver(
            Pager(self.signl4[team]),
            self.stores[team],
            due_list(self.stores[team], settings(), self.clock, self.log),
            settings().delivery,
            clock=self.clock,
            rng=Random(1),
            wait=lambda _: False,
            log=naming(team, self.log),
            limiter=self.limiter,
            team=team,
        )

    def tell(self, incident_id: str, *kinds: Kind, teams: tuple[str, ...] = BOTH) -> None:
        """Records an incident with transitions of these kinds for these teams."""
        whole = change(incident_id, *kinds, routing=Routing.to(*teams))
        said = tuple(Message(one.transition, one.payload, team) for one in whole.messages for team in teams)
        self.stores[DEFAULT].record([type(whole)(whole.after, said)], self.clock())

    def drain(self, *teams: str) -> None:
        for team in teams or BOTH:
            self.senders[team].drain()

    def told(self) -> dict[str, list[tuple[str, str]]]:
        return {team: self.signl4[team].told for team in BOTH}


@pytest.fixture
def teams(engine: Engine, clock: Clock, log: KeptLog) -> Teams:
    return Teams(engine, clock, log)


def test_each_team_that_is_told_gets_everything_once_and_in_order(teams: Teams) -> None:
    teams.tell("1", NEW)
    teams.drain()
    teams.clock.pass_(minutes=1)
    teams.tell("1", NEW, RESOLVED)
    teams.drain()
    assert teams.told() == {team: [("1", "new"), ("1", "resolved")] for team in BOTH}


def test_who_was_not_told_hears_nothing(teams: Teams) -> None:
    teams.tell("1", NEW, teams=("night",))
    teams.tell("2", NEW, teams=(DEFAULT,))
    teams.drain()
    assert teams.told() == {DEFAULT: [("2", "new")], "night": [("1", "new")]}


@pytest.mark.parametrize("fault", [WRONG_SECRET, OUTAGE], ids=["a wrong secret", "an outage"])
def test_what_happens_at_one_team_holds_up_no_other(teams: Teams, fault: Answer) -> None:
    teams.signl4["night"].answer = lambda _: fault
    for number in range(6):
        teams.tell(str(number), NEW)
    teams.drain()
    teams.clock.pass_(seconds=30)
    for number in range(6):
        teams.tell(str(number), RESOLVED)
    teams.drain()
    assert len(teams.told()[DEFAULT]) == 12
    assert {kind for _, kind in teams.told()["night"]} == {"new"}
    teams.signl4["night"].answer = lambda _: ACCEPTED
    for _ in range(20):
        teams.clock.pass_(minutes=1)
        teams.drain()
    accepted = [told for told in teams.told()["night"] if told[1] == "resolved"]
    assert len(accepted) == 6


def test_a_refused_secret_is_that_of_its_team_in_status_and_in_the_log(teams: Teams) -> None:
    teams.signl4["night"].answer = lambda _: WRONG_SECRET
    teams.tell("1", NEW)
    teams.drain()
    [refused] = queries.snapshot(teams.engine).refused
    assert refused == RefusedSecret("night", teams.clock(), "SIGNL4 answered HTTP 404")
    told = {name: fields.get("team") for _, name, fields in teams.log.events}
    assert told == {"delivered": None, "not delivered yet": "night"}


def test_what_waits_for_a_team_that_is_no_longer_configured_is_kept_and_told_of(teams: Teams) -> None:
    teams.tell("1", NEW)
    teams.drain(DEFAULT)
    teams.stores[DEFAULT].configure([DEFAULT])
    snapshot = queries.snapshot(teams.engine)
    assert (list(snapshot.strays), snapshot.pending_deliveries) == (["night"], 1)
    teams.stores[DEFAULT].configure(BOTH)
    assert queries.snapshot(teams.engine).strays == {}
    teams.drain()
    assert teams.told()["night"] == [("1", "new")]


def test_a_secret_of_a_team_that_is_gone_is_no_problem(teams: Teams) -> None:
    teams.signl4["night"].answer = lambda _: WRONG_SECRET
    teams.tell("1", NEW)
    teams.drain()
    teams.stores[DEFAULT].configure([DEFAULT])
    assert queries.snapshot(teams.engine).refused == ()


def test_under_a_limit_an_alert_of_one_team_goes_before_an_end_of_another(teams: Teams) -> None:
    """The free plan takes ten in fifteen seconds; here another program has used nine of them."""
    said = RateLimit(10, 1, timedelta(seconds=15))
    teams.tell("1", NEW, teams=(DEFAULT,))
    teams.drain()
    teams.tell("2", NEW, teams=("night",))
    teams.drain()
    teams.clock.pass_(seconds=30)
    teams.limiter.answered(Answer(Delivered(None), rate_limit=said), 0, teams.clock(), sent_at=teams.clock())
    teams.tell("1", RESOLVED, teams=(DEFAULT,))
    teams.tell("3", NEW, teams=("night",))
    teams.limiter.wants(1, 0, teams.clock(), "night")
    teams.drain(DEFAULT)
    assert teams.told()[DEFAULT] == [("1", "new")]
    teams.drain("night")
    assert teams.told()["night"] == [("2", "new"), ("3", "new")]
    teams.clock.pass_(seconds=20)
    teams.drain()
    assert teams.told()[DEFAULT] == [("1", "new"), ("1", "resolved")]
