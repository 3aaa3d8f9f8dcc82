"""What the rules in force make of an incident that would open now. Nothing is recorded, and nothing is sent."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from daemon.config.settings import Settings
from daemon.decisions.facts import facts
from daemon.decisions.holds import Holds, readable
from daemon.decisions.payload import Templates
from daemon.decisions.route import Routes
from daemon.host.clock import utc_now
from daemon.model.delivery import Delivery
from daemon.model.incident import TO_DEFAULT, Incident, Kind
from daemon.model.routing import Recipient
from daemon.model.silence import Silence
from daemon.model.subject import Subject
from daemon.storage import silences
from daemon.storage.engine import reader, transaction


@dataclass(frozen=True, slots=True)
class Told:
    """One team that would be told. The names are those of the JSON."""

    team: str
    route: str
    held_until: datetime | None
    held_because: str | None
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Trial:
    """What would follow. The names are those of the JSON."""

    incident_id: str
    reasons: tuple[str, ...]
    facts: dict[str, list[str]]
    told: tuple[Told, ...]
    nobody_because: str | None


def trial(settings: Settings, incident: Incident) -> Trial:
    """Decides as the daemon would, but for flapping, which depends on what opened before."""
    now, found = utc_now(), dict(facts(incident))
    verdict = Routes(settings.route).decide(found, now)
    told = TO_DEFAULT if verdict.routing is None else verdict.routing.recipients
    if verdict.silent_because is not None:
        told = ()
    held = _in_force(settings, now)
    return Trial(
        incident.id,
        verdict.reasons or ("there are no routes, so team default is told",),
        found,
        tuple(_told(settings, incident, one, Subject(found, one.route), held, now) for one in told),
        verdict.silent_because,
    )


def _told(
    settings: Settings, incident: Incident, to: Recipient, subject: Subject, held: list[Silence], now: datetime
) -> Told:
    templates = Templates(settings)
    external_id = templates.external_id(incident)
    body = templates.payload(Kind.NEW, incident, external_id, overlay=to.overlay.get(Kind.NEW, {}))
    opened_at = min(incident.started_at or now, now)
    new = Delivery(
        0,
        incident.id,
        1,
        Kind.NEW,
        external_id,
        body,
        0,
        refused=False,
        over_since=None,
        occurred_at=opened_at,
        created_at=now,
        subject=subject.written(),
    )
    hold = Holds(settings).hold(new, readable(held), now, now)
    if hold is None:
        return Told(to.team, to.route, None, None, body)
    return Told(to.team, to.route, hold.until, hold.why, body)


def _in_force(settings: Settings, now: datetime) -> list[Silence]:
    """The silences of the database, if there is one."""
    engine = reader(settings.database.url, checked=False)
    if engine is None:
        return []
    with transaction(engine, writes=False) as connection:
        return silences.in_force(connection, now)
