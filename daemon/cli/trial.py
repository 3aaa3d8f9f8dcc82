"""What the rules in force make of an incident that would open now. Nothing is recorded, and nothing is sent."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from daemon.config.settings import Settings
from daemon.decisions.admit import Hold
from daemon.decisions.facts import facts
from daemon.decisions.holds import Holds, readable
from daemon.decisions.payload import Templates
from daemon.decisions.route import Routes
from daemon.host.clock import utc_now
from daemon.model.delivery import Delivery
from daemon.model.destination import DEFAULT
from daemon.model.incident import TO_DEFAULT, Incident, Kind
from daemon.model.routing import Recipient, Routing
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
    tells = settings.betterstack.tells
    verdict = Routes(settings.route).decide(found, now, None if tells == DEFAULT else Routing.to(tells))
    told = TO_DEFAULT if verdict.routing is None else verdict.routing.recipients
    if verdict.silent_because is not None:
        told = ()
    templates, holds, held = Templates(settings), Holds(settings), readable(_in_force(settings, now))
    news = (_new(templates, incident, one, Subject(found, one.route), now) for one in told)
    return Trial(
        incident.id,
        verdict.reasons or (f"there are no routes, so team {tells} is told",),
        found,
        tuple(_told(to, new, holds.hold(new, held, now, now)) for to, new in zip(told, news, strict=True)),
        verdict.silent_because,
    )


def _new(templates: Templates, incident: Incident, to: Recipient, subject: Subject, now: datetime) -> Delivery:
    """The message that would be in the outbox."""
    external_id = templates.external_id(incident)
    return Delivery(
        id=0,
        incident_id=incident.id,
        generation=1,
        kind=Kind.NEW,
        external_id=external_id,
        payload=templates.payload(Kind.NEW, incident, external_id, overlay=to.overlay.get(Kind.NEW, {})),
        attempts=0,
        refused=False,
        over_since=None,
        occurred_at=min(incident.started_at or now, now),
        created_at=now,
        subject=subject.written(),
    )


def _told(to: Recipient, new: Delivery, hold: Hold | None) -> Told:
    body = dict(new.payload or {})
    return Told(to.team, to.route, hold.until if hold else None, hold.why if hold else None, body)


def _in_force(settings: Settings, now: datetime) -> list[Silence]:
    """The silences of the database, if there is one."""
    engine = reader(settings.database.url, checked=False)
    if engine is None:
        return []
    with transaction(engine, writes=False) as connection:
        return silences.in_force(connection, now)
