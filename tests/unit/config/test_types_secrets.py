"""What stands in place of a secret is refused with the way to put it right, and never shown."""

from pathlib import Path
from string import ascii_letters, digits

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.config.load import load
from daemon.model.errors import ConfigError
from tests.support.each import each
from tests.support.values import mistake

QUOTES = "is in quotes, which are a part of it here, as docker's env files keep them; leave them out"
VARIABLE = "is the name of a variable, which nothing here replaces by its value; put the secret itself there"
EXAMPLE = "is the placeholder of an example; put your own there"
REFUSED = {
    QUOTES: ['"hunter2"', "'hunter2'", '"hunter2', "hunter2'", '""', '"', '"hunter 2"', "'hun'ter2'"],
    VARIABLE: [
        *("$SIGNL4_SECRET", "${SIGNL4_SECRET}", "$secret", "$(cat /run/hunter2)", "%SIGNL4_SECRET%", "{{ secret }}"),
        *("{{secret}}", "${{ secrets.SIGNL4 }}", "${SIGNL4_SECRET:-hunter2}"),
    ],
    EXAMPLE: [
        *("your-better-stack-api-token", "your-signl4-secret", "your token", "YOUR_TOKEN", "<token>", "<your token>"),
        *("changeme", "change-me", "CHANGE_ME", "xxxx", "XXXXXXXX", "***", "********", "..."),
    ],
}
KEYS = {"betterstack": "token", "signl4": "secret"}


@pytest.mark.parametrize("section", KEYS)
@each(("value", "problem"), [(value, problem) for problem, values in REFUSED.items() for value in values])
def test_what_is_no_secret_is_refused_with_the_mend(section: str, value: str, problem: str) -> None:
    assert mistake(section, KEYS[section], value) == problem


@pytest.mark.parametrize("section", KEYS)
@pytest.mark.parametrize("source", ["environment", "credential", "file"])
def test_from_whatever_source_it_comes_and_without_showing_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, section: str, source: str
) -> None:
    monkeypatch.chdir(tmp_path)
    key = f"{section}.{KEYS[section]}"
    environ = {"BETTERSTACK__TOKEN": "the-token", "SIGNL4__SECRET": "the-secret"}
    variable = key.upper().replace(".", "__")
    del environ[variable]
    if source == "environment":
        environ[variable] = '"hunter2"'
    elif source == "credential":
        (tmp_path / key).write_text('"hunter2"\n')
        environ["CREDENTIALS_DIRECTORY"] = str(tmp_path)
    else:
        (tmp_path / "config.toml").write_text(f"{key} = '\"hunter2\"'")
    with pytest.raises(ConfigError) as caught:
        load(None, environ)
    assert caught.value.problems == (f"{key} {QUOTES}",)


@pytest.mark.parametrize("section", KEYS)
@given(text=st.text(ascii_letters + digits, min_size=8, max_size=40))
def test_letters_and_digits_are_taken(section: str, text: str) -> None:
    lower = text.lower()
    assert mistake(section, KEYS[section], text) is None or lower == "changeme" or set(lower) == {"x"}


@pytest.mark.parametrize(
    "token", ["a$b", "a'b", 'a"b', "yourtoken", "youra-b", "x-1", "xxx", "a%b%c", "{a", "a...", "a<b>", "96sbq49u"]
)
def test_what_only_looks_a_little_like_it_is_taken(token: str) -> None:
    assert mistake("betterstack", "token", token) is None


@pytest.mark.parametrize("text", ['"Operations"', "'Operations'", '""'])
def test_a_team_or_an_external_id_in_quotes_would_match_nothing(text: str) -> None:
    """Both would be taken in silence otherwise: no incident of that team, alerts under ids that nobody expects."""
    assert mistake("betterstack", "team_name", text) == QUOTES
    assert mistake("signl4", "external_id", f"{text[0]}$INCIDENT_ID{text[0]}") == QUOTES


@pytest.mark.parametrize("name", ['The "A" team', "Ops'", '5"'])
def test_a_team_may_have_quotes_in_its_name(name: str) -> None:
    assert mistake("betterstack", "team_name", name) is None
