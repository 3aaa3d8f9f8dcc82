"""Checks what the operator wrote, with pydantic: valid settings, or a sentence for each mistake.

In a process of its own: pydantic takes 10 MB and a part of a second, which a daemon would keep for months.
"""

from collections.abc import Mapping
from dataclasses import MISSING, fields
from datetime import timedelta
from typing import Any

from pydantic import Field, ValidationError, create_model
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from daemon.config.betterstack import TOKEN
from daemon.config.configuration import told
from daemon.config.hints import list_form, missing, nearest
from daemon.config.rule_mistakes import rule_sentence
from daemon.config.settings import KEYS, RULES, SECTIONS, SOURCES, Settings, holds_secret, is_secret, named_in
from daemon.config.types import duration
from daemon.model.errors import ConfigError


class _Layers(BaseSettings):
    """Uses only the layers that `sources` has merged key by key.

    The library's own sources would merge a `payload.new` from the environment with that of the file instead of
    replacing it, and fail on unrelated variables such as `LOG`.
    """

    # The defaults are values already.
    model_config = SettingsConfigDict(extra="forbid", validate_default=False)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Those of the caller."""
        return (init_settings,)


_GIVEN: dict[str, Any] = {
    section.name: (
        section.type,
        ... if section.default_factory is MISSING else Field(default_factory=section.default_factory),
    )
    for section in fields(Settings)
}
_SECTIONS = create_model("_SECTIONS", __base__=_Layers, **_GIVEN)


def validated(values: Mapping[str, Any], empty: Mapping[str, str]) -> Settings:
    """The settings, with defaults where nothing is given. Raises `ConfigError` with all that is wrong.

    `values`: tables of the sections as they were written; `empty`: the places that name a key and hold nothing, by key.
    """
    problems = [] if _any_token(values) else [missing(TOKEN, empty)]
    try:
        held = _SECTIONS(**_with_named_rules(_with_active_interval(values)))
    except ValidationError as error:
        raise ConfigError(*problems, *(_said_of(detail, empty) for detail in error.errors())) from None
    if problems:
        raise ConfigError(*problems)
    try:
        return Settings(**{section: getattr(held, section) for section in (*SECTIONS, SOURCES, *RULES)})
    except ValueError as error:
        raise ConfigError(str(error)) from None


def _any_token(values: Mapping[str, Any]) -> bool:
    """Whether anything is polled: where there are other sources, `[betterstack]` may go without a token."""
    unnamed = values.get("betterstack")
    return bool(values.get(SOURCES)) or not isinstance(unnamed, dict) or "token" in unnamed


def _with_active_interval(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """A short `poll.interval` without a `poll.active_interval` sets both."""
    poll = values.get("poll")
    if not isinstance(poll, dict) or "interval" not in poll or "active_interval" in poll:
        return values
    try:
        interval = duration(poll["interval"])
    except ValueError:
        return values
    # An interval that is too short is reported once, not for both keys.
    active = min(max(interval, timedelta(seconds=1)), timedelta(seconds=10))
    return {**values, "poll": {**poll, "active_interval": active}}


def _with_named_rules(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Rules without a name have their number, and `continue`, which Python keeps for itself, its name in Python."""
    named = {
        key: [_named(table, number) for number, table in enumerate(tables, 1)]
        for key in RULES
        if isinstance(tables := values.get(key), list)
    }
    return {**values, **named}


def _named(table: object, number: int) -> object:
    if not isinstance(table, dict):
        return table
    return {"name": str(number), **{"continues" if key == "continue" else key: value for key, value in table.items()}}


def _said_of(detail: ErrorDetails, empty: Mapping[str, str]) -> str:
    return rule_sentence(detail) if detail["loc"][0] in RULES else _sentence(detail, empty)


def _sentence(detail: ErrorDetails, empty: Mapping[str, str]) -> str:
    """One mistake as a sentence for the operator. `empty`: the places that name a key and hold nothing, by key."""
    key = _key(detail["loc"])
    match detail["type"]:
        case "missing":
            return missing(key, empty)
        case "extra_forbidden" | "unexpected_keyword_argument":
            return f"{key} is not a known key; {nearest(key)}"
        case "value_error" if len(detail["loc"]) == 1:
            return str(detail["ctx"]["error"])
        case "value_error":
            return f"{key}{_shown(key, detail['input'])} {detail['ctx']['error']}"
        case "dataclass_type" | "dict_type":
            table = f"{key}.NAME" if key == SOURCES else key
            return f"{key} must be a table; write it as [{table}] with its keys below"
        case _:
            plain = detail["msg"].removeprefix("Input ")
            mend = "put it in quotes" if is_secret(key) else _without(key)
            if detail["type"] == "list_type":
                mend = f"write it like {list_form(key)}"
            return f"{key}{_shown(key, detail['input'])} {plain}; {mend}"


def _key(place: tuple[int | str, ...]) -> str:
    """The key that pydantic found a mistake at. It marks the name of a team with a part of its own."""
    parts = [str(part) for part in place if part != "[key]"]
    within = named_in(".".join(parts))
    return ".".join(parts[: 2 if within is None else within.count(".") + 3])


def _shown(key: str, value: object) -> str:
    secret = holds_secret(key, value) or not isinstance(value, str | int | float) or "@" in str(value)
    return "" if secret else f" ({str(value)[:80]!r})"


def _without(key: str) -> str:
    """What applies without the key."""
    default = KEYS[key].default if key in KEYS else None
    return "leave it out if you do not need it" if default in {None, MISSING} else f"the default is {told(default)}"
