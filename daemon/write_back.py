"""Writes back what people did in SIGNL4: gather, decide, record. What is recorded is sent to Better Stack by `deliver`.

1. It looks only while an incident of ours is open, and then at what has changed since the last look.
2. What was sent meanwhile is read after what SIGNL4 shows: no alert is seen before the message that raised it.
3. Nothing is lost by a look that fails: the next one begins where the last complete one ended.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Protocol

from daemon.decisions.write_back import Nothing, decide
from daemon.findings import Findings
from daemon.model.event import Listener
from daemon.model.events import two_way as events
from daemon.model.incident import Kind
from daemon.model.signl4 import Listed, SeenAlert
from daemon.model.two_way import Finding, Watched
from daemon.storage.alerts import Alerts
from daemon.storage.two_way import TwoWayProgress

OVERLAP = timedelta(minutes=1)
"""By so much two looks overlap: what changes while a list is made may be missing from it."""
MOST_LOOKUPS = 5
"""At most so many alerts are looked up by their external id in one look."""
NOW_AND_THEN = 20
"""In one of so many looks each that is not listed is looked up: that a list of changes shows all is not documented."""


class AlertSource(Protocol):
    """SIGNL4, as this flow uses it. The methods raise `Signl4ApiError` and `StoppedError`."""

    @property
    def ahead(self) -> timedelta | None:
        """SIGNL4's clock minus ours, if known."""

    def alerts(self, since: datetime | None) -> Listed:
        """Those that changed since then, by SIGNL4's clock; or all that are not closed."""

    def alerts_of(self, external_id: str) -> tuple[SeenAlert, ...]:
        """Those with that external id."""


class WriteBacks:
    """Run by the job `two-way`, in its thread."""

    def __init__(
        self,
        signl4: AlertSource,
        alerts: Alerts,
        progress: TwoWayProgress,
        findings: Findings,
        *,
        wanted: Collection[Kind],
        clock: Callable[[], datetime],
        log: Listener,
        on_queued: Callable[[], None],
    ) -> None:
        """`wanted`: what is written back. `on_queued` is called when something was put into the outbox."""
        self._signl4 = signl4
        self._alerts = alerts
        self._progress = progress
        self._findings = findings
        self._wanted = wanted
        self._clock = clock
        self._log = log
        self._on_queued = on_queued
        self._looked_up = dict[tuple[str, str], int]()
        """In which look an incident was looked up last."""
        self._looks = 0
        self._owed = False
        """Whether an incident was not looked up yet that a list without all changes did not show."""

    def look(self) -> None:
        """One look. Raises `Signl4ApiError`, `StoppedError`, `DatabaseBusyError`."""
        begun_at = self._alerts.begun_at()
        if begun_at is None:
            return
        self._looks += 1
        listed = self._signl4.alerts(self._since(begun_at))
        self._take(listed.alerts)
        shows_all = listed.with_closed and listed.is_whole
        if self._owed or not shows_all or self._looks % NOW_AND_THEN == 0:
            for incident_id, external_id in self._unlisted(listed.alerts):
                self._take(self._signl4.alerts_of(external_id), incident_id)
        self._progress.looked(listed.as_of, self._clock())

    def _since(self, begun_at: datetime) -> datetime | None:
        """From when on changes matter. After a time without an open incident, not all that others did meanwhile."""
        read_until, ahead = self._progress.read().read_until, self._signl4.ahead
        if read_until is None:
            return None
        # A time in the future was stamped by a wrong clock.
        if ahead is not None and begun_at <= self._clock():
            read_until = max(read_until, begun_at + ahead)
        return read_until - OVERLAP

    def _take(self, alerts: Collection[SeenAlert], *incident_ids: str) -> None:
        """Decides on each alert, and commits the result. `incident_ids`: whose they are, if that is known."""
        watched, ahead, now = self._alerts.watched(*incident_ids), self._signl4.ahead or timedelta(0), self._clock()
        verdicts = ((one, alert, decide(one, alert, self._wanted, ahead)) for one, alert in _ours(watched, alerts))
        found = [
            self._findings.of(one, alert, verdict, now, ahead)
            for one, alert, verdict in verdicts
            if not isinstance(verdict, Nothing)
        ]
        if news := [one for one in found if one is not None]:
            self._record(news, now)

    def _record(self, findings: Collection[Finding], now: datetime) -> None:
        queued = self._alerts.record(list(findings), now)
        for finding, one in queued:
            self._log(events.WritingBack(finding.incident_id, one.kind, finding.generation))
        if queued:
            self._on_queued()

    def _unlisted(self, listed: Iterable[SeenAlert]) -> list[tuple[str, str]]:
        """Id and external id of open incidents of which an alert may be closed, least recently looked up first."""
        ids = {alert.id for alert in listed}
        watched = (one for one in self._alerts.watched() if one.open_alerts - ids or one.lacks_alerts)
        missing = [(one.incident_id, one.external_id) for one in watched]
        self._looked_up = {one: self._looked_up.get(one, 0) for one in missing}
        chosen = sorted(missing, key=lambda one: self._looked_up[one])[:MOST_LOOKUPS]
        self._looked_up |= dict.fromkeys(chosen, self._looks)
        self._owed = 0 in self._looked_up.values()
        return chosen


def _ours(watched: Iterable[Watched], alerts: Iterable[SeenAlert]) -> Iterator[tuple[Watched, SeenAlert]]:
    """The alerts that may belong to watched incidents."""
    by_id = dict[str, Watched]()
    for one in watched:
        by_id |= dict.fromkeys((one.external_id, *(sent.event_id for sent in one.news if sent.event_id)), one)
    for alert in alerts:
        found = by_id.get(alert.event_id or "") or by_id.get(alert.external_id)
        if found is not None:
            yield found, alert
