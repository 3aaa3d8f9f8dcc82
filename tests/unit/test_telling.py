"""Who is told of an incident, and what: the routes of the configuration, through both flows."""

from typing import Any

import pytest
from sqlalchemy import Engine, select

from daemon.model.incident import Phase
from daemon.storage.schema import DELIVERIES, HISTORY
from tests.support.clock import Clock
from tests.support.fakes import Flows
from tests.support.kept_log import KeptLog
from tests.support.store import Store
from tests.support.values import NOW, ago

TEAMS: dict[str, Any] = {"signl4": {"teams": {"night": {"secret": "night1"}, "db": {"secret": "db1"}}}}
DATABASES = {"name": "databases", "match": {"name": "db-*"}, "teams": ["db"]}


class Told(Flows):
    """Without deliveries: what is in the outbox is what is told."""

    def by(self, *routes: dict[str, Any], **sections: Any) -> None:
        """These routes are in force from now on, as after a reload."""
        self.configure(route=list(routes), **TEAMS, **sections)

    def heard(self, *columns: str) -> list[tuple[Any, ...]]:
        """Team and kind of each message, and these columns."""
        return self.outbox("destination", "kind", *columns)

    def bodies(self) -> list[dict[str, Any]]:
        with self.engine.connect() as connection:
            return list(connection.execute(select(DELIVERIES.c.payload).order_by(DELIVERIES.c.id)).scalars())

    def reasons(self) -> list[str]:
        with self.engine.connect() as connection:
            return list(connection.execute(select(HISTORY.c.why).order_by(HISTORY.c.id)).scalars())


@pytest.fixture
def flows(engine: Engine, clock: Clock, log: KeptLog, store: Store) -> Told:
    store.configure(["default", "night", "db"])
    return Told(engine, clock, log, store)


def test_the_first_route_that_matches_decides(flows: Told) -> None:
    flows.by(DATABASES, {"teams": ["night"]})
    flows.see("1", name="db-2 disk")
    flows.see("2", name="Shop front page")
    assert flows.heard("incident_id") == [("db", "new", "1"), ("night", "new", "2")]


def test_with_continue_the_next_one_counts_too_and_each_team_is_told_once(flows: Told) -> None:
    flows.by(
        {**DATABASES, "continue": True, "payload": {"new": {"From": "first"}}},
        {"match": {"cause": "Status *"}, "teams": ["night", "db"], "payload": {"new": {"From": "second"}}},
        {"teams": ["default"]},
    )
    flows.see("1", name="db-2 disk")
    assert flows.heard() == [("db", "new"), ("night", "new")]
    assert [body["From"] for body in flows.bodies()] == ["first", "second"]
    assert [one.team for one in flows.recorded("1").recipients] == ["db", "night"]


def test_what_no_route_matches_goes_to_default(flows: Told) -> None:
    flows.by(DATABASES)
    flows.see("1", name="Shop front page")
    assert flows.heard() == [("default", "new")]
    assert flows.reasons() == [
        "no route matches, so team default is told",
        'route "databases" does not match: name is "Shop front page", not "db-*"',
    ]


def test_whoever_got_the_new_gets_the_rest_whatever_the_rules_say_by_then(flows: Told) -> None:
    flows.by(DATABASES)
    flows.see("1", name="db-2 disk")
    flows.by({"teams": ["night"]})
    flows.see("1", name="db-2 disk", status="Acknowledged", acknowledged_at=NOW)
    flows.see("1", name="db-2 disk", status="Resolved", resolved_at=NOW)
    assert flows.heard() == [("db", "new"), ("db", "acknowledged"), ("db", "resolved")]


def test_what_opens_again_is_decided_anew_and_its_earlier_end_goes_where_it_began(flows: Told) -> None:
    flows.by(DATABASES)
    flows.see("1", name="db-2 disk")
    flows.by({"teams": ["night"]})
    flows.see("1", name="db-2 disk", reopened_at=ago(minutes=1), resolved_at=ago(minutes=2))
    assert flows.heard("generation") == [("db", "new", 1), ("db", "resolved", 1), ("night", "new", 2)]
    flows.see("1", name="db-2 disk", status="Resolved", reopened_at=ago(minutes=1), resolved_at=NOW)
    assert flows.heard()[-1] == ("night", "resolved")


def test_a_deleted_one_ends_where_it_began(flows: Told) -> None:
    flows.by(DATABASES, poll={"gone_after": "1s"})
    flows.see("1", name="db-2 disk")
    flows.by({"teams": ["night"]}, poll={"gone_after": "1s"})
    flows.betterstack.had("1")
    flows.round()
    flows.clock.pass_(minutes=2)
    flows.round()
    assert flows.heard() == [("db", "new"), ("db", "resolved")]


@pytest.mark.parametrize("action", ["record", "ignore"])
def test_nobody_is_told_of_what_a_route_records_or_ignores(flows: Told, action: str) -> None:
    flows.by({"match": {"name": "test-*"}, "action": action})
    flows.see("1", name="test-1")
    flows.see("1", name="test-1", status="Resolved", resolved_at=NOW)
    assert flows.heard() == []
    assert flows.phases() == ({"1": Phase.RESOLVED} if action == "record" else {})


def test_what_is_recorded_says_why_nobody_was_told(flows: Told) -> None:
    flows.by({"name": "tests", "match": {"name": "test-*"}, "action": "record"})
    flows.see("1", name="test-1")
    assert flows.recorded("1").silent_because == 'route "tests" has action = "record"'
    assert flows.reasons() == ['route "tests" matches']
    flows.by()
    flows.round()
    assert flows.heard() == [], "the decision is kept, whatever the rules say by then"


def test_what_is_ignored_is_decided_anew_at_each_look(flows: Told) -> None:
    """Its page is read again although it has not changed: the rules may depend on the time."""
    at_work = {"times": "09:00-10:00", "zone": "UTC"}
    flows.by({"match": at_work, "action": "ignore"})
    flows.see("1")
    flows.round()
    assert flows.betterstack.unread == 0
    flows.clock.pass_(hours=1)
    flows.round()
    assert flows.heard() == [("default", "new")]


def test_an_ignored_one_that_was_told_before_it_opened_again_is_recorded(flows: Told) -> None:
    flows.see("1", name="test-1")
    flows.by({"match": {"name": "test-*"}, "action": "ignore"})
    flows.see("1", name="test-1", reopened_at=ago(minutes=1), resolved_at=ago(minutes=2))
    assert flows.heard("generation") == [("default", "new", 1), ("default", "resolved", 1)]
    assert flows.recorded("1").generation == 2


ACKNOWLEDGED: list[tuple[bool, bool | None, bool]] = [
    (True, None, True),
    (True, False, False),
    (False, None, False),
    (False, True, True),
]


@pytest.mark.parametrize(("everywhere", "by_route", "told"), ACKNOWLEDGED)
def test_a_route_says_whether_its_teams_hear_of_acknowledgements(
    flows: Told, everywhere: bool, by_route: bool | None, told: bool
) -> None:
    route = {"match": {"name": "db-*"}} | ({} if by_route is None else {"acknowledged": by_route})
    flows.by(route, delivery={"acknowledged": everywhere})
    flows.see("1", name="db-2 disk")
    flows.see("1", name="db-2 disk", status="Acknowledged", acknowledged_at=NOW)
    assert [kind for _, kind in flows.heard()] == ["new", *["acknowledged"] * told]
    flows.see("2", name="web", status="Acknowledged", acknowledged_at=NOW)
    assert (("default", "acknowledged", "2") in flows.heard("incident_id")) is everywhere


def test_the_fields_of_a_route_take_the_place_of_those_of_the_template(flows: Told) -> None:
    flows.by(
        {
            "payload": {"new": {"title": "$NAME!", "URL": "", "Runbook": "$INCIDENT_ID"}, "resolved": {"Text": "over"}},
            "scenario": "emergency",
        }
    )
    flows.see("1")
    flows.see("1", status="Resolved", resolved_at=NOW)
    opened, over = flows.bodies()
    assert opened["title"] == "Shop front page!"
    assert "Title" not in opened
    assert "URL" not in opened
    assert (opened["Runbook"], opened["X-S4-AlertingScenario"]) == ("1", "emergency")
    assert (over["Text"], "X-S4-AlertingScenario" in over) == ("over", False)


@pytest.mark.parametrize(
    ("first", "matched", "more"),
    [
        ({"name": "all", "match": {"name": "web"}}, [], 21),
        ({"name": "all", "continue": True}, ["all"], 20),
    ],
)
def test_a_long_list_of_routes_is_explained_in_a_few_sentences(
    flows: Told, first: dict[str, Any], matched: list[str], more: int
) -> None:
    flows.by(first, *({"match": {"name": f"host-{number}"}} for number in range(30)), {"name": "rest"})
    flows.see("1")
    matches = [f'route "{name}" matches' for name in (*matched, "rest")]
    said = flows.reasons()
    assert said[: len(matches)] == matches
    missed = said[len(matches) : -1]
    assert (len(missed), said[-1]) == (10, f"nor do {more} more routes")
    assert all(' does not match: name is "Shop front page", not "' in sentence for sentence in missed)


def test_where_no_route_matches_all_are_explained(flows: Told) -> None:
    flows.by(*({"match": {"name": f"host-{number}"}} for number in range(10)))
    flows.see("1")
    said = flows.reasons()
    assert said[0] == "no route matches, so team default is told"
    assert said[-1] == 'route "10" does not match: name is "Shop front page", not "host-9"'
    assert len(said) == 11


def test_a_route_for_other_times_says_so(flows: Told) -> None:
    flows.by({"name": "nights", "match": {"times": ["22:00-06:00", "Sat"], "zone": "UTC"}})
    flows.see("1")
    assert flows.reasons()[1] == 'route "nights" does not match: the time is not within 22:00-06:00, Sat (UTC)'
