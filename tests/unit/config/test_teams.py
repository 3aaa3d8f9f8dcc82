"""`[signl4.teams.NAME]`: a table for each further team, from each source, and what can be wrong with it."""

from pathlib import Path

import pytest

from daemon.config.configuration import differences
from daemon.config.in_force import listed
from daemon.config.load import load
from daemon.model.destination import Destination
from daemon.model.errors import ConfigError
from tests.support.each import each
from tests.support.values import settings

SECRETS = {"BETTERSTACK__TOKEN": "the-token", "SIGNL4__SECRET": "hunter1"}
SIGNL4 = "https://connect.signl4.com"
NIGHT = '[signl4.teams.night]\nsecret = "hunter2"\n'


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def credentials(place: Path, **texts: str) -> dict[str, str]:
    """A directory of credentials; `_` in a name stands for a dot."""
    (place / "credentials").mkdir()
    for name, text in texts.items():
        (place / "credentials" / name.replace("_", ".")).write_text(text)
    return {"CREDENTIALS_DIRECTORY": str(place / "credentials")}


def teams(environ: dict[str, str]) -> dict[str, str]:
    """The secret of each team."""
    every = load(None, SECRETS | environ).settings.signl4.every_team()
    return {team.name: secret.reveal() for team, secret in every}


def test_without_any_there_is_the_team_of_the_one_secret() -> None:
    assert list(teams({})) == ["default"]


@pytest.mark.parametrize("source", ["file", "credential", "environment", "json"])
def test_each_source_can_give_one(place: Path, source: str) -> None:
    environ: dict[str, str] = {}
    match source:
        case "file":
            (place / "config.toml").write_text(NIGHT)
        case "credential":
            environ = credentials(place, signl4_teams_night_secret="hunter2\n")
        case "environment":
            environ = {"SIGNL4__TEAMS__NIGHT__SECRET": "hunter2"}
        case "json":
            environ = {"SIGNL4__TEAMS": '{"night": {"secret": "hunter2"}}'}
    assert teams(environ) == {"default": "hunter1", "night": "hunter2"}


def test_the_sources_meet_key_by_key(place: Path) -> None:
    (place / "config.toml").write_text(
        '[signl4.teams.night]\naccount = "other"\n[signl4.teams.day]\nsecret = "first"\n'
    )
    environ = credentials(place, signl4_teams_night_secret="hunter2", signl4_teams_day_secret="hunter3")
    found = load(None, SECRETS | environ | {"SIGNL4__TEAMS__DAY__SECRET": "hunter4"}).settings
    assert {team: secret.reveal() for team, secret in found.signl4.every_team()} == {
        Destination("default", SIGNL4): "hunter1",
        Destination("night", "other"): "hunter2",
        Destination("day", SIGNL4): "hunter4",
    }


WRONG = {
    "no secret": ("[signl4.teams.night]", "signl4.teams.night.secret is missing; set SIGNL4__TEAMS__NIGHT__SECRET in "),
    "no table": (
        "signl4.teams.night = 'hunter2'",
        "signl4.teams.night must be a table; write it as [signl4.teams.night] ",
    ),
    "no tables": (
        "signl4.teams = ['hunter2']",
        "signl4.teams must be a table; write it as [signl4.teams] with its keys",
    ),
    "an unknown key": (
        f"{NIGHT}acount = 'x'",
        "signl4.teams.night.acount is not a known key; the nearest is signl4.teams.",
    ),
    "a URL as secret": (NIGHT.replace("hunter2", "https://x/hunter2"), "signl4.teams.night.secret looks like a URL; "),
    "a number as secret": (
        "signl4.teams.night.secret = 12345678",
        "signl4.teams.night.secret should be a valid string; put ",
    ),
    "the name of the first": (
        NIGHT.replace("night", "default"),
        "signl4.teams.default is the name of the team of signl4.secret; ",
    ),
    "a name that is none": (
        NIGHT.replace("night", '"a team"'),
        "signl4.teams.a team is no name of a team; take up to 40 ",
    ),
    "a doubled secret": (
        NIGHT.replace("hunter2", "hunter1"),
        "signl4.teams.night.secret is the secret of team default, too, which would be told twice; ",
    ),
    "alarms to nobody": (
        'alarm.team = "nihgt"',
        "alarm.team ('nihgt') is no team; take one of default, or add [signl4.",
    ),
}


@each("what", WRONG)
def test_a_mistake_is_a_sentence_with_the_key_and_the_mend_and_without_the_secret(what: str) -> None:
    text, sentence = WRONG[what]
    Path("config.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(None, SECRETS)
    [problem] = caught.value.problems
    assert problem.startswith(sentence)
    assert not [secret for secret in ("hunter", "12345678") if secret in problem]


def test_commands_on_the_database_need_no_secret_of_a_team() -> None:
    Path("config.toml").write_text("[signl4.teams.night]\n[signl4.teams.day]\naccount = 'x'\n")
    assert list(load(None, {}, offline=True).settings.signl4.teams) == ["night", "day"]


def test_a_readable_file_with_the_secret_of_a_team_is_told_of() -> None:
    Path("config.toml").write_text(NIGHT)
    Path("config.toml").chmod(0o644)
    [warning] = load(None, SECRETS).warnings
    assert warning.startswith("config.toml holds a secret and everybody on this machine can read it")


def test_secrets_of_teams_are_redacted_and_masked() -> None:
    held = settings(signl4={"teams": {"night": {"secret": "hunter2"}}})
    assert "hunter2" in held.secrets()
    assert not [line for line in listed(held, {}) if "hunter2" in line]
    assert "hunter2" not in repr(held)


def test_a_change_of_a_team_is_told_without_its_secret() -> None:
    with_night = settings(signl4={"teams": {"night": {"secret": "hunter2"}}})
    assert differences(settings(), with_night) == ["signl4.teams changed"]
