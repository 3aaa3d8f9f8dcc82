"""Rounds of several accounts on one database: each knows its own incidents, and nobody is paged twice."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from daemon.model.errors import BetterStackError, TokenSuspectError
from daemon.model.incident import Phase
from daemon.model.polling import Polling
from daemon.storage import queries
from daemon.storage.incidents import Change, Incidents
from tests.support.accounts import Accounts
from tests.support.clock import Clock
from tests.support.kept_log import KeptLog
from tests.support.outbox import NEW, RESOLVED, change, rows
from tests.support.values import NOW

TWICE = "incident seen in two accounts"


@pytest.fixture
def accounts(engine: Engine, clock: Clock, log: KeptLog) -> Accounts:
    accounts = Accounts(engine, clock, log)
    accounts.configure("", "acme", "globex")
    return accounts


def tracker(accounts: Accounts, incident_id: str) -> str:
    return queries.tracker_of(accounts.engine, incident_id)


def test_an_incident_that_another_account_tracks_is_not_missed_by_the_rounds_of_the_others(accounts: Accounts) -> None:
    accounts.of["acme"].see("1")
    accounts.of["globex"].see("2")
    for _ in range(3):
        for account in accounts.of.values():
            account.poll.round(sweep=True)
    assert accounts.told() == [("1", NEW), ("2", NEW)]
    assert accounts.of["globex"].betterstack.asked_for("lookup") == []
    assert [tracker(accounts, one) for one in ("1", "2")] == ["acme", "globex"]


def test_what_two_accounts_show_is_told_once_and_that_is_said_once(accounts: Accounts, log: KeptLog) -> None:
    for name in ("acme", "globex"):
        accounts.of[name].see("1", "2")
    accounts.of["globex"].see("1", "2", status="Resolved", resolved_at=NOW)
    assert sorted(accounts.told()) == [("1", NEW), ("2", NEW)], "globex does not say what becomes of them"
    assert [{"tracked_by": one["tracked_by"]} for one in log.named(TWICE)] == [{"tracked_by": "source.acme"}]
    accounts.of["acme"].see("1", "2", status="Resolved", resolved_at=NOW)
    assert sorted(accounts.told()) == [("1", NEW), ("1", RESOLVED), ("2", NEW), ("2", RESOLVED)]


def test_what_another_account_recorded_in_the_same_moment_stays_its_own(accounts: Accounts) -> None:
    """Both have read it as new: the later commit leaves it out, and with it whom it would tell."""
    mine, other = accounts.of["acme"].incidents, accounts.of["globex"].incidents
    first, second = (Change(one.after.tracked_by(name), one.messages) for name, one in _same("acme", "globex"))
    assert mine.record([first], NOW) == [first]
    assert other.record([second], NOW) == []
    assert (tracker(accounts, "1"), len(rows(accounts.engine))) == ("acme", 1)


def _same(*names: str) -> list[tuple[str, Change]]:
    return [(name, change("1", NEW)) for name in names]


def test_a_page_of_what_another_account_tracks_is_read_again(accounts: Accounts) -> None:
    """It may become that of this one any time, when the other is left out."""
    for _ in range(3):
        for name in ("acme", "globex"):
            accounts.of[name].see("1")
    assert accounts.of["globex"].betterstack.known_pages == {}
    assert len(accounts.of["acme"].betterstack.known_pages) > 0


def test_an_incident_of_an_account_that_is_left_out_is_not_over_and_the_next_that_shows_it_takes_it_over(
    accounts: Accounts, log: KeptLog
) -> None:
    accounts.of["acme"].see("1")
    shown = accounts.of["acme"].betterstack.incidents
    accounts.configure("globex")
    accounts.of["globex"].see()
    [left] = queries.snapshot(accounts.engine).untracked
    assert (left.section, left.ids) == ("source.acme", ("1",))
    assert accounts.told() == [("1", NEW)]
    accounts.of["globex"].betterstack.incidents |= shown
    accounts.of["globex"].see()
    assert (tracker(accounts, "1"), queries.snapshot(accounts.engine).untracked) == ("globex", ())
    accounts.of["globex"].see("1", status="Resolved", resolved_at=NOW)
    assert accounts.told() == [("1", NEW), ("1", RESOLVED)]
    assert log.named(TWICE) == []


def test_what_no_list_shows_any_more_is_looked_up_by_the_others(accounts: Accounts) -> None:
    """An account was renamed, and the incident ended meanwhile, long after it began."""
    accounts.of["acme"].see("1", started_at=NOW - timedelta(days=9))
    accounts.configure("globex", "initech")
    accounts.of["initech"].see()
    assert accounts.of["initech"].betterstack.asked_for("lookup") == ["lookup 1"]
    accounts.of["globex"].betterstack.hidden.add("1")
    accounts.of["globex"].see("1", started_at=NOW - timedelta(days=9), status="Resolved", resolved_at=NOW)
    assert accounts.told() == [("1", NEW), ("1", RESOLVED)]
    assert tracker(accounts, "1") == "globex"


def test_that_it_cannot_be_looked_up_fails_no_round(accounts: Accounts) -> None:
    accounts.of["acme"].see("1")
    accounts.configure("globex")
    accounts.of["globex"].betterstack.refuses("lookup")
    accounts.of["globex"].see()
    [globex] = queries.snapshot(accounts.engine).named
    assert globex.last_complete_round_at == accounts.clock()


def test_a_first_round_of_a_new_account_is_a_first_start(accounts: Accounts) -> None:
    accounts.of[""].see("1")
    accounts.of["acme"].see("2", status="Resolved", resolved_at=NOW)
    assert accounts.told() == [("1", NEW)]
    accounts.of[""].see("3", status="Resolved", resolved_at=NOW)
    assert accounts.told() == [("1", NEW), ("3", NEW), ("3", RESOLVED)]


def test_a_failed_round_is_that_of_one_account(accounts: Accounts) -> None:
    accounts.of["globex"].see()
    accounts.of["acme"].betterstack.refuses("open")
    with pytest.raises(BetterStackError):
        accounts.of["acme"].poll.round(sweep=False)
    snapshot = queries.snapshot(accounts.engine)
    assert [(one.polled_from, one.last_round_error) for one in snapshot.polled] == [
        ("", None),
        ("acme", "open 1 failed"),
        ("globex", None),
    ]
    assert [one.polled_from for one in queries.snapshot(accounts.engine, ailing_only=True).named] == ["acme"]


def test_a_token_of_another_team_is_suspected_in_its_account_alone(accounts: Accounts) -> None:
    accounts.of["acme"].see("1", "2", "3")
    accounts.of["globex"].see("4")
    accounts.of["acme"].betterstack.incidents.clear()
    with pytest.raises(TokenSuspectError) as caught:
        accounts.of["acme"].poll.round(sweep=False)
    assert "as if source.acme.token were another team's" in str(caught.value)
    accounts.of["globex"].poll.round(sweep=False)
    found = {one.polled_from: one.token_suspect_since for one in queries.snapshot(accounts.engine).named}
    assert found == {"acme": accounts.clock(), "globex": None}


def test_a_record_that_cannot_be_read_is_set_aside_in_its_account(accounts: Accounts) -> None:
    accounts.of["acme"].see("1")
    accounts.of["globex"].see("2")
    accounts.of["acme"].betterstack.poisoned.add("1")
    accounts.of["acme"].poll.round(sweep=False)
    accounts.of["globex"].poll.round(sweep=False)
    assert [one.id for one in queries.snapshot(accounts.engine).unreadable] == ["1"]
    assert accounts.of["globex"].incidents.begin_round().set_aside == {}


def test_the_team_of_the_account_is_told_where_no_route_matches(accounts: Accounts) -> None:
    route = [{"name": "shop", "match": {"name": "Shop*"}, "teams": ["day"]}]
    teams = {"secret": "96sbq49u", "teams": {"day": {"secret": "of-the-day"}, "night": {"secret": "of-the-night"}}}
    accounts.configure("acme", source={"acme": {"team": "night"}}, signl4=teams, route=route)
    accounts.of["acme"].see("1", name="Shop front page")
    accounts.of["acme"].see("2", name="Mail")
    assert {one: row.destination for (one, _, _), row in rows(accounts.engine).items()} == {"1": "day", "2": "night"}
    accounts.configure("acme", source={"acme": {"team": "night"}}, signl4=teams)
    accounts.of["acme"].see("3", name="Shop front page")
    assert rows(accounts.engine)["3", 1, NEW].destination == "night"


def test_the_same_name_in_two_accounts_flaps_by_itself(accounts: Accounts) -> None:
    flap = [{"name": "all", "flap": {"count": 2, "within": "1h"}}]
    accounts.configure("acme", "globex", route=flap)
    accounts.of["acme"].see("1", name="Shop")
    accounts.of["globex"].see("2", name="Shop")
    assert accounts.told() == [("1", NEW), ("2", NEW)]
    accounts.of["acme"].see("3", name="Shop")
    [flaps] = [one for one, _ in accounts.told() if one.startswith("betterstack-signl4-flap-")]
    assert tracker(accounts, flaps) == "acme"
    accounts.pass_(hours=2)
    accounts.of["globex"].see()
    assert (flaps, RESOLVED) not in accounts.told(), "that is for acme to say"
    accounts.configure("globex", route=flap)
    accounts.of["globex"].see()
    assert (flaps, RESOLVED) in accounts.told(), "once it is left out, anybody may"


def test_what_is_known_of_an_account_stays_while_it_is_left_out(accounts: Accounts) -> None:
    accounts.of["acme"].see("1")
    polled_at = accounts.clock()
    accounts.configure("", "globex")
    assert [one.polled_from for one in queries.snapshot(accounts.engine).polled] == ["", "globex"]
    accounts.pass_(minutes=5)
    accounts.configure("acme", source={"acme": {"interval": "1m"}})
    acme = Polling("acme", interval=timedelta(minutes=1), last_complete_round_at=polled_at, ahead=timedelta(0))
    assert queries.snapshot(accounts.engine).polled == (acme,)
    assert queries.snapshot(accounts.engine).open_incidents == 1
    assert Incidents(accounts.engine, "acme").known(["1"])["1"].phase is Phase.OPEN
