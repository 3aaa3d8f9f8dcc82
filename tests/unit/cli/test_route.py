"""`route test`: who would be told of an incident, and why. Nothing is recorded, and nothing is sent."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from daemon.host.clock import utc_now
from daemon.model.silence import Silence
from daemon.sandbox.server import Sandbox
from daemon.storage import silences
from tests.support.each import each
from tests.support.outbox import dump
from tests.support.store import Store
from tests.support.terminal import SECRETS, assert_sentence, command
from tests.support.values import record

RULES = """
[signl4.teams.dba]
secret = "another-secret"

[[route]]
name = "tests"
match = { metadata.Environment = "test" }
action = "record"

[[route]]
name = "databases"
match = { name = "db-*" }
teams = ["dba"]
continue = true
min_age = "2m"
service = "Databases"
payload.new = { Runbook = "https://wiki.example.com/$NAME" }

[[route]]
name = "slow"
match = { cause = "*slow*" }
teams = ["dba", "default"]
"""
MAINTENANCE = """
[[maintenance]]
name = "for ever"
match = { name = "shop" }
times = ["Mon-Sun"]
zone = "UTC"
"""


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    configure(RULES)


def configure(text: str) -> None:
    Path("config.toml").write_text(text)
    Path("config.toml").chmod(0o600)


def tried(database: Path = Path("none.db"), options: str = "", **attributes: Any) -> str:
    """What is said of an incident in a file."""
    given = {"name": "shop", "started_at": datetime.now(UTC) - timedelta(hours=1), **attributes}
    Path("one.json").write_text(json.dumps(record("7", **given)))
    said = command(database, f"route test one.json --utc {options}", **SECRETS)
    assert (said.exit_code, said.stderr) == (0, "")
    return said.stdout


MISSED = {
    "tests": 'route "tests" does not match: metadata.Environment is empty, not "test"',
    "databases": 'route "databases" does not match: name is "shop", not "db-*"',
    "slow": 'route "slow" does not match: cause is "Status 503", not "*slow*"',
}
TO_DBA, TO_DEFAULT = "team dba would be told", "team default would be told"
DATABASE = ['route "databases" matches', MISSED["tests"]]


@each(
    ("incident", "lines"),
    [
        ({}, ["no route matches, so team default is told", *MISSED.values(), TO_DEFAULT]),
        (
            {"cause": "a slow query"},
            ['route "slow" matches', MISSED["tests"], MISSED["databases"], TO_DBA, TO_DEFAULT],
        ),
        ({"name": "DB-1"}, [*DATABASE, TO_DBA]),
        (
            {"name": "db-1", "cause": "slow"},
            ['route "databases" matches', 'route "slow" matches', MISSED["tests"], TO_DBA, TO_DEFAULT],
        ),
        (
            {"metadata": {"Environment": [{"type": "String", "value": "test"}]}},
            ['route "tests" matches', 'nobody would be told: route "tests" has action = "record"'],
        ),
    ],
)
def test_the_routes_that_match_and_those_before_them_are_named(incident: dict[str, Any], lines: list[str]) -> None:
    assert tried(**incident).splitlines() == lines


def test_without_routes_the_first_team_is_told() -> None:
    configure("")
    assert tried().splitlines() == ["there are no routes, so team default is told", TO_DEFAULT]


def test_what_is_younger_than_min_age_would_be_held() -> None:
    [*_, last] = tried(name="db-1", started_at=datetime.now(UTC)).splitlines()
    assert last.startswith(f"{TO_DBA} at ")
    assert last.endswith(', held until then: not open for 2m yet (min_age of route "databases")')


def test_maintenance_would_hold_it() -> None:
    configure(RULES + MAINTENANCE)
    [*_, last] = tried().splitlines()
    assert last.endswith(', held until then: maintenance "for ever"')


def test_a_silence_of_the_database_would_hold_it_and_nothing_is_recorded(
    database: Path, store: Store, engine: Engine
) -> None:
    now = utc_now()
    silences.add(engine, Silence(0, {"name": "shop"}, now, now + timedelta(hours=2), "new disks", "ada", now))
    before = dump(database)
    [*_, last] = tried(database).splitlines()
    assert last.startswith(f"{TO_DEFAULT} at ")
    assert last.endswith(" (in 1 h 59 min), held until then: silence 1 (new disks)")
    assert "held" not in tried(database, name="other")
    assert dump(database) == before


def test_for_programs_it_is_an_object() -> None:
    found = json.loads(tried(options="--json", name="db-1", started_at=datetime.now(UTC)))
    [told] = found.pop("told")
    until, body = datetime.fromisoformat(told.pop("held_until")), told.pop("body")
    assert timedelta(seconds=60) < until - utc_now() <= timedelta(minutes=2)
    assert body.items() >= {"Runbook": "https://wiki.example.com/db-1", "X-S4-Service": "Databases"}.items()
    why = 'not open for 2m yet (min_age of route "databases")'
    assert told == {"team": "dba", "route": "databases", "held_because": why}
    facts = found.pop("facts")
    assert (facts["name"], facts["cause"]) == (["db-1"], ["Status 503"])
    assert found == {"incident_id": "7", "reasons": DATABASE, "nobody_because": None}


def test_an_incident_at_better_stack_is_meant_by_its_id_and_nobody_is_told(sandbox: Sandbox) -> None:
    incident = sandbox.world.open("db-1")
    said = command(Path("none.db"), f"route test {incident} --json", **sandbox.environment())
    assert [told["team"] for told in json.loads(said.stdout)["told"]] == ["dba"]
    assert sandbox.signl4.requests == ()
    assert not Path("none.db").exists()


@each(
    ("line", "code", "part"),
    [
        ("route test none.json", 1, "none.json cannot be read (No such file or directory); "),
        ("--config nowhere.toml route test one.json", 78, "nowhere.toml cannot be read "),
    ],
)
def test_what_cannot_be_tried_is_a_sentence(line: str, code: int, part: str) -> None:
    said = command(Path("none.db"), line, **SECRETS)
    assert (said.exit_code, said.stdout) == (code, "")
    assert_sentence(said.stderr, part)


def test_a_body_for_an_incident_is_that_of_its_route() -> None:
    Path("one.json").write_text(json.dumps(record("7", name="db-1")))
    said = command(Path("none.db"), "check --template new --incident one.json", **SECRETS)
    body = json.loads(said.stdout)
    assert (body["Runbook"], body["X-S4-Service"]) == ("https://wiki.example.com/db-1", "Databases")
    ended = json.loads(command(Path("none.db"), "check --template resolved --incident one.json", **SECRETS).stdout)
    assert ended.keys().isdisjoint({"Runbook", "X-S4-Service"})


def test_the_settings_in_force_end_with_the_rules_and_check_warns_of_them() -> None:
    said = command(Path("none.db"), "check --show", **SECRETS).stdout
    listed = said[said.index("[[route]]") :]
    assert 'name = "databases"\nmatch = {"name" = "db-*"}\nteams = ["dba"]\ncontinue = true\n' in listed
    assert "\nwarning: an incident that no route matches goes to team default; " in listed
