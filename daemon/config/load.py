"""Loads the settings from four sources: environment, credentials, TOML file, defaults.

`load` returns complete, valid settings, or raises one `ConfigError` that lists every mistake: each a sentence with the
key, the problem and its fix. No secret appears in it.
"""

import json
import stat
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, get_origin

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from daemon.config.hints import empty_places, missing, nearest
from daemon.config.in_force import origins
from daemon.config.settings import Settings
from daemon.config.text_file import read_text
from daemon.config.types import spelled
from daemon.model.errors import ConfigError

CONFIG_VARIABLE = "BETTERSTACK_SIGNL4_CONFIG"
CONFIG_PLACES = (Path("config.toml"), Path("/etc/betterstack-signl4/config.toml"))
SECTIONS: dict[str, type[BaseModel]] = {
    name: field.annotation for name, field in Settings.model_fields.items() if isinstance(field.annotation, type)
}
KEYS = tuple(f"{section}.{key}" for section, model in SECTIONS.items() for key in model.model_fields)


@dataclass(frozen=True, slots=True)
class Configuration:
    """Valid settings, the file they came from, if any, and warnings for the operator."""

    settings: Settings
    file: Path | None
    warnings: tuple[str, ...]
    named: Path | None = None
    """The argument of `--config`."""
    origins: Mapping[str, str] = field(default_factory=dict)
    """Where each key comes from that is not at its default, a phrase each."""


def load(file: Path | None, environ: Mapping[str, str], *, offline: bool = False) -> Configuration:
    """Reads all four sources. Raises `ConfigError`. `file`: the argument of `--config`.

    `offline`: does not require the secrets, for commands that only use the database and may run without access to them.
    """
    found = find(file, environ)
    credentials, variables = _credentials(environ), _environment(environ)
    empty = empty_places(environ, variables, credentials)
    credentials, variables = _given(credentials), _given(variables)
    problems: list[str] = []
    toml = _toml(found)
    merged = _merged(toml, _texts(credentials, problems), _texts(variables, problems))
    for section, secret in (("betterstack", "token"), ("signl4", "secret")):
        held = merged.setdefault(section, {})
        if offline and isinstance(held, dict):
            held.setdefault(secret, "not-needed-offline")
    try:
        settings = Settings(**merged)
    except ValidationError as error:
        problems += map(partial(_sentence, empty=empty), error.errors())
    if problems:
        raise ConfigError(*problems)
    files = {key: Path(environ["CREDENTIALS_DIRECTORY"], key) for key in credentials}
    warnings = tuple(_exposed(found, toml, files))
    return Configuration(settings, found, warnings, file, origins(found, toml, files, variables))


def logs_json(file: Path | None, environ: Mapping[str, str]) -> bool:
    """Whether the log format is JSON. Works as far as possible with a faulty configuration."""
    layers = [_texts(_given(_environment(environ)), [])]
    with suppress(ConfigError):
        layers = [_toml(find(file, environ)), _texts(_given(_credentials(environ)), []), *layers]
    log = _merged(*layers).get("log")
    return isinstance(log, dict) and log.get("format") == "json"


def differences(old: Settings, new: Settings) -> list[str]:
    """A phrase for each changed key. Values of secrets and tables are not shown."""
    secrets = set(_secret_keys())
    phrases = []
    for key in KEYS:
        section, _, name = key.partition(".")
        before, after = (getattr(getattr(settings, section), name) for settings in (old, new))
        if before != after:
            hidden = key in secrets or isinstance(after, dict)
            phrases.append(f"{key} changed" if hidden else f"{key} from {_told(before)} to {_told(after)}")
    return phrases


def _told(value: object) -> str:
    if value is None:
        return "none"
    return f'"{spelled(value)}"' if isinstance(value, timedelta) else json.dumps(value, default=str)


def _merged(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Merges the layers key by key; later ones win. A section that is no table is kept, to be reported as a mistake."""
    merged: dict[str, Any] = {}
    for layer in layers:
        for section, value in layer.items():
            known = merged.setdefault(section, {})
            if isinstance(known, dict):
                merged[section] = {**known, **value} if isinstance(value, dict) else value
    return merged


def find(file: Path | None, environ: Mapping[str, str]) -> Path | None:
    """The TOML file that counts, if there is one. Raises `ConfigError`. `file`: the argument of `--config`."""
    named = file or (Path(environ[CONFIG_VARIABLE]) if environ.get(CONFIG_VARIABLE) else None)
    if named is not None:
        return named
    return next(filter(_is_there, CONFIG_PLACES), None)


def _is_there(place: Path) -> bool:
    """Whether the file exists. Raises `ConfigError` if it cannot be reached; `Path.is_file` hides that from 3.14 on."""
    try:
        return stat.S_ISREG(place.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise ConfigError(
            f"{place} cannot be reached ({error.strerror}); name another with --config, or mend it"
        ) from None


def _toml(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        return tomllib.loads(read_text(file))
    except OSError as error:
        raise ConfigError(f"{file} cannot be read ({error.strerror}); name another with --config, or mend it") from None
    except (ValueError, RecursionError) as error:
        raise ConfigError(
            f"{file} is not valid TOML ({error}); mend that line: a text stands in quotes, also a name with spaces"
        ) from None


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Environment variables that name a key, by key."""
    pairs = ((name.lower().split("__", 1), value) for name, value in environ.items() if "__" in name)
    return {".".join(parts): value for parts, value in pairs if parts[0] in SECTIONS}


def _credentials(environ: Mapping[str, str]) -> dict[str, str]:
    """Credential files that name a key, by key. Raises `ConfigError`."""
    directory = environ.get("CREDENTIALS_DIRECTORY")
    if not directory:
        return {}
    try:
        files = sorted(path for path in Path(directory).iterdir() if path.name.partition(".")[0] in SECTIONS)
        return {path.name: read_text(path).rstrip("\n") for path in files if "." in path.name}
    except OSError as error:
        raise ConfigError(
            f"the credentials cannot be read ({error.filename}: {error.strerror}); "
            "mend what CREDENTIALS_DIRECTORY names"
        ) from None


def _given(pairs: Mapping[str, str]) -> dict[str, str]:
    """What is empty counts as not given."""
    return {key: text for key, text in pairs.items() if text.strip()}


def _texts(pairs: Mapping[str, str], problems: list[str]) -> dict[str, Any]:
    """Settings given as text, with lists and tables as JSON. Invalid JSON is added to `problems`."""
    layer: dict[str, dict[str, Any]] = {}
    for name, text in pairs.items():
        section, _, key = name.partition(".")
        field = SECTIONS[section].model_fields.get(key)
        value: Any = text
        kind = None if field is None else get_origin(field.annotation)
        if kind in {dict, list}:
            try:
                value = json.loads(text)
            except (ValueError, RecursionError) as error:
                form = '{"Title": "$NAME"}' if kind is dict else '["https://one.example.com/beat"]'
                plain = isinstance(error, json.JSONDecodeError)
                wrong = f"is not JSON ({error})" if plain else "has a number that is too long, or is nested too deeply"
                problems.append(f"{name} {wrong}; write it like {form}")
                continue
        layer.setdefault(section, {})[key] = value
    return layer


def _sentence(detail: ErrorDetails, empty: Mapping[str, str]) -> str:
    """One mistake as a sentence for the operator. `empty`: the places that name a key and hold nothing, by key."""
    key = ".".join(str(part) for part in detail["loc"][:2])
    match detail["type"]:
        case "missing":
            return missing(key, empty)
        case "extra_forbidden":
            return f"{key} is not a known key; {nearest(key, SECTIONS)}"
        case "value_error" if len(detail["loc"]) == 1:
            return str(detail["ctx"]["error"])
        case "value_error":
            return f"{key}{_shown(key, detail['input'])} {detail['ctx']['error']}"
        case "model_type" | "model_attributes_type" | "dict_type":
            return f"{key} must be a table; write it as [{key}] with its keys below"
        case _:
            plain = detail["msg"].removeprefix("Input ")
            mend = "put it in quotes" if key in _secret_keys() else _without(key)
            if detail["type"] == "list_type":
                mend = 'write it like ["https://one.example.com/beat"]'
            return f"{key}{_shown(key, detail['input'])} {plain}; {mend}"


def _shown(key: str, value: object) -> str:
    secret = key in _secret_keys() or not isinstance(value, str | int | float) or "@" in str(value)
    return "" if secret else f" ({str(value)[:80]!r})"


def _secret_keys() -> Iterator[str]:
    for name in KEYS:
        section, _, key = name.partition(".")
        if SecretStr.__name__ in str(SECTIONS[section].model_fields[key].annotation):
            yield name


def _without(key: str) -> str:
    """What applies without the key."""
    section, _, name = key.partition(".")
    default = SECTIONS[section].model_fields[name].default if name else None
    return "leave it out if you do not need it" if default is None else f"the default is {_told(default)}"


def _exposed(file: Path | None, toml: Mapping[str, Any], credentials: Mapping[str, Path]) -> Iterator[str]:
    """A warning for each world-readable file that contains a secret."""
    holders = [credentials[key] for key in _secret_keys() if key in credentials]
    given = (toml.get(section, {}).get(key) for section, _, key in (name.partition(".") for name in _secret_keys()))
    if file is not None and any(given):
        holders.append(file)
    for path in holders:
        if path.stat().st_mode & 0o004:
            yield f"{path} holds a secret and everybody on this machine can read it; run: chmod o-rwx {path}"
