"""What an operator decides about deliveries while the daemon runs, with the real program at both ends."""

import json
import signal
from typing import Any

import pytest

from daemon.sandbox.exchange import Answer, Request, json_answer
from daemon.sandbox.faults import Hang, Instead
from daemon.sandbox.server import Sandbox
from tests.e2e.conftest import Operator
from tests.support.slowness import SLOWNESS

QUICK: dict[str, Any] = {"POLL__INTERVAL": "1s", "POLL__ACTIVE_INTERVAL": "1s", "DELIVERY__GAP": "0s"}
REFUSAL = Instead(json_answer(400, {"message": "a field is missing"}))


def outbox(operator: Operator) -> list[dict[str, Any]]:
    """The deliveries, oldest first."""
    listed: list[dict[str, Any]] = json.loads(operator.ask("deliveries", "--json", "--limit", "0").stdout)
    return listed[::-1]


def problems(operator: Operator) -> list[str]:
    found: list[str] = json.loads(operator.ask("status", "--json").stdout)["problems"]
    return found


def of_incidents(request: Request) -> bool:
    return "alarm" not in request.external_id


def test_a_running_daemon_takes_up_what_is_retried_long_before_its_back_off_is_over(
    operator: Operator, sandbox: Sandbox
) -> None:
    fault = sandbox.signl4.faults.arm(Instead(Answer(500)))
    incident = sandbox.world.open("Shop")
    daemon = operator.run(**QUICK, DELIVERY__RETRY_MIN="4m", DELIVERY__RETRY_MAX="5m")
    daemon.wait_for(lambda: daemon.says("not delivered yet"), "the first attempt")
    fault.release()
    said = operator.ask("retry", "1", **QUICK)
    assert (said.returncode, said.stdout) == (0, "delivery 1 is due now\n")
    daemon.wait_for(lambda: operator.told(incident) == ["new"], "the retry")


def test_what_is_dropped_while_it_is_on_its_way_is_delivered_if_it_was_taken_and_its_end_is_told(
    operator: Operator, sandbox: Sandbox
) -> None:
    held = sandbox.signl4.faults.arm(Hang(taken=True), times=1)
    incident = sandbox.world.open("Shop")
    daemon = operator.run(**QUICK)
    daemon.wait_for(lambda: held.struck, "the request")
    said = operator.ask("drop", "1", "--yes")
    assert (said.returncode, said.stdout) == (0, "delivery 1 is dropped\n")
    held.release()
    daemon.wait_for(lambda: daemon.says("dropped on its way"), "the answer that is lost")
    sandbox.world.resolve(incident)
    daemon.wait_for(lambda: operator.told(incident) == ["new", "resolved"], "the end")
    daemon.wait_for(lambda: [row["state"] for row in outbox(operator)] == ["superseded", "delivered"], "the record")


def test_a_dead_alert_and_a_dead_alarm_leave_no_trace_in_health(operator: Operator, sandbox: Sandbox) -> None:
    """SIGNL4 refuses everything, then it is well: one is brought back, one is too late and given up."""
    fault = sandbox.signl4.faults.arm(REFUSAL)
    still_open, over = sandbox.world.open("Shop"), sandbox.world.open("Depot")
    daemon = operator.run(**QUICK)
    daemon.wait_for(lambda: sum("delivery dead" in line for line in daemon.lines) == 3, "two alerts and the alarm")
    fault.release()
    sandbox.world.resolve(over)
    daemon.wait_for(lambda: operator.told(over) == ["resolved"], "the end of one")
    [dead, late] = problems(operator)
    assert late.startswith("1 dead, and too late to be told; give up with: drop ")
    assert dead.endswith("bring back with: retry --dead")
    too_late = late.rpartition(" ")[2]
    revived = operator.ask("retry", "--dead")
    assert revived.returncode == 1
    assert f"to give it up: drop {too_late}" in revived.stderr
    assert operator.ask("drop", too_late, "--yes").returncode == 0
    daemon.wait_for(lambda: problems(operator) == [], "health")
    daemon.wait_for(lambda: operator.told(still_open) == ["new"], "the alert")
    assert "new" not in operator.told(over)
    assert daemon.stop(signal.SIGTERM, 20 * SLOWNESS) == 0


@pytest.mark.parametrize("attempted", [False, True])
def test_whoever_was_not_told_of_a_beginning_is_not_told_of_its_end(
    operator: Operator, sandbox: Sandbox, attempted: bool
) -> None:
    incident = sandbox.world.open("Shop")
    sandbox.signl4.faults.arm(Instead(Answer(503)), when=of_incidents)
    if attempted:
        operator.ask("once")
    else:
        # It is in the outbox behind another one that is on its way when the process is killed.
        sandbox.signl4.faults.clear()
        held = sandbox.signl4.faults.arm(Hang())
        sandbox.world.open("Depot")
        daemon = operator.run(**QUICK, DELIVERY__CONCURRENCY="1")
        daemon.wait_for(lambda: held.struck, "the one that is on its way")
        daemon.kill()
        incident = next(row["incident_id"] for row in outbox(operator) if not row["attempts"])
    sandbox.signl4.faults.clear()
    [row] = [row for row in outbox(operator) if row["incident_id"] == incident]
    assert bool(row["attempts"]) is attempted
    assert operator.ask("drop", str(row["id"]), "--yes").returncode == 0
    sandbox.world.resolve(incident)
    daemon = operator.run(**QUICK)
    daemon.wait_for(lambda: any(row["kind"] == "resolved" for row in outbox(operator)), "the end")
    daemon.wait_for(
        lambda: (
            {row["state"] for row in outbox(operator) if row["incident_id"] == incident}
            == ({"superseded", "delivered"} if attempted else {"superseded"})
        ),
        "what becomes of it",
    )
    assert operator.told(incident) == (["resolved"] if attempted else [])
