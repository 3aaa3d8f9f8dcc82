"""A configuration that was read, and how two of them differ."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from daemon.config.monitors import OFF
from daemon.config.settings import KEYS, RULES, Settings, is_off, is_secret
from daemon.config.types import spelled


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
            phrases.append(f"{key} changed" if hidden else f"{key} from {told(before)} to {told(after)}")
    return phrases + [f"{key} changed" for key in RULES if getattr(old, key) != getattr(new, key)]


def told(value: object) -> str:
    """A value as it may stand in a sentence."""
    if value is None:
        return "none"
    return f'"{spelled(value)}"' if isinstance(value, timedelta) else json.dumps(value, default=str)
