"""The story of an incident: each cause before what follows from it, in plain sentences."""

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from daemon.decisions.explain import explain
from daemon.model.delivery import DeliveryState
from daemon.model.destination import BETTER_STACK
from daemon.model.history import Entry, Happening
from daemon.model.incident import Kind, Phase
from daemon.model.story import Record, RecordedDelivery
from tests.support.each import each
from tests.support.story import SEEN, entry, present, record, row
from tests.support.values import NOW, ago

NEW, ACKNOWLEDGED, RESOLVED = Kind
PENDING, DELIVERED, SUPERSEDED, DEAD = DeliveryState
TAKEN = ago(minutes=4)
"""When a delivered row was accepted."""


def told(one: Record) -> list[str]:
    """The sentences."""
    return [line.text for line in explain(one, present()).happened]


BEGUN = ["began at Better Stack", "first seen, 5 s after it began"]
CASES: dict[str, tuple[Record, list[str]]] = {
    "accepted at once": (
        record(
            row(1, NEW, DELIVERED, attempts=1, event_id="2c1d"),
            history=[
                entry(Happening.ROUTED, 'route "shop" matches', SEEN),
                entry(Happening.ATTEMPT, "accepted; event 2c1d", TAKEN, 1, 0.204),
            ],
        ),
        [*BEGUN, 'route "shop" matches', "new to team default: accepted by SIGNL4; event 2c1d"],
    ),
    "accepted after a failure": (
        record(
            row(1, NEW, DELIVERED, attempts=2, last_error="HTTP 503"),
            history=[
                entry(Happening.ATTEMPT, "HTTP 503", TAKEN - timedelta(seconds=2), 1, 15.04),
                entry(Happening.ATTEMPT, "accepted", TAKEN, 1, 1.0),
            ],
        ),
        [
            *BEGUN,
            "new to team default: not accepted: HTTP 503",
            "new to team default: accepted by SIGNL4",
        ],
    ),
    "found, after its answer was lost": (
        record(
            row(1, NEW, DELIVERED, attempts=2, event_id="2c1d", last_error="HTTP 503"),
            history=[
                entry(Happening.ATTEMPT, "HTTP 503", TAKEN - timedelta(seconds=2), 1, 15.04),
                entry(Happening.ATTEMPT, "SIGNL4 had it already; event 2c1d", TAKEN, 1, 0.1),
            ],
        ),
        [
            *BEGUN,
            "new to team default: not accepted: HTTP 503",
            "new to team default: SIGNL4 had it already; event 2c1d",
        ],
    ),
    "held, and over by then": (
        record(
            row(1, NEW, SUPERSEDED, reason="over while held: silence 3", held_because="silence 3"),
            row(2, RESOLVED, SUPERSEDED, created_at=ago(minutes=1), reason="nobody was told of the beginning"),
            history=[entry(Happening.HELD, "silence 3, until 12:00", SEEN, 1)],
            phase=Phase.RESOLVED,
        ),
        [
            *BEGUN,
            "new to team default: held: silence 3, until 12:00",
            "resolved, seen 4 min 0 s later",
            "new to team default: superseded: over while held: silence 3",
            "resolved to team default: superseded: nobody was told of the beginning",
        ],
    ),
    "given up with all that waited of it": (
        record(
            row(1, NEW, SUPERSEDED, reason="over too long"),
            row(2, RESOLVED, SUPERSEDED, created_at=ago(minutes=3), occurred_at=ago(minutes=3), reason="over too long"),
            history=[entry(Happening.SUPERSEDED, "over too long", ago(minutes=1), 1)],
            phase=Phase.RESOLVED,
        ),
        [
            *BEGUN,
            "resolved",
            "new to team default: superseded: over too long",
            "resolved to team default: superseded: over too long",
        ],
    ),
    "by hand": (
        record(
            row(1, NEW, SUPERSEDED, reason="dropped by hand"),
            history=[
                entry(Happening.RETRIED, "due now, by hand", ago(minutes=2), 1),
                entry(Happening.DROPPED, "dropped by hand", ago(minutes=1), 1),
            ],
        ),
        [*BEGUN, "new to team default: due now, by hand", "new to team default: dropped by hand"],
    ),
    "a person acknowledges in SIGNL4": (
        record(
            row(1, NEW, DELIVERED, attempts=1),
            row(2, ACKNOWLEDGED, DELIVERED, team=BETTER_STACK, attempts=1, created_at=ago(minutes=3)),
            row(3, ACKNOWLEDGED, SUPERSEDED, created_at=NOW, occurred_at=NOW, reason="acknowledged in SIGNL4 first"),
            history=[
                entry(Happening.ATTEMPT, "accepted", TAKEN, 1, 0.1),
                entry(Happening.ACKNOWLEDGED_IN_SIGNL4, "Jane acknowledged the alert in SIGNL4", TAKEN),
                entry(Happening.ATTEMPT, "accepted", TAKEN, 2, 0.1),
            ],
            phase=Phase.ACKNOWLEDGED,
            acknowledged_at=NOW,
        ),
        [
            *BEGUN,
            "new to team default: accepted by SIGNL4",
            "Jane acknowledged the alert in SIGNL4",
            "acknowledged to Better Stack: accepted by Better Stack",
            "acknowledged",
            "acknowledged to team default: superseded: acknowledged in SIGNL4 first",
        ],
    ),
    "two teams hear of one transition": (
        record(
            row(1, NEW, DELIVERED, attempts=1),
            row(2, NEW, DELIVERED, team="night", attempts=1),
            row(3, ACKNOWLEDGED, created_at=NOW, occurred_at=ago(seconds=7)),
            row(4, ACKNOWLEDGED, SUPERSEDED, team="night", created_at=NOW, occurred_at=NOW, reason="why"),
            history=[entry(Happening.ATTEMPT, "accepted", TAKEN, number, 0.1) for number in (1, 2)],
        ),
        [
            *BEGUN,
            "new to team default: accepted by SIGNL4",
            "new to team night: accepted by SIGNL4",
            "acknowledged, seen 7 s later",
            "acknowledged to team night: superseded: why",
        ],
    ),
    "sent again, since SIGNL4 has no alert of it": (
        record(
            row(1, NEW, attempts=1),
            history=[
                entry(Happening.ATTEMPT, "accepted; event 2c1d", TAKEN, 1, 0.2),
                entry(Happening.PAGE, "not paged: SIGNL4 filtered it", ago(minutes=3), 1),
                entry(Happening.RECONCILED, "SIGNL4 has no alert of it for team default", ago(minutes=2)),
                entry(Happening.RECONCILED, "SIGNL4 has no alert of it, so it is sent again", ago(minutes=1), 1),
            ],
        ),
        [
            *BEGUN,
            "new to team default: accepted by SIGNL4; event 2c1d",
            "new to team default: not paged: SIGNL4 filtered it",
            "SIGNL4 has no alert of it for team default",
            "new to team default: SIGNL4 has no alert of it, so it is sent again",
        ],
    ),
    "opened again": (
        record(
            row(1, NEW, DELIVERED, attempts=1),
            row(2, RESOLVED, DELIVERED, attempts=1, created_at=ago(minutes=3), delivered_at=ago(minutes=3)),
            row(3, NEW, generation=2, created_at=NOW, occurred_at=ago(seconds=9), reason="reopened"),
            history=[
                entry(Happening.ATTEMPT, "accepted", TAKEN, 1, 0.1),
                entry(Happening.ATTEMPT, "accepted", ago(minutes=3), 2, 0.1),
            ],
            generation=2,
        ),
        [
            *BEGUN,
            "new to team default: accepted by SIGNL4",
            "resolved, seen 2 min 0 s later",
            "resolved to team default: accepted by SIGNL4",
            "reopened, seen 9 s later",
        ],
    ),
    "who is told is decided a moment before that is recorded": (
        record(
            row(1, NEW, DELIVERED, attempts=1, delivered_at=SEEN),
            row(2, NEW, generation=2, created_at=NOW, occurred_at=NOW, reason="reopened"),
            history=[
                entry(Happening.ROUTED, "a route", SEEN - timedelta(milliseconds=5)),
                entry(Happening.ATTEMPT, "accepted", SEEN, 1, 0.1),
                replace(entry(Happening.ROUTED, "another route", NOW - timedelta(milliseconds=5)), generation=2),
            ],
            generation=2,
        ),
        [*BEGUN, "a route", "new to team default: accepted by SIGNL4", "reopened", "another route"],
    ),
    "confirmed later": (
        record(row(1, NEW, created_at=ago(minutes=1), reason="confirmed")),
        [*BEGUN, "confirmed"],
    ),
    "nobody is told of it": (
        record(alerted=False, silent_because="ended unconfirmed", phase=Phase.RESOLVED, resolved_at=NOW),
        [*BEGUN, "resolved at Better Stack"],
    ),
    "nobody is told of its acknowledgement, nor that it was deleted": (
        record(alerted=False, acknowledged_at=ago(minutes=2), phase=Phase.RESOLVED, resolved_at=NOW, deleted=True),
        [*BEGUN, "acknowledged at Better Stack", "deleted at Better Stack"],
    ),
    "it is not known when it began": (record(started_at=None), ["first seen"]),
    "it began later, by a clock that is ahead": (
        record(started_at=NOW),
        ["first seen", "began at Better Stack"],
    ),
    "an alarm of this program": (
        record(row(1, NEW, reason="an alarm of our own"), is_alarm=True),
        ["an alarm of our own"],
    ),
    "killed between an attempt and its record, or under way": (
        record(
            row(1, NEW, attempts=2, attempted_at=ago(minutes=2), last_error="HTTP 503"),
            history=[entry(Happening.ATTEMPT, "HTTP 503", ago(minutes=3), 1, 0.1)],
        ),
        [
            *BEGUN,
            "new to team default: not accepted: HTTP 503",
            "new to team default: an attempt without a recorded answer: SIGNL4 may have accepted it",
        ],
    ),
    "killed, and accepted at the next attempt": (
        record(
            row(1, NEW, DELIVERED, attempts=2, attempted_at=TAKEN),
            history=[entry(Happening.ATTEMPT, "accepted", TAKEN, 1, 0.1)],
        ),
        [
            *BEGUN,
            "new to team default: 1 attempt without a recorded answer, at times that are not known",
            "new to team default: accepted by SIGNL4",
        ],
    ),
    "an older version delivered it": (
        record(row(1, NEW, DELIVERED, attempts=3, attempted_at=TAKEN, event_id="7", last_error="HTTP 503")),
        [
            *BEGUN,
            (
                "new to team default: 2 attempts without a recorded answer, at times that are not known; "
                "the last error: HTTP 503"
            ),
            "new to team default: accepted by SIGNL4; event 7",
        ],
    ),
    "dropped on its way, and accepted": (
        record(
            row(1, NEW, DELIVERED, attempts=1, reason="dropped by hand"),
            history=[
                entry(Happening.DROPPED, "dropped by hand", TAKEN - timedelta(seconds=1), 1),
                entry(Happening.ATTEMPT, "accepted", TAKEN, 1, 2.0),
            ],
        ),
        [*BEGUN, "new to team default: dropped by hand", "new to team default: accepted by SIGNL4"],
    ),
    "an entry about a delivery that is not there": (
        record(history=[entry(Happening.ATTEMPT, "HTTP 503", SEEN, 99, 0.1)]),
        [*BEGUN, "not accepted: HTTP 503"],
    ),
}


@each(("one", "sentences"), CASES.values(), ids=CASES)
def test_each_thing_that_happened_is_a_sentence(one: Record, sentences: list[str]) -> None:
    assert told(one) == sentences


def test_a_line_says_for_programs_what_it_is_about() -> None:
    taken = entry(Happening.ATTEMPT, "accepted", TAKEN, 7, 0.204)
    [*_, line] = explain(record(row(7, NEW, DELIVERED, attempts=1, team="night"), history=[taken]), present()).happened
    assert (line.at, line.what, line.generation) == (TAKEN, "attempt", 1)
    assert (line.delivery_id, line.kind, line.team, line.seconds) == (7, "new", "night", 0.204)


MOMENTS = st.integers(-300, 0).map(lambda seconds: NOW + timedelta(seconds=seconds))


@st.composite
def rows(draw: st.DrawFn) -> RecordedDelivery:
    """Whatever a row of the outbox may be."""
    state, attempts = draw(st.sampled_from(DeliveryState)), draw(st.integers(0, 3))
    return row(
        draw(st.integers(1, 3)),
        draw(st.sampled_from(Kind)),
        state,
        attempts=attempts + (state is DELIVERED),
        attempted_at=draw(MOMENTS) if attempts else None,
        created_at=draw(MOMENTS),
        team=draw(st.sampled_from(("default", "night"))),
        generation=draw(st.integers(1, 2)),
        due_at=draw(MOMENTS),
    )


entries = st.builds(
    entry, st.sampled_from(Happening), st.just("why"), MOMENTS, st.none() | st.integers(1, 4), st.none() | st.just(0.5)
)


@given(
    st.lists(rows(), max_size=4, unique_by=lambda one: one.id), st.lists(entries, max_size=6), st.sampled_from(Phase)
)
def test_whatever_is_recorded_is_told_in_order_of_time_and_no_entry_is_lost(
    deliveries: list[RecordedDelivery], history: list[Entry], phase: Phase
) -> None:
    story = explain(record(*deliveries, history=history, phase=phase), present())
    times: list[datetime] = [line.at for line in story.happened]
    assert times == sorted(times)
    assert len(story.happened) >= len(history) + 2
    assert story.next
    assert all(text for text in (*(line.text for line in story.happened), *(step.text for step in story.next)))
