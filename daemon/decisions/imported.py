"""A webhook's body as TOML for the configuration, with a comment wherever it will not be sent as it is. Pure."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from daemon.config.in_force import written
from daemon.decisions.payload import EXTERNAL_ID, SOURCE, STATUS
from daemon.decisions.placeholders import names
from daemon.decisions.template_keys import key_remarks
from daemon.decisions.template_remarks import remarks, texts
from daemon.model.incident import Kind
from daemon.model.printable import printable

_SECTION = "[payload]"
_OWN_SOURCE = "Better Stack"
_IDS = ("$INCIDENT_ID", "${INCIDENT_ID}")


@dataclass(frozen=True, slots=True)
class Pasted:
    """A body, and the message that it is for."""

    kind: Kind
    body: Mapping[str, Any]
    comments: tuple[str, ...] = ()
    """Where it comes from."""


def kind_of(body: Mapping[str, Any]) -> Kind:
    """The message that the body is for, as its status says; that of a new incident if it says nothing."""
    said = next((str(value).lower() for key, value in body.items() if key.lower() == STATUS.lower()), "")
    return next((kind for kind in Kind if kind == said), Kind.NEW)


def as_toml(pasted: Iterable[Pasted]) -> Iterator[str]:
    """The lines of TOML that give these bodies, one of each kind. A later one of a kind is a comment."""
    taken = set[Kind]()
    begun = False
    # Those that need the table [payload] itself share one, which TOML knows once only.
    for one in sorted(pasted, key=lambda one: (not _has_null(_kept(one)), list(Kind).index(one.kind))):
        for comment in (*one.comments, *_comments(one)):
            yield f"# {printable(' '.join(comment.split()))}"
        lines = _as_text(one) if _has_null(_kept(one)) else _as_table(one)
        if one.kind in taken:
            yield f"# There is one payload.{one.kind} for all alerts, so this one is not used:"
            yield from (f"#{line}" for line in lines)
        else:
            yield from lines[1:] if begun and lines[0] == _SECTION else lines
            begun = begun or lines[0] == _SECTION
        yield ""
        taken.add(one.kind)


def _kept(one: Pasted) -> dict[str, Any]:
    """The body without what the program sets itself, and without what is never sent since it is null."""
    kept = {key: value for key, value in one.body.items() if not _is_set_by_program(key, value)}
    filled: dict[str, Any] = _without_nulls(kept)
    return filled


def _is_set_by_program(key: str, value: object) -> bool:
    """Another source than the program's own is sent as the body has it."""
    is_own_source = key.lower() == SOURCE.lower() and value == _OWN_SOURCE
    return key.lower() in {EXTERNAL_ID.lower(), STATUS.lower()} or is_own_source


def _comments(one: Pasted) -> Iterator[str]:
    kept = _kept(one)
    for key, value in one.body.items():
        if _is_set_by_program(key, value):
            yield f"{written(key)} = {_shown(value)} is left out: {_instead(one.kind, key.lower(), value)}"
        elif value is None:
            yield f"{written(key)} = null is left out: what is empty is never sent"
    yield from (f"check: payload.{one.kind} has {remark}" for remark in remarks(texts(kept)))
    if one.kind is Kind.NEW:
        yield from (f"check: payload.new {remark}" for remark in key_remarks(kept))


def _instead(kind: Kind, key: str, value: object) -> str:
    """What the program does in place of a key that it sets itself."""
    if key == SOURCE.lower():
        return "the program sets it itself"
    if key == STATUS.lower():
        return f"the program sets it itself, here to {kind}"
    if value in _IDS:
        return "the program sets it itself, by signl4.external_id"
    if "INCIDENT_ID" not in names(str(value)):
        return "the program sets it itself, to an id that no two incidents share"
    return "the program sets it itself; to go on with the alerts of that webhook, give signl4.external_id that value"


def _as_table(one: Pasted) -> list[str]:
    return [f"[payload.{one.kind}]", *(f"{written(key)} = {written(value)}" for key, value in _kept(one).items())]


def _as_text(one: Pasted) -> list[str]:
    """JSON as a text, for what TOML cannot say. A literal text of TOML has no escapes, so JSON has to spell them."""
    text = json.dumps(_kept(one), indent=2).replace("\x7f", "\\u007f").replace("'", "\\u0027")
    return [_SECTION, f"{one.kind} = '''", *text.splitlines(), "'''"]


def _without_nulls(value: Any) -> Any:
    """Without the keys that hold null, which are never sent. In a list it has its place."""
    if isinstance(value, Mapping):
        return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}
    return [_without_nulls(inner) for inner in value] if isinstance(value, list) else value


def _has_null(value: object) -> bool:
    if isinstance(value, Mapping | list):
        return any(map(_has_null, value.values() if isinstance(value, Mapping) else value))
    return value is None


def _shown(value: object) -> str:
    return "null" if value is None else written(value)
