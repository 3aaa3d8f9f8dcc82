"""What holds for every combination of what is recorded, what is seen and what is configured, and for whole lives."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.decisions.evidence import Read, of_this_generation
from daemon.decisions.reconcile import Decision, Policy, reconcile, reconcile_gone
from daemon.model.incident import Incident, IncidentState, Kind, Phase, Transition
from tests.support.values import NOW, ago, incident, recorded

STATUS = {
    Phase.UNCONFIRMED: "Unconfirmed",
    Phase.OPEN: "Started",
    Phase.ACKNOWLEDGED: "Acknowledged",
    Phase.RESOLVED: "Resolved",
}
PROGRESS = list(STATUS)
ORDER = [Kind.NEW, Kind.ACKNOWLEDGED, Kind.RESOLVED]
REOPENED = [None, ago(hours=2), ago(hours=1), ago(minutes=1)]
STALE_AFTER = [timedelta(0), timedelta(minutes=10)]
GONE_AFTER = timedelta(minutes=1)

EVERY_BEFORE: list[IncidentState | None] = [None] + [
    recorded(phase=phase, alerted=told, generation=generation, reopened_at=reopened_at, gone_since=gone_since)
    for phase, told, generation, reopened_at, gone_since in product(
        PROGRESS, (False, True), (1, 2), (None, ago(hours=1)), (None, ago(seconds=30))
    )
    if not (told and phase is Phase.UNCONFIRMED)
]
EVERY_SEEN = [
    incident(
        status=STATUS[phase],
        reopened_at=reopened_at,
        resolved_at=resolved_at,
        acknowledged_at=ago(minutes=2) if phase is Phase.ACKNOWLEDGED else None,
    )
    for phase, reopened_at, resolved_at in product(
        PROGRESS, REOPENED, (None, ago(minutes=-3), ago(minutes=3), ago(minutes=30))
    )
]
EVERY_POLICY = [Policy(*parts) for parts in product((False, True), (False, True), STALE_AFTER, (False, True))]

Case = tuple[IncidentState | None, Incident, Policy, Decision]


@pytest.fixture(scope="module")
def every_case() -> list[Case]:
    return [
        (before, seen, policy, reconcile(before, seen, "1026034957", policy, NOW))
        for before, seen, policy in product(EVERY_BEFORE, EVERY_SEEN, EVERY_POLICY)
    ]


def known(cases: list[Case]) -> Iterator[tuple[IncidentState, Incident, Policy, Decision]]:
    """The cases of incidents that are recorded already."""
    for before, seen, policy, decision in cases:
        if before is not None:
            yield before, seen, policy, decision


def kinds(decision: Decision, generation: int) -> list[Kind]:
    return [told.kind for told in decision.transitions if told.generation == generation]


def is_news(before: IncidentState, seen: Incident) -> bool:
    """Whether the contract calls this the next generation at once: the record says when it was reopened."""
    if seen.reopened_at is None:
        return False
    return before.generation == 1 if before.reopened_at is None else seen.reopened_at > before.reopened_at


def is_doubtful(before: IncidentState, seen: Incident) -> bool:
    """Whether the contract wants the record itself to say this in two rounds."""
    if is_news(before, seen):
        return False
    if seen.phase is not Phase.RESOLVED:
        return before.phase is Phase.RESOLVED
    if before.phase is Phase.RESOLVED:
        return False
    knows = before.reopened_at is not None and seen.reopened_at == before.reopened_at
    if before.generation > 1 and (before.reopened_at is None or seen.resolved_at is None):
        return True
    return knows and not is_later(before, seen)


def is_later(before: IncidentState, seen: Incident) -> bool:
    """Whether an end is later than the reopening that is known."""
    return before.reopened_at is None or seen.resolved_at is None or seen.resolved_at > before.reopened_at


def is_old_news(before: IncidentState, seen: Incident) -> bool:
    """Whether the contract calls this an end from before the reopening."""
    if is_news(before, seen) or is_doubtful(before, seen) or seen.phase is not Phase.RESOLVED:
        return False
    return not is_later(before, seen)


def counts(before: IncidentState, seen: Incident) -> bool:
    """Whether something follows from it at once."""
    return not is_doubtful(before, seen) and not is_old_news(before, seen)


def test_what_is_old_news_or_in_doubt_changes_nothing(every_case: list[Case]) -> None:
    for before, seen, _, decision in known(every_case):
        if not counts(before, seen):
            assert (decision.after, decision.transitions) == (replace(before, gone_since=None), ())
        assert decision.in_doubt is is_doubtful(before, seen)


def test_the_generation_grows_by_one_when_an_incident_is_reopened_and_never_otherwise(every_case: list[Case]) -> None:
    for before, seen, _, decision in known(every_case):
        assert decision.after.generation == before.generation + is_news(before, seen)


def test_an_incident_seen_for_the_first_time_is_of_the_first_generation(every_case: list[Case]) -> None:
    assert {decision.after.generation for before, *_, decision in every_case if before is None} == {1}


def test_a_record_that_reads_open_after_resolved_in_two_rounds_always_alerts_again() -> None:
    for before, seen, policy in product(EVERY_BEFORE, EVERY_SEEN, EVERY_POLICY):
        if before and before.phase is Phase.RESOLVED and seen.phase in {Phase.OPEN, Phase.ACKNOWLEDGED}:
            doubted = reconcile(before, seen, "1026034957", policy, NOW, Read.OWN)
            decision = reconcile(doubted.after, seen, "1026034957", policy, NOW, Read.OWN_LATER)
            told = kinds(decision, before.generation + 1) or kinds(doubted, before.generation + 1)
            assert told[0] is Kind.NEW


def test_each_kind_is_told_once_of_a_generation_and_in_order(every_case: list[Case]) -> None:
    for *_, decision in every_case:
        told = [(each.generation, ORDER.index(each.kind)) for each in decision.transitions]
        assert all(earlier < later for earlier, later in pairwise(told))


def test_only_the_generations_at_hand_are_told_of(every_case: list[Case]) -> None:
    for before, _, _, decision in every_case:
        generations = {decision.after.generation, before.generation if before else 1}
        assert {each.generation for each in decision.transitions} <= generations


def test_nothing_more_is_told_of_a_generation_that_alerts_nobody(every_case: list[Case]) -> None:
    for before, _, _, decision in known(every_case):
        if not before.alerted and before.phase is not Phase.UNCONFIRMED:
            assert kinds(decision, before.generation) == []


def test_a_generation_that_was_told_of_is_not_begun_again(every_case: list[Case]) -> None:
    for before, _, _, decision in known(every_case):
        if before.alerted:
            assert Kind.NEW not in kinds(decision, before.generation)


def test_an_end_is_told_exactly_to_those_who_were_told_of_the_beginning(every_case: list[Case]) -> None:
    for before, seen, _, decision in known(every_case):
        ends = counts(before, seen) and (seen.phase is Phase.RESOLVED or is_news(before, seen))
        alerting = before.alerted and before.phase is not Phase.RESOLVED
        assert (Kind.RESOLVED in kinds(decision, before.generation)) is (ends and alerting)


def test_a_generation_alerts_exactly_if_its_new_is_or_was_told(every_case: list[Case]) -> None:
    for before, _, _, decision in every_case:
        after = decision.after
        told_before = before is not None and before.alerted and before.generation == after.generation
        assert after.alerted is (told_before or Kind.NEW in kinds(decision, after.generation))


def test_acknowledgements_are_told_only_where_they_are_wanted(every_case: list[Case]) -> None:
    for _, seen, policy, decision in every_case:
        if not policy.acknowledged or seen.phase is not Phase.ACKNOWLEDGED:
            assert Kind.ACKNOWLEDGED not in [each.kind for each in decision.transitions]


def test_an_incident_that_ends_within_a_round_is_told_of_unless_that_was_too_long_ago(every_case: list[Case]) -> None:
    for before, seen, policy, decision in every_case:
        if before is None and seen.phase is Phase.RESOLVED:
            ended_at = min(seen.resolved_at or NOW, NOW)
            silent = policy.first_start or NOW - ended_at >= policy.stale_after
            assert kinds(decision, 1) == ([] if silent else [Kind.NEW, Kind.RESOLVED])


def test_what_is_seen_twice_is_told_once(every_case: list[Case]) -> None:
    for _, seen, policy, decision in every_case:
        again = reconcile(decision.after, seen, "another", policy, NOW)
        assert (again.after, again.transitions) == (decision.after, ())


def test_within_a_generation_an_incident_only_moves_on(every_case: list[Case]) -> None:
    for before, seen, _, decision in known(every_case):
        if not counts(before, seen):
            assert decision.after.phase is before.phase
        elif decision.after.generation == before.generation:
            seen_as = of_this_generation(before, seen).phase
            furthest = max(before.phase, seen_as, key=PROGRESS.index)
            assert decision.after.phase is furthest
        else:
            assert decision.after.phase is of_this_generation(before, seen).phase


def test_the_latest_reopening_stays_recorded_and_nothing_happens_in_the_future(every_case: list[Case]) -> None:
    for before, seen, _, decision in every_case:
        if before is None or counts(before, seen):
            moments = [moment for moment in (before and before.reopened_at, seen.reopened_at) if moment]
            assert decision.after.reopened_at == max(moments, default=None)
            assert decision.after.gone_since is None
        assert all(each.occurred_at <= NOW for each in decision.transitions)


MOMENTS = st.none() | st.timedeltas(timedelta(hours=-1), timedelta(hours=2)).map(lambda age: NOW - age)
SIGHTS = st.builds(
    lambda phase, reopened_at, resolved_at: incident(
        status=STATUS[phase], reopened_at=reopened_at, resolved_at=resolved_at
    ),
    st.sampled_from(PROGRESS),
    MOMENTS,
    MOMENTS,
)
LIVES = st.lists(SIGHTS | st.none(), min_size=1, max_size=12)
POLICIES = st.builds(Policy, st.booleans(), st.booleans(), st.sampled_from(STALE_AFTER), st.booleans())


def live(life: list[Incident | None], policy: Policy) -> Iterator[tuple[IncidentState, tuple[Transition, ...], bool]]:
    """Each record with what was told on the way there; `None` in a life is an answer "no such record"."""
    before: IncidentState | None = None
    now: datetime = NOW
    for seen in life:
        now += timedelta(seconds=40)
        if seen is not None:
            decision = reconcile(before, seen, "1026034957", policy, now)
        elif before is not None and before.phase is not Phase.RESOLVED:
            decision = reconcile_gone(before, GONE_AFTER, now)
        else:
            continue
        before = decision.after
        yield before, decision.transitions, seen is None


@given(LIVES, POLICIES)
def test_whatever_happens_each_generation_is_told_as_new_then_acknowledged_then_resolved(
    life: list[Incident | None], policy: Policy
) -> None:
    told: dict[int, list[Kind]] = {}
    for after, transitions, _ in live(life, policy):
        for each in transitions:
            told.setdefault(each.generation, []).append(each.kind)
        if after.alerted and after.phase is Phase.RESOLVED:
            assert told[after.generation][-1] is Kind.RESOLVED
    for sequence in told.values():
        assert sequence[0] is Kind.NEW
        assert sequence == sorted(set(sequence), key=ORDER.index)
    for sequence in list(told.values())[:-1]:
        assert sequence[-1] is Kind.RESOLVED


@given(LIVES, POLICIES)
def test_whatever_happens_the_generation_and_the_external_id_never_go_back(
    life: list[Incident | None], policy: Policy
) -> None:
    records = [after for after, *_ in live(life, policy)]
    assert all(later.generation - earlier.generation in {0, 1} for earlier, later in pairwise(records))
    assert {record.external_id for record in records} <= {"1026034957"}


@given(LIVES, POLICIES)
def test_one_answer_without_a_record_never_ends_an_incident(life: list[Incident | None], policy: Policy) -> None:
    missing = 0
    for after, transitions, is_gone in live(life, policy):
        missing = missing + 1 if is_gone else 0
        if is_gone and missing < 3:  # 40 s apart, so that the first and the second are too close
            assert transitions == ()
            assert after.phase is not Phase.RESOLVED
