"""The settings in force: each with its value and where it comes from, without a secret."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.config.in_force import listed
from daemon.config.load import load
from daemon.config.settings import KEYS, Settings
from daemon.config.validate import validated
from tests.support.values import settings

SECRETS = {"BETTERSTACK__TOKEN": "hunter2-token", "SIGNL4__SECRET": "hunter2-secret"}


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def by_key(lines: list[str]) -> dict[str, str]:
    """The lines by their key."""
    return {line.removeprefix("# ").split(" ")[0]: line for line in lines}


def test_every_key_is_listed_once_in_order() -> None:
    of_teams = ["signl4.teams.night.secret", "signl4.teams.night.account"]
    expected = [name for key in KEYS for name in (of_teams if key == "signl4.teams" else [key])]
    assert list(by_key(list(listed(settings(signl4={"teams": {"night": {"secret": "one"}}}), {})))) == expected


def test_each_says_where_it_comes_from(place: Path) -> None:
    (place / "config.toml").write_text("[poll]\ninterval = '40s'\nsweep_interval = '4m'\ngone_after = '4m'\n")
    credentials = place / "credentials"
    credentials.mkdir()
    (credentials / "signl4.secret").write_text("hunter2\n")
    (credentials / "poll.sweep_interval").write_text("5m")
    (credentials / "poll.gone_after").write_text("5m")
    (credentials / "http.proxy").write_text(" ")
    environ = {
        "BETTERSTACK__TOKEN": "hunter2-token",
        "poll__gone_after": "6m",
        "LOG__LEVEL": "",
        "CREDENTIALS_DIRECTORY": str(credentials),
    }
    read = load(None, environ)
    lines = by_key(list(listed(read.settings, read.origins)))
    assert lines["betterstack.token"] == 'betterstack.token = "***"  # environment variable BETTERSTACK__TOKEN'
    assert lines["signl4.secret"] == f'signl4.secret = "***"  # credential file {credentials}/signl4.secret'
    assert lines["poll.interval"] == 'poll.interval = "40s"  # file config.toml'
    assert (
        lines["poll.sweep_interval"]
        == f'poll.sweep_interval = "5m"  # credential file {credentials}/poll.sweep_interval'
    )
    assert lines["poll.gone_after"] == 'poll.gone_after = "6m"  # environment variable POLL__GONE_AFTER'
    assert lines["log.level"] == 'log.level = "info"  # default'
    assert lines["http.proxy"] == "# http.proxy is not set"
    assert lines["delivery.concurrency"] == "delivery.concurrency = 4  # default"
    assert lines["delivery.acknowledged"] == "delivery.acknowledged = true  # default"


def test_secrets_are_masked() -> None:
    held = settings(
        betterstack={"token": "hunter2-token"},
        signl4={"secret": "hunter2-secret"},
        http={"proxy": "http://jane:hunter2@one.test:3128"},
        heartbeat={"urls": ["https://one.test/hunter2", "https://two.test/hunter2"]},
    )
    lines = by_key(list(listed(held, {})))
    assert "hunter2" not in "".join(lines.values())
    assert lines["heartbeat.urls"] == 'heartbeat.urls = ["***", "***"]  # default'
    assert lines["http.proxy"] == 'http.proxy = "***"  # default'


RULES = r"""
[signl4.teams.night]
secret = "another-secret"

[[route]]
match.name = ["db-*", "/^a\\d/"]
match.metadata.Region = { not = "eu" }
match.call = true
match.times = ["Fri-Sun 22:00-06:00", "Mon"]
match.zone = "UTC"
teams = ["night", "default"]
continue = true
service = 'The "night"'
scenario = "multi_ack"
location = "52.52,13.40"
filtering = false
acknowledged = false
payload.new = { Runbook = "$URL" }
payload.resolved = { Text = "over" }
min_age = "90s"
flap = { count = 3, within = "30m" }

[[route]]
name = "quiet"
match = { cause = "*" }
action = "ignore"

[[route]]

[[maintenance]]
name = "night"
match = { source_id = 77 }
times = "02:00-03:30"
zone = "Europe/Berlin"
comment = "backup"

[[maintenance]]
name = "patch day"
rrule = "FREQ=MONTHLY;BYDAY=2TU;COUNT=9"
start = 2026-12-08T20:00:00
duration = "3h"
zone = "Europe/Berlin"
"""


def read_back(lines: list[str]) -> Settings:
    """What a file with these lines means, and with the secrets that they mask."""
    document = tomllib.loads("\n".join(lines))
    document["betterstack"]["token"] = "a-token-of-better-stack"
    document["signl4"]["secret"] = "96sbq49u"
    for table in document["signl4"].get("teams", {}).values():
        table["secret"] = "another-secret"
    return validated(document, {})


def test_rules_are_listed_with_their_origin_and_can_be_read_back() -> None:
    held = settings(**tomllib.loads(RULES))
    lines = list(listed(held, {"route": "file config.toml", "maintenance": "file config.toml"}))
    assert read_back(lines) == held
    assert "another-secret" not in "".join(lines)
    # What a route does not set is not there.
    assert "\n".join(lines).endswith(
        """
[[route]]  # file config.toml
name = "3"

[[maintenance]]  # file config.toml
name = "night"
match = {"source_id" = "77"}
times = ["Mon-Sun 02:00-03:30"]
zone = "Europe/Berlin"
comment = "backup"

[[maintenance]]  # file config.toml
name = "patch day"
rrule = "FREQ=MONTHLY;BYDAY=2TU;COUNT=9"
start = 2026-12-08T20:00:00
duration = "3h"
zone = "Europe/Berlin\""""
    )


def test_the_origin_of_rules_is_the_file(place: Path) -> None:
    (place / "config.toml").write_text(RULES.replace("another-secret", "hunter2"))
    read = load(None, SECRETS)
    assert [line for line in listed(read.settings, read.origins) if line.startswith("[[")] == [
        *["[[route]]  # file config.toml"] * 3,
        *["[[maintenance]]  # file config.toml"] * 2,
    ]


TEXTS = st.text(st.characters(codec="utf-8"), max_size=10)
VALUES = st.recursive(
    TEXTS | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


@given(
    st.dictionaries(TEXTS, VALUES, max_size=3), TEXTS.filter(lambda name: name[:1] not in "\"'"), st.integers(1, 86400)
)
def test_what_is_listed_is_toml_that_means_the_same(body: dict[str, Any], team: str, seconds: int) -> None:
    held = settings(payload={"new": body}, betterstack={"team_name": team}, poll={"interval": seconds})
    assert read_back(list(listed(held, {}))) == held
