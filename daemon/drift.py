"""Reconciliation: holds SIGNL4's open alerts against our open incidents.

1. An alert that is still open although its incident is over gets its `resolved` again, once each time.
2. An open incident that was told, and of which SIGNL4 has no alert, is reported; only the operator has it sent again.
3. Absence in a list proves nothing: SIGNL4 is asked for each, and only the second time in a row it counts.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Protocol

from daemon.decisions import drift as decision
from daemon.model.drift import Drift, DriftKind, Reconciled, ToldIncident
from daemon.model.event import Listener
from daemon.model.events import pages as events
from daemon.model.signl4 import Listed, SeenAlert
from daemon.storage.drift import DriftRecords

AT_ONCE = 20
"""For how many incidents SIGNL4 is asked in one hourly reconciliation; the first that are missing again, if any are."""


class Alerts(Protocol):
    """What SIGNL4's REST API says of its alerts."""

    def alerts(self, since: datetime | None) -> Listed:
        """`since` is `None`: all that are not closed. Raises `Signl4ApiError` and `StoppedError`."""

    def alerts_of(self, external_id: str) -> Collection[SeenAlert]:
        """The alerts with this external id, closed ones, too. Raises the same."""

    @property
    def ahead(self) -> timedelta | None:
        """SIGNL4's clock minus ours, if known."""


class Reconciliation:
    """One of the looks of the job `two-way`, called by its thread; and the command `reconcile`."""

    def __init__(
        self,
        api: Alerts,
        records: DriftRecords,
        *,
        clock: Callable[[], datetime],
        log: Listener,
        on_queued: Callable[[], None],
    ) -> None:
        """`clock` gives aware UTC times. `on_queued` is called after a message was made pending again."""
        self._api = api
        self._records = records
        self._clock = clock
        self._log = log
        self._on_queued = on_queued
        self._begun_at: datetime | None = None

    def look(self) -> None:
        """Reconciles if it is time. Raises `Signl4ApiError`, `StoppedError` and `DatabaseBusyError`."""
        now, last = self._clock(), self._records.reconciled_at()
        if not _is_recent(last, decision.INTERVAL, now) and not _is_recent(self._begun_at, decision.TRY_AGAIN, now):
            self._begun_at = now
            self.reconcile(most=AT_ONCE)

    def reconcile(self, *, most: int | None = None, at_once: bool = False, repair: bool = False) -> list[Reconciled]:
        """Compares, mends and records; returns what does not agree. Raises the same.

        `most`: for how many incidents SIGNL4 is asked at most. `at_once`: what is missing is certain the first time.
        `repair`: what is missing is sent again.
        """
        now = self._clock()
        alerts = self._api.alerts(None).alerts
        told, before = self._records.told(alerts), self._records.known()
        ahead = self._api.ahead or timedelta(0)
        over = map(decision.left_open_drift, decision.left_open(alerts, told, ahead, now))
        missing = self._missing(decision.unseen(alerts, told, before, now)[:most])
        found = decision.counted(before, [*over, *map(decision.missing_drift, missing)], at_once=at_once)
        done = self._records.record(found, before, self._clock(), repair=repair)
        self._tell(done, before)
        return done

    def _missing(self, unseen: Iterable[ToldIncident]) -> Iterator[ToldIncident]:
        for told in unseen:
            if not decision.is_known(told, self._api.alerts_of(told.external_id)):
                yield told

    def _tell(self, done: Iterable[Reconciled], before: Collection[Drift]) -> None:
        for one in done:
            drift = one.drift
            if drift.kind is DriftKind.LEFT_OPEN:
                self._log(events.AlertLeftOpen(drift.incident_id, drift.team, drift.times))
            elif one.mended or (drift.is_certain and not _was_certain(drift, before)):
                self._log(events.AlertMissing(drift.incident_id, drift.team, one.mended))
        if any(one.mended for one in done):
            self._on_queued()


def _is_recent(at: datetime | None, lasts: timedelta, now: datetime) -> bool:
    """A time in the future was stamped by a wrong clock."""
    return at is not None and at <= now < at + lasts


def _was_certain(drift: Drift, before: Iterable[Drift]) -> bool:
    return any(known.is_same(drift) and known.is_certain for known in before)
