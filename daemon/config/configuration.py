"""A configuration that was read, and how two of them differ."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from daemon.config.monitors import OFF
from daemon.config.settings import DATABASE_URL, KEYS, RULES, SOURCES, Settings, is_off, is_secret
from daemon.config.types import spelled
from daemon.storage.place import shown


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


def differences(old: Settings, new: Settings) -> list[str]:
    """A phrase for each changed key. Values of secrets and tables are not shown."""
    phrases = []
    for key in KEYS:
        section, _, name = key.partition(".")
        values = [getattr(getattr(settings, section), name) for settings in (old, new)]
        before, after = (OFF if is_off(key, value) else value for value in values)
        if before != after:
            hidden = is_secret(key) or isinstance(after, dict)
            texts = [told(shown(value) if key == DATABASE_URL else value) for value in (before, after)]
            phrases.append(f"{key} changed" if hidden else f"{key} from {texts[0]} to {texts[1]}")
    phrases += _sources(old.source, new.source)
    return phrases + [f"{key} changed" for key in RULES if getattr(old, key) != getattr(new, key)]


def _sources(old: Mapping[str, object], new: Mapping[str, object]) -> list[str]:
    changed = {name: "changed" for name in old.keys() & new.keys() if old[name] != new[name]}
    changed |= dict.fromkeys(old.keys() - new.keys(), "removed") | dict.fromkeys(new.keys() - old.keys(), "added")
    return [f"{SOURCES}.{name} {what}" for name, what in sorted(changed.items())]


def told(value: object) -> str:
    """A value as it may stand in a sentence."""
    if value is None:
        return "none"
    return f'"{spelled(value)}"' if isinstance(value, timedelta) else json.dumps(value, default=str)
