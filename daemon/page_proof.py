"""Proof of a page: asks SIGNL4 what became of each `new` that it took, until that is settled.

Taken is not paged: an event can be filtered, suppressed or find nobody. Each look asks about a few, so that no storm of
alerts keeps the other looks waiting; one that cannot be answered is put off, and delays no other.
"""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Protocol

from daemon.decisions import page_proof as decision
from daemon.model.errors import Signl4ApiError
from daemon.model.event import Event, Listener
from daemon.model.events import pages as events
from daemon.model.page_proof import AwaitedProof, Finding, PageVerdict
from daemon.model.signl4 import EventOutcome, SeenAlert
from daemon.storage.page_proofs import PageProofs

AT_A_LOOK = 4
"""How many events are asked about in one look: half of what SIGNL4's free plan allows in that time."""
MOST = 100
"""How many are read for one look; those of an hour ago are given up unasked."""


class Outcomes(Protocol):
    """What SIGNL4's REST API says of one event."""

    def outcome(self, event_id: str) -> EventOutcome | None:
        """What became of it; `None`: SIGNL4 knows no such event. Raises `Signl4ApiError` and `StoppedError`."""

    def alerts_of(self, external_id: str) -> Collection[SeenAlert]:
        """The alerts with this external id. Raises the same."""

    @property
    def ahead(self) -> timedelta | None:
        """SIGNL4's clock minus ours, if known."""


class PageProof:
    """One of the looks of the job `two-way`. Called by its thread."""

    def __init__(self, api: Outcomes, proofs: PageProofs, *, clock: Callable[[], datetime], log: Listener) -> None:
        """`clock` gives aware UTC times."""
        self._api = api
        self._proofs = proofs
        self._clock = clock
        self._log = log

    def look(self) -> None:
        """Raises `Signl4ApiError`, `StoppedError` and `DatabaseBusyError`. What is not settled is asked about later."""
        now = self._clock()
        self._proofs.take_up(now - decision.GIVEN_UP_AFTER, decision.FIRST)
        due = self._proofs.due(now, decision.LONGEST, MOST)
        given_up = [proof for proof in due if decision.is_given_up(proof, now)]
        for proof in given_up:
            self._settle(proof, decision.given_up(), None)
        for proof in [proof for proof in due if proof not in given_up][:AT_A_LOOK]:
            self._ask(proof)

    def _ask(self, proof: AwaitedProof) -> None:
        try:
            outcome = self._api.outcome(proof.event_id)
            alerts = self._api.alerts_of(proof.external_id) if decision.needs_alerts(outcome) else ()
        except Signl4ApiError:
            self._put_off(proof)
            raise
        finding = decision.judge(proof, outcome, alerts, self._api.ahead or timedelta(0), self._clock())
        if finding.verdict is None:
            self._put_off(proof)
        else:
            self._settle(proof, finding, outcome)

    def _put_off(self, proof: AwaitedProof) -> None:
        self._proofs.postpone(proof, decision.ask_again_at(proof.asked + 1, self._clock()))

    def _settle(self, proof: AwaitedProof, finding: Finding, outcome: EventOutcome | None) -> None:
        """A crash before this is recorded asks again."""
        if self._proofs.settle(proof, finding, outcome, self._clock()):
            self._log(_what_came_of(proof, finding))


def _what_came_of(proof: AwaitedProof, finding: Finding) -> Event:
    if finding.verdict is PageVerdict.PAGED:
        return events.Paged(proof.incident_id, proof.team)
    happened = events.NotPaged if finding.verdict is PageVerdict.NOT_PAGED else events.PageUnknown
    return happened(proof.incident_id, proof.team, finding.why)
