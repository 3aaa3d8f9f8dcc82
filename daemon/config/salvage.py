"""What can still be told from a configuration that is not valid: where the database is, and how `status` judges.

The daemon goes on with the configuration before it, so commands that only use the database must find that.
"""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from daemon.config.load import Configuration, find, load
from daemon.model.errors import ConfigError

PLACE = "database.url"
JUDGEMENT = ("poll.interval", "alarm.poll_after")


def salvage(file: Path | None, environ: Mapping[str, str]) -> Configuration:
    """The settings of the keys above, and the defaults of all others. Raises `ConfigError`.

    `file`: the argument of `--config`. Where a duration is not valid, both have their defaults.
    """
    found = find(file, environ)
    try:
        text = "" if found is None else found.read_text("utf-8-sig", "replace")
    except OSError as error:
        raise ConfigError(f"{found} cannot be read ({error.strerror})") from None
    values = dict(_values(text))
    place = {_variable(key): value for key, value in values.items() if key == PLACE}
    judgement = {_variable(key): value for key, value in values.items() if key in JUDGEMENT}
    try:
        return load(Path("/dev/null"), {**place, **judgement, **environ}, offline=True)
    except ConfigError:
        return load(Path("/dev/null"), {**place, **environ}, offline=True)


def _values(text: str) -> Iterator[tuple[str, str]]:
    """Keys and values of TOML, read line by line: a mistake in one line hides no other."""
    section: str | None = ""
    for line in text.splitlines():
        try:
            table = tomllib.loads(line)
        except (ValueError, RecursionError):
            # Below a broken header it is not known whose keys these are.
            section = None if line.lstrip().startswith("[") else section
            continue
        if line.lstrip().startswith("["):
            section = next(iter(table))
        elif section is not None:
            yield from ((f"{section}.{key}".lstrip("."), str(value)) for key, value in _flat(table))


def _flat(table: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from ((f"{key}.{inner}", one) for inner, one in value.items())
        else:
            yield key, value


def _variable(key: str) -> str:
    return key.upper().replace(".", "__")
