"""A change of the token: until it has shown a record that was known before, what is missing is no deletion."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from daemon.decisions.suspicion import Token, suspect_since
from daemon.model.errors import TokenSuspectError
from daemon.storage.engine import transaction
from tests.support.clock import Clock
from tests.support.fakes import Flows
from tests.support.kept_log import KeptLog
from tests.support.store import Store
from tests.support.values import NOW, ago, started

OTHER = {"token": "another-token-of-better-stack"}


@pytest.fixture
def flows(engine: Engine, clock: Clock, log: KeptLog, store: Store) -> Flows:
    return Flows(engine, clock, log, store)


def given_open(flows: Flows, *incident_ids: str) -> None:
    flows.see(*incident_ids)
    flows.clock.pass_(minutes=5)
    flows.round(sweep=True)


def over(flows: Flows) -> list[str]:
    return sorted(incident_id for incident_id, phase in flows.phases().items() if phase == "resolved")


def suspected(flows: Flows, *, minutes: int) -> None:
    """So long each round says that the token is suspect."""
    for _ in range(minutes):
        with pytest.raises(TokenSuspectError, match="the token is another one than before"):
            flows.round(sweep=True)
        flows.clock.pass_(minutes=1)


@pytest.mark.parametrize(
    ("tracked", "theirs", "passes"),
    [
        *((["7"], [], True), (["7"], ["900"], False), (["7", "8"], [], False)),
        *((["7", "8"], ["900", "901", "902"], True), (["6", "7", "8", "9"], ["900"], True)),
        (["6", "7", "8", "9"], ["900", "901", "902"], False),
    ],
)
def test_another_teams_token_resolves_nothing_for_an_hour(
    flows: Flows, tracked: list[str], theirs: list[str], passes: bool
) -> None:
    """Whatever it shows of its own, in the first round or later."""
    given_open(flows, *tracked)
    flows.configure(betterstack=OTHER)
    flows.clock.pass_(minutes=passes)
    flows.betterstack.incidents.clear()
    for incident_id in theirs:
        flows.betterstack.has(incident_id)
    suspected(flows, minutes=60)
    assert over(flows) == []
    flows.configure(betterstack=OTHER)
    flows.clock.pass_(minutes=1)
    for _ in range(2):
        flows.round(sweep=True)
        flows.clock.pass_(minutes=2)
    assert over(flows) == tracked, "after an hour the deletions are believed"


def test_the_right_one_again_ends_it(flows: Flows) -> None:
    given_open(flows, "7")
    ours = dict(flows.betterstack.incidents)
    flows.configure(betterstack=OTHER)
    flows.betterstack.incidents = {}
    flows.betterstack.has("900")
    suspected(flows, minutes=5)
    flows.configure()
    flows.betterstack.incidents = ours
    flows.round(sweep=True)
    assert flows.store.progress().token_suspect_since is None
    assert flows.phases()["7"] == "open"


@pytest.mark.parametrize("known", ["one that is open", "one that is over"])
def test_a_known_record_proves_a_new_one(flows: Flows, known: str) -> None:
    given_open(flows, "7", "8")
    if known == "one that is over":
        flows.see("8", status="Resolved", resolved_at=flows.clock())
    flows.configure(betterstack=OTHER)
    flows.betterstack.had("7")
    for _ in range(2):
        flows.clock.pass_(minutes=1)
        flows.round(sweep=True)
    assert "7" in over(flows)


def test_a_known_record_that_comes_later_ends_the_suspicion(flows: Flows) -> None:
    given_open(flows, "7", "8")
    flows.configure(betterstack=OTHER)
    flows.betterstack.had("7")
    flows.betterstack.poisoned = {"8"}
    suspected(flows, minutes=3)
    flows.betterstack.poisoned = set()
    flows.round()
    flows.clock.pass_(minutes=2)
    flows.round()
    assert over(flows) == ["7"]


def test_what_was_first_seen_with_it_proves_nothing(flows: Flows) -> None:
    """One of the other team opens while ours cannot be read; by the time ours are missing, it is known."""
    given_open(flows, "7")
    flows.configure(betterstack=OTHER)
    flows.betterstack.incidents.clear()
    flows.betterstack.refuses("lookup 7")
    for _ in range(3):
        flows.see("900")
        flows.clock.pass_(minutes=6)
    flows.betterstack.refuses()
    suspected(flows, minutes=10)
    assert over(flows) == []


@pytest.mark.parametrize("count", [1, 2])
def test_a_database_of_before_that_knows_no_token_takes_it_for_a_new_one(
    flows: Flows, engine: Engine, count: int
) -> None:
    given_open(flows, *"78"[:count])
    with transaction(engine, writes=True) as connection:
        connection.exec_driver_sql("UPDATE progress SET token_fingerprint = NULL")
    flows.betterstack.incidents.clear()
    suspected(flows, minutes=3)
    assert over(flows) == []


def test_where_nothing_was_open_there_is_nothing_to_suspect(flows: Flows) -> None:
    flows.round()
    flows.configure(betterstack=OTHER)
    flows.see("7")
    flows.betterstack.had("7")
    for _ in range(2):
        flows.clock.pass_(minutes=1)
        flows.round()
    assert over(flows) == ["7"]


def test_no_row_holds_the_token_and_no_two_have_one_fingerprint(flows: Flows, database: Path) -> None:
    given_open(flows, "7")
    first = flows.store.progress().token_fingerprint
    flows.configure(betterstack=OTHER)
    flows.round()
    second = flows.store.progress().token_fingerprint
    assert first != second
    assert OTHER["token"].encode() not in database.read_bytes()
    assert second is not None
    assert second not in OTHER["token"]


def test_a_clock_that_is_set_back_makes_nothing_known(flows: Flows) -> None:
    given_open(flows, "7")
    flows.configure(betterstack=OTHER)
    flows.betterstack.incidents.clear()
    flows.betterstack.refuses("lookup 7")
    flows.round()
    flows.clock.pass_(days=-3)
    flows.store.forget_spans(flows.clock())
    flows.see("900")
    flows.clock.pass_(minutes=6)
    flows.betterstack.refuses()
    suspected(flows, minutes=10)


@pytest.mark.parametrize(
    ("token", "seen", "gone", "since"),
    [
        (Token.KNOWN, [], ["0"], None),
        (Token.NEW, [], ["0"], NOW),
        (Token.NEW, ["1"], ["0"], NOW),
        (Token.NEW, [], [], None),
        (Token.NEW, [], ["900"], None),
        (Token.RECOGNISED, ["1"], ["0"], None),
    ],
)
def test_what_is_known_of_the_token_decides(token: Token, seen: list[str], gone: list[str], since: object) -> None:
    tracked = started("0", "1")
    assert suspect_since(tracked, seen, gone, None, NOW, token) == since


def test_a_token_that_is_recognised_ends_what_was_suspected() -> None:
    tracked = started("0", "1", vanished=["0"])
    assert suspect_since(tracked, ["1"], ["0"], ago(minutes=5), NOW, Token.NEW) == ago(minutes=5)
    assert suspect_since(tracked, ["1"], ["0"], ago(minutes=5), NOW, Token.RECOGNISED) is None


def test_after_the_hour_the_new_one_is_believed_in_everything(flows: Flows) -> None:
    given_open(flows, "7")
    flows.configure(betterstack=OTHER)
    flows.betterstack.incidents.clear()
    flows.betterstack.has("900")
    suspected(flows, minutes=60)
    flows.round()
    flows.betterstack.had("900")
    for _ in range(2):
        flows.clock.pass_(minutes=1)
        flows.round()
    assert over(flows) == ["7", "900"]
