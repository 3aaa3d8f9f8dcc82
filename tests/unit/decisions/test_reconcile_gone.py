"""Deletions: what two answers "no such record" prove, and when the token is suspected instead."""

from datetime import timedelta

import pytest

from daemon.decisions.reconcile import DELETED_NOTE, reconcile_gone
from daemon.decisions.suspicion import suspect_since
from daemon.model.incident import Kind, Phase, RoundStart
from tests.support.values import NOW, ago, recorded, started

MINUTE = timedelta(minutes=1)
OPEN_PHASES = [phase for phase in Phase if phase is not Phase.RESOLVED]


def tracked(count: int, *more: str, vanished: bool = False) -> RoundStart:
    ids = [str(number) for number in range(count)]
    return started(*ids, *more, vanished=ids if vanished else ())


@pytest.mark.parametrize("phase", OPEN_PHASES)
def test_the_first_answer_is_noted_and_proves_nothing(phase: Phase) -> None:
    before = recorded(phase=phase)
    decision = reconcile_gone(before, MINUTE, NOW)
    assert decision.transitions == ()
    assert (decision.after.phase, decision.after.gone_since) == (phase, NOW)


@pytest.mark.parametrize("seconds", [0, 1, 59.9])
def test_a_second_answer_too_soon_changes_nothing(seconds: float) -> None:
    before = recorded(gone_since=ago(seconds=seconds))
    decision = reconcile_gone(before, MINUTE, NOW)
    assert (decision.after, decision.transitions) == (before, ())


@pytest.mark.parametrize("seconds", [60, 61, 86400])
@pytest.mark.parametrize("phase", [Phase.OPEN, Phase.ACKNOWLEDGED])
def test_a_second_answer_far_enough_apart_proves_the_deletion(seconds: float, phase: Phase) -> None:
    before = recorded(phase=phase, gone_since=ago(seconds=seconds), generation=3)
    decision = reconcile_gone(before, MINUTE, NOW)
    (told,) = decision.transitions
    assert (told.kind, told.generation, told.occurred_at, told.note) == (Kind.RESOLVED, 3, NOW, DELETED_NOTE)
    assert "deleted" in told.reason
    after = decision.after
    assert (after.phase, after.resolved_at, after.gone_since) == (Phase.RESOLVED, NOW, None)


@pytest.mark.parametrize("phase", OPEN_PHASES)
def test_a_deletion_is_not_told_where_the_incident_was_not(phase: Phase) -> None:
    decision = reconcile_gone(recorded(phase=phase, alerted=False, gone_since=ago(hours=1)), MINUTE, NOW)
    assert (decision.after.phase, decision.transitions) == (Phase.RESOLVED, ())


def test_a_clock_that_ran_backwards_starts_the_proof_again() -> None:
    decision = reconcile_gone(recorded(gone_since=ago(seconds=-1)), MINUTE, NOW)
    assert (decision.after.phase, decision.after.gone_since, decision.transitions) == (Phase.OPEN, NOW, ())


def test_while_nothing_is_proof_enough_no_time_ends_an_incident() -> None:
    before = recorded(gone_since=ago(days=3000))
    assert reconcile_gone(before, timedelta.max, NOW).after == before


@pytest.mark.parametrize("count", [3, 4, 50])
def test_all_of_three_or_more_gone_at_once_make_the_token_suspect(count: int) -> None:
    incidents = tracked(count)
    assert suspect_since(incidents, set(), list(incidents.tracked), None, NOW) == NOW


def test_incidents_that_are_not_tracked_do_not_clear_the_token() -> None:
    """Another team's token shows that team's incidents, all of them unknown here."""
    incidents = tracked(3)
    assert suspect_since(incidents, {"900", "901"}, list(incidents.tracked), None, NOW) == NOW


@pytest.mark.parametrize("count", [0, 1, 2])
def test_fewer_than_three_gone_are_nothing_unusual(count: int) -> None:
    incidents = tracked(count)
    assert suspect_since(incidents, set(), list(incidents.tracked), None, NOW) is None


def test_one_tracked_incident_that_is_seen_clears_the_token() -> None:
    incidents = tracked(10)
    assert suspect_since(incidents, {"0"}, [str(number) for number in range(1, 10)], None, NOW) is None


def test_lookups_without_an_answer_make_no_suspicion() -> None:
    assert suspect_since(tracked(10), set(), [], None, NOW) is None


def test_a_suspicion_goes_on_as_long_as_none_of_them_comes_back() -> None:
    since = ago(minutes=59)
    incidents = tracked(3, vanished=True)
    assert suspect_since(incidents, set(), list(incidents.tracked), since, NOW) == since


def test_a_suspicion_goes_on_while_lookups_fail() -> None:
    assert suspect_since(tracked(3, vanished=True), set(), [], ago(minutes=5), NOW) == ago(minutes=5)


def test_a_suspicion_goes_on_when_one_that_opened_meanwhile_is_seen() -> None:
    """The wrong token may well show an incident that was first recorded under it."""
    incidents = tracked(3, "900", vanished=True)
    assert suspect_since(incidents, {"900"}, ["0", "1", "2"], ago(minutes=5), NOW) == ago(minutes=5)


def test_a_suspicion_ends_when_one_of_those_it_began_with_is_seen_again() -> None:
    incidents = tracked(3, vanished=True)
    assert suspect_since(incidents, {"1"}, ["0", "2"], ago(minutes=5), NOW) is None


@pytest.mark.parametrize("minutes", [60, 61, 1440])
def test_after_an_hour_the_deletions_are_believed(minutes: float) -> None:
    since = ago(minutes=minutes)
    incidents = tracked(3, vanished=True)
    assert suspect_since(incidents, set(), list(incidents.tracked), since, NOW) is None


def test_a_suspicion_from_a_clock_that_was_ahead_starts_its_hour_again() -> None:
    since = ago(hours=-5)
    incidents = tracked(3, vanished=True)
    assert suspect_since(incidents, set(), list(incidents.tracked), since, NOW) == NOW


def test_a_suspicion_keeps_its_beginning_when_its_proofs_were_forgotten() -> None:
    """A step of the clock forgets them; the hour runs on all the same."""
    incidents = tracked(3)
    assert suspect_since(incidents, set(), list(incidents.tracked), ago(minutes=30), NOW) == ago(minutes=30)


def test_nothing_tracked_leaves_nothing_to_suspect() -> None:
    assert suspect_since(tracked(0), {"900"}, [], ago(minutes=5), NOW) is None
