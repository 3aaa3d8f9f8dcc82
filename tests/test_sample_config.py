"""The sample `config.toml` is a promise: every key, its default, and nothing else."""

import re
import tomllib
from pathlib import Path

from daemon.config import KEYS, SECTIONS, load

SAMPLE = Path(__file__).parent.parent / "config.toml"
SECRETS = {"BETTERSTACK__TOKEN": "a-token", "SIGNL4__SECRET": "a-secret"}
WITHOUT_DEFAULT = {
    "betterstack.token",
    "betterstack.team_name",
    "betterstack.dashboard_url",
    "signl4.secret",
    "http.proxy",
    "http.ca_file",
}


def commented_keys() -> list[str]:
    """The keys that stand in the sample behind a `#`, as `section.key`."""
    keys, section = [], ""
    for line in SAMPLE.read_text().splitlines():
        if heading := re.fullmatch(r"\[([\w.]+)\]", line):
            section = heading[1]
        elif key := re.match(r"# (\w+) = ", line):
            keys.append(f"{section}.{key[1]}")
    return keys


def active_keys() -> list[str]:
    tables = tomllib.loads(SAMPLE.read_text())
    return [f"{section}.{key}" for section, table in tables.items() for key in table]


def test_every_key_stands_in_the_sample_exactly_once() -> None:
    assert sorted(active_keys() + commented_keys()) == sorted(KEYS)


def test_only_keys_without_a_default_are_commented_out() -> None:
    assert set(commented_keys()) == WITHOUT_DEFAULT


def test_the_sample_says_what_the_defaults_are() -> None:
    sample, defaults = load(SAMPLE, SECRETS), load(Path("/dev/null"), SECRETS)
    assert sample.settings == defaults.settings


def test_every_value_of_the_sample_is_read() -> None:
    """A default that the sample states wrongly would show here even if the settings ignored the file."""
    tables = tomllib.loads(SAMPLE.read_text())
    for section, table in tables.items():
        for key, value in table.items():
            default = SECTIONS[section].model_fields[key].default
            again = load(Path("/dev/null"), SECRETS).settings
            assert SECTIONS[section].model_validate({**_needed(section), key: value}).model_dump()[key] == default
            assert getattr(getattr(again, section), key) == default


def test_the_sample_follows_the_order_of_the_settings() -> None:
    assert list(tomllib.loads(SAMPLE.read_text())) == list(SECTIONS)


def _needed(section: str) -> dict[str, str]:
    return {"betterstack": {"token": "a-token"}, "signl4": {"secret": "a-secret"}}.get(section, {})
