"""Renders a payload template for an incident as a JSON body. Pure and total: no incident makes a template fail.

Placeholders are those of Better Stack's outgoing webhooks. They are filled in one pass, the longest name first, so a
value that contains `$NAME` is not filled again. Sources: Better Stack's webhook documentation, and public code.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from daemon.config.settings import Settings
from daemon.model.alarm import PREFIX, PROGRAM
from daemon.model.errors import ConfigError
from daemon.model.incident import Incident, Kind

TITLE_LIMIT = 200
TEXT_LIMIT = 2000
EXTERNAL_ID, STATUS, SOURCE = "X-S4-ExternalID", "X-S4-Status", "X-S4-SourceSystem"

# SIGNL4 takes the title of an alert from the first of these keys in the body, in upper or lower case.
_TITLE_KEYS = {"subject", "title", "task", "job", "case", "incident", "x-s4-subject"}
_PROTECTED_KEYS = {EXTERNAL_ID.lower(), STATUS.lower()}
_ATTRIBUTES = (
    "NAME URL CAUSE HTTP_METHOD RESPONSE_CONTENT RESPONSE_URL SCREENSHOT_URL STATUS"
    " STARTED_AT ACKNOWLEDGED_AT RESOLVED_AT ACKNOWLEDGED_BY RESOLVED_BY"
).split()
_TIMES = ("STARTED_AT", "ACKNOWLEDGED_AT", "RESOLVED_AT")
# The incidents API has no values for these: they belong to comments and to on-call webhooks.
_ALWAYS_EMPTY = (
    "COMMENT_ID COMMENT_CONTENT COMMENT_CREATED_AT COMMENT_CREATED_AT_ISO8601 COMMENT_AUTHOR_NAME COMMENT_AUTHOR_EMAIL"
    " MESSAGE EMAILS_JSON_ARRAY ON_CALL_CALENDAR_ID ON_CALL_CALENDAR_NAME"
).split()
_METADATA = "METADATA."

_Source = Callable[[Incident, str], str]


def _attribute(name: str) -> _Source:
    return lambda incident, _: _text(incident.attributes.get(name))


_SOURCES: dict[str, _Source] = {
    "INCIDENT_ID": lambda incident, _: incident.id,
    "INCIDENT_URL": lambda incident, dashboard: f"{dashboard}/incidents/{incident.id}" if dashboard else "",
    "METADATA_ARRAY": lambda incident, _: _text(incident.attributes.get("metadata")),
    **{name: _attribute(name.lower()) for name in _ATTRIBUTES},
    **{f"{name}_ISO8601": _attribute(name.lower()) for name in _TIMES},
    **{name: lambda *_: "" for name in _ALWAYS_EMPTY},
}
_NAMES = "|".join(sorted(_SOURCES, key=len, reverse=True))
_PLACEHOLDER = re.compile(rf"\$(?:METADATA\.|({_NAMES}))")
_WORD = re.compile(r"[A-Za-z0-9_-]+")
_UNKNOWN = re.compile(rf"\$(?!{_NAMES}|METADATA\.)([A-Z][A-Z0-9_]*)")


class Templates:
    """The configured payload templates, and the format of external ids."""

    def __init__(self, settings: Settings) -> None:
        """Raises `ConfigError` for an invalid template."""
        self._bodies: dict[Kind, Mapping[str, Any]] = {kind: getattr(settings.payload, kind) for kind in Kind}
        self._external_id = settings.signl4.external_id
        self._dashboard = settings.betterstack.dashboard_url or ""
        for kind, body in self._bodies.items():
            if any(re.search(r"\$METADATA\.(?![\w-])", text) for text in _texts(body)):
                raise ConfigError(f"payload.{kind} has $METADATA. without a key; write it like $METADATA.Region")

    def external_id(self, incident: Incident) -> str:
        """The external id of a new incident; it never changes afterwards."""
        return _fill(self._external_id, incident, self._dashboard)

    def payload(self, kind: Kind, incident: Incident, external_id: str, note: str = "") -> dict[str, Any]:
        """The JSON body for one transition."""
        filled = _fill_value(self._bodies[kind], incident, self._dashboard)
        body = {key: value for key, value in filled.items() if key.lower() not in _PROTECTED_KEYS}
        if kind is Kind.NEW:
            body = _titled(body, incident)
        if note:
            body["Note"] = note
        return _signed(body, kind, external_id)

    def warnings(self) -> Iterator[str]:
        """A sentence for each part of the templates that will not work as its author may expect."""
        for kind, body in self._bodies.items():
            for key in body:
                if key.lower() in _PROTECTED_KEYS:
                    yield f"payload.{kind} sets {key}, which the program sets itself; leave it out"
            for word in sorted(set(_UNKNOWN.findall("\n".join(_texts(body))))):
                yield f"payload.{kind} has ${word}, which is no placeholder and will be sent as typed"
            for name in _ALWAYS_EMPTY:
                if any(re.search(rf"\${name}(?!_)", text) for text in _texts(body)):
                    yield f"payload.{kind} has ${name}, which the incidents API cannot fill; it will be empty"


def minimal(kind: Kind, incident_id: str, external_id: str) -> dict[str, Any]:
    """The smallest body for the transition, used after SIGNL4 refused the full one."""
    if incident_id.startswith(PREFIX):
        title = f"{PROGRAM} cannot do its duty ({incident_id.removeprefix(PREFIX)}); look at: {PROGRAM} status"
        return _signed({"Title": title, SOURCE: PROGRAM}, kind, external_id)
    return _signed({"Title": _plain_title(incident_id)}, kind, external_id)


def alarm_body(kind: Kind, sentence: str, external_id: str, host: str) -> dict[str, Any]:
    """The body for one of the program's own alarms. `host`: the name of this machine."""
    title = f"{PROGRAM} on {host}: {sentence}"
    said = {"Title": _cut(title, TITLE_LIMIT), "Cause": _cut(sentence, TEXT_LIMIT)} if kind is Kind.NEW else {}
    return _signed({**said, SOURCE: PROGRAM}, kind, external_id)


def _signed(body: dict[str, Any], kind: Kind, external_id: str) -> dict[str, Any]:
    if SOURCE.lower() not in {key.lower() for key in body}:
        body[SOURCE] = "Better Stack"
    return {**body, EXTERNAL_ID: external_id, STATUS: str(kind)}


def _titled(body: Mapping[str, Any], incident: Incident) -> dict[str, Any]:
    """The body with a usable title: a string that is not blank. SIGNL4 would show a blank one unchanged."""
    kept = {key: value for key, value in body.items() if not (key.lower() in _TITLE_KEYS and _is_blank(value))}
    if any(key.lower() in _TITLE_KEYS and isinstance(value, str) for key, value in kept.items()):
        return kept
    cause = incident.text("cause")
    title = _plain_title(incident.id) if _is_blank(cause) else cause
    # SIGNL4 ignores case in keys, so any other spelling of `Title` would be the same key.
    return {"Title": _cut(title, TITLE_LIMIT), **{key: kept[key] for key in kept if key.lower() != "title"}}


def _is_blank(value: object) -> bool:
    """Whether it is a string without visible characters."""
    return isinstance(value, str) and not any(mark.isprintable() and not mark.isspace() for mark in value)


def _plain_title(incident_id: str) -> str:
    return f"Better Stack incident {incident_id}"


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(inner)


def _fill_value(value: Any, incident: Incident, dashboard: str, limit: int = TEXT_LIMIT) -> Any:
    """`value` with each string filled and cut, and without keys whose values are empty."""
    if isinstance(value, str):
        return _cut(_fill(value, incident, dashboard), limit)
    if isinstance(value, list):
        return [_fill_value(inner, incident, dashboard) for inner in value]
    if isinstance(value, Mapping):
        filled = {
            key: _fill_value(inner, incident, dashboard, TITLE_LIMIT if key.lower() in _TITLE_KEYS else TEXT_LIMIT)
            for key, inner in value.items()
        }
        return {key: inner for key, inner in filled.items() if inner not in ("", None, {})}
    return value


def _fill(text: str, incident: Incident, dashboard: str) -> str:
    metadata = incident.attributes.get("metadata")
    metadata = metadata if isinstance(metadata, Mapping) else {}
    if text.startswith(f"${_METADATA}") and (key := text[len(_METADATA) + 1 :]) in metadata:
        return _metadata_text(metadata[key])
    return "".join(_filled(text, metadata, incident, dashboard))


def _filled(text: str, metadata: Mapping[str, Any], incident: Incident, dashboard: str) -> Iterator[str]:
    """The filled text, in pieces. Metadata keys are searched from the text: an incident may have any number of them."""
    at = 0
    for found in _PLACEHOLDER.finditer(text):
        if found.start() < at:
            continue  # part of the previous key
        yield text[at : found.start()]
        at, name = found.end(), found[1]
        if name:
            yield _SOURCES[name](incident, dashboard)
        elif key := _key_at(text, at, metadata):
            at += len(key)
            yield _metadata_text(metadata.get(key))
        else:
            yield found[0]
    yield text[at:]


def _key_at(text: str, at: int, metadata: Mapping[str, Any]) -> str:
    """The longest metadata key that the text has at this position, else the word there."""
    longest = max(map(len, metadata), default=0)
    for end in range(min(at + longest, len(text)), at, -1):
        if text[at:end] in metadata:
            return text[at:end]
    word = _WORD.match(text, at)
    return word[0] if word else ""


def _metadata_text(entries: object) -> str:
    """Typed values by their `value`, else `name`, else `email`, joined by commas; a plain string unchanged."""
    if not isinstance(entries, list):
        return _text(entries)
    return ", ".join(filter(None, map(_entry_text, entries)))


def _entry_text(entry: object) -> str:
    if not isinstance(entry, Mapping):
        return _text(entry)
    return next((_text(entry[key]) for key in ("value", "name", "email") if entry.get(key) is not None), "")


def _text(value: object) -> str:
    """A string unchanged, other values as JSON; empty for `None` and for values nested too deeply."""
    if value is None:
        return ""
    try:
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except RecursionError:
        return ""


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
