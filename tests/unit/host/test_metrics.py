"""What is counted of what happens."""

from dataclasses import fields

import pytest

from daemon.host.metrics import DETECTION_SECONDS, OUTCOMES, TELLING_SECONDS, Counts, Histogram, Tally
from daemon.model.destination import BETTER_STACK
from daemon.model.event import Event
from daemon.model.events import deliveries, rounds
from daemon.model.incident import Kind

WHAT = ("7", Kind.NEW, 1)
ATTEMPTS: list[deliveries.OfTeam] = [
    deliveries.HadAlready(*WHAT, "id"),
    deliveries.Delivered(*WHAT, "id", 0.2),
    deliveries.NotDelivered(*WHAT, "why"),
    deliveries.PayloadRefused(*WHAT, "why"),
    deliveries.FailsOnItsOwn(*WHAT, "why", "mend"),
    deliveries.DeliveryDead(*WHAT, "why", "mend"),
    deliveries.DroppedOnItsWay(*WHAT, "why"),
]


def counted(*events: Event) -> Counts:
    tally = Tally()
    for event in events:
        tally(event)
    return tally.copy()


def test_every_result_of_an_attempt_is_an_outcome() -> None:
    """An attempt has a number: each event with one is the result of it."""
    results = [
        kind
        for kind in vars(deliveries).values()
        if isinstance(kind, type)
        and issubclass(kind, deliveries.OfTeam)
        and "attempt" in {field.name for field in fields(kind)}
    ]
    assert set(results) == OUTCOMES.keys() == {type(one) for one in ATTEMPTS}
    assert len(set(OUTCOMES.values())) == len(OUTCOMES)


@pytest.mark.parametrize("event", ATTEMPTS, ids=lambda event: type(event).__name__)
def test_an_attempt_is_counted_once_by_its_outcome(event: deliveries.OfTeam) -> None:
    counts = counted(event, event)
    assert counts.attempts == {
        ("default", outcome): 2.0 if kind is type(event) else 0.0 for kind, outcome in OUTCOMES.items()
    }


def test_better_stack_is_told_of_nothing_new() -> None:
    counts = counted(deliveries.Delivered("7", Kind.ACKNOWLEDGED, 1, None, team=BETTER_STACK))
    assert counts.attempts[BETTER_STACK, "delivered"] == 1
    assert counts.telling == {}


def test_each_team_has_its_own_counts() -> None:
    counts = counted(
        deliveries.Delivered(*WHAT, "id", 3.0, team="night"), deliveries.NotDelivered("7", Kind.NEW, 1, "why")
    )
    assert counts.attempts["night", "delivered"] == counts.attempts["default", "failed"] == 1
    assert counts.attempts["night", "failed"] == 0
    assert counts.telling["night"].total == 3.0
    assert counts.telling["default"].total == 0


def test_a_round_is_counted_by_its_result() -> None:
    counts = counted(
        rounds.RoundEnded(rounds.RoundResult.COMPLETE, 0.3),
        rounds.RoundEnded(rounds.RoundResult.COMPLETE, 0.4),
        rounds.RoundEnded(rounds.RoundResult.FAILED, 15.0),
    )
    assert {result: (sum(one.counts), one.total) for result, one in counts.rounds.items()} == {
        "complete": (2, 0.7),
        "failed": (1, 15.0),
    }


def transitioned(kind: Kind, delay: float | None) -> rounds.Transitioned:
    return rounds.Transitioned("7", kind, 1, "why", "name", delay)


def test_how_late_it_is_seen_is_measured_of_beginnings_alone() -> None:
    """Of alerts of the program's own nothing is: they begin when they are seen."""
    counts = counted(transitioned(Kind.NEW, 12.0), transitioned(Kind.RESOLVED, 99.0), transitioned(Kind.NEW, None))
    assert counts.detection.total == 12.0
    assert sum(counts.detection.counts) == 1
    assert counts.transitions == {"new": 2, "acknowledged": 0, "resolved": 1}


def test_how_late_it_is_told_is_measured_of_alerts_that_nothing_held() -> None:
    counts = counted(
        deliveries.Delivered("7", Kind.NEW, 3, "id", 5.0),
        deliveries.Delivered("8", Kind.NEW, 1, "id", None),
        deliveries.Delivered("7", Kind.RESOLVED, 1, "id", 7.0),
    )
    assert counts.telling["default"].total == 5.0
    assert sum(counts.telling["default"].counts) == 1
    assert counts.attempts["default", "delivered"] == 3


def test_what_is_known_is_there_before_it_happens() -> None:
    """Prometheus sees no increase of what was not there before."""
    tally = Tally()
    tally.know(["default", "night"])
    counts = tally.copy()
    assert set(counts.attempts) == {(team, one) for team in ("default", "night") for one in OUTCOMES.values()}
    assert set(counts.telling) == {"default", "night"}
    assert set(counts.rounds) == {"complete", "failed"}


def test_other_events_are_not_counted() -> None:
    assert counted(deliveries.Superseded("7", 1, "why"), rounds.Pruned(3), rounds.RoundInterrupted()) == Counts()


def test_a_copy_stays_as_it_is() -> None:
    tally = Tally()
    before = tally.copy()
    tally(rounds.RoundEnded(rounds.RoundResult.COMPLETE, 0.3))
    assert before == Counts()
    assert tally.copy() != before


def test_a_bucket_holds_its_bound_and_all_below() -> None:
    histogram = Histogram((1.0, 2.5))
    for value in (0.0, 1.0, 1.1, 2.5, 2.6, 99.0):
        histogram.observe(value)
    assert histogram.cumulated() == [("1.0", 2), ("2.5", 4), ("+Inf", 6)]
    assert histogram.total == pytest.approx(106.2)


def test_a_time_before_the_beginning_is_none() -> None:
    """Two clocks differ."""
    histogram = Histogram((1.0,))
    histogram.observe(-0.5)
    assert histogram.total == 0
    assert histogram.counts == [1, 0]


@pytest.mark.parametrize("bounds", [DETECTION_SECONDS, TELLING_SECONDS])
def test_the_bounds_rise_and_hold_those_of_the_alert_rules(bounds: tuple[float, ...]) -> None:
    assert list(bounds) == sorted(set(bounds))
    assert 300.0 in bounds
