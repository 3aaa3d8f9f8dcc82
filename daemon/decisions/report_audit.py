"""How our deliveries differ from SIGNL4's audit file. Pure.

An alert of theirs is ours if its event id is one that SIGNL4 answered us with. Where an answer had no id, the title and
the time decide.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from daemon.decisions.report_figures import spread
from daemon.model.audit import Alert, Audit, AuditFile, Pair, Titled, Told

NEAR = timedelta(minutes=2)
"""Without an event id: how far the times of one alert may be apart."""
MOST_TITLES = 10


def proven(file: AuditFile) -> tuple[datetime, datetime]:
    """From when to when the file is complete: SIGNL4 makes one a month (UTC), up to the moment of the download."""
    return file.first_at.replace(day=1, hour=0, minute=0, second=0, microsecond=0), file.last_at


def compare(told: Sequence[Told], file: AuditFile, team: str) -> Audit:
    """`told`: what SIGNL4 accepted within `NEAR` of what the file proves."""
    begins_at, ends_at = proven(file)
    known = {alert.event_id: alert for alert in file.alerts}
    pairs, unknown = list[Pair](), list[Told]()
    for one in told:
        alert = None if one.event_id is None else known.pop(one.event_id, None)
        if alert is None:
            unknown.append(one)
        else:
            pairs.append(_pair(one, alert))
    missing = list[Told]()
    for one in unknown:
        alert = _like(one, known.values()) if one.event_id is None else None
        if alert is not None:
            pairs.append(_pair(one, known.pop(alert.event_id)))
        elif begins_at <= one.told_at <= ends_at:
            missing.append(one)
    titles = {_folded(one.title) for one in told}
    likely = [alert for alert in known.values() if _folded(alert.title) in titles]
    others = Counter(alert.title for alert in known.values() if _folded(alert.title) not in titles)
    return Audit(
        team=team,
        begins_at=begins_at,
        ends_at=ends_at,
        told=len(pairs) + len(missing),
        alerts=len(file.alerts),
        unreadable_lines=file.unreadable,
        paired=len(pairs),
        difference=spread(abs((one.created_at - one.told_at).total_seconds()) for one in pairs),
        missing=tuple(missing),
        not_closed=tuple(one for one in pairs if _stays_open(one, ends_at)),
        likely_ours=tuple(likely),
        others=tuple(Titled(title, count) for title, count in others.most_common(MOST_TITLES)),
        other_alerts=others.total(),
        pairs=tuple(pairs),
    )


def _pair(one: Told, alert: Alert) -> Pair:
    return Pair(
        one.incident_id,
        one.title,
        alert.event_id,
        one.told_at,
        alert.created_at,
        one.acknowledged_at,
        alert.acknowledged_at,
        one.resolved_at,
        alert.closed_at,
    )


def _stays_open(pair: Pair, ends_at: datetime) -> bool:
    """What was resolved so late that the file may not have its end yet is not counted."""
    return pair.resolved_at is not None and pair.closed_there_at is None and pair.resolved_at + NEAR <= ends_at


def _like(one: Told, alerts: Iterable[Alert]) -> Alert | None:
    """The alert that is nearest in time, of those with the same title."""
    title = _folded(one.title)
    near = (alert for alert in alerts if _folded(alert.title) == title and abs(alert.created_at - one.told_at) <= NEAR)
    return min(near, key=lambda alert: abs(alert.created_at - one.told_at), default=None)


def _folded(title: str) -> str:
    """The file cuts titles and squeezes blanks."""
    return " ".join(title.split()).casefold()[:80]
