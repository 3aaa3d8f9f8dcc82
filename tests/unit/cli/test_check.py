"""`check` at a terminal: what it shows, and what it asks of whom."""

from pathlib import Path

import pytest

from daemon.sandbox.server import Sandbox
from tests.support.terminal import SECRETS, command


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "state.db"


def test_show_prints_each_setting_before_the_plan(database: Path) -> None:
    plain = command(database, "check", **SECRETS)
    said = command(database, "check --show", **SECRETS, POLL__INTERVAL="5s")
    assert (plain.exit_code, said.exit_code) == (0, 0)
    lines = said.stdout.splitlines()
    assert lines[0] == 'betterstack.token = "***"  # environment variable BETTERSTACK__TOKEN'
    assert 'poll.interval = "5s"  # environment variable POLL__INTERVAL' in lines
    assert 'poll.active_interval = "5s"  # default' in lines
    assert lines[-6:][0].startswith("configuration: no file, ")
    assert not [secret for secret in SECRETS.values() if secret in said.output]
    assert "poll.interval" not in plain.output


@pytest.mark.parametrize(
    ("line", "events", "requests"),
    [("check", 0, 0), ("check --online", 0, 1), ("check --online --secret", 1, 2), ("check --secret", 1, 2)],
)
def test_only_secret_sends_an_event_and_it_alerts_nobody(
    database: Path, sandbox: Sandbox, line: str, events: int, requests: int
) -> None:
    said = command(database, line, **sandbox.environment())
    assert said.exit_code == 0
    assert (len(sandbox.signl4.events), len(sandbox.signl4.requests), sandbox.signl4.alerts) == (events, requests, ())
    assert ("the secret works" in said.stdout) is bool(events)
    assert ("not proven: " in said.stdout) is (requests > 0)


def test_a_secret_that_signl4_does_not_know_is_1(database: Path, sandbox: Sandbox) -> None:
    said = command(database, "check --online --secret", **sandbox.environment() | {"SIGNL4__SECRET": "12345678"})
    assert said.exit_code == 1
    assert said.stderr.startswith("FAILED: SIGNL4: the secret is not proven: SIGNL4 answered HTTP 404 ")
    assert "12345678" not in said.output


def test_what_looks_like_a_placeholder_is_warned_of(database: Path) -> None:
    said = command(database, "check", **SECRETS, PAYLOAD__NEW='{"Title": "{{ name }}", "X": "$STATUS_PAGE"}')
    warnings = [line for line in said.stdout.splitlines() if line.startswith("warning: ")]
    unknown, foreign = warnings
    assert unknown.startswith("warning: payload.new has $STATUS_PAGE, which is no placeholder")
    assert foreign.startswith("warning: payload.new has {{ name }}, which is no placeholder")
    assert (unknown.split()[-1], foreign.split()[-1]) == ("$STATUS", "$NAME")


def test_what_the_key_does_not_reach_is_warned_of_and_the_key_is_not_shown(database: Path) -> None:
    teams = {"SIGNL4__TEAMS__WEB__SECRET": "web1", "SIGNL4__TEAMS__WEB__ACCOUNT": "other"}
    said = command(database, "check --show", **SECRETS, **teams, SIGNL4__API_KEY="a-key-of-signl4")
    lines = said.stdout.splitlines()
    assert 'signl4.api_key = "***"  # environment variable SIGNL4__API_KEY' in lines
    assert "asks SIGNL4 whether each new alert paged somebody" in lines
    assert [line for line in lines if line.startswith("warning: team web is of the account other, which ")]
    assert "a-key-of-signl4" not in said.output


def test_the_key_is_proven_online(database: Path, sandbox: Sandbox) -> None:
    said = command(database, "check --online", **sandbox.environment(), SIGNL4__API_KEY=sandbox.signl4.api.key)
    assert (said.exit_code, "SIGNL4's API key works (1 person)" in said.stdout.splitlines()) == (0, True)
    said = command(database, "check --online", **sandbox.environment(), SIGNL4__API_KEY="another-key")
    assert said.exit_code == 1
    assert said.stderr.startswith("FAILED: SIGNL4 refuses the API key: HTTP 401 ")
