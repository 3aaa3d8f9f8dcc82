"""A generation that does not alert has its reason, from the moment it is decided until it alerts."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.decisions.evidence import Read
from daemon.decisions.reconcile import Policy, reconcile, reconcile_gone
from daemon.model.incident import IncidentState, Kind, Phase, Untold
from tests.support.values import NOW, ago, incident, recorded

POLICY = Policy(first_start=False, baseline=False, stale_after=timedelta(minutes=10), acknowledged=True)
FIRST = replace(POLICY, first_start=True)
OPEN: dict[str, Any] = {"status": "Started"}
UNCONFIRMED: dict[str, Any] = {"status": "Unconfirmed"}


def over(minutes: float) -> dict[str, Any]:
    return {"status": "Resolved", "started_at": ago(minutes=minutes + 5), "resolved_at": ago(minutes=minutes)}


def seen(
    *records: dict[str, Any], policy: Policy = POLICY, then: Policy = POLICY, before: IncidentState | None = None
) -> IncidentState:
    """The state after these records, the first one read with `policy` and the others with `then`."""
    for n, record in enumerate(records):
        before = reconcile(before, incident(**record), "1", then if n else policy, NOW, Read.OWN_LATER).after
    assert before is not None
    return before


BASELINE = replace(FIRST, baseline=True)
REASONS: dict[str, tuple[IncidentState, Untold | None]] = {
    "over at the first start": (seen(over(1), policy=FIRST), Untold.OVER_AT_FIRST_START),
    "over long before the first start": (seen(over(600), policy=FIRST), Untold.OVER_AT_FIRST_START),
    "over for too long": (seen(over(11)), Untold.STALE),
    "over, and nothing over ever alerts": (
        seen(over(0), policy=replace(POLICY, stale_after=timedelta(0))),
        Untold.STALE,
    ),
    "over a moment ago": (seen(over(1)), None),
    "a baseline": (seen(OPEN, policy=BASELINE), Untold.BASELINE),
    "an acknowledged baseline": (seen({"status": "Acknowledged"}, policy=BASELINE), Untold.BASELINE),
    "a baseline that is acknowledged": (seen(OPEN, {"status": "Acknowledged"}, policy=BASELINE), Untold.BASELINE),
    "a baseline that ends": (seen(OPEN, over(0), policy=BASELINE), Untold.BASELINE),
    "a baseline that is reopened": (
        seen(OPEN, over(5), {**OPEN, "resolved_at": ago(minutes=5), "reopened_at": ago(minutes=1)}, policy=BASELINE),
        None,
    ),
    "open at the first start": (seen(OPEN, policy=FIRST), None),
    "not confirmed": (seen(UNCONFIRMED), Untold.UNCONFIRMED),
    "not confirmed, seen twice": (seen(UNCONFIRMED, UNCONFIRMED), Untold.UNCONFIRMED),
    "not confirmed at a baseline": (seen(UNCONFIRMED, policy=BASELINE), Untold.UNCONFIRMED),
    "confirmed": (seen(UNCONFIRMED, OPEN), None),
    "ended unconfirmed": (seen(UNCONFIRMED, over(0)), Untold.ENDED_UNCONFIRMED),
    "ended unconfirmed, seen twice": (seen(UNCONFIRMED, over(0), over(0)), Untold.ENDED_UNCONFIRMED),
    "told, and then reopened and over for too long": (
        seen(OPEN, {**over(15), "reopened_at": ago(minutes=20), "resolved_at": ago(minutes=15)}),
        Untold.STALE,
    ),
    "told, and then reopened": (seen(OPEN, over(5), {**OPEN, "reopened_at": ago(minutes=1)}), None),
}


@pytest.mark.parametrize("case", REASONS)
def test_what_does_not_alert_says_why(case: str) -> None:
    state, why = REASONS[case]
    assert (state.silent_because, state.alerted) == (why, why is None)


def gone(before: IncidentState) -> IncidentState:
    """After two lookups that found no such record."""
    after = reconcile_gone(before, timedelta(minutes=1), ago(minutes=2)).after
    return reconcile_gone(after, timedelta(minutes=1), NOW).after


@pytest.mark.parametrize(
    ("before", "why"),
    [
        (seen(UNCONFIRMED), Untold.ENDED_UNCONFIRMED),
        (seen(OPEN, policy=BASELINE), Untold.BASELINE),
        (seen(OPEN), None),
    ],
)
def test_a_deletion_changes_the_reason_of_what_was_not_confirmed_alone(before: IncidentState, why: str | None) -> None:
    after = gone(before)
    assert (after.phase, after.deleted, after.silent_because) == (Phase.RESOLVED, True, why)


@pytest.mark.parametrize("record", [OPEN, over(0)], ids=["open", "over"])
def test_what_an_older_version_did_not_record_is_not_made_up(record: dict[str, Any]) -> None:
    assert seen(record, before=recorded(alerted=False)).silent_because is None


def test_of_an_older_version_what_is_not_confirmed_yet_is_known_once_it_is_seen_again() -> None:
    before = recorded(alerted=False, phase=Phase.UNCONFIRMED, status="Unconfirmed")
    assert seen(UNCONFIRMED, before=before).silent_because == Untold.UNCONFIRMED


RECORDS = st.sampled_from(
    [OPEN, UNCONFIRMED, over(1), over(30), {"status": "Acknowledged", "acknowledged_at": ago(minutes=3)}]
    + [{**record, "reopened_at": ago(minutes=at)} for record in (OPEN, over(1), over(30)) for at in (2, 40)]
)


@given(st.lists(RECORDS, min_size=1, max_size=6), st.sampled_from([POLICY, FIRST, BASELINE]))
def test_whatever_is_read_each_generation_alerts_or_has_a_reason(records: list[dict[str, Any]], policy: Policy) -> None:
    states = [seen(*records[: n + 1], policy=policy) for n in range(len(records))]
    for state in states:
        assert state.alerted is (state.silent_because is None)
    for before, after in pairwise(states):
        unchanged = before.generation == after.generation and before.phase is not Phase.UNCONFIRMED
        assert not unchanged or before.silent_because == after.silent_because


@given(st.lists(RECORDS, min_size=1, max_size=6), st.sampled_from([POLICY, FIRST, BASELINE]))
def test_a_reason_means_that_no_new_was_decided(records: list[dict[str, Any]], policy: Policy) -> None:
    before, told = None, set[int]()
    for n, record in enumerate(records):
        decision = reconcile(before, incident(**record), "1", POLICY if n else policy, NOW, Read.OWN_LATER)
        told |= {one.generation for one in decision.transitions if one.kind is Kind.NEW}
        before = decision.after
        assert (before.generation in told) is (before.silent_because is None)
