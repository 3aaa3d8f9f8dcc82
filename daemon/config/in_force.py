"""The settings in force as text: each key in TOML with where it comes from. No secret appears in it."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from daemon.config.betterstack import NO_TOKEN, TOKEN
from daemon.config.maintenance import MaintenanceSection
from daemon.config.match import as_table
from daemon.config.monitors import OFF
from daemon.config.recurrence import Recurrence
from daemon.config.routes import RouteSection
from daemon.config.settings import DATABASE_URL, KEYS, RULES, SOURCES, TEAMS, Settings, is_off
from daemon.config.sources import flat
from daemon.config.time_table import Window, as_texts
from daemon.config.types import spelled
from daemon.model.redact import HIDDEN
from daemon.model.secret import Secret
from daemon.storage.place import shown

_UNSET = RouteSection(name="")


def listed(settings: Settings, origins: Mapping[str, str]) -> Iterator[str]:
    """A line of TOML for each key, with its origin as a comment; a comment alone for one that is not set.

    Then the rules, each a table with what it sets.
    """
    for key, value in _values(settings):
        origin = origins.get(key, "default")
        yield f"# {key} is not set" if value is None else f"{key} = {written(value)}  # {origin}"
    rules = [("route", _route(one)) for one in settings.route]
    rules += [("maintenance", _maintenance(one)) for one in settings.maintenance]
    for key, table in rules:
        yield ""
        yield f"[[{key}]]  # {origins.get(key, 'default')}"
        yield from (f"{name} = {written(value)}" for name, value in table.items())


def _route(route: RouteSection) -> dict[str, Any]:
    """What a route sets; of its match, all."""
    match = as_table(route.match.fields) | (_window(route.match.times) if route.match.times else {})
    table = {field.name: _plain(getattr(route, field.name)) for field in fields(route)} | {"match": match}
    unset = {field.name: _plain(getattr(_UNSET, field.name)) for field in fields(route)} | {"match": {}}
    held = {key: value for key, value in table.items() if key == "name" or value != unset[key]}
    return {"continue" if key == "continues" else key: value for key, value in held.items()}


def _plain(value: object) -> object:
    """A section within a route as a table; what is empty in it is left out."""
    if not is_dataclass(value):
        return value
    return {field.name: held for field in fields(value) if (held := getattr(value, field.name))}


def _maintenance(section: MaintenanceSection) -> dict[str, Any]:
    comment = {"comment": section.comment} if section.comment else {}
    match = {"match": found} if (found := as_table(section.match)) else {}
    return {"name": section.name, **match, **_window(section.window), **comment}


def _window(window: Window) -> dict[str, Any]:
    if isinstance(window, Recurrence):
        rule = {"rrule": window.rule, "start": window.start, "duration": window.duration}
        return {**rule, "zone": window.zone}
    return {"times": as_texts(window), "zone": window.zone}


def _values(settings: Settings) -> Iterator[tuple[str, Any]]:
    for key in KEYS:
        section, _, name = key.partition(".")
        value = getattr(getattr(settings, section), name)
        if key == TEAMS:
            yield from _named(TEAMS, value)
        elif key == DATABASE_URL:
            yield key, shown(value)
        else:
            value = None if key == TOKEN and value == NO_TOKEN else value
            yield key, OFF if is_off(key, value) and key != TOKEN else value
    yield from _named(SOURCES, settings.source)


def _named(place: str, tables: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, held in tables.items():
        yield from ((f"{place}.{name}.{one.name}", getattr(held, one.name)) for one in fields(held))


def origins(
    file: Path | None, toml: Mapping[str, Any], credentials: Mapping[str, Path], variables: Iterable[str]
) -> dict[str, str]:
    """Where each key that is given comes from, a phrase each; of several sources the one that counts.

    `credentials`: files by their key; `variables`: the keys that the environment sets.
    """
    found = dict.fromkeys((*(key for key, _ in flat(toml)), *RULES), f"file {file}")
    found |= {key: f"credential file {path}" for key, path in credentials.items()}
    return found | {key: f"environment variable {key.upper().replace('.', '__')}" for key in variables}


def written(value: object) -> str:
    """The value in TOML, in one line, of characters that any terminal shows."""
    match value:
        case Secret():
            return f'"{HIDDEN}"'
        case timedelta():
            return f'"{spelled(value)}"'
        case datetime():
            return value.isoformat()
        case dict():
            return f"{{{', '.join(f'{written(key)} = {written(inner)}' for key, inner in value.items())}}}"
        case list():
            return f"[{', '.join(map(written, value))}]"
        case _:
            # TOML's strings, numbers and booleans are written as those of JSON, but for some escapes.
            text = json.dumps(value, ensure_ascii=False, default=str)
            return text if text.isprintable() else "".join(map(_escaped, text))


def _escaped(character: str) -> str:
    return character if character.isprintable() else f"\\U{ord(character):08x}"
