"""`why` beside the running daemon: an outage of SIGNL4, and what came after it."""

import json
from typing import Any

from daemon.sandbox.exchange import Answer
from daemon.sandbox.faults import Instead
from daemon.sandbox.server import Sandbox
from tests.e2e.conftest import Operator

QUICK: dict[str, Any] = {"POLL__INTERVAL": "1s", "POLL__ACTIVE_INTERVAL": "1s", "DELIVERY__GAP": "0s"}


def test_an_outage_of_signl4_is_in_the_story_and_what_happens_next_at_each_moment(
    operator: Operator, sandbox: Sandbox
) -> None:
    outage = sandbox.signl4.faults.arm(Instead(Answer(503)))
    incident = sandbox.world.open("Shop front page")
    slow = {**QUICK, "DELIVERY__RETRY_MIN": "4m", "DELIVERY__RETRY_MAX": "5m"}
    daemon = operator.run(**slow)
    daemon.wait_for(lambda: daemon.says("not delivered yet"), "the first attempt")
    waiting = operator.ask("why", incident, "--utc").stdout.splitlines()[-2:]
    assert waiting[0].startswith("next:  new to team default waits for SIGNL4 (SIGNL4 answered HTTP 503")
    assert waiting[0].endswith(" s)")
    assert waiting[1] == "next:  it is open, and its end is told at the next round that sees it"

    outage.release()
    operator.ask("retry", "1")
    daemon.wait_for(lambda: operator.told(incident) == ["new"], "the retry")
    sandbox.world.resolve(incident)
    daemon.wait_for(lambda: operator.told(incident) == ["new", "resolved"], "the end")
    daemon.wait_for(lambda: sum('"delivered"' in line for line in daemon.lines) == 2, "its record")
    story = json.loads(operator.ask("why", incident, "--json").stdout)
    assert [(line["what"], line["delivery_id"]) for line in story["happened"] if line["what"] != "routed"] == [
        ("began", None),
        ("seen", None),
        ("attempt", 1),
        ("retried", 1),
        ("attempt", 1),
        ("resolved", None),
        ("attempt", 2),
    ]
    said = [line["text"] for line in story["happened"] if line["what"] == "attempt"]
    assert "not accepted" in said[0]
    assert "HTTP 503" in said[0]
    for sentence, event in zip(said[1:], operator.events, strict=True):
        assert sentence.endswith(f"; event {event.event_id}")
    assert [step["text"] for step in story["next"]] == ["nothing: it is over, and SIGNL4 took all of it"]
