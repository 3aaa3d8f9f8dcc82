"""Which alerts about a monitor are to be open, and what they say. Pure.

An alert is an incident of our own, `monitor-<id>-<what>`, so that routes, silences and the outbox apply to it as to any
other. It is closed when its cause is over.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from daemon.config.monitors import MonitorsSection
from daemon.decisions.reconcile import Decision
from daemon.model.incident import Incident, IncidentState, Kind, Phase, Transition
from daemon.model.monitor import MonitorChange, MonitorEvent, MonitorKind, MonitorState, MonitorStatus, alert_id

TOLD_FOR = timedelta(hours=1)
"""The alert of an event of `monitors.tell`, which has no end of its own, is closed after that."""

OVER = "the cause is over"
TOLD_CAUSE = "Somebody changed what is watched."
"""What the alert of such an event says, and no other does."""

Latest = Mapping[MonitorEvent, MonitorChange]
"""The latest event of each kind within `TOLD_FOR`, of one monitor."""


@dataclass(frozen=True, slots=True)
class _Alert:
    """One that is to be open."""

    what: str
    since: datetime
    title: str
    cause: str


def alerts(
    state: MonitorState, section: MonitorsSection, open_incidents: int, latest: Latest, now: datetime
) -> Iterator[Incident]:
    """Those of one monitor that are to be open, as if Better Stack showed them.

    `open_incidents`: how many incidents of it are open.
    """
    found = [*_told(state, section, latest), *_lasting(state, section, now), *_deleted(state, section, open_incidents)]
    # What lasts has the same name as the event that it began with, and says more.
    yield from (_incident(state, one) for one in {one.what: one for one in found}.values())


def decide(known: IncidentState | None, seen: Incident | None, now: datetime, over: str = OVER) -> Decision | None:
    """What to record of one alert; `None`: nothing changed.

    `known`: as it is recorded; `seen`: as it is to be, or `None` if it is to be closed, since it is `over`.
    """
    is_open = known is not None and known.phase is not Phase.RESOLVED
    if seen is None:
        return _closed(known, now, over) if known is not None and is_open else None
    ended: tuple[Transition, ...] = ()
    # What has happened is told once; what lasts is told again if it was closed only because nobody looked.
    if known is not None and (is_open or seen.text("cause") == TOLD_CAUSE):
        if _is_same(known, seen):
            return None
        ended = _end(known, now, "it began anew") if is_open else ()
    generation = 1 if known is None else known.generation + 1
    begun = replace(IncidentState.first_seen(seen, seen.id, generation), alerted=True, is_alarm=True)
    return Decision(begun, (*ended, Transition(Kind.NEW, generation, now, seen.text("name"))))


def _told(state: MonitorState, section: MonitorsSection, latest: Latest) -> Iterator[_Alert]:
    for event in (one for one in MonitorEvent if one in section.tell and one in latest):
        change = latest[event]
        said = {
            MonitorEvent.CREATED: "was created",
            MonitorEvent.UPDATED: f"was changed: {change.detail or 'its settings'}",
            MonitorEvent.UNPAUSED: "is watched again",
            MonitorEvent.DELETED: "was deleted",
        }
        if event in said:
            yield _Alert(event, change.at, f"{_name(state)} {said[event]}", TOLD_CAUSE)


def _lasting(state: MonitorState, section: MonitorsSection, now: datetime) -> Iterator[_Alert]:
    """A status that lasts too long."""
    paused_after = timedelta(0) if MonitorEvent.PAUSED in section.tell else section.paused_after
    limits: dict[str, tuple[timedelta | None, str]] = {
        MonitorStatus.PAUSED: (paused_after, "Nobody watches it. Unpause it in Better Stack, or delete it there."),
        MonitorStatus.MAINTENANCE: (
            section.maintenance_after,
            "Nobody is told that it is down. End its maintenance in Better Stack, or shorten its window.",
        ),
        MonitorStatus.PENDING: (section.pending_after, _never(state.kind)),
    }
    limit, cause = limits.get(state.status, (None, ""))
    if limit is None or state.deleted_at is not None or now - state.status_since < limit:
        return
    verb = "is in" if state.status == MonitorStatus.MAINTENANCE else "is"
    title = f"{_name(state)} {verb} {state.status} since {state.status_since:%Y-%m-%d %H:%M} UTC"
    yield _Alert(state.status, state.status_since, title, cause)


def _deleted(state: MonitorState, section: MonitorsSection, open_incidents: int) -> Iterator[_Alert]:
    if state.deleted_at is None or not section.deleted or not open_incidents:
        return
    incidents = "an incident" if open_incidents == 1 else f"{open_incidents} incidents"
    title = f"{_name(state)} was deleted with {incidents} still open"
    cause = "Nothing tells any more that it works again. Look at it, then resolve what is open in Better Stack."
    yield _Alert(MonitorEvent.DELETED, state.deleted_at, title, cause)


def _never(kind: MonitorKind) -> str:
    if kind is MonitorKind.HEARTBEAT:
        return "It was never called. Let the job that it watches call it, or delete it in Better Stack."
    return "It was never checked. Look at its settings in Better Stack."


def _name(state: MonitorState) -> str:
    return f"{state.kind.capitalize()} {state.name or state.url or state.id}"


def _is_same(known: IncidentState, seen: Incident) -> bool:
    """Whether it is still that occurrence, and no later one."""
    return known.started_at is None or seen.started_at is None or seen.started_at <= known.started_at


def _closed(known: IncidentState, now: datetime, why: str) -> Decision:
    return Decision(replace(known, phase=Phase.RESOLVED, resolved_at=now), _end(known, now, why))


def _end(known: IncidentState, now: datetime, why: str) -> tuple[Transition, ...]:
    """Of one that nobody was told of, none."""
    return (Transition(Kind.RESOLVED, known.generation, now, why),) if known.alerted else ()


def _incident(state: MonitorState, alert: _Alert) -> Incident:
    attributes = {
        "name": alert.title,
        "cause": alert.cause,
        "url": state.url,
        "team_name": state.team_name,
        "status": state.status,
        "started_at": alert.since.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    return Incident(
        id=alert_id(state.kind, state.id, alert.what),
        phase=Phase.OPEN,
        status=state.status,
        started_at=alert.since,
        acknowledged_at=None,
        resolved_at=None,
        reopened_at=None,
        attributes=attributes,
        source=state.kind,
        source_id=state.id,
        kind=state.kind,
    )
