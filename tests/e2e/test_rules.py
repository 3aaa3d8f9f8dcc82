"""Rules and the real process: the full example of the README as it stands, and how rules and silences come and go."""

import json
import signal
from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from daemon.model.alarm import FLAP
from daemon.sandbox.context import Context, wall_clock
from daemon.sandbox.server import Sandbox
from tests.e2e.clockwork import SET
from tests.e2e.conftest import Daemon, Operator, WorldTime, clockwork
from tests.support.paths import ROOT

EXAMPLE = (ROOT / "README.md").read_text("utf-8").split("<!-- a test runs this -->\n```toml\n")[1].split("```")[0]
TEAMS = {"its-own-secret": "database", "another-secret": "night"}
BERLIN = ZoneInfo("Europe/Berlin")
# Wednesdays, and none of them a patch day.
NOON, NIGHT = datetime(2027, 3, 3, 12, tzinfo=BERLIN), datetime(2027, 3, 3, 23, tzinfo=BERLIN)
NIGHTS = """
[signl4.teams.night]
secret = "another-secret"

[[route]]
match = { name = "*" }
teams = ["night"]
"""

MAINTENANCE = """
[[maintenance]]
name = "all day"
times = "Mon-Sun"
zone = "UTC"
"""
FLAPPING = """
[[route]]
name = "flappy"
flap = { count = 2, within = "10m" }
"""


@pytest.fixture
def world_time() -> WorldTime:
    return WorldTime()


@pytest.fixture
def sandbox(world_time: WorldTime) -> Iterator[Sandbox]:
    with Sandbox(context=Context(now=world_time), event_limit=10**6, faulty_limit=None) as sandbox:
        sandbox.signl4.teams = TEAMS
        yield sandbox


def told(operator: Operator, incident: str) -> list[tuple[str, str]]:
    """Team and kind of each event of the incident; those of different teams come in any order."""
    return sorted((event.team, event.kind) for event in operator.events if event.external_id == incident)


def configure(operator: Operator, text: str) -> None:
    (operator.directory / "config.toml").write_text(text)


def reload(daemon: Daemon, said: str) -> str:
    """Asks for it. The line of the log that says what became of it."""
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_for(lambda: daemon.says(said), said)
    return next(line for line in daemon.lines if said in line)


@pytest.mark.parametrize(("local", "at_night"), [(NOON, False), (NIGHT, True)])
def test_the_full_example_of_the_readme_tells_whom_it_says(
    operator: Operator, sandbox: Sandbox, world_time: WorldTime, local: datetime, at_night: bool
) -> None:
    world_time.ahead = local - wall_clock()
    configure(operator, EXAMPLE)
    program = clockwork(world_time.ahead.total_seconds())
    daemon = operator.run(program=program)
    test = [{"type": "String", "value": "staging"}]
    unheard = sandbox.world.open("Shop", metadata={"Environment": test}, call=True)
    database = sandbox.world.open("db-1", cause="Disk full")
    slow = sandbox.world.open("db-2", cause="A slow query", call=False)
    serious = sandbox.world.open("Checkout", call=True)
    both = [("default", "new"), ("night", "new")]
    daemon.wait_for(lambda: told(operator, serious) == (both if at_night else both[:1]), "what is serious")
    daemon.wait_for(lambda: told(operator, slow) == both[:1], "all else")
    daemon.wait_for(lambda: daemon.says("held by a rule"), "the hold")

    listed = {row["id"]: row for row in json.loads(operator.ask("incidents", "--json", program=program).stdout)}
    assert (listed[unheard]["told"], listed[unheard]["silent_because"]) == (
        False,
        'route "test systems" has action = "record"',
    )
    story = operator.ask("why", database, "--utc", program=program).stdout
    assert 'held: not open for 2m yet (min_age of route "databases")' in story
    assert "it is looked at again at 03-03 " in story

    # Time passes for the whole world, and nobody has to wait.
    world_time.ahead += timedelta(minutes=3)
    daemon.command("now 180")
    daemon.wait_for(lambda: daemon.says(SET), "the clock")
    daemon.wait_for(lambda: told(operator, database) == [("database", "new")], "the database")
    [event] = [event for event in operator.events if event.external_id == database]
    wanted = {"X-S4-Service": "Databases", "X-S4-AlertingScenario": "multi_ack"}
    assert event.payload.items() >= {"Runbook": "https://wiki.example.com/db", **wanted}.items()
    for incident in (unheard, database, slow, serious):
        sandbox.world.resolve(incident)
    daemon.wait_for(lambda: told(operator, database) == [("database", "new"), ("database", "resolved")], "its end")
    ends = [(team, "resolved") for team, _ in told(operator, serious)]
    daemon.wait_for(lambda: [one for one in told(operator, serious) if one[1] == "resolved"] == ends, "the others")
    assert told(operator, unheard) == []


def test_a_silence_holds_what_opens_until_it_is_expired(operator: Operator, sandbox: Sandbox) -> None:
    daemon = operator.run()
    shop = sandbox.world.open("Shop")
    daemon.wait_for(lambda: operator.told(shop), "the first round")
    made = operator.ask("silence", "add", "--match", "name=db-*", "--for", "2h", "--comment", "new disks")
    assert (made.returncode, made.stderr) == (0, "")
    over, still = sandbox.world.open("db-1"), sandbox.world.open("db-2")
    daemon.wait_for(lambda: sum("silence 1 (new disks)" in line for line in daemon.lines) >= 2, "both are held")
    for incident in (over, shop):
        sandbox.world.resolve(incident)
    daemon.wait_for(lambda: operator.told(shop) == ["new", "resolved"], "the end of what was told before")
    ended = f'"incident": "{over}", "kind": "resolved"'
    daemon.wait_for(lambda: daemon.says(ended), "the record of what nobody is told of")
    assert operator.ask("silence", "expire", "1").returncode == 0
    daemon.wait_for(lambda: operator.told(still) == ["new"], "what is still open")
    assert operator.told(over) == []
    assert "over while held: silence 1 (new disks)" in operator.ask("why", over).stdout


def test_a_new_route_counts_for_what_opens_after_the_reload(operator: Operator, sandbox: Sandbox) -> None:
    daemon = operator.run()
    before = sandbox.world.open("Shop")
    daemon.wait_for(lambda: told(operator, before) == [("default", "new")], "the first alert")
    configure(operator, NIGHTS)
    reload(daemon, "configuration reloaded")
    after = sandbox.world.open("Shop")
    sandbox.world.resolve(before)
    daemon.wait_for(lambda: told(operator, after) == [("night", "new")], "the second one")
    daemon.wait_for(lambda: len(told(operator, before)) == 2, "the end of the first")
    assert told(operator, before) == [("default", "new"), ("default", "resolved")]


def test_a_bad_rule_is_refused_with_its_mend_and_the_rules_before_stay(operator: Operator, sandbox: Sandbox) -> None:
    configure(operator, NIGHTS)
    daemon = operator.run()
    first = sandbox.world.open("Shop")
    daemon.wait_for(lambda: told(operator, first) == [("night", "new")], "the first alert")
    configure(operator, NIGHTS.replace("{ name", "{ nam"))
    said = reload(daemon, "the new configuration is refused")
    assert "match.nam is not a known key; the nearest is match.name" in said
    second = sandbox.world.open("Shop")
    daemon.wait_for(lambda: told(operator, second) == [("night", "new")], "the second one")


def test_what_the_rules_would_do_and_what_they_did(operator: Operator, sandbox: Sandbox) -> None:
    configure(operator, NIGHTS.replace('"*"', '"Shop*"'))
    shop, mail = sandbox.world.open("Shop"), sandbox.world.open("Mail")
    reasons = {
        shop: ['route "1" matches'],
        mail: ["no route matches, so team default is told", 'route "1" does not match: name is "Mail", not "Shop*"'],
    }
    for incident, team in ((shop, "night"), (mail, "default")):
        tried = operator.ask("route", "test", incident)
        assert tried.stdout.splitlines() == [*reasons[incident], f"team {team} would be told"]
    assert sandbox.signl4.requests == ()
    assert operator.ask("once").returncode == 0
    for incident, team in ((shop, "night"), (mail, "default")):
        assert told(operator, incident) == [(team, "new")]
        story = operator.ask("why", incident).stdout
        for sentence in (*reasons[incident], f"new to team {team}: accepted by SIGNL4"):
            assert sentence in story


def test_maintenance_holds_what_opens_until_it_is_taken_away(operator: Operator, sandbox: Sandbox) -> None:
    configure(operator, MAINTENANCE)
    daemon = operator.run()
    over, still = sandbox.world.open("db-1"), sandbox.world.open("db-2")
    daemon.wait_for(lambda: sum("held by a rule" in line for line in daemon.lines) >= 2, "both are held")
    sandbox.world.resolve(over)
    ended = f'"incident": "{over}", "kind": "resolved"'
    daemon.wait_for(lambda: daemon.says(ended), "the record of what nobody is told of")
    configure(operator, "")
    reload(daemon, "configuration reloaded")
    daemon.wait_for(lambda: operator.told(still) == ["new"], "what is still open")
    assert operator.told(over) == []
    assert 'over while held: maintenance "all day"' in operator.ask("why", over).stdout


def test_what_flaps_has_one_alert_until_nothing_watches_it(operator: Operator, sandbox: Sandbox) -> None:
    def flapping() -> list[str]:
        return [str(event.kind) for event in operator.events if event.external_id.startswith(FLAP)]

    configure(operator, FLAPPING)
    daemon = operator.run()
    first = sandbox.world.open("Shop")
    daemon.wait_for(lambda: operator.told(first) == ["new"], "the first opening")
    sandbox.world.resolve(first)
    daemon.wait_for(lambda: operator.told(first) == ["new", "resolved"], "its end")
    second = sandbox.world.open("Shop")
    daemon.wait_for(lambda: flapping() == ["new"], "the alert that it flaps")
    daemon.wait_for(lambda: daemon.says("held by a rule"), "the hold of the second opening")
    assert operator.told(second) == []
    configure(operator, "")
    reload(daemon, "configuration reloaded")
    daemon.wait_for(lambda: operator.told(second) == ["new"], "the second opening")
    daemon.wait_for(lambda: flapping() == ["new", "resolved"], "the end of that alert")
