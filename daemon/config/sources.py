"""What the operator wrote, from its three sources: environment, credentials, TOML file. Nothing is checked yet."""

import json
import stat
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

from daemon.config.hints import list_form
from daemon.config.settings import KEYS, NAMED, SECTIONS, named_in
from daemon.config.template_text import why_not_json
from daemon.config.text_file import read_text
from daemon.model.errors import ConfigError

CONFIG_VARIABLE = "BETTERSTACK_SIGNL4_CONFIG"
CONFIG_PLACES = (Path("config.toml"), Path("/etc/betterstack-signl4/config.toml"))


def logs_json(file: Path | None, environ: Mapping[str, str]) -> bool:
    """Whether the log format is JSON. Works as far as possible with a faulty configuration."""
    layers = [as_values(given(read_environment(environ)), [])]
    with suppress(ConfigError):
        layers = [read_toml(find(file, environ)), as_values(given(read_credentials(environ)), []), *layers]
    log = merged(*layers).get("log")
    return isinstance(log, dict) and log.get("format") == "json"


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


def read_toml(file: Path | None) -> dict[str, Any]:
    """The tables of the file. Raises `ConfigError`."""
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


def read_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Environment variables that name a key, by key."""
    pairs = ((name.lower().split("__", 1), value) for name, value in environ.items() if "__" in name)
    keys = {".".join(parts): value for parts, value in pairs if _is_ours(parts[0])}
    return {_with_dots(key): value for key, value in keys.items()}


def _is_ours(section: str) -> bool:
    return section in SECTIONS or section in NAMED


def _with_dots(key: str) -> str:
    """The key of a variable, whose further names stand between two underscores each."""
    dotted = key.replace("__", ".")
    return key if named_in(dotted) is None else dotted


def read_credentials(environ: Mapping[str, str]) -> dict[str, str]:
    """Credential files that name a key, by key. Raises `ConfigError`."""
    directory = environ.get("CREDENTIALS_DIRECTORY")
    if not directory:
        return {}
    try:
        files = sorted(path for path in Path(directory).iterdir() if _is_ours(path.name.partition(".")[0]))
        return {path.name: read_text(path).rstrip("\n") for path in files if "." in path.name}
    except OSError as error:
        raise ConfigError(
            f"the credentials cannot be read ({error.filename}: {error.strerror}); "
            "mend what CREDENTIALS_DIRECTORY names"
        ) from None


def given(pairs: Mapping[str, str]) -> dict[str, str]:
    """What is empty counts as not given."""
    return {key: text for key, text in pairs.items() if text.strip()}


def as_values(pairs: Mapping[str, str], problems: list[str]) -> dict[str, Any]:
    """Settings given as text, with lists and tables as JSON. Invalid JSON is added to `problems`.

    A payload stays a text, wherever it is given: it may name a file, and placeholders in it may be bare.
    """
    layer: dict[str, Any] = {}
    for name, text in pairs.items():
        value: Any = text
        kind = _kind(name)
        if kind in {dict, list} and not name.startswith("payload."):
            try:
                value = json.loads(text)
            except (ValueError, RecursionError) as error:
                form = '{"Title": "$NAME"}' if kind is dict else list_form(name)
                problems.append(f"{name} {why_not_json(error)}; write it like {form}")
                continue
        *tables, key = name.split(".", 1) if named_in(name) is None else name.split(".")
        held = layer
        for table in tables:
            held = held.setdefault(table, {})
        held[key] = value
    return layer


def _kind(name: str) -> Any:
    """The type of collection that a key holds, if it does: given as text, it is JSON."""
    if name not in KEYS:
        return None
    written = KEYS[name].type
    plain = get_args(written)[0] if get_origin(written) is Annotated else written
    return get_origin(plain)


def merged(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Merges the layers key by key; later ones win. A section that is no table is kept, to be reported as a mistake."""
    whole: dict[str, Any] = {}
    for layer in layers:
        _lay_over(whole, layer, "")
    return whole


def _lay_over(whole: dict[str, Any], layer: Mapping[str, Any], place: str) -> None:
    for key, value in layer.items():
        known, here = whole.get(key, {}), f"{place}{key}"
        if not _holds_keys(here):
            whole[key] = value
        elif isinstance(known, dict) and isinstance(value, dict):
            whole[key] = dict(known)
            _lay_over(whole[key], value, f"{here}.")
        elif isinstance(known, dict):
            whole[key] = value


def flat(tables: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, Any]]:
    """Each value by its key. What is no table where one belongs is left out."""
    for name, value in tables.items():
        key = f"{place}{name}"
        if not _holds_keys(key):
            yield key, value
        elif isinstance(value, dict):
            yield from flat(value, f"{key}.")


def _holds_keys(place: str) -> bool:
    """Whether a table is one of ours; any other is a value as a whole."""
    return "." not in place or place in NAMED or place.rpartition(".")[0] in NAMED
