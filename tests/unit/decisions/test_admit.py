"""Whether a due delivery goes out, waits, or is not sent at all."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from daemon.decisions.admit import Hold, Send, Supersede, admit
from daemon.model.admission import Held
from daemon.model.delivery import Delivery
from daemon.model.incident import Kind
from tests.support.outbox import ACKNOWLEDGED, NEW, RESOLVED, after, deliver, due, head, only, tell
from tests.support.store import Store
from tests.support.values import NOW, ago

GAP, STALE_AFTER = timedelta(seconds=2), timedelta(minutes=15)


def delivery(
    kind: Kind = NEW, *, attempts: int = 0, over: float | None = None, previous: float | None = None
) -> Delivery:
    """`over`: since so many minutes; `previous`: taken so many seconds ago."""
    return Delivery(
        id=1,
        incident_id="7",
        generation=1,
        kind=kind,
        external_id="7",
        payload={},
        attempts=attempts,
        refused=False,
        over_since=None if over is None else ago(minutes=over),
        occurred_at=NOW,
        created_at=NOW,
        previous_at=None if previous is None else ago(seconds=previous),
    )


STALE = Supersede("the incident was over too long before this could first be sent")
ADMITTED = {
    "nothing before it": (delivery(), Send()),
    "the one before it was taken this moment": (delivery(previous=0), 2.0),
    "within the gap": (delivery(RESOLVED, previous=0.5), 1.5),
    "at the end of the gap": (delivery(RESOLVED, previous=2), Send()),
    "long after it": (delivery(RESOLVED, previous=3600), Send()),
    "the one before it was taken at a time to come": (delivery(RESOLVED, previous=-3600), Send()),
    "over for a while, unheard": (delivery(over=14), Send()),
    "over for too long, unheard": (delivery(over=16), STALE),
    "over for too long, within the gap of a life before": (delivery(over=16, previous=1), STALE),
    "over for too long, perhaps heard": (delivery(attempts=1, over=16), Send()),
    "an acknowledgement of what is over for too long": (delivery(ACKNOWLEDGED, over=16), Send()),
    "the end of what is over for too long": (delivery(RESOLVED, over=16), Send()),
}


@pytest.mark.parametrize(("due", "expected"), ADMITTED.values(), ids=ADMITTED)
def test_what_becomes_of_a_delivery_that_is_due(due: Delivery, expected: Send | Supersede | float) -> None:
    verdict = admit(due, GAP, STALE_AFTER, NOW, NOW)
    if isinstance(expected, float):
        assert isinstance(verdict, Hold)
        assert verdict.until == after(seconds=expected)
    else:
        assert verdict == expected


def test_how_long_an_incident_is_over_is_counted_by_better_stacks_clock() -> None:
    assert admit(delivery(over=16), GAP, STALE_AFTER, NOW, ago(minutes=2)) == Send()


def test_the_previous_one_is_the_latest_that_was_taken_of_the_incident_in_whatever_life(store: Store) -> None:
    tell(store, "1", NEW, RESOLVED)
    assert head(store, "1").previous_at is None
    deliver(store, "1", at=ago(seconds=30))
    deliver(store, "1", at=ago(seconds=1))
    tell(store, "1", NEW, generation=2)
    tell(store, "2", NEW)
    assert head(store, "1").previous_at == ago(seconds=1)
    assert head(store, "2").previous_at is None


RULE = Hold(after(minutes=9), "silence 3", by_rule=True)
UNDER_A_RULE = {
    "unheard": (delivery(), RULE),
    "attempted": (delivery(attempts=1), Send()),
    "its end": (delivery(RESOLVED), Send()),
    "its acknowledgement": (delivery(ACKNOWLEDGED), Send()),
    "its end within the gap": (delivery(RESOLVED, previous=0.5), 1.5),
}


@pytest.mark.parametrize("what", UNDER_A_RULE)
def test_a_rule_holds_the_new_that_was_never_attempted_and_nothing_else(what: str) -> None:
    due, expected = UNDER_A_RULE[what]
    found = admit(due, GAP, STALE_AFTER, NOW, NOW, RULE)
    assert found == expected or (isinstance(found, Hold) and not found.by_rule and expected == 1.5)


def test_what_is_over_before_a_rule_was_asked_is_superseded_by_it() -> None:
    found = admit(delivery(over=1), GAP, STALE_AFTER, NOW, NOW, RULE)
    assert found == Supersede("over while held: silence 3")


def test_what_is_held_is_not_due_before_its_time(store: Store) -> None:
    tell(store, "1", NEW, RESOLVED)
    tell(store, "2", NEW)
    store.put_off([Held(head(store, "1"), after(seconds=2), None)], [], NOW)
    assert due(store) == [("2", NEW)]
    assert sorted(due(store, now=after(seconds=2))) == [("1", NEW), ("2", NEW)]


def test_what_was_given_up_meanwhile_is_not_held(store: Store, engine: Engine) -> None:
    tell(store, "1", NEW)
    delivery = head(store, "1")
    store.supersede(delivery, "why")
    before = only(engine)
    store.put_off([Held(delivery, after(seconds=2), None)], [], NOW)
    assert only(engine) == before


def unsure(seconds: float, kind: Kind = NEW, previous: float | None = None) -> Delivery:
    """Attempted so many seconds ago, and nobody knows what came of it."""
    return replace(delivery(kind, attempts=1, previous=previous), maybe_taken_at=ago(seconds=seconds))


BEFORE_A_LOOK_UP = {
    "a moment after the attempt": (unsure(0.5), 1.5),
    "at the end of the gap": (unsure(2), Send()),
    "long after it": (unsure(3600), Send()),
    "attempted at a time to come": (unsure(-5), Send()),
    "certainly not taken": (delivery(attempts=1), Send()),
    "what is not looked up": (unsure(0.5, RESOLVED), Send()),
    "the gap behind another message ends earlier": (unsure(0.5, previous=1), 1.0),
}


@pytest.mark.parametrize(("due", "expected"), BEFORE_A_LOOK_UP.values(), ids=BEFORE_A_LOOK_UP)
def test_what_signl4_may_have_is_looked_up_once_it_can_have_been_processed(
    due: Delivery, expected: Send | float
) -> None:
    verdict = admit(due, GAP, STALE_AFTER, NOW, NOW, looks_up=True)
    if isinstance(expected, float):
        assert isinstance(verdict, Hold)
        assert (verdict.until, verdict.by_rule) == (after(seconds=expected), False)
    else:
        assert verdict == expected
    assert admit(due, timedelta(0), STALE_AFTER, NOW, NOW, looks_up=False) == Send()
