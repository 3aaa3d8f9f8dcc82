"""The life of an incident, as the contract settles it: a table of named cases, each with what is told."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from daemon.decisions.evidence import Read
from daemon.decisions.reconcile import Policy, over_too_long, reconcile
from daemon.model.incident import Incident, IncidentState, Kind, Phase
from tests.support.each import each
from tests.support.values import NOW, ago, incident, recorded

USUAL = Policy(first_start=False, baseline=False, stale_after=timedelta(minutes=10), acknowledged=True)
FIRST = replace(USUAL, first_start=True)
BASELINE = replace(FIRST, baseline=True)
BASELINE_LATER = replace(USUAL, baseline=True)
QUIET = replace(USUAL, acknowledged=False)
NEVER_LATE = replace(USUAL, stale_after=timedelta(0))

Told = list[tuple[Kind, int]]

NEW, ACKNOWLEDGED, RESOLVED = (Kind.NEW, 1), (Kind.ACKNOWLEDGED, 1), (Kind.RESOLVED, 1)
NEW_2, ACKNOWLEDGED_2, RESOLVED_2 = (Kind.NEW, 2), (Kind.ACKNOWLEDGED, 2), (Kind.RESOLVED, 2)

UNCONFIRMED = incident(status="Unconfirmed")
OPEN = incident()
VALIDATING = incident(status="Validating")
UNHEARD_OF = incident(status="Simmering")
STARTED_ACKED = incident(acknowledged_at=ago(minutes=1))
ACKED = incident(status="Acknowledged", acknowledged_at=ago(minutes=1))
NO_STATUS = incident(status=...)


def over(minutes: float = 1, **attributes: Any) -> Incident:
    return incident(status="Resolved", **{"resolved_at": ago(minutes=minutes), **attributes})


def reopened(minutes: float = 1, **attributes: Any) -> Incident:
    return incident(reopened_at=ago(minutes=minutes), **attributes)


WAS_UNCONFIRMED = recorded(phase=Phase.UNCONFIRMED, alerted=False)
WAS_OPEN = recorded()
WAS_ACKED = recorded(phase=Phase.ACKNOWLEDGED, acknowledged_at=ago(minutes=1))
WAS_OVER = recorded(phase=Phase.RESOLVED, resolved_at=ago(minutes=20))
WAS_REOPENED = recorded(generation=2, reopened_at=ago(minutes=20))
REOPENED_AFRESH = recorded(generation=2, ended_until=ago(minutes=20), old_until=ago(minutes=20))
REOPENED_UNSEEN = recorded(generation=2, old_until=ago(minutes=22))
WAS_DELETED = recorded(phase=Phase.RESOLVED, resolved_at=ago(minutes=20), deleted=True)
UNTOLD = recorded(alerted=False)
UNTOLD_ACKED = replace(WAS_ACKED, alerted=False)
UNTOLD_OVER = recorded(alerted=False, phase=Phase.RESOLVED)

CASES: dict[str, tuple[Policy, IncidentState | None, Incident, Told]] = {
    "first seen open": (USUAL, None, OPEN, [NEW]),
    "first seen validating": (USUAL, None, VALIDATING, [NEW]),
    "first seen with a status nobody heard of": (USUAL, None, UNHEARD_OF, [NEW]),
    "first seen without a status": (USUAL, None, NO_STATUS, [NEW]),
    "first seen open after a year": (USUAL, None, incident(started_at=ago(days=365)), [NEW]),
    "first seen open, with an old end": (USUAL, None, reopened(resolved_at=ago(hours=9)), [NEW]),
    "first seen acknowledged": (USUAL, None, ACKED, [NEW, ACKNOWLEDGED]),
    "first seen acknowledged, which is not told": (QUIET, None, ACKED, [NEW]),
    "first seen unconfirmed": (USUAL, None, UNCONFIRMED, []),
    "first seen over, just now": (USUAL, None, over(), [NEW, RESOLVED]),
    "first seen over, acknowledged before": (USUAL, None, over(acknowledged_at=ago(minutes=2)), [NEW, RESOLVED]),
    "first seen over, nearly stale": (USUAL, None, over(minutes=9.9), [NEW, RESOLVED]),
    "first seen over, exactly stale": (USUAL, None, over(minutes=10), []),
    "first seen over, long ago": (USUAL, None, over(minutes=500), []),
    "first seen over, stale at once": (NEVER_LATE, None, over(minutes=0), []),
    "first seen over, their clock ahead, stale at once": (NEVER_LATE, None, over(minutes=-3), []),
    "first seen over, their clock ahead": (USUAL, None, over(minutes=-3), [NEW, RESOLVED]),
    "first seen over, nobody knows since when": (USUAL, None, over(resolved_at=None), [NEW, RESOLVED]),
    "first start, open": (FIRST, None, OPEN, [NEW]),
    "first start, acknowledged": (FIRST, None, ACKED, [NEW, ACKNOWLEDGED]),
    "first start, over just now": (FIRST, None, over(minutes=0), []),
    "first start, unconfirmed": (FIRST, None, UNCONFIRMED, []),
    "first start, over between two rounds of it": (FIRST, WAS_OPEN, over(), [RESOLVED]),
    "baseline, open": (BASELINE, None, OPEN, []),
    "baseline, acknowledged": (BASELINE, None, ACKED, []),
    "baseline, over": (BASELINE, None, over(), []),
    "baseline, still open": (BASELINE_LATER, UNTOLD, OPEN, []),
    "baseline, acknowledged later": (BASELINE_LATER, UNTOLD, ACKED, []),
    "baseline, over later": (BASELINE_LATER, UNTOLD, over(), []),
    "baseline, over later, once acknowledged": (BASELINE_LATER, UNTOLD_ACKED, over(), []),
    "baseline, reopened between two rounds": (BASELINE_LATER, UNTOLD, reopened(), [NEW_2]),
    "baseline, reopened before the first start was through": (BASELINE, UNTOLD, reopened(), [NEW_2]),
    "baseline matters on the first start only": (BASELINE_LATER, None, OPEN, [NEW]),
    "unconfirmed still": (USUAL, WAS_UNCONFIRMED, UNCONFIRMED, []),
    "unconfirmed, then confirmed": (USUAL, WAS_UNCONFIRMED, OPEN, [NEW]),
    "unconfirmed, then acknowledged": (USUAL, WAS_UNCONFIRMED, ACKED, [NEW, ACKNOWLEDGED]),
    "unconfirmed, then over": (USUAL, WAS_UNCONFIRMED, over(), []),
    "open still": (USUAL, WAS_OPEN, OPEN, []),
    "open, then validating": (USUAL, WAS_OPEN, VALIDATING, []),
    "open, then unconfirmed again": (USUAL, WAS_OPEN, UNCONFIRMED, []),
    "open, then acknowledged": (USUAL, WAS_OPEN, ACKED, [ACKNOWLEDGED]),
    "open, then acknowledged, which is not told": (QUIET, WAS_OPEN, ACKED, []),
    "open, then over": (USUAL, WAS_OPEN, over(), [RESOLVED]),
    "open, then over, long ago": (USUAL, WAS_OPEN, over(minutes=500), [RESOLVED]),
    "open, then over, acknowledged in between": (USUAL, WAS_OPEN, over(acknowledged_at=ago(minutes=2)), [RESOLVED]),
    "acknowledged still": (USUAL, WAS_ACKED, ACKED, []),
    "acknowledged, then started again, the time of that kept": (USUAL, WAS_ACKED, STARTED_ACKED, []),
    "acknowledged, nobody knows when, then started again": (USUAL, replace(WAS_ACKED, acknowledged_at=None), OPEN, []),
    "acknowledged, then validating": (USUAL, WAS_ACKED, VALIDATING, []),
    "acknowledged, then over": (USUAL, WAS_ACKED, over(), [RESOLVED]),
    "over still": (USUAL, WAS_OVER, over(minutes=20), []),
    "over, then reopened, old times kept": (
        USUAL,
        WAS_OVER,
        reopened(status=..., resolved_at=ago(minutes=20)),
        [NEW_2],
    ),
    "over, then reopened and over again": (USUAL, WAS_OVER, over(reopened_at=ago(minutes=2)), [NEW_2, RESOLVED_2]),
    "over, then reopened and over for long": (USUAL, WAS_OVER, over(minutes=30, reopened_at=ago(minutes=40)), []),
    "over, then over at an earlier time": (USUAL, WAS_OVER, over(minutes=30), []),
    "over, with the time of an earlier reopening": (USUAL, WAS_OVER, over(minutes=20, reopened_at=ago(minutes=40)), []),
    "resolved and reopened between two rounds": (USUAL, WAS_OPEN, reopened(), [RESOLVED, NEW_2]),
    "resolved, reopened and acknowledged between two rounds": (
        USUAL,
        WAS_ACKED,
        reopened(status="Acknowledged", acknowledged_at=ago(seconds=5)),
        [RESOLVED, NEW_2, ACKNOWLEDGED_2],
    ),
    "resolved, reopened and over between two rounds": (
        USUAL,
        WAS_OPEN,
        over(reopened_at=ago(minutes=3)),
        [RESOLVED, NEW_2, RESOLVED_2],
    ),
    "reopened once more": (USUAL, WAS_REOPENED, reopened(), [(Kind.RESOLVED, 2), (Kind.NEW, 3)]),
    "reopened, as is known": (USUAL, WAS_REOPENED, reopened(minutes=20), []),
    "reopened, from a page that is behind": (USUAL, WAS_REOPENED, reopened(minutes=60), []),
    "reopened, the time of it no longer shown": (USUAL, WAS_REOPENED, OPEN, []),
    "reopened, the time of it first shown later": (USUAL, replace(WAS_REOPENED, reopened_at=None), reopened(), []),
    "reopened, the time of a later one first shown": (
        USUAL,
        REOPENED_AFRESH,
        reopened(resolved_at=ago(minutes=4)),
        [(Kind.RESOLVED, 2), (Kind.NEW, 3)],
    ),
    "reopened, then over": (USUAL, WAS_REOPENED, over(), [RESOLVED_2]),
    "reopened, then an end from before it": (USUAL, WAS_REOPENED, over(minutes=25), []),
    "reopened, then an end of the same moment": (USUAL, WAS_REOPENED, over(minutes=20), []),
    "reopened, old times cleared, then over": (USUAL, REOPENED_AFRESH, over(), [RESOLVED_2]),
    "reopened, old times cleared, then the end from before it": (USUAL, REOPENED_AFRESH, over(minutes=20), []),
    "reopened, then an acknowledgement from before it": (
        USUAL,
        WAS_REOPENED,
        incident(status="Acknowledged", acknowledged_at=ago(minutes=22)),
        [],
    ),
    "reopened, old times cleared, then an acknowledgement from before it": (
        USUAL,
        REOPENED_AFRESH,
        incident(status="Acknowledged", acknowledged_at=ago(minutes=22)),
        [],
    ),
    "validating with the time of its end, then over at that time": (
        USUAL,
        recorded(status="Validating", resolved_at=ago(minutes=2)),
        over(minutes=2),
        [RESOLVED],
    ),
    "open behind an end, the time of the reopening first shown later": (
        USUAL,
        recorded(resolved_at=ago(minutes=20)),
        reopened(minutes=19, resolved_at=ago(minutes=20)),
        [],
    ),
    "open behind an end, the time of the reopening first shown when it is over": (
        USUAL,
        recorded(resolved_at=ago(minutes=20)),
        over(reopened_at=ago(minutes=19)),
        [RESOLVED],
    ),
    "validating, acknowledged": (
        USUAL,
        WAS_OPEN,
        incident(status="Validating", acknowledged_at=ago(minutes=1)),
        [ACKNOWLEDGED],
    ),
    "validating, acknowledged before it was reopened": (
        USUAL,
        WAS_REOPENED,
        incident(status="Validating", acknowledged_at=ago(minutes=22)),
        [],
    ),
    "first seen reopened, acknowledged before": (
        USUAL,
        None,
        reopened(status="Acknowledged", acknowledged_at=ago(minutes=3)),
        [NEW],
    ),
}

DOUBTFUL: dict[str, tuple[Policy, IncidentState, Incident, Told]] = {
    "over, then reopened, old times cleared": (USUAL, WAS_OVER, OPEN, [NEW_2]),
    "over, then reopened, its first status": (USUAL, WAS_OVER, VALIDATING, [NEW_2]),
    "over, then reopened and acknowledged": (USUAL, WAS_OVER, ACKED, [NEW_2, ACKNOWLEDGED_2]),
    "over, then reopened, with the acknowledgement of before": (
        USUAL,
        WAS_OVER,
        incident(status="Acknowledged", acknowledged_at=ago(minutes=22)),
        [NEW_2],
    ),
    "over, then reopened but unconfirmed": (USUAL, WAS_OVER, UNCONFIRMED, []),
    "over, then reopened at a time that is known": (
        USUAL,
        replace(WAS_OVER, generation=2, reopened_at=ago(minutes=30)),
        reopened(minutes=30),
        [(Kind.NEW, 3)],
    ),
    "over, then reopened on a first start": (FIRST, WAS_OVER, OPEN, [NEW_2]),
    "deleted, then there again": (USUAL, WAS_DELETED, OPEN, [NEW_2]),
    "baseline, reopened after its end": (BASELINE_LATER, UNTOLD_OVER, OPEN, [NEW_2]),
    "acknowledged, then reopened, old times cleared": (USUAL, WAS_ACKED, OPEN, [RESOLVED, NEW_2]),
    "acknowledged, then reopened, without a status": (USUAL, WAS_ACKED, NO_STATUS, [RESOLVED, NEW_2]),
    "acknowledged in silence, then reopened, old times cleared": (BASELINE_LATER, UNTOLD_ACKED, OPEN, [NEW_2]),
    "acknowledged, then over as of before": (USUAL, WAS_ACKED, over(minutes=2), [RESOLVED]),
    "reopened nobody knows when, then over": (USUAL, REOPENED_UNSEEN, over(), [RESOLVED_2]),
    "reopened, then over, nobody knows since when": (USUAL, WAS_REOPENED, over(resolved_at=None), [RESOLVED_2]),
    "reopened, then over as of before, which the record itself says": (
        USUAL,
        WAS_REOPENED,
        over(minutes=25, reopened_at=ago(minutes=20)),
        [RESOLVED_2],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_told_is_what_the_contract_settles(case: str) -> None:
    policy, before, seen, told = CASES[case]
    decision = reconcile(before, seen, "1026034957", policy, NOW)
    assert [(told.kind, told.generation) for told in decision.transitions] == told


@pytest.mark.parametrize("case", DOUBTFUL)
def test_what_no_time_puts_in_order_counts_once_its_own_record_said_so_in_two_rounds(case: str) -> None:
    policy, before, seen, told = DOUBTFUL[case]
    listed = reconcile(before, seen, "", policy, NOW)
    assert (listed.after, listed.transitions, listed.in_doubt) == (before, (), True)
    own = reconcile(before, seen, "", policy, NOW, Read.OWN)
    assert (own.after, own.transitions) == (replace(before, doubted_at=NOW), ())
    assert reconcile(own.after, seen, "", policy, NOW).transitions == (), "a list proves nothing more"
    believed = reconcile(own.after, seen, "", policy, NOW, Read.OWN_LATER)
    assert [(told.kind, told.generation) for told in believed.transitions] == told
    assert (believed.after.doubted_at, believed.in_doubt) == (None, False)


@pytest.mark.parametrize("case", DOUBTFUL)
def test_a_doubt_is_settled_by_its_own_record_alone(case: str) -> None:
    policy, before, seen, _ = DOUBTFUL[case]
    doubted = reconcile(before, seen, "", policy, NOW, Read.OWN).after
    agrees = incident(
        status={Phase.RESOLVED: "Resolved", Phase.ACKNOWLEDGED: "Acknowledged"}.get(before.phase, "Started"),
        acknowledged_at=before.acknowledged_at,
        resolved_at=before.resolved_at,
        reopened_at=before.reopened_at,
    )
    assert reconcile(doubted, agrees, "", policy, NOW).after.doubted_at == NOW
    settled = reconcile(doubted, agrees, "", policy, NOW, Read.OWN_LATER)
    assert (settled.after.doubted_at, settled.transitions) == (None, ())
    again = reconcile(settled.after, seen, "", policy, NOW, Read.OWN)
    assert (again.after.doubted_at, again.transitions) == (NOW, ()), "the proof begins anew"


def test_a_doubt_about_an_acknowledgement_ends_with_the_incident() -> None:
    """Its record lagged: had it been reopened, a list would not show its end."""
    doubted = reconcile(WAS_ACKED, OPEN, "", USUAL, NOW, Read.OWN).after
    assert doubted.doubted_at == NOW
    ended = reconcile(doubted, over(), "", USUAL, NOW)
    assert (ended.after.doubted_at, [told.kind for told in ended.transitions]) == (None, [Kind.RESOLVED])


@each("case", CASES)
def test_seeing_the_same_again_tells_nothing_more(case: str) -> None:
    policy, before, seen, _ = CASES[case]
    after = reconcile(before, seen, "1026034957", policy, NOW).after
    again = reconcile(after, seen, "1026034957", replace(policy, first_start=False), NOW)
    assert (again.after, again.transitions) == (after, ())


def test_an_acknowledgement_is_not_taken_back_by_what_comes_after_it() -> None:
    validating = reconcile(WAS_ACKED, VALIDATING, "", USUAL, NOW).after
    assert (validating.phase, validating.status) == (Phase.ACKNOWLEDGED, "Validating")
    assert reconcile(validating, ACKED, "", USUAL, NOW).transitions == ()


def test_a_confirmation_is_not_taken_back() -> None:
    unconfirmed_again = reconcile(WAS_OPEN, UNCONFIRMED, "", USUAL, NOW).after
    assert unconfirmed_again.phase is Phase.OPEN
    assert reconcile(unconfirmed_again, OPEN, "", USUAL, NOW).transitions == ()


def test_everything_that_was_seen_is_recorded() -> None:
    seen = over(name="Checkout", cause="Timeout", url="https://x.example", reopened_at=ago(minutes=2))
    after = reconcile(None, seen, "better-1026034957", USUAL, NOW).after
    assert after == IncidentState(
        id="1026034957",
        external_id="better-1026034957",
        generation=1,
        phase=Phase.RESOLVED,
        alerted=True,
        status="Resolved",
        name="Checkout",
        cause="Timeout",
        url="https://x.example",
        started_at=ago(minutes=5),
        acknowledged_at=None,
        resolved_at=ago(minutes=1),
        reopened_at=ago(minutes=2),
    )


def test_the_external_id_is_the_one_of_the_first_sight_for_good() -> None:
    before = recorded(external_id="as it was configured then")
    for seen in (OPEN, over(), reopened()):
        assert reconcile(before, seen, "as it is configured now", USUAL, NOW).after.external_id == before.external_id


def test_being_seen_ends_the_proof_of_a_deletion() -> None:
    assert reconcile(recorded(gone_since=ago(seconds=50)), OPEN, "", USUAL, NOW).after.gone_since is None


def test_each_transition_says_when_it_happened_and_why() -> None:
    seen = incident(status="Acknowledged", reopened_at=ago(minutes=3), acknowledged_at=ago(minutes=1))
    told = reconcile(replace(WAS_OPEN, reopened_at=None), seen, "", USUAL, NOW).transitions
    assert [(each.occurred_at, each.reason, each.note) for each in told] == [
        (ago(minutes=3), "resolved and reopened between two rounds", ""),
        (ago(minutes=3), "reopened", ""),
        (ago(minutes=1), "acknowledged", ""),
    ]
    told = reconcile(None, over(minutes=2), "", USUAL, NOW).transitions
    assert [(each.occurred_at, each.reason) for each in told] == [
        (ago(minutes=5), "first seen when it was over"),
        (ago(minutes=2), "resolved"),
    ]
    reasons = {
        name: reconcile(before, OPEN, "", USUAL, NOW, Read.OWN_LATER).transitions[0].reason
        for name, before in STARTS.items()
    }
    assert reasons == {"unknown": "first seen open", "unconfirmed": "confirmed", "over": "reopened"}


STARTS = {"unknown": None, "unconfirmed": WAS_UNCONFIRMED, "over": WAS_OVER}


def test_a_generation_that_ended_before_it_was_reopened_keeps_the_time_of_its_end() -> None:
    ended, _ = reconcile(WAS_OPEN, reopened(minutes=1, resolved_at=ago(minutes=4)), "", USUAL, NOW).transitions
    assert ended.occurred_at == ago(minutes=4)


@pytest.mark.parametrize(
    ("over_since", "stale_after", "too_long"),
    [
        (None, timedelta(0), False),
        (NOW, timedelta(0), True),
        (ago(hours=-1), timedelta(0), True),
        (ago(hours=-1), timedelta(minutes=10), False),
        (ago(minutes=9), timedelta(minutes=10), False),
        (ago(minutes=10), timedelta(minutes=10), True),
        (ago(days=9), timedelta(minutes=10), True),
    ],
)
def test_nobody_is_woken_for_what_is_over_for_stale_after(
    over_since: datetime | None, stale_after: timedelta, too_long: bool
) -> None:
    assert over_too_long(over_since, stale_after, NOW) is too_long
