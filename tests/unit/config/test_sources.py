"""`[source.NAME]`: a table for each further account, from each source of settings, and what can be wrong with it."""

from datetime import timedelta
from pathlib import Path

import pytest

from daemon.config.configuration import differences
from daemon.config.in_force import listed
from daemon.config.load import load
from daemon.config.settings import Settings, is_secret
from daemon.model.errors import ConfigError
from tests.support.each import each
from tests.support.values import settings

UNNAMED = {"BETTERSTACK__TOKEN": "the-token"}
SECRET = {"SIGNL4__SECRET": "hunter1"}
ACME = '[source.acme]\ntoken = "hunter2"\n'


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(text: str, environ: dict[str, str] | None = None) -> Settings:
    Path("config.toml").write_text(text)
    return load(None, SECRET | (environ or {})).settings


def problems(text: str, environ: dict[str, str] | None = None) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        written(text, environ)
    return caught.value.problems


@pytest.mark.parametrize("source", ["file", "credential", "environment"])
def test_each_source_can_give_one(place: Path, source: str) -> None:
    environ: dict[str, str] = {}
    match source:
        case "file":
            Path("config.toml").write_text(ACME)
        case "credential":
            (place / "credentials").mkdir()
            (place / "credentials" / "source.acme.token").write_text("hunter2\n")
            environ = {"CREDENTIALS_DIRECTORY": str(place / "credentials")}
        case "environment":
            environ = {"SOURCE__ACME__TOKEN": "hunter2", "SOURCE__ACME__INTERVAL": "1m"}
    found = load(None, SECRET | UNNAMED | environ).settings
    assert {name: one.token.reveal() for name, one in found.source.items()} == {"acme": "hunter2"}
    assert found.polled == {"": None, "acme": timedelta(minutes=1) if source == "environment" else None}


def test_with_one_the_token_of_betterstack_may_be_left_out() -> None:
    assert written(ACME).polled == {"acme": None}
    assert not written(ACME).betterstack.is_polled
    [said] = problems("")
    assert said.startswith("betterstack.token is missing; set BETTERSTACK__TOKEN in the environment")


def test_what_is_said_of_an_account_that_is_not_polled_does_nothing() -> None:
    Path("config.toml").write_text(f'[betterstack]\nteam_name = "Operations"\n{ACME}')
    found = load(None, SECRET)
    said = "betterstack.team_name does nothing without betterstack.token; give that, or leave team_name out"
    assert said in found.warnings
    [typed] = problems(f'[betterstack]\ntokne = "hunter3"\n{ACME}')
    assert typed.startswith("betterstack.tokne is not a known key")


def test_its_pace_is_that_of_poll_unless_it_has_one_of_its_own() -> None:
    poll = '[poll]\ninterval = "1m"\nactive_interval = "20s"\n'
    paces = {"": ("1m", "20s"), 'interval = "10s"\n': ("10s", "10s"), 'active_interval = "5s"\n': ("1m", "5s")}
    for own, (interval, active) in paces.items():
        found = written(f"{poll}{ACME}{own}").of("acme").poll
        spelled = [f"{one.total_seconds():g}s" for one in (found.interval, found.active_interval)]
        assert spelled == [one.replace("1m", "60s") for one in (interval, active)], own


def test_for_its_rounds_it_is_in_the_place_of_betterstack() -> None:
    own = 'team_name = "Shop"\ndashboard_url = "https://uptime.betterstack.com/team/t7"\nteam = "default"\n'
    found = written(f"{ACME}{own}", UNNAMED)
    seen = found.of("acme")
    assert (seen.betterstack, seen.source) == (found.source["acme"], {})
    assert found.of("") is found


MISTAKES = {
    '[source.acme]\nteam = "default"\n': "source.acme.token is missing; set SOURCE__ACME__TOKEN in the environment",
    f'{ACME}colour = "red"\n': "source.acme.colour is not a known key; the keys of [source.acme] are token",
    f'{ACME}intervall = "1m"\n': "source.acme.intervall is not a known key; the nearest is source.acme.interval",
    f'{ACME}team = "night"\n': "source.acme.team ('night') is no team; take one of default, or add [signl4.",
    f'{ACME}interval = "10s"\nactive_interval = "20s"\n': "source.acme.active_interval (20s) is longer than its",
    f'{ACME}interval = "0s"\n': "source.acme.interval ('0s')",
    f'{ACME}[source.globex]\ntoken = "hunter2"\n': "source.globex.token is that of [source.acme], and would see",
    '[source."a b"]\ntoken = "hunter2"\n': "is no name of a source; take up to 40 letters, digits, - and _",
    '[source]\nacme = "hunter2"\n': "source.acme must be a table; write it as [source.acme] with its keys below",
    'source = "hunter2"\n': "source must be a table; write it as [source.NAME] with its keys below",
    f"[monitors]\nenabled = true\n{ACME}": "[monitors] looks at the account of [betterstack], which has no token",
    '[sources.acme]\ntoken = "hunter2"\n[betterstack]\ntoken = "x1"\n': "the nearest is [source.NAME]",
}


@each("text", MISTAKES)
def test_a_mistake_is_a_sentence_that_shows_no_token(text: str) -> None:
    said = problems(text)
    assert len(said) == 1, said
    assert MISTAKES[text] in said[0]
    assert "hunter2" not in said[0]


def test_what_stands_in_place_of_an_account_may_be_its_token() -> None:
    keys = ("source", "source.acme", "source.acme.token", "source.acme.team", "source.acme.base_url")
    assert [key for key in keys if is_secret(key)] == ["source", "source.acme", "source.acme.token"]


def test_a_global_token_may_be_given_to_several_each_with_a_team_of_its_own() -> None:
    found = written(f'{ACME}team_name = "Shop"\n[source.globex]\ntoken = "hunter2"\nteam_name = "Mail"\n')
    assert list(found.polled) == ["acme", "globex"]


def test_what_is_in_force_names_each_key_and_hides_the_token() -> None:
    Path("config.toml").write_text(ACME)
    found = load(None, SECRET | {"SOURCE__ACME__INTERVAL": "1m"})
    lines = list(listed(found.settings, found.origins))
    assert 'source.acme.token = "***"  # file config.toml' in lines
    assert 'source.acme.interval = "1m"  # environment variable SOURCE__ACME__INTERVAL' in lines
    assert "# betterstack.token is not set" in lines


def test_a_change_of_one_is_told_by_its_name() -> None:
    none, one, other = (
        settings(),
        settings(source={"acme": {"token": "hunter2"}}),
        settings(source={"acme": {"token": "hunter3"}}),
    )
    assert differences(none, one) == ["source.acme added"]
    assert differences(one, other) == ["source.acme changed"]
    assert differences(one, none) == ["source.acme removed"]


def test_every_token_is_one_that_no_log_shows() -> None:
    assert {"the-token", "hunter2"} <= set(written(ACME, UNNAMED).secrets())
    assert "" not in written(ACME).secrets()


def test_a_file_that_holds_one_and_that_everybody_can_read_is_warned_of() -> None:
    Path("config.toml").write_text(ACME)
    Path("config.toml").chmod(0o644)
    assert any(
        "config.toml holds a secret and everybody on this machine can read it" in one
        for one in load(None, SECRET).warnings
    )


def test_without_access_to_secrets_it_is_known_what_there_is() -> None:
    Path("config.toml").write_text('[source.acme]\nteam = "default"\n[source.globex]\n')
    assert {"acme", "globex"} <= load(None, {}, offline=True).settings.polled.keys()
