"""The settings that need SIGNL4's API key: what may stand there, who sees the key, and what is said without it."""

from pathlib import Path

import pytest

from daemon.config.configuration import differences
from daemon.config.in_force import listed
from daemon.config.load import load
from tests.support.each import each
from tests.support.paths import ROOT
from tests.support.values import mistake, settings

SECRETS = {"BETTERSTACK__TOKEN": "the-token", "SIGNL4__SECRET": "the-secret"}


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@each("by", ["$USER", "$USER via SIGNL4", "SIGNL4", "$USER ($USER)", "5 $", "$ USER", "$USER, SIGNL4", "é" * 100])
def test_who_did_it_may_be_any_text_around_the_name(by: str) -> None:
    assert mistake("write_back", "by", by) is None
    assert settings(write_back={"by": by}).write_back.by == by


@each(
    ("by", "found"),
    [
        *(("$NAME", "$NAME"), ("$USERNAME", "$USERNAME"), ("$USER_via", "$USER_via"), ("$user", "$user")),
        *(("$USER of $TEAM", "$TEAM"), ("${USER}", "${USER}"), ("${USER:20", "${USER:20"), ("$1", "$1")),
    ],
)
def test_another_placeholder_is_a_mistake_with_the_mend(by: str, found: str) -> None:
    sentence = f"holds {found}, which is no placeholder here; $USER is the name in SIGNL4"
    assert mistake("write_back", "by", by) == sentence


@each("by", ["", " ", "\t\n"])
def test_somebody_did_it(by: str) -> None:
    assert mistake("write_back", "by", by) == 'is empty; write who did it, like "$USER via SIGNL4"'


@each("by", ["x" * 101, "$USER\nSIGNL4", "$USER\x1b[31m"])
def test_who_did_it_is_one_short_line(by: str) -> None:
    assert mistake("write_back", "by", by) == "is not one line of up to 100 characters; shorten it"


@each(("section", "key", "value"), [("write_back", "interval", "0.5s"), ("duty", "warn_after", "30s")])
def test_a_time_out_of_range_is_a_mistake(section: str, key: str, value: str) -> None:
    said = mistake(section, key, value)
    assert said is not None
    assert said.startswith("is out of range; take 1")


def test_the_key_is_shown_nowhere() -> None:
    whole = settings(signl4={"api_key": "hunter2"})
    assert "hunter2" in whole.secrets()
    assert 'signl4.api_key = "***"  # default' in listed(whole, {})
    assert "hunter2" not in f"{whole}{list(listed(whole, {}))}"
    assert differences(settings(), whole) == ["signl4.api_key changed"]


def test_a_reload_names_what_changed() -> None:
    changed = settings(write_back={"resolve": True, "by": "SIGNL4"}, duty={"warn_after": "1h"})
    assert differences(settings(), changed) == [
        "write_back.resolve from false to true",
        'write_back.by from "$USER via SIGNL4" to "SIGNL4"',
        'duty.warn_after from none to "1h"',
    ]


GIVEN = {"WRITE_BACK__RESOLVE": "true", "WRITE_BACK__INTERVAL": "1m", "DUTY__WARN_AFTER": "1h"}


def test_what_needs_the_key_is_a_warning_without_it() -> None:
    names = ("write_back.resolve", "write_back.interval", "duty.warn_after")
    assert load(None, SECRETS | GIVEN).warnings == tuple(
        f"{name} does nothing without signl4.api_key; give that, or leave {name.partition('.')[2]} out"
        for name in names
    )
    assert load(None, SECRETS | GIVEN | {"SIGNL4__API_KEY": "the-key"}).warnings == ()


def test_a_key_that_was_forgotten_is_a_warning(place: Path) -> None:
    (place / "signl4.api_key").write_text("\n")
    directory = {"CREDENTIALS_DIRECTORY": str(place)}
    [warning] = load(None, SECRETS | directory).warnings
    assert warning.startswith(f"signl4.api_key is empty: the credential file {place}/signl4.api_key holds nothing; ")
    [warning] = load(None, SECRETS | {"SIGNL4__API_KEY": " "}).warnings
    assert warning.startswith("signl4.api_key is empty: SIGNL4__API_KEY in the environment holds nothing; ")
    assert load(None, SECRETS | directory | {"SIGNL4__API_KEY": "the-key"}).warnings == ()


def test_the_defaults_of_the_sample_are_no_warning(place: Path) -> None:
    sample = place / "config.toml"
    sample.write_bytes((ROOT / "config.toml").read_bytes())
    assert load(sample, SECRETS).warnings == ()


def test_the_key_may_be_a_credential(place: Path) -> None:
    (place / "signl4.api_key").write_text("the-key\n")
    (place / "signl4.api_key").chmod(0o400)
    held = load(None, SECRETS | {"CREDENTIALS_DIRECTORY": str(place)})
    assert held.settings.signl4.api_key is not None
    assert held.settings.signl4.api_key.reveal() == "the-key"
    (place / "signl4.api_key").chmod(0o600)
    (place / "signl4.api_key").write_text("\n")
    assert load(None, SECRETS | {"CREDENTIALS_DIRECTORY": str(place)}).settings.signl4.api_key is None
