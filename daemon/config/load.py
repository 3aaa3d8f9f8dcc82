"""Loads the settings from four sources: environment, credentials, TOML file, defaults.

`load` returns complete, valid settings, or raises one `ConfigError` that lists every mistake: each a sentence with the
key, the problem and its fix. No secret appears in it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from daemon.config import sources
from daemon.config.betterstack import TOKEN
from daemon.config.configuration import Configuration
from daemon.config.hints import empty_places, missing
from daemon.config.in_force import origins
from daemon.config.settings import DATABASE_URL, SOURCES, Settings, holds_secret, is_secret
from daemon.config.template_text import templates
from daemon.config.validate import validated
from daemon.model.errors import ConfigError

API_KEY = "signl4.api_key"


def load(file: Path | None, environ: Mapping[str, str], *, offline: bool = False) -> Configuration:
    """Reads all four sources. Raises `ConfigError`. `file`: the argument of `--config`.

    `offline`: requires neither the secrets nor template files, for commands that only use the database and may run
    without access to them.
    """
    found = sources.find(file, environ)
    credentials, variables = sources.read_credentials(environ), sources.read_environment(environ)
    empty = empty_places(environ, variables, credentials)
    credentials, variables = sources.given(credentials), sources.given(variables)
    toml = sources.read_toml(found)
    folder = Path() if found is None else found.parent
    settings, template_files = _settings(toml, credentials, variables, empty, folder, offline=offline)
    files = {key: Path(environ["CREDENTIALS_DIRECTORY"], key) for key in credentials}
    warnings = (*_exposed(found, toml, files), *_without_key(settings, empty), *_without_token(settings))
    places = origins(found, toml, files, variables)
    places |= {key: f"template file {path}, named by {places[key]}" for key, path in template_files.items()}
    return Configuration(settings, found, warnings, file, places)


def _settings(
    toml: Mapping[str, Any],
    credentials: Mapping[str, str],
    variables: Mapping[str, str],
    empty: Mapping[str, str],
    folder: Path,
    *,
    offline: bool,
) -> tuple[Settings, dict[str, Path]]:
    """The settings, and the files that templates came from. `folder`: where the paths of those begin."""
    problems: list[str] = []
    whole = sources.merged(toml, sources.as_values(credentials, problems), sources.as_values(variables, problems))
    files: dict[str, Path] = {}
    if isinstance(payload := whole.get("payload"), dict):
        read = list(templates(payload, folder, problems, offline=offline))
        whole["payload"] = {key: value for key, value, _ in read}
        files = {f"payload.{key}": path for key, _, path in read if path is not None}
    for section in ("betterstack", "signl4"):
        whole.setdefault(section, {})
    if offline:
        _lay_secrets_under(whole)
    try:
        settings = validated(whole, empty)
    except ConfigError as error:
        raise ConfigError(*problems, *error.problems) from None
    if problems:
        raise ConfigError(*problems)
    return settings, files


def _lay_secrets_under(whole: Mapping[str, Any]) -> None:
    """Puts something in place of the secrets that are missing, different for each team and source."""
    holders = [(whole["betterstack"], "token"), (whole["signl4"], "secret")]
    teams = whole["signl4"].get("teams") if isinstance(whole["signl4"], dict) else None
    sources = whole.get(SOURCES)
    holders += [(team, "secret") for team in (teams.values() if isinstance(teams, dict) else ())]
    holders += [(source, "token") for source in (sources.values() if isinstance(sources, dict) else ())]
    for number, (table, key) in enumerate(holders):
        if isinstance(table, dict):
            table.setdefault(key, f"not-needed-offline-{number}")


def _without_key(settings: Settings, empty: Mapping[str, str]) -> Iterator[str]:
    """A warning for a key that was forgotten, and for settings that need one. The sample gives their defaults."""
    if settings.signl4.api_key is not None:
        return
    if API_KEY in empty:
        yield missing(API_KEY, empty)
    for section in ("write_back", "duty"):
        given = getattr(settings, section)
        for key in fields(given):
            if getattr(given, key.name) != key.default:
                yield f"{section}.{key.name} does nothing without signl4.api_key; give that, or leave {key.name} out"


def _without_token(settings: Settings) -> Iterator[str]:
    """A warning for what is said of an account that is not polled, beside others that are."""
    if settings.betterstack.is_polled:
        return
    for key in fields(settings.betterstack):
        if getattr(settings.betterstack, key.name) != key.default:
            yield f"betterstack.{key.name} does nothing without {TOKEN}; give that, or leave {key.name} out"


def _exposed(file: Path | None, toml: Mapping[str, Any], credentials: Mapping[str, Path]) -> Iterator[str]:
    """A warning for each world-readable file that contains a secret."""
    holders = [path for key, path in credentials.items() if is_secret(key) or key == DATABASE_URL]
    if file is not None and any(value and holds_secret(key, value) for key, value in sources.flat(toml)):
        holders.append(file)
    for path in holders:
        if path.stat().st_mode & 0o004:
            yield f"{path} holds a secret and everybody on this machine can read it; run: chmod o-rwx {path}"
