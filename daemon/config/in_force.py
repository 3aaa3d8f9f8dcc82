"""The settings in force as text: each key in TOML with where it comes from. No secret appears in it."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from datetime import timedelta
from pathlib import Path
from typing import Any

from daemon.config.settings import KEYS, TEAMS, Settings
from daemon.config.sources import flat
from daemon.config.types import spelled
from daemon.model.redact import HIDDEN
from daemon.model.secret import Secret


def listed(settings: Settings, origins: Mapping[str, str]) -> Iterator[str]:
    """A line of TOML for each key, with its origin as a comment; a comment alone for one that is not set."""
    for key, value in _values(settings):
        origin = origins.get(key, "default")
        yield f"# {key} is not set" if value is None else f"{key} = {written(value)}  # {origin}"


def _values(settings: Settings) -> Iterator[tuple[str, Any]]:
    for key in KEYS:
        section, _, name = key.partition(".")
        value = getattr(getattr(settings, section), name)
        if key == TEAMS:
            for team, held in value.items():
                yield from ((f"{TEAMS}.{team}.{one.name}", getattr(held, one.name)) for one in fields(held))
        else:
            yield key, value


def origins(
    file: Path | None, toml: Mapping[str, Any], credentials: Mapping[str, Path], variables: Iterable[str]
) -> dict[str, str]:
    """Where each key that is given comes from, a phrase each; of several sources the one that counts.

    `credentials`: files by their key; `variables`: the keys that the environment sets.
    """
    found = {key: f"file {file}" for key, _ in flat(toml)}
    found |= {key: f"credential file {path}" for key, path in credentials.items()}
    return found | {key: f"environment variable {key.upper().replace('.', '__')}" for key in variables}


def written(value: object) -> str:
    """The value in TOML, in one line, of characters that any terminal shows."""
    match value:
        case Secret():
            return f'"{HIDDEN}"'
        case timedelta():
            return f'"{spelled(value)}"'
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
