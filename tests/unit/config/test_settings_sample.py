"""`config.toml` at the root is the list of all settings and their defaults; here it is kept equal to the program."""

import re
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from daemon.config import maintenance
from daemon.config.load import load
from daemon.config.routes import RouteSection
from daemon.config.settings import KEYS, RULES, SECTIONS, SOURCES
from daemon.config.types import duration, spelled
from daemon.model.errors import ConfigError
from tests.support.each import each
from tests.support.paths import CERTIFICATE, ROOT
from tests.support.values import settings

SAMPLE = ROOT / "config.toml"
TEXT = SAMPLE.read_text("utf-8")
WITHOUT_A_DEFAULT = {
    *("betterstack.token", "betterstack.team_name", "betterstack.dashboard_url", "signl4.secret"),
    *("signl4.api_key", "signl4.teams", "duty.warn_after"),
    *("http.proxy", "http.ca_file", "poll.active_interval", "metrics.listen", "metrics.textfile"),
}
"""Without one of their own: `poll.active_interval` follows `poll.interval`."""
SECRETS = {"BETTERSTACK__TOKEN": "the-token", "SIGNL4__SECRET": "the-secret"}
DEFAULT = settings(betterstack={"token": "the-token"}, signl4={"secret": "the-secret"})
COMMENTED = re.compile(r"^#(\[\S+\]|\w+ = .*)$", re.MULTILINE)


def keys(text: str) -> list[str]:
    """Every key of a text, in its order; a table of a payload counts as one."""
    document: dict[str, dict[str, Any]] = tomllib.loads(text)
    return [
        f"{section}.{key}" for section, table in document.items() if section not in {*RULES, SOURCES} for key in table
    ]


def test_every_key_appears_once_in_the_order_of_the_settings() -> None:
    """A key that stood there twice would not parse."""
    assert keys(COMMENTED.sub(r"\1", TEXT)) == list(KEYS)


def test_every_section_appears_in_the_order_of_the_settings() -> None:
    assert list(tomllib.loads(TEXT)) == list(SECTIONS)


def test_what_is_commented_out_has_no_default() -> None:
    assert set(KEYS) - set(keys(TEXT)) == WITHOUT_A_DEFAULT


def test_it_is_the_default_configuration() -> None:
    assert load(SAMPLE, SECRETS).settings == DEFAULT


@each("key", [key for key in KEYS if key not in WITHOUT_A_DEFAULT])
def test_each_value_is_the_default(key: str, tmp_path: Path) -> None:
    """Alone, too: no value leans on another one of the sample."""
    section, _, name = key.partition(".")
    alone = tmp_path / "alone.toml"
    table = TEXT.partition(f"[{key}]")[2].partition("\n[")[0]
    line = re.search(rf"^\[{section}\].*?^({name} = [^\n]*)", TEXT, re.MULTILINE | re.DOTALL)
    alone.write_text(f"[{key}]{table}" if section == "payload" else f"[{section}]\n{line[1] if line else ''}\n")
    assert keys(alone.read_text()) == [key]
    settings = load(alone, SECRETS).settings
    assert getattr(getattr(settings, section), name) == getattr(getattr(DEFAULT, section), name)


def test_the_examples_can_be_taken_as_they_are(tmp_path: Path) -> None:
    ca_file = tmp_path / "ca.pem"
    ca_file.write_bytes((CERTIFICATE).read_bytes())
    whole = tmp_path / "whole.toml"
    whole.write_text(re.sub(r"(ca_file = ).*", rf'\1"{ca_file}"', COMMENTED.sub(r"\1", TEXT)))
    environ = SECRETS | {"SIGNL4__API_KEY": "the-key", "SIGNL4__TEAMS__NIGHT__SECRET": "another"}
    settings = load(whole, environ).settings
    assert settings.poll == DEFAULT.poll
    assert None not in (settings.betterstack.team_name, settings.betterstack.dashboard_url, settings.http.proxy)


def without_payload(table: str) -> str:
    """The sample without one of its tables."""
    begin, _, end = TEXT.partition(f"[payload.{table}]")
    return f"{begin}[{end.partition(chr(10) + '[')[2]}"


def test_the_example_of_a_pasted_body_takes_the_place_of_the_tables(tmp_path: Path) -> None:
    (tmp_path / "new.json").write_text('{"Title": $NAME}')
    example = "\n".join(re.findall(r"^#   (.*)$", TEXT, re.MULTILINE))
    own = tmp_path / "own.toml"
    own.write_text(without_payload("new").replace("[payload.resolved]", example))
    payload = load(own, SECRETS).settings.payload
    assert payload.new == {"Title": "$NAME"}
    assert payload.resolved == {"Text": "$CAUSE", "Data": "$METADATA_ARRAY"}
    own.write_text(f"payload.new = 'file:new.json'\n{without_payload('new')}")
    assert load(own, SECRETS).settings.payload.new == {"Title": "$NAME"}


def test_every_key_of_a_rule_is_shown_in_the_order_of_the_settings() -> None:
    document = tomllib.loads(COMMENTED.sub(r"\1", TEXT))
    [route] = document["route"]
    written = [one.name for one in fields(RouteSection)]
    assert [("continues" if key == "continue" else key) for key in route] == written
    shown = list(dict.fromkeys(key for window in document["maintenance"] for key in window))
    assert set(shown) == set(maintenance.KEYS)


def test_the_examples_of_rules_can_be_taken_as_they_are(tmp_path: Path) -> None:
    whole = tmp_path / "rules.toml"
    whole.write_text(COMMENTED.sub(r"\1", TEXT[TEXT.index("#[[route]]") :]))
    settings = load(whole, {**SECRETS, "SIGNL4__TEAMS__NIGHT__SECRET": "another"}).settings
    assert [len(settings.route), len(settings.maintenance)] == [1, 2]


def test_the_examples_of_secrets_are_none(tmp_path: Path) -> None:
    whole = tmp_path / "whole.toml"
    whole.write_text(re.sub(r"(?m)^ca_file.*", "", COMMENTED.sub(r"\1", TEXT)))
    with pytest.raises(ConfigError) as caught:
        load(whole, {})
    placeholder = "is the placeholder of an example; put your own there"
    keys = ("betterstack.token", "signl4.secret", "signl4.api_key", "signl4.teams.night.secret")
    assert caught.value.problems == tuple(f"{key} {placeholder}" for key in keys)


@pytest.mark.parametrize("interval", ["1s", "5s", "10s", "1h"])
def test_the_interval_can_be_changed_alone(tmp_path: Path, interval: str) -> None:
    changed = tmp_path / "changed.toml"
    changed.write_text(TEXT.replace('\ninterval = "30s"', f'\ninterval = "{interval}"'))
    poll = load(changed, SECRETS).settings.poll
    assert (spelled(poll.interval), spelled(poll.active_interval)) == (interval, min(interval, "10s", key=duration))


def test_every_key_is_explained() -> None:
    """A comment stands above it, or above the key before it of the same paragraph."""
    paragraphs = [part for part in TEXT.split("\n\n") if re.search(r"^#?\w+ = ", part, re.MULTILINE)]
    assert not [part for part in paragraphs if not re.match(r"\n?# \S", part)]


def test_no_line_is_too_long() -> None:
    assert max(map(len, TEXT.splitlines())) <= 120
