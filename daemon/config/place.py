"""Where the database is, and how `status` judges: all that a command on a database needs of the configuration.

Read without pydantic, which takes longer than all the rest of such a command, and of a configuration that is not valid,
too: the daemon goes on with the one before it.
"""

import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

from daemon.config import sources
from daemon.config.database import DatabaseSection
from daemon.config.monitors import MonitorsSection
from daemon.config.settings import KEYS, AlarmSection, PollSection, Settings
from daemon.config.two_way import DutySection
from daemon.model.errors import ConfigError
from daemon.model.monitor import MonitorKind


@dataclass(frozen=True, slots=True)
class Place:
    """The database, the durations by which `status` judges what is in it, and what of Better Stack is looked at."""

    url: str = field(default=DatabaseSection().url, repr=False)
    poll_interval: timedelta = PollSection().interval
    poll_after: timedelta = AlarmSection().poll_after
    warn_after: timedelta | None = DutySection().warn_after
    looked_at: tuple[MonitorKind, ...] = MonitorsSection().kinds

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """That of a whole configuration."""
        limits = settings.poll.interval, settings.alarm.poll_after, settings.duty.warn_after
        return cls(settings.database.url, *limits, settings.monitors.kinds)


FIELDS = {
    "database.url": "url",
    "poll.interval": "poll_interval",
    "alarm.poll_after": "poll_after",
    "duty.warn_after": "warn_after",
}
_TRUE = frozenset(("true", "t", "yes", "y", "on", "1"))
"""As pydantic reads them."""


def place(file: Path | None, environ: Mapping[str, str]) -> Place:
    """What is given of it, and else the defaults. Raises `ConfigError`, also if the database's place is not valid.

    `file`: the argument of `--config`. Where a duration is not valid, all have their defaults.
    """
    texts = [sources.read_credentials(environ), sources.read_environment(environ)]
    layers = (sources.as_values(sources.given(pairs), []) for pairs in texts)
    given = dict(sources.flat(sources.merged(_toml(sources.find(file, environ)), *layers)))
    found = {"url": _checked("database.url", given["database.url"])} if "database.url" in given else {}
    with suppress(ConfigError):
        durations = [key for key in FIELDS if key in given and key != "database.url"]
        found |= {FIELDS[key]: _checked(key, given[key]) for key in durations}
    return Place(**found, looked_at=_looked_at(given))


def _looked_at(given: Mapping[str, object]) -> tuple[MonitorKind, ...]:
    """What is neither true nor false counts as not given."""
    enabled, heartbeats = (str(given.get(f"monitors.{key}")).lower() in _TRUE for key in ("enabled", "heartbeats"))
    return MonitorsSection(enabled=enabled, heartbeats=heartbeats).kinds


def _checked(key: str, given: object) -> Any:
    """The value as the checks of its type make it, which take text. Raises `ConfigError`."""
    value: Any = str(given)
    try:
        for check in _checks(KEYS[key].type):
            value = check.make(value)
    except ValueError as error:
        raise ConfigError(f"{key} {error}") from None
    return value


def _checks(kind: Any) -> tuple[Any, ...]:
    """Those that a type names, which may also be one of `X | None`."""
    annotated = kind if hasattr(kind, "__metadata__") else kind.__args__[0]
    checks: tuple[Any, ...] = annotated.__metadata__
    return checks


def _toml(file: Path | None) -> Mapping[str, Any]:
    """The tables of the file; where it is not valid, those of all lines that are."""
    try:
        return sources.read_toml(file)
    except ConfigError:
        if file is None:
            raise
    try:
        text = file.read_text("utf-8-sig", "replace")
    except OSError as error:
        raise ConfigError(f"{file} cannot be read ({error.strerror})") from None
    return sources.merged(*_lines(text))


def _lines(text: str) -> Iterator[Mapping[str, Any]]:
    """The tables of TOML, read line by line: a mistake in one line hides no other."""
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
            yield {section: table} if section else table
