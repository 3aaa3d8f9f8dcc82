"""Renders a payload template for an incident as a JSON body. Pure and total: no incident makes a template fail."""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from daemon.config.settings import Settings
from daemon.decisions.placeholders import TEXT_LIMIT, cut, fill, fill_text, lacks_key, names
from daemon.decisions.template_keys import TITLE_KEYS, key_remarks
from daemon.decisions.template_remarks import mistakes, remarks, texts
from daemon.model.alarm import FLAP, PREFIX, PROGRAM
from daemon.model.errors import ConfigError
from daemon.model.incident import Incident, Kind
from daemon.model.monitor import is_alert_id
from daemon.model.printable import is_visible

TITLE_LIMIT = 200
EXTERNAL_ID, STATUS, SOURCE = "X-S4-ExternalID", "X-S4-Status", "X-S4-SourceSystem"
NOTHING: Mapping[str, Any] = {}
_PROTECTED_KEYS = {EXTERNAL_ID.lower(), STATUS.lower()}


class Templates:
    """The configured payload templates, and the format of external ids."""

    def __init__(self, settings: Settings) -> None:
        """Raises `ConfigError` for an invalid template."""
        self._bodies: dict[Kind, Mapping[str, Any]] = {kind: getattr(settings.payload, kind) for kind in Kind}
        self._routes = settings.route
        self._external_id = settings.signl4.external_id
        self._dashboard = settings.betterstack.dashboard_url or ""
        if problems := list(self._problems()):
            raise ConfigError(*problems)
        if "INCIDENT_ID" not in names(self._external_id):
            raise ConfigError(
                f"signl4.external_id ({self._external_id!r}) holds $INCIDENT_ID as a part of a longer name or cut "
                "only, so different incidents would share one alert; write it like $INCIDENT_ID-PROD"
            )

    def _problems(self) -> Iterator[str]:
        for key, template in self._templates():
            if any(map(lacks_key, texts(template))):
                yield f"{key} has $METADATA. without a key; write it like $METADATA.Region"
            # An external id with such a name has a sentence of its own.
            for mistake in mistakes(texts(template)) if template is not self._external_id else ():
                yield f"{key} has {mistake}"

    def _templates(self) -> Iterator[tuple[str, object]]:
        """Each template, by its key in the configuration."""
        yield "signl4.external_id", self._external_id
        for kind, body in self._bodies.items():
            yield f"payload.{kind}", body
        for route, kind in product(self._routes, Kind):
            yield f"payload.{kind} of route {route.name!r}", route.overlay(kind)

    def external_id(self, incident: Incident) -> str:
        """The external id of a new incident; it never changes afterwards."""
        return fill_text(self._external_id, incident, self._dashboard)

    def payload(
        self, kind: Kind, incident: Incident, external_id: str, note: str = "", overlay: Mapping[str, Any] = NOTHING
    ) -> dict[str, Any]:
        """The JSON body for one transition. `overlay`: keys of a route, which count before those of the template."""
        filled = _fill_value(_laid_over(self._bodies[kind], overlay), incident, self._dashboard)
        body = {key: value for key, value in filled.items() if _may_be_sent(key.lower(), value)}
        if kind is Kind.NEW:
            body = _titled(body, incident)
        if note:
            body["Note"] = note
        return _signed(body, kind, external_id)

    def warnings(self) -> Iterator[str]:
        """A sentence for each part of the templates that will not work as its author may expect."""
        for kind, body in self._bodies.items():
            set_here = {EXTERNAL_ID.lower(): self._external_id, STATUS.lower(): str(kind)}
            for key, value in body.items():
                # A recipe that was pasted as it is says the same, and nobody needs to change it.
                if key.lower() in _PROTECTED_KEYS and value != set_here[key.lower()]:
                    yield f"payload.{kind} sets {key}, which the program sets itself; leave it out"
        for remark in key_remarks(self._bodies[Kind.NEW]):
            yield f"payload.new {remark}"
        for key, template in self._templates():
            for remark in remarks(texts(template)):
                yield f"{key} has {remark}"


def minimal(kind: Kind, incident_id: str, external_id: str) -> dict[str, Any]:
    """The smallest body for the transition, used after SIGNL4 refused the full one."""
    if incident_id.startswith(PREFIX):
        title = f"{PROGRAM} cannot do its duty ({incident_id.removeprefix(PREFIX)}); look at: {PROGRAM} status"
        return _signed({"Title": title, SOURCE: PROGRAM}, kind, external_id)
    if incident_id.startswith(FLAP):
        title = f"Something opens again and again; look at: {PROGRAM} why {incident_id}"
        return _signed({"Title": title, SOURCE: PROGRAM}, kind, external_id)
    return _signed({"Title": _plain_title(incident_id)}, kind, external_id)


def alarm_body(kind: Kind, sentence: str, external_id: str, host: str) -> dict[str, Any]:
    """The body for one of the program's own alarms. `host`: the name of this machine."""
    title = f"{PROGRAM} on {host}: {sentence}"
    said = {"Title": cut(title, TITLE_LIMIT), "Cause": cut(sentence, TEXT_LIMIT)} if kind is Kind.NEW else {}
    return _signed({**said, SOURCE: PROGRAM}, kind, external_id)


def _laid_over(body: Mapping[str, Any], overlay: Mapping[str, Any]) -> Mapping[str, Any]:
    """SIGNL4 ignores case in keys, so any other spelling would be the same key."""
    replaced = {key.lower() for key in overlay}
    return {**{key: body[key] for key in body if key.lower() not in replaced}, **overlay} if overlay else body


def _signed(body: dict[str, Any], kind: Kind, external_id: str) -> dict[str, Any]:
    if SOURCE.lower() not in {key.lower() for key in body}:
        body[SOURCE] = "Better Stack"
    return {**body, EXTERNAL_ID: external_id, STATUS: str(kind)}


def _may_be_sent(key: str, value: object) -> bool:
    """Whether a template may set the key to this value. SIGNL4 would show a blank title unchanged."""
    return key not in _PROTECTED_KEYS and not (key in TITLE_KEYS and isinstance(value, str) and _is_blank(value))


def _titled(body: Mapping[str, Any], incident: Incident) -> dict[str, Any]:
    """The body with a title. SIGNL4 takes one only from a string."""
    if any(key.lower() in TITLE_KEYS and isinstance(value, str) for key, value in body.items()):
        return dict(body)
    cause = incident.text("cause")
    title = _plain_title(incident.id) if _is_blank(cause) else cause
    # SIGNL4 ignores case in keys, so any other spelling of `Title` would be the same key.
    return {"Title": cut(title, TITLE_LIMIT), **{key: body[key] for key in body if key.lower() != "title"}}


def _is_blank(title: str) -> bool:
    """Whether nothing of it can be seen, apart from the ellipsis of a title that was cut."""
    return not is_visible(title[: TITLE_LIMIT - 1])


def _plain_title(incident_id: str) -> str:
    if is_alert_id(incident_id):
        about, _, rest = incident_id.partition("-")
        return f"Better Stack {about} {rest.replace('-', ' ', 1)}"
    return f"Better Stack incident {incident_id}"


def _fill_value(value: Any, incident: Incident, dashboard: str, limit: int = TEXT_LIMIT) -> Any:
    """`value` with each string filled and cut, and without keys whose values are empty."""
    if isinstance(value, str):
        filled = fill(value, incident, dashboard)
        return cut(filled, limit) if isinstance(filled, str) else filled
    if isinstance(value, list):
        return [_fill_value(inner, incident, dashboard) for inner in value]
    if isinstance(value, Mapping):
        table = {
            key: _fill_value(inner, incident, dashboard, TITLE_LIMIT if key.lower() in TITLE_KEYS else TEXT_LIMIT)
            for key, inner in value.items()
        }
        return {key: inner for key, inner in table.items() if inner not in ("", None, {})}
    return value
