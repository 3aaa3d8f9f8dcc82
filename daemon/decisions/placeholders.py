"""Finds the placeholders of a template's text and fills them for an incident. Pure; no incident makes it fail.

They are those of Better Stack's outgoing webhooks. A placeholder is `$` and the longest run of capitals, digits and
underscores behind it: it is filled whole or not at all, so `$STATUS_PAGE` is not `$STATUS` with a tail. An underscore
at the end of the run, or one that begins a word in lower case, is text: `$INCIDENT_ID_prod` holds `$INCIDENT_ID`.
`$METADATA.` is followed by a key of the incident's metadata, which may hold spaces.

In braces it ends where they do, and says what to make of its value: `${NAME:80}` is cut to 80 characters, and
`${NAME:-none}` is `none` where the value is empty. Both may be given, in this order.

A text is filled in one pass, so a value that contains `$NAME` is not filled again. Sources: Better Stack's webhook
documentation, its Terraform provider, and other public code.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from daemon.model.incident import INCIDENT, Incident

TEXT_LIMIT = 2000
ARRAY_LIMIT = 8000
"""Characters of JSON in the list of `$METADATA_ARRAY`; SIGNL4 takes about 10,000 for a whole message."""
_ATTRIBUTES = (
    "NAME URL CAUSE HTTP_METHOD RESPONSE_CONTENT RESPONSE_URL SCREENSHOT_URL STATUS"
    " STARTED_AT ACKNOWLEDGED_AT RESOLVED_AT ACKNOWLEDGED_BY RESOLVED_BY"
).split()
_TIMES = ("STARTED_AT", "ACKNOWLEDGED_AT", "RESOLVED_AT")
ALWAYS_EMPTY = frozenset(
    (
        "COMMENT_ID COMMENT_CONTENT COMMENT_CREATED_AT COMMENT_CREATED_AT_ISO8601 COMMENT_AUTHOR_NAME"
        " COMMENT_AUTHOR_EMAIL MESSAGE EMAILS_JSON_ARRAY ON_CALL_CALENDAR_ID ON_CALL_CALENDAR_NAME"
    ).split()
)
"""The incidents API has no values for these: they belong to comments and to on-call webhooks."""
_ARRAY = "METADATA_ARRAY"
_ARRAY_BEGINS = (f"${_ARRAY}", f"${{{_ARRAY}")
METADATA = "METADATA."

_Source = Callable[[Incident, str], str]


def _page(incident: Incident) -> str:
    """Where the dashboard shows it: an alert about a monitor is no incident there."""
    return f"incidents/{incident.id}" if incident.kind == INCIDENT else f"{incident.kind}s/{incident.source_id}"


def _attribute(name: str) -> _Source:
    return lambda incident, _: as_text(incident.attributes.get(name))


def _iso8601(name: str) -> _Source:
    return lambda incident, _: _in_utc(as_text(incident.attributes.get(name)), getattr(incident, name))


_SOURCES: dict[str, _Source] = {
    "INCIDENT_ID": lambda incident, _: incident.id,
    "INCIDENT_URL": lambda incident, dashboard: f"{dashboard}/{_page(incident)}" if dashboard else "",
    "MONITOR_ID": lambda incident, _: incident.monitor_id,
    _ARRAY: lambda incident, _: as_text(metadata_array(incident) or None),
    **{name: _attribute(name.lower()) for name in _ATTRIBUTES},
    **{f"{name}_ISO8601": _iso8601(name.lower()) for name in _TIMES},
    **{name: lambda *_: "" for name in sorted(ALWAYS_EMPTY)},
}
NAMES = tuple(_SOURCES)
"""All placeholders but `$METADATA.<key>`."""
_KNOWN = "|".join(sorted(NAMES, key=len, reverse=True))
_CONTINUED = r"_?[A-Z0-9]++(?![a-z])"
_CHANGES = r"(?P<limit>:[1-9]\d{0,3})?(?P<default>:-[^{}]*)?"
_BRACED = rf"\{{(?:(?P<braced>{_KNOWN})|METADATA\.(?=[^{{}}]*\}})(?P<key>[^{{}}]+?)){_CHANGES}\}}"
PLACEHOLDER = re.compile(
    rf"\$(?:METADATA\.|(?P<name>{_KNOWN})(?!{_CONTINUED})|(?P<other>[A-Z]\w*)|{_BRACED})", re.ASCII
)
"""`name` and, in braces, `braced` are known, `other` is not; `key`: of metadata, in braces."""
_WORD = re.compile(r"[A-Za-z0-9_-]+")


def fill(text: str, incident: Incident, dashboard: str) -> str | list[dict[str, Any]]:
    """The filled text. `$METADATA_ARRAY` alone is a list of `{"key": …, "values": […]}`, unless that is empty."""
    if text.startswith(_ARRAY_BEGINS) and (found := PLACEHOLDER.fullmatch(text)):
        is_list = _ARRAY in {found["name"], found["braced"]} and not found["limit"]
        if is_list and (array := metadata_array(incident)):
            return array
    return fill_text(text, incident, dashboard)


def fill_text(text: str, incident: Incident, dashboard: str) -> str:
    """The filled text; `$METADATA_ARRAY` is JSON."""
    metadata = _metadata(incident)
    if text.startswith(f"${METADATA}"):
        key = text[len(METADATA) + 1 :]
        # A text that is one key as a whole is empty if the incident has neither that key nor one that it begins with.
        if key in metadata or ("$" not in key and not _known_key_at(text, len(METADATA) + 1, metadata)):
            return _metadata_text(metadata.get(key))
    return "".join(_filled(text, metadata, incident, dashboard))


def names(text: str) -> set[str]:
    """The known placeholders in the text that are filled whole, except for metadata."""
    found = PLACEHOLDER.finditer(text)
    return {name for one in found if (name := one["name"] or one["braced"]) and not one["limit"]}


def lacks_key(text: str) -> bool:
    """Whether a `$METADATA.` of the text is followed by no key."""
    return re.search(r"\$\{?METADATA\.(?![\w-])", text) is not None


def metadata_array(incident: Incident) -> list[dict[str, Any]]:
    """All metadata as Better Stack's webhooks write it, as many keys as fit into `ARRAY_LIMIT` characters of JSON."""
    array: list[dict[str, Any]] = []
    length = 0
    for key, given in _metadata(incident).items():
        entries = given if isinstance(given, list) else [given]
        item = {"key": cut(str(key)), "values": [_typed(entry) for entry in entries if entry is not None]}
        length += len(as_text(item))
        if length > ARRAY_LIMIT:
            break
        array.append(item)
    return array


def metadata_texts(incident: Incident) -> dict[str, list[str]]:
    """The values of each key of the metadata, which `$METADATA.<key>` joins by commas."""
    return {key: _entry_texts(given) for key, given in _metadata(incident).items()}


def cut(text: str, limit: int = TEXT_LIMIT) -> str:
    """The text, of at most `limit` characters; a shortened one ends with an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def as_text(value: object) -> str:
    """A string unchanged, other values as JSON; empty for `None` and for values nested too deeply."""
    if value is None:
        return ""
    try:
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except RecursionError:
        return ""


def _filled(text: str, metadata: Mapping[str, Any], incident: Incident, dashboard: str) -> Iterator[str]:
    """The filled text, in pieces. Metadata keys are searched from the text: an incident may have any number of them."""
    at = 0
    for found in PLACEHOLDER.finditer(text):
        if found.start() < at:
            continue  # part of the previous key
        yield text[at : found.start()]
        at, name = found.end(), found["name"]
        if name:
            yield _SOURCES[name](incident, dashboard)
        elif found["braced"] or found["key"]:
            yield from _filled_braces(found, metadata, incident, dashboard)
        elif found["other"] is None and (key := _key_at(text, at, metadata)):
            at += len(key)
            yield _metadata_text(metadata.get(key))
        else:
            yield found[0]
    yield text[at:]


def _filled_braces(
    found: re.Match[str], metadata: Mapping[str, Any], incident: Incident, dashboard: str
) -> Iterator[str]:
    """The value, cut; or the default, whose placeholders are filled as well and cannot be in braces again."""
    name, limit, default = found["braced"], found["limit"], found["default"]
    value = _SOURCES[name](incident, dashboard) if name else _metadata_text(metadata.get(found["key"]))
    if not value and default:
        yield from _filled(default[2:], metadata, incident, dashboard)
    else:
        yield cut(value, int(limit[1:])) if limit else value


def _key_at(text: str, at: int, metadata: Mapping[str, Any]) -> str:
    """The longest metadata key that the text has at this position, else the word there."""
    word = _WORD.match(text, at)
    return _known_key_at(text, at, metadata) or (word[0] if word else "")


def _known_key_at(text: str, at: int, metadata: Mapping[str, Any]) -> str:
    longest = max(map(len, metadata), default=0)
    ends = range(min(at + longest, len(text)), at, -1)
    return next((text[at:end] for end in ends if text[at:end] in metadata), "")


def _metadata(incident: Incident) -> Mapping[str, Any]:
    metadata = incident.attributes.get("metadata")
    return metadata if isinstance(metadata, Mapping) else {}


def _metadata_text(entries: object) -> str:
    return ", ".join(_entry_texts(entries))


def _entry_texts(entries: object) -> list[str]:
    """Typed values by their `value`, else `name`, else `email`; a plain string unchanged. None is empty."""
    texts = map(_entry_text, entries) if isinstance(entries, list) else [as_text(entries)]
    return list(filter(None, texts))


def _entry_text(entry: object) -> str:
    if not isinstance(entry, Mapping):
        return as_text(entry)
    return next((as_text(entry[key]) for key in ("value", "name", "email") if entry.get(key) is not None), "")


def _typed(entry: object) -> dict[str, Any]:
    """One typed value of metadata, of texts and numbers only; a plain one, as some records have, becomes a string."""
    if not isinstance(entry, Mapping):
        return {"type": "String", "value": cut(as_text(entry))}
    return {str(key): _flat(value) for key, value in entry.items()}


def _in_utc(text: str, moment: datetime | None) -> str:
    """The time as ISO 8601 in UTC: as it is, if it is that; unchanged, if it cannot be read."""
    if moment is None or not text or re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", text):
        return text
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def _flat(value: object) -> object:
    return value if isinstance(value, bool | int | None) else cut(as_text(value))
