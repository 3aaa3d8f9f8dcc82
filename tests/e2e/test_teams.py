"""The real process with a second team: its own alarms go there, and it holds up nothing at the first."""

import signal
from typing import Any

import pytest

from daemon.sandbox import mishaps
from daemon.sandbox.server import Sandbox
from tests.e2e.conftest import Operator

NIGHT: dict[str, Any] = {"SIGNL4__TEAMS__NIGHT__SECRET": "night1", "ALARM__TEAM": "night", "ALARM__POLL_AFTER": "1s"}


@pytest.fixture
def teams(sandbox: Sandbox) -> Sandbox:
    sandbox.signl4.teams = {"night1": "night"}
    return sandbox


def told(sandbox: Sandbox) -> list[tuple[str, str]]:
    """Team and kind of each event, in order."""
    return [(event.team, str(event.kind)) for event in sandbox.signl4.events]


def test_incidents_go_to_the_first_and_alarms_to_the_one_that_is_named(operator: Operator, teams: Sandbox) -> None:
    daemon = operator.run(**NIGHT)
    teams.world.open("Shop front page")
    daemon.wait_for(lambda: ("default", "new") in told(teams), "the alert")
    teams.betterstack.faults.arm(mishaps.status(500))
    daemon.wait_for(lambda: ("night", "new") in told(teams), "the alarm")
    teams.betterstack.faults.clear()
    daemon.wait_for(lambda: ("night", "resolved") in told(teams), "its end")
    assert told(teams) == [("default", "new"), ("night", "new"), ("night", "resolved")]


def test_a_wrong_secret_of_one_team_is_told_and_the_other_goes_on(operator: Operator, teams: Sandbox) -> None:
    teams.signl4.teams = {}
    daemon = operator.run(**NIGHT)
    teams.betterstack.faults.arm(mishaps.status(500))
    daemon.wait_for(lambda: daemon.says("check signl4.teams.night.secret"), "the refusal")
    teams.betterstack.faults.clear()
    teams.world.open("Shop front page")
    daemon.wait_for(lambda: ("default", "new") in told(teams), "the alert")
    said = operator.ask("status", **NIGHT)
    assert "SIGNL4 refuses the secret of team night since " in said.stdout
    teams.signl4.teams = {"night1": "night"}
    # A reload tries refused secrets at once.
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_for(lambda: ("night", "new") in told(teams), "the alarm")
