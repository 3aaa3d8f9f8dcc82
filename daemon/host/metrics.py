"""Counts what happens: a listener of events, whose numbers the metrics show.

A number begins at zero with the process, or where an earlier one left it in the file for node_exporter.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import accumulate
from threading import Lock
from types import MappingProxyType

from daemon.model.destination import BETTER_STACK, DEFAULT
from daemon.model.event import Event
from daemon.model.events import deliveries, rounds
from daemon.model.incident import Kind

OUTCOMES: Mapping[type[deliveries.OfTeam], str] = MappingProxyType(
    {
        deliveries.Delivered: "delivered",
        deliveries.HadAlready: "had_already",
        deliveries.NotDelivered: "failed",
        deliveries.PayloadRefused: "refused",
        deliveries.FailsOnItsOwn: "own_fault",
        deliveries.DeliveryDead: "dead",
        deliveries.DroppedOnItsWay: "dropped",
    }
)
"""What each attempt ends with, and the value of the label `outcome`."""
ROUND_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0)
DETECTION_SECONDS = (5.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)
TELLING_SECONDS = (0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0)


@dataclass(slots=True)
class Histogram:
    """How many values were at most each bound."""

    bounds: tuple[float, ...]
    counts: list[float] = field(default_factory=list)
    """Of each bound, without those of the bounds below it; the last is of the values above all bounds."""
    total: float = 0.0

    def __post_init__(self) -> None:
        self.counts = self.counts or [0.0] * (len(self.bounds) + 1)

    def observe(self, value: float) -> None:
        """Counts a value; below zero, where two clocks differ, it is zero."""
        self.counts[bisect_left(self.bounds, max(value, 0.0))] += 1
        self.total += max(value, 0.0)

    def cumulated(self) -> list[tuple[str, float]]:
        """Each bound as Prometheus writes it, with how many values were at most that."""
        return list(zip((*(repr(bound) for bound in self.bounds), "+Inf"), accumulate(self.counts), strict=True))


@dataclass(slots=True)
class Counts:
    """What was counted so far. Histograms and counters by the values of their labels."""

    rounds: dict[str, Histogram] = field(
        default_factory=lambda: {str(result): Histogram(ROUND_SECONDS) for result in rounds.RoundResult}
    )
    """By result."""
    transitions: dict[str, float] = field(default_factory=lambda: dict.fromkeys(map(str, Kind), 0.0))
    """By kind."""
    detection: Histogram = field(default_factory=lambda: Histogram(DETECTION_SECONDS))
    attempts: dict[tuple[str, str], float] = field(default_factory=dict)
    """By team and outcome."""
    telling: dict[str, Histogram] = field(default_factory=dict)
    """By team."""


class Tally:
    """Called by any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts = Counts()

    def go_on(self, earlier: Counts) -> None:
        """Counts on from what an earlier process had counted."""
        with self._lock:
            self._counts = earlier

    def copy(self) -> Counts:
        """What was counted so far."""
        with self._lock:
            return deepcopy(self._counts)

    def know(self, teams: Iterable[str]) -> None:
        """Their numbers are there from now on: Prometheus sees no increase of one that was not there before."""
        with self._lock:
            for team in teams:
                if team != BETTER_STACK:  # it is told of no new incident
                    self._counts.telling.setdefault(team, Histogram(TELLING_SECONDS))
                for outcome in OUTCOMES.values():
                    self._counts.attempts.setdefault((team, outcome), 0.0)

    def __call__(self, event: Event) -> None:
        """Counts an event."""
        match event:
            case rounds.RoundEnded():
                with self._lock:
                    self._counts.rounds[str(event.result)].observe(event.seconds)
            case rounds.Transitioned():
                self._transitioned(event)
            case deliveries.OfTeam() if type(event) in OUTCOMES:
                self._attempted(event, OUTCOMES[type(event)])

    def _transitioned(self, event: rounds.Transitioned) -> None:
        with self._lock:
            self._counts.transitions[str(event.kind)] += 1
            if event.kind is Kind.NEW and event.delay is not None:
                self._counts.detection.observe(event.delay)

    def _attempted(self, event: deliveries.OfTeam, outcome: str) -> None:
        team = event.team or DEFAULT
        self.know((team,))
        with self._lock:
            self._counts.attempts[team, outcome] += 1
            if isinstance(event, deliveries.Delivered) and event.kind is Kind.NEW and event.delay is not None:
                self._counts.telling[team].observe(event.delay)
