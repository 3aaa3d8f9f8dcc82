"""The body that would be sent to SIGNL4 for one incident, be it at Better Stack or in a file."""

import json
import re
from typing import Any

from daemon.cli.pasted import content, named
from daemon.cli.source import better_stack
from daemon.clients.json_input import parse_leniently
from daemon.clients.records import read_incident
from daemon.config.settings import Settings
from daemon.decisions.facts import facts
from daemon.decisions.payload import Templates
from daemon.decisions.route import Routes
from daemon.host.clock import utc_now
from daemon.model.errors import DaemonError
from daemon.model.incident import Absence, Incident, Kind

_ID = re.compile(r"[0-9]{1,64}", re.ASCII)


def spelled(body: object) -> str:
    """The body as JSON for people: as it would be sent, with escapes only where a terminal would show nothing."""
    text = json.dumps(body, indent=2, ensure_ascii=False)
    return "".join(one if one.isprintable() or one == "\n" else json.dumps(one)[1:-1] for one in text)


def body(settings: Settings, template: str, incident: str) -> dict[str, Any]:
    """The body for the first team that would be told. Raises `DaemonError`. `incident`: as for `found`."""
    templates, shown, kind = Templates(settings), found(settings, incident), Kind(template)
    routing = Routes(settings.route).decide(facts(shown), utc_now()).routing
    overlay = {} if routing is None else routing.recipients[0].overlay.get(kind, {})
    return templates.payload(kind, shown, templates.external_id(shown), overlay=overlay)


def found(settings: Settings, incident: str) -> Incident:
    """The incident by its id, which is digits only, or from a file. Raises `DaemonError`."""
    return _at_better_stack(settings, incident) if _ID.fullmatch(incident) else _in_file(incident)


def _at_better_stack(settings: Settings, incident_id: str) -> Incident:
    with better_stack(settings) as source:
        found = source.lookup(incident_id)
    match found:
        case Incident():
            return found
        case Absence.NO_SUCH_RECORD:
            raise DaemonError(
                f"Better Stack has no incident {incident_id} for this token; "
                f"take another, or ./{incident_id} if a file is meant"
            )
        case Absence.UNREADABLE:
            raise DaemonError(f"Better Stack's record of incident {incident_id} cannot be read; take another")


def _in_file(file: str) -> Incident:
    """A record as the API gives it, alone or under `data`."""
    try:
        held = parse_leniently(content(file))
        return read_incident(held["data"] if isinstance(held, dict) and "data" in held else held)
    except ValueError as error:
        raise DaemonError(
            f"{named(file)} holds no record of an incident ({error}); give one as GET /api/v3/incidents/ID answers it"
        ) from None
