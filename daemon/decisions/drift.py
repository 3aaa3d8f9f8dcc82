"""Where SIGNL4's alerts and our incidents do not agree. Pure.

Only what was told counts: what a rule keeps back, what waits and what is dead is no drift. Nor is an alert that a
person closed while its incident is open.
"""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta

from daemon.model.drift import Drift, DriftKind, ToldIncident
from daemon.model.signl4 import AlertPhase, SeenAlert

INTERVAL = timedelta(hours=1)
"""Between two reconciliations."""
TRY_AGAIN = timedelta(minutes=10)
"""After one that failed: each begins with all open alerts, and one answer that is always faulty fails it each time."""
SETTLED = timedelta(minutes=5)
"""What SIGNL4 accepted less than this ago may not be in its lists yet."""
MARGIN = timedelta(seconds=2)
"""Between the times that two machines give to one thing."""


def left_open(
    alerts: Iterable[SeenAlert], told: Collection[ToldIncident], ahead: timedelta, now: datetime
) -> list[ToldIncident]:
    """Those whose alert is still open, although they are over and SIGNL4 accepted that long enough ago.

    `alerts`: those that are not closed. `ahead`: SIGNL4's clock minus ours.
    """
    by_event = {one.event_id: one for one in told if one.event_id is not None}
    by_id = dict[str, list[ToldIncident]]()
    for one in told:
        by_id.setdefault(one.external_id, []).append(one)
    found = dict[int, ToldIncident]()
    for alert in alerts:
        # An alert whose event is known is of that message alone.
        known = by_event.get(alert.event_id) if alert.event_id is not None else None
        of_id = (one for one in by_id.get(alert.external_id, ()) if _is_raised_by(alert, one, ahead))
        of_it = [known] if known is not None else of_id
        if alert.phase is not AlertPhase.CLOSED:
            found |= {one.new_id: one for one in of_it if one.is_over and _is_settled(one.resolved_at, now)}
    return list(found.values())


def unseen(
    alerts: Collection[SeenAlert], told: Iterable[ToldIncident], seen_before: Collection[Drift], now: datetime
) -> list[ToldIncident]:
    """The open ones that were told, and of which no list shows an alert: SIGNL4 is to be asked for each.

    First those that were missing before: if they are again, that is certain.
    """
    events = {alert.event_id for alert in alerts}
    by_id = dict[str, list[SeenAlert]]()
    for alert in alerts:
        by_id.setdefault(alert.external_id, []).append(alert)
    missing = [
        one
        for one in told
        if one.is_current and not one.is_over and not one.is_alarm and not one.was_closed
        if _is_settled(one.delivered_at, now)
        if (one.event_id is None or one.event_id not in events) and not is_known(one, by_id.get(one.external_id, ()))
    ]
    again = [any(before.is_same(missing_drift(one)) for before in seen_before) for one in missing]
    return [one for _, one in sorted(zip(again, missing, strict=True), key=lambda pair: not pair[0])]


def is_known(told: ToldIncident, alerts: Iterable[SeenAlert]) -> bool:
    """Whether SIGNL4 has any alert with the external id that may be of this team."""
    return any(alert.external_id == told.external_id and _may_be_of(alert, told) for alert in alerts)


def missing_drift(told: ToldIncident) -> Drift:
    """That SIGNL4 has no alert of it."""
    return Drift(DriftKind.MISSING, told.incident_id, told.generation, told.team)


def left_open_drift(told: ToldIncident) -> Drift:
    """That its alert is still open."""
    return Drift(DriftKind.LEFT_OPEN, told.incident_id, told.generation, told.team)


def counted(before: Collection[Drift], found: Iterable[Drift], *, at_once: bool) -> tuple[Drift, ...]:
    """What was found, each with how often in a row by now. `at_once`: what is missing is certain the first time."""
    return tuple(_counted(before, found, at_once=at_once))


def _counted(before: Collection[Drift], found: Iterable[Drift], *, at_once: bool) -> Iterator[Drift]:
    for one in found:
        earlier = next((known.times for known in before if known.is_same(one)), 0)
        least = 2 if at_once and one.kind is DriftKind.MISSING else 1
        yield Drift(one.kind, one.incident_id, one.generation, one.team, max(earlier + 1, least))


def _is_settled(at: datetime | None, now: datetime) -> bool:
    return at is not None and now - at >= SETTLED


def _is_raised_by(alert: SeenAlert, told: ToldIncident, ahead: timedelta) -> bool:
    """Without a known event only the time tells: it is of the present generation if it was raised since that began."""
    if not told.is_current or alert.created_at is None or not _may_be_of(alert, told):
        return False
    return alert.created_at - ahead >= told.created_at - MARGIN


def _may_be_of(alert: SeenAlert, told: ToldIncident) -> bool:
    sources = alert.event_source, told.event_source
    return None in sources or sources[0] == sources[1]
