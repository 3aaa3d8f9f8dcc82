"""Whether what raises incidents flaps: it opens again and again. Pure.

From the opening `count` within that time, one alert says so, and the alerts of single incidents wait (`holds`). That
alert is closed when nothing has opened for `within`, or when an incident stays open for so long that it is told.
"""

from dataclasses import replace
from datetime import datetime

from daemon.config.routes import FlapSection
from daemon.config.types import spelled
from daemon.model.incident import Incident, IncidentState, Kind, Phase, Transition
from daemon.model.routing import Routing

Change = tuple[IncidentState, Transition]


def flaps(earlier: int, rule: FlapSection) -> bool:
    """Whether an opening is one too many. `earlier`: how many there were within `rule.within` before it."""
    return earlier + 1 >= rule.count


def title(rule: FlapSection) -> str:
    """Of the alert, as a template."""
    return f"$NAME flaps: it opened {rule.count} times within {spelled(rule.within)}"


def begin(
    known: IncidentState | None, seen: Incident, identity: str, source: str, routing: Routing, now: datetime
) -> Change | None:
    """The alert that the source of `seen` flaps; `None` if it is open already. `identity`: the id of that alert."""
    if known is not None and known.phase is not Phase.RESOLVED:
        return None
    generation = 1 if known is None else known.generation + 1
    first = IncidentState.first_seen(replace(seen, id=identity), identity, generation)
    state = replace(
        first,
        phase=Phase.OPEN,
        alerted=True,
        started_at=now,
        acknowledged_at=None,
        resolved_at=None,
        reopened_at=None,
        is_alarm=True,
        routing=routing,
        source=source,
    )
    return state, Transition(Kind.NEW, generation, now, "it flaps")


def end(
    known: IncidentState, rule: FlapSection | None, latest: datetime | None, now: datetime, *, told: bool
) -> Change | None:
    """The end of that alert; `None` if it stays open. `rule`: as the configuration has it now.

    `latest`: when it was recorded that the source last opened, if that is still known. `told`: whether the alert of an
    incident that waited was sent since.
    """
    if rule is None:
        why = "the route does not watch for flapping any more"
    elif told:
        why = "an incident stays open, and is told itself"
    elif latest is None or now - latest >= rule.within:
        why = f"nothing opened for {spelled(rule.within)}"
    else:
        return None
    over = replace(known, phase=Phase.RESOLVED, resolved_at=now)
    return over, Transition(Kind.RESOLVED, known.generation, now, why, f"Calm again: {why}.")
