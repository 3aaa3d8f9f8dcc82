"""Deletion and suspicion: what answers "no such record" prove, and when they prove nothing."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from daemon.decisions.reconcile import DELETED_NOTE
from daemon.model.errors import BetterStackError, TokenSuspectError
from tests.support.clock import Clock
from tests.support.fakes import Flows
from tests.support.kept_log import KeptLog
from tests.support.store import Store
from tests.support.values import NOW

NEW, OVER = "new", "resolved"


@pytest.fixture
def flows(engine: Engine, clock: Clock, log: KeptLog, store: Store) -> Flows:
    return Flows(engine, clock, log, store)


def given_open(flows: Flows, *incident_ids: str) -> None:
    for incident_id in incident_ids:
        flows.betterstack.has(incident_id)
    flows.round()


def resolved(flows: Flows) -> list[str]:
    return sorted(incident_id for incident_id, kind in flows.outbox() if kind == OVER)


@pytest.mark.parametrize(("apart", "ended"), [(0.0, []), (59.9, []), (60.0, ["7"]), (600.0, ["7"])])
def test_two_lookups_far_enough_apart_prove_a_deletion(flows: Flows, apart: float, ended: list[str]) -> None:
    given_open(flows, "7", "8")
    flows.betterstack.had("7")
    flows.round()
    assert resolved(flows) == []
    flows.clock.pass_(seconds=apart)
    flows.round()
    assert resolved(flows) == ended


def test_a_deleted_incident_is_resolved_once_with_a_note(flows: Flows) -> None:
    given_open(flows, "7", "8")
    flows.betterstack.had("7")
    for _ in range(4):
        flows.round()
        flows.clock.pass_(minutes=1)
    assert resolved(flows) == ["7"]
    assert flows.phases() == {"7": "resolved", "8": "open"}
    assert flows.outbox("payload")[-1][0]["Note"] == DELETED_NOTE


def test_a_record_that_is_there_again_begins_the_proof_anew(flows: Flows) -> None:
    given_open(flows, "7", "8")
    for there in (False, True, False):
        flows.betterstack.had("7") if not there else flows.betterstack.has("7")
        flows.round()
        flows.clock.pass_(minutes=1)
    assert resolved(flows) == []
    flows.round()
    assert resolved(flows) == ["7"]


@pytest.mark.parametrize("between", ["a lookup that fails", "an unreadable one"])
def test_only_answers_that_say_so_count_for_the_proof(flows: Flows, between: str) -> None:
    given_open(flows, "7", "8")
    flows.betterstack.had("7")
    if between == "an unreadable one":
        flows.betterstack.unreadable = {"7"}
        flows.round()
    else:
        flows.betterstack.refuses("lookup 7")
        flows.round()
    flows.betterstack.unreadable = set()
    flows.betterstack.refuses()
    flows.clock.pass_(hours=1)
    flows.round()
    assert resolved(flows) == [], "one answer is no proof"


def test_a_clock_that_was_set_back_begins_the_proof_anew(flows: Flows) -> None:
    given_open(flows, "7", "8")
    flows.betterstack.had("7")
    flows.round()
    flows.clock.pass_(hours=-2)
    flows.round()
    assert resolved(flows) == []
    flows.clock.pass_(minutes=1)
    flows.round()
    assert resolved(flows) == ["7"]


def test_a_deleted_incident_that_was_never_told_ends_in_silence(flows: Flows) -> None:
    flows.betterstack.has("7", status="Unconfirmed")
    flows.round()
    flows.betterstack.had("7")
    for _ in range(2):
        flows.round()
        flows.clock.pass_(minutes=1)
    assert (flows.phases(), flows.outbox()) == ({"7": "resolved"}, [])


@pytest.fixture
def suspect(flows: Flows) -> Iterator[Flows]:
    """Three incidents were open, and all of them answer "no such record" at once."""
    given_open(flows, "7", "8", "9")
    flows.betterstack.incidents.clear()
    with pytest.raises(TokenSuspectError):
        flows.round()
    yield flows


@pytest.mark.parametrize(("tracked", "suspected"), [(1, False), (2, False), (3, True), (12, True)])
def test_the_token_is_suspected_when_all_of_three_or_more_vanish_at_once(
    flows: Flows, tracked: int, suspected: bool
) -> None:
    given_open(flows, *map(str, range(100, 100 + tracked)))
    flows.betterstack.incidents.clear()
    for _ in range(2):
        if suspected:
            with pytest.raises(TokenSuspectError, match=f"all {tracked} open incidents"):
                flows.round()
        else:
            flows.round()
        flows.clock.pass_(minutes=1)
    assert len(resolved(flows)) == (0 if suspected else tracked)


def test_the_token_is_not_suspected_while_one_of_them_is_still_there(flows: Flows) -> None:
    given_open(flows, "6", "7", "8", "9")
    for incident_id in "789":
        flows.betterstack.had(incident_id)
    for _ in range(2):
        flows.round()
        flows.clock.pass_(minutes=1)
    assert resolved(flows) == ["7", "8", "9"]


def test_a_suspicion_fails_each_round_and_says_so(suspect: Flows) -> None:
    complete = suspect.store.progress()
    assert complete.token_suspect_since == NOW
    assert "another team's" in (complete.last_round_error or "")
    for _ in range(59):
        suspect.clock.pass_(minutes=1)
        with pytest.raises(TokenSuspectError):
            suspect.round(sweep=True)
    assert resolved(suspect) == []
    assert suspect.store.progress().last_complete_round_at == NOW


def test_after_an_hour_the_deletions_are_believed(suspect: Flows) -> None:
    suspect.clock.pass_(minutes=59, seconds=59)
    with pytest.raises(TokenSuspectError):
        suspect.round()
    suspect.clock.pass_(seconds=1)
    suspect.round()
    assert resolved(suspect) == ["7", "8", "9"]
    assert suspect.store.progress().token_suspect_since is None


def test_incidents_of_the_other_team_do_not_end_the_suspicion(suspect: Flows) -> None:
    """They are told, since nobody can say yet whose they are; the old ones stay as they are."""
    for minute in range(5):
        suspect.clock.pass_(minutes=1)
        suspect.betterstack.has(str(100 + minute))
        with pytest.raises(TokenSuspectError):
            suspect.round(sweep=True)
    assert resolved(suspect) == []
    assert ("104", NEW) in suspect.outbox()


def test_the_suspicion_ends_when_one_of_those_it_began_with_is_seen_again(suspect: Flows) -> None:
    suspect.clock.pass_(minutes=5)
    suspect.betterstack.has("8")
    suspect.round()
    assert suspect.store.progress().token_suspect_since is None
    suspect.clock.pass_(minutes=1)
    suspect.round()
    assert resolved(suspect) == ["7", "9"]


def test_the_suspicion_that_ended_does_not_come_back_because_another_request_failed(suspect: Flows) -> None:
    suspect.clock.pass_(minutes=5)
    suspect.betterstack.has("8")
    suspect.betterstack.refuses("since")
    with pytest.raises(BetterStackError):
        suspect.round(sweep=True)
    suspect.betterstack.refuses()
    suspect.clock.pass_(minutes=1)
    suspect.round()
    assert suspect.store.progress().token_suspect_since is None


def test_a_suspicion_of_long_ago_does_not_excuse_a_new_one(suspect: Flows) -> None:
    """Rounds failed ever since, so that none was complete between the two."""
    suspect.betterstack.has("8")
    suspect.betterstack.refuses("since")
    with pytest.raises(BetterStackError):
        suspect.round(sweep=True)
    given = suspect.betterstack
    given.refuses()
    given.incidents.clear()
    suspect.clock.pass_(hours=2)
    with pytest.raises(TokenSuspectError):
        suspect.round()
    assert resolved(suspect) == []
