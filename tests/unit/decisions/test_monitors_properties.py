"""What holds for whatever sequence of records, and of answers that there is none."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from daemon.decisions.monitors import Observed, gone, observe
from daemon.model.monitor import Monitor, MonitorEvent, MonitorState
from tests.support.monitors import monitor, state
from tests.support.outbox import after
from tests.support.values import NOW, ago

PAUSED, UNPAUSED, DELETED = MonitorEvent.PAUSED, MonitorEvent.UNPAUSED, MonitorEvent.DELETED
GONE_AFTER = timedelta(minutes=1)
LISTED = ago(minutes=5)
MOMENTS = st.one_of(st.none(), st.integers(-400, 10).map(lambda hours: after(hours=hours)))
RECORDS = st.builds(
    lambda status, paused_at, created_at, updated_at, url: monitor(
        status=status, paused_at=paused_at, created_at=created_at, updated_at=updated_at, configuration={"url": url}
    ),
    st.sampled_from(["up", "down", "paused", "maintenance", "pending", "validating", ""]),
    MOMENTS,
    MOMENTS,
    MOMENTS,
    st.sampled_from("12"),
)
STEPS = st.lists(st.tuples(st.integers(0, 5000), st.one_of(st.none(), RECORDS)), max_size=12)
"""Seconds until the answer, and the answer: a record, or that there is none."""


def lived(steps: Sequence[tuple[int, Monitor | None]]) -> list[tuple[MonitorState, Monitor | None, datetime, Observed]]:
    """The state before each answer, the answer, when it came, and what was made of it."""
    now, before = NOW, state(configuration={"url": "1"})
    found = []
    for seconds, seen in steps:
        now += timedelta(seconds=seconds)
        observed = gone(before, now, GONE_AFTER) if seen is None else observe(before, seen, now, LISTED)
        found.append((before, seen, now, observed))
        before = observed.after
    return found


@given(STEPS)
def test_the_same_record_again_tells_nothing_and_changes_nothing(steps: Sequence[tuple[int, Monitor | None]]) -> None:
    for _, seen, now, observed in lived(steps):
        if seen is not None:
            assert observe(observed.after, seen, now + timedelta(seconds=1), LISTED) == Observed(observed.after)


@given(STEPS)
def test_an_older_record_changes_nothing_and_tells_nothing(steps: Sequence[tuple[int, Monitor | None]]) -> None:
    for before, seen, _, observed in lived(steps):
        known = before.updated_at
        if seen is None or seen.updated_at is None or known is None or before.deleted_at is not None:
            continue
        if seen.updated_at < known:
            assert observed == Observed(replace(before, gone_since=None))


@given(STEPS)
def test_it_is_deleted_only_by_two_answers_in_a_row_that_are_far_enough_apart(
    steps: Sequence[tuple[int, Monitor | None]],
) -> None:
    first: datetime | None = None
    for before, seen, now, observed in lived(steps):
        if seen is not None:
            first = None
            assert observed.after.deleted_at is None
            continue
        first = first or now
        deletes = observed.after.deleted_at is not None and before.deleted_at is None
        assert deletes == any(one.what is DELETED for one in observed.changes)
        assert not deletes or now - first >= GONE_AFTER


@given(STEPS)
def test_no_status_is_from_the_future_and_what_is_told_is_of_the_past(
    steps: Sequence[tuple[int, Monitor | None]],
) -> None:
    for before, _, now, observed in lived(steps):
        assert observed.after.status_since <= now
        assert all(one.at <= now for one in observed.changes)
        assert observed.after.first_seen_at == before.first_seen_at


@given(STEPS)
def test_a_pause_and_its_end_take_turns(steps: Sequence[tuple[int, Monitor | None]]) -> None:
    is_paused = False
    for before, _, _, observed in lived(steps):
        is_paused = is_paused and before.deleted_at is None
        for one in observed.changes:
            if one.what in {PAUSED, UNPAUSED}:
                assert is_paused == (one.what is UNPAUSED)
                is_paused = not is_paused
        is_paused = observed.after.status == "paused" and observed.after.deleted_at is None
