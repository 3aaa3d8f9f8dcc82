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
from daemon.model.errors import BetterStackError, DaemonError
from daemon.model.incident import Absence, Incident, Kind

_ID = re.compile(r"[0-9]{1,64}", re.ASCII)


def spelled(body: object) -> str:
    """The body as JSON for people: as it would be sent, with escapes only where a terminal would show nothing."""
    text = json.dumps(body, indent=2, ensure_ascii=False)
    return "".join(one if one.isprintable() or one == "\n" else json.dumps(one)[1:-1] for one in text)


def body(settings: Settings, template: str, incident: str) -> dict[str, Any]:
    """The body for the first team that would be told. Raises `DaemonError`. `incident`: as for `found`."""
    kind, (shown, own) = Kind(template), found(settings, incident)
    templates = Templates(own)
    routing = Routes(settings.route).decide(facts(shown), utc_now()).routing
    overlay = {} if routing is None else routing.recipients[0].overlay.get(kind, {})
    return templates.payload(kind, shown, templates.external_id(shown), overlay=overlay)


def found(settings: Settings, incident: str) -> tuple[Incident, Settings]:
    """The incident by its id, which is digits only, or from a file; and the settings as they hold for its account.

    Raises `DaemonError`.
    """
    return _at_better_stack(settings, incident) if _ID.fullmatch(incident) else (_in_file(incident), settings)


def _at_better_stack(settings: Settings, incident_id: str) -> tuple[Incident, Settings]:
    """Of several accounts, the first that shows it."""
    unread: DaemonError | None = None
    for polled_from in settings.polled:
        try:
            with better_stack(settings, polled_from) as source:
                found = source.lookup(incident_id)
        except BetterStackError as error:
            unread = unread or error
            continue
        if isinstance(found, Incident):
            return found, settings.of(polled_from)
        if found is Absence.UNREADABLE:
            unread = DaemonError(f"Better Stack's record of incident {incident_id} cannot be read; take another")
    which = "this token" if len(settings.polled) == 1 else "any of the tokens"
    raise unread or DaemonError(
        f"Better Stack has no incident {incident_id} for {which}; take another, or ./{incident_id} if a file is meant"
    )


def _in_file(file: str) -> Incident:
    """A record as the API gives it, alone or under `data`."""
    try:
        held = parse_leniently(content(file))
        return read_incident(held["data"] if isinstance(held, dict) and "data" in held else held)
    except ValueError as error:
        raise DaemonError(
            f"{named(file)} holds no record of an incident ({error}); give one as GET /api/v3/incidents/ID answers it"
        ) from None
