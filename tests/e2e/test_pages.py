"""The real process with an API key notices that SIGNL4 took an alert and paged nobody."""

from daemon.model.signl4 import EventStatus
from daemon.sandbox.server import Sandbox
from tests.e2e.conftest import KEY, Operator

ALARM = "betterstack-signl4-alarm-unpaged"
WHY = "no distribution rule of SIGNL4 applies to it; add one that does"


def test_what_paged_nobody_is_an_alarm_until_the_incident_is_over(operator: Operator, sandbox: Sandbox) -> None:
    daemon = operator.run(**KEY)
    account = sandbox.signl4.account
    account.instead_of_alert = lambda event: None if event.external_id == ALARM else EventStatus.NO_RULE
    incident_id = sandbox.world.open("Shop front page")

    def told(kind: str) -> bool:
        return any(event.external_id == ALARM and event.kind == kind for event in sandbox.signl4.events)

    daemon.wait_for(lambda: told("new"), "the alarm")
    assert daemon.says("nobody paged")
    said = operator.ask("status", **KEY)
    assert said.returncode == 1
    assert f"nobody was paged for incident {incident_id}: {WHY}" in said.stdout
    assert f"new to team default: not paged: {WHY}" in operator.ask("why", incident_id, **KEY).stdout
    assert operator.ask("reconcile", **KEY).stdout == "SIGNL4's alerts and the incidents here agree\n"
    sandbox.world.resolve(incident_id)
    daemon.wait_for(lambda: told("resolved"), "the end of the alarm")
    assert f"nobody was paged for incident {incident_id}" not in operator.ask("status", **KEY).stdout
